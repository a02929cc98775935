#!/usr/bin/env python3
"""The end: by a signal in the middle of load, by a time, by a reader who goes away. What was queued arrives or is
counted."""

import signal
import subprocess
import time
import unittest

import rig
from rig import Export


# The live line of each kind.
LINES = {'process.exec': 'process_exec', 'process.fork': 'process_fork', 'process.exit': 'process_exit',
         'tcp.connect': 'tcp_connect', 'tcp.accept': 'tcp_accept', 'tcp.connection': 'tcp_close'}


class Stop(rig.Case):
    def assert_whole(self, run, export):
        """What crossed the ring is in spans at the collector, or counted as lost."""
        self.assert_ledger(run)
        self.assertEqual(run.summary['lost'], 0)
        self.assertEqual(run.code, 0, run.log)
        traces = run.summary['exports']['traces']
        ended = sum(run.events[kind]['delivered'] for kind in ('process_exit', 'tcp_close'))
        self.assertEqual(traces['created'], ended)
        for name, numbers in run.summary['exports'].items():
            self.assertEqual(numbers['created'], numbers['exported'] + sum(numbers['lost'].values()), name)
        self.assertEqual(len(export.spans()), traces['exported'])
        self.assert_valid(export)

    def in_the_middle(self, run, cgroup, signo=signal.SIGTERM):
        """Stops RUN while CGROUP is at work: more came before, more would have come after."""
        with run:
            at_work = [cgroup.start('procs', 100_000, 4), cgroup.start('tcp', 10_000_000, 3, 5, 4)]
            time.sleep(0.5)
            run.stop(signo)
            self.assertEqual([process.poll() for process in at_work], [None, None])
            for process in at_work:
                process.kill()
                process.wait()
        time.sleep(0.05)

    def test_in_the_middle_of_load(self):
        """To a real Collector, by both signals, both transports; lines as well as spans."""
        rig.needs_collector()
        for name, args, signo in (('TERM', [], signal.SIGTERM), ('INT', [], signal.SIGINT),
                                  ('perf', ['--forbid', 'ringbuf'], signal.SIGTERM)):
            with self.subTest(name), rig.collector.Collector(self.folder / name) as peer:
                cgroup = self.cgroup(name)
                run = self.trace(cgroup, '--otlp-endpoint', peer.url, '--ring-size', '64MiB', '--queue-size', '256MiB',
                                 '--shutdown-timeout', '30s', *args)
                self.in_the_middle(run, cgroup, signo)
                self.assert_ledger(run)
                self.assertEqual(run.code, 0, run.log)
                lines = run.by_event()
                for event, kind in LINES.items():
                    self.assertEqual(lines[event], run.events[kind]['delivered'])
                    self.assertGreater(lines[event], 50)
                export = Export.of_collector(peer)
                self.assert_exported(run)
                self.assertEqual(len(export.spans()), lines['process.exit'] + lines['tcp.connection'])
                self.assert_valid(export)

    def test_many_stops(self):
        """The end races with events in flight on the other CPU: never one that is not accounted for."""
        cgroup, path = self.cgroup(), self.folder / 'otlp.jsonl'
        at_work = cgroup.start('procs', 1_000_000, 4)
        try:
            for i in range(12):
                with self.subTest(i):
                    with self.quiet(cgroup, '--otlp-file', path) as run:
                        time.sleep(0.02 * i)
                    self.assert_whole(run, Export.of_file(path))
        finally:
            at_work.kill()
            at_work.wait()
        time.sleep(0.05)

    def test_collector_down(self):
        """Nobody takes it: the end comes in time, and all of it is counted as lost."""
        port, = rig.collector.free_ports(1)
        cgroup = self.cgroup()
        with self.trace(cgroup, '--otlp-endpoint', f'http://127.0.0.1:{port}', '--shutdown-timeout', '1s') as run:
            cgroup.run('procs', 200, 4)
        self.assert_lossless(run)
        self.assertLess(run.stop_seconds, 2)
        traces = run.summary['exports']['traces']
        self.assertEqual((traces['created'], traces['exported'], sum(traces['lost'].values())), (200, 0, 200))

    def test_collector_hangs(self):
        """It takes the request and never answers: the deadline holds, what was not confirmed is lost."""
        cgroup = self.cgroup()
        with rig.Receiver(self.folder / 'peer', ['hold']) as peer:
            with self.trace(cgroup, '--otlp-endpoint', peer.url, '--shutdown-timeout', '1s') as run:
                cgroup.run('procs', 200, 4)
            self.assertLess(run.stop_seconds, 2.5)
        self.assert_lossless(run)
        traces = run.summary['exports']['traces']
        self.assertEqual((traces['created'], traces['exported'], sum(traces['lost'].values())), (200, 0, 200))

    def test_collector_slow(self):
        """It answers late but within the deadline: all of it arrives."""
        cgroup = self.cgroup()
        with rig.Receiver(self.folder / 'peer', ['slow=0.3']) as peer:
            with self.trace(cgroup, '--otlp-endpoint', peer.url, '--shutdown-timeout', '20s') as run:
                cgroup.run('procs', 1500, 4)
            export = Export.of_receiver(peer)
        self.assert_whole(run, export)
        self.assert_exported(run)
        self.assertEqual(len(export.spans()), 1500)

    def test_second_signal(self):
        """It cuts the end short."""
        cgroup = self.cgroup()
        with rig.Receiver(self.folder / 'peer', ['hold']) as peer:
            with self.trace(cgroup, '--otlp-endpoint', peer.url, '--shutdown-timeout', '60s') as run:
                cgroup.run('procs', 10, 4)
                run.process.send_signal(signal.SIGTERM)
                peer.wait(1)
                time.sleep(0.2)
                self.assertIsNone(run.process.poll())
                run.stop()
            self.assertLess(run.stop_seconds, 1)
        self.assert_lossless(run)
        traces = run.summary['exports']['traces']
        self.assertEqual((traces['created'], traces['exported'], sum(traces['lost'].values())), (10, 0, 10))

    def test_timeout_of_zero(self):
        """Nothing may take time: the end comes at once, with all counted."""
        cgroup = self.cgroup()
        with rig.Receiver(self.folder / 'peer', ['hold']) as peer:
            with self.trace(cgroup, '--otlp-endpoint', peer.url, '--shutdown-timeout', '0s') as run:
                cgroup.run('procs', 10, 4)
            self.assertLess(run.stop_seconds, 1)
        self.assert_lossless(run)
        traces = run.summary['exports']['traces']
        self.assertEqual((traces['created'], traces['exported'] + sum(traces['lost'].values())), (10, 10))

    def test_duration(self):
        """It ends by itself, on time (its own start counts), with what was on the way."""
        cgroup, path = self.cgroup(), self.folder / 'otlp.jsonl'
        run = self.quiet(cgroup, '--otlp-file', path, '--duration', '4s')
        with run:
            begin = time.monotonic()
            cgroup.run('procs', 100, 4)
            run.wait()
            took = time.monotonic() - begin
        self.assert_whole(run, Export.of_file(path))
        self.assertEqual(run.events['process_exit']['delivered'], 100)
        self.assertTrue(0.4 < took < 4.5, took)

    def test_reader_goes_away(self):
        """`podtrace | head`: the end, in order, without a word of it."""
        cgroup = self.cgroup()
        process = subprocess.Popen([rig.BINARY, 'trace', '--cgroup', cgroup.path, '--log-level', 'warn'],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=rig.clean_env())
        time.sleep(0.7)
        process.stdout.close()
        cgroup.run('procs', 100, 4)
        self.assertEqual(process.wait(5), 0)
        self.assertEqual(process.stderr.read(), b'')
        process.stderr.close()

    def test_killed(self):
        """kill -9 leaves no program in the kernel, nothing under the final name, and whole lines in FILE.part."""
        cgroup, path = self.cgroup(), self.folder / 'otlp.jsonl'
        with self.podtrace('agent', '--cgroup', cgroup.path, '--otlp-file', path,
                           env={'OTEL_BSP_SCHEDULE_DELAY': '20'}) as run:
            cgroup.run('procs', 200, 4)
            time.sleep(0.3)
            run.process.kill()
            run.wait()
        self.assertEqual(run.code, -9)
        self.assertFalse(path.exists())
        *lines, rest = (self.folder / 'otlp.jsonl.part').read_bytes().split(b'\n')
        self.assertEqual(rest, b'')
        export = Export()
        for line in lines:
            export.add_lines(rig.signal_of(line), [line])
        self.assertEqual(len(export.spans()), 200)
        # and a new one starts as if nothing had been
        with self.quiet(cgroup, '--otlp-file', path) as run:
            cgroup.run('procs', 5, 1)
        self.assert_whole(run, Export.of_file(path))
        self.assertEqual(run.events['process_exit']['delivered'], 5)
        self.assertFalse((self.folder / 'otlp.jsonl.part').exists())

    def test_two_at_once(self):
        """Two podtraces side by side see the same, each in full."""
        cgroup = self.cgroup()
        with self.trace(cgroup) as one, self.trace(cgroup, '--forbid', 'tp_btf,ringbuf') as two:
            cgroup.run_together(('procs', 300, 4), ('tcp', 300, 1, 1, 4))
        for run in (one, two):
            self.assert_lossless(run)
            self.assertEqual(dict(run.by_event()), {'process.fork': 300, 'process.exec': 300, 'process.exit': 300,
                                                    'tcp.connect': 300, 'tcp.accept': 300, 'tcp.connection': 600})


if __name__ == '__main__':
    unittest.main()
