#!/usr/bin/env python3
"""Where room is made too small on purpose, what is lost is counted: delivered + lost = produced, to the number, at the
ring, at the queue and at the collector."""

import signal
import time
import unittest

import rig
from rig import Export, series

N = 2000
# What N programs and N connections are; all of it is seen, whatever is lost behind.
SEEN = {'process_exec': N, 'process_fork': N, 'process_exit': N, 'tcp_connect': N, 'tcp_accept': N, 'tcp_close': 2 * N,
        'tcp_state': 10 * N + 2, 'tcp_send': 2 * N, 'tcp_receive': 3 * N}
SEEN = {kind: SEEN.get(kind, 0) for kind in rig.KINDS}
COUNTED = 'tcp_state', 'tcp_send', 'tcp_receive'  # only: no line shows them
STREAMED = sum(n for kind, n in SEEN.items() if kind not in COUNTED)
SMALL = ['--ring-size', '4KiB']
LINES = {'process.exec': 'process_exec', 'process.fork': 'process_fork', 'process.exit': 'process_exit',
         'tcp.connect': 'tcp_connect', 'tcp.accept': 'tcp_accept', 'tcp.connection': 'tcp_close'}


def load(cgroup):
    cgroup.run_together(('procs', N, 4), ('tcp', N, 3, 5, 4))


class Ring(rig.Case):
    def assert_adds_up(self, run, export):
        """Kernel, lines, spans and metrics tell the same numbers."""
        self.assert_ledger(run)
        self.assertEqual(run.code, 0, run.log)
        self.assertEqual({kind: n['seen'] - n['filtered'] for kind, n in run.events.items()}, SEEN)
        streamed = {kind: n for kind, n in run.events.items() if kind not in COUNTED}
        self.assertEqual(sum(n['delivered'] + n['lost_ring'] + n['lost_scratch'] for n in streamed.values()), STREAMED)
        lines = run.by_event()
        self.assertEqual({kind: lines[event] for event, kind in LINES.items()},
                         {kind: run.events[kind]['delivered'] for kind in LINES.values()})
        # who made the record may be lost, so that a process can be named by its comm only: the name is the same
        self.assertEqual(len(export.spans('workload')), run.events['process_exit']['delivered'])
        self.assertEqual(len(export.spans('tcp.connection')), run.events['tcp_close']['delivered'])
        for kind, of in export.outcomes().items():
            told = ('filtered', 'counted', 'sent', *rig.LOST)
            self.assertEqual(of, {key: run.events[kind][key] for key in told if run.events[kind][key]}, kind)
        # what is counted in the kernel does not suffer
        metrics = export.metrics()
        for name in ('podtrace.process.starts', 'podtrace.process.forks'):
            self.assertEqual(metrics[name], {(): N})
        self.assertEqual(metrics['podtrace.process.duration'], {series({'podtrace.process.exit.result': 'ok'}): N})
        self.assertEqual(sorted(metrics['podtrace.tcp.connections'].values()), [N, N])
        self.assertEqual(sum(metrics['podtrace.tcp.io'].values()), 2 * N * (3 + 5))
        self.assert_exported(run)
        self.assert_valid(export)

    def watch(self, name, *args):
        self.path = self.folder / f'{name}.jsonl'
        cgroup = self.cgroup(name)
        return cgroup, self.trace(cgroup, '--otlp-file', self.path, *args)

    def test_too_small(self):
        """4 KiB, on both ways to read the kernel."""
        for name, rung in {'tp_btf': [], 'raw_tp': ['--forbid', 'tp_btf']}.items():
            with self.subTest(name):
                cgroup, run = self.watch(name, *SMALL, *rung)
                with run:
                    load(cgroup)
                self.assert_adds_up(run, Export.of_file(self.path))
                self.assertGreater(run.summary['lost'], 0)
                self.assertIn(f'{run.summary["lost"]} events lost, 0 unaccounted', run.log)

    def test_nobody_reads(self):
        """podtrace stands still during all of the load: what the room held arrives, the rest is lost."""
        small = ['--ring-size', '64KiB']
        for name, rung in {'ring': small, 'perf': [*small, '--forbid', 'ringbuf']}.items():
            with self.subTest(name):
                cgroup, run = self.watch(name, *rung)
                with run:
                    run.process.send_signal(signal.SIGSTOP)
                    load(cgroup)
                    run.process.send_signal(signal.SIGCONT)
                self.assert_adds_up(run, Export.of_file(self.path))
                self.assertGreater(run.summary['lost'], STREAMED // 4)
                self.assertGreater(sum(n['delivered'] for n in run.events.values()), 0)

    def test_all_at_the_end(self):
        """Standing still with room enough loses nothing, ring or perf buffer: all of it is read at the end."""
        for name, rung in {'ring': [], 'perf': ['--forbid', 'ringbuf']}.items():
            with self.subTest(name):
                cgroup, run = self.watch(name, '--ring-size', '32MiB', *rung)
                with run:
                    run.process.send_signal(signal.SIGSTOP)
                    load(cgroup)
                    run.process.send_signal(signal.SIGCONT)
                self.assert_lossless(run)
                self.assert_adds_up(run, Export.of_file(self.path))

    def test_a_difference_is_seen(self):
        """The negative control: one event more or less does not add up."""
        cgroup, run = self.watch('control', *SMALL)
        with run:
            load(cgroup)
        export = Export.of_file(self.path)
        self.assert_adds_up(run, export)
        for key in ('delivered', 'lost_ring', 'sent', 'seen'):
            run.events['process_exit'][key] += 1
            with self.assertRaises(AssertionError):
                self.assert_adds_up(run, export)
            run.events['process_exit'][key] -= 1
        self.assert_adds_up(run, export)


class Queue(rig.Case):
    """What does not fit into the exporter's memory, or does not reach the collector, is counted by its cause."""

    def spans_told(self, run):
        return run.summary['exports']['traces']

    def assert_adds_up(self, run, spans):
        self.assert_lossless(run)       # of the kernel side nothing
        for name, numbers in run.summary['exports'].items():
            self.assertEqual(numbers['created'], numbers['exported'] + sum(numbers['lost'].values()), name)
        self.assertEqual(self.spans_told(run)['created'], 3 * N)
        self.assertEqual(self.spans_told(run)['exported'], spans)

    def watch(self, peer, *args, **env):
        cgroup = self.cgroup()
        return cgroup, self.quiet(cgroup, '--otlp-endpoint', peer.url, *args, env=env)

    def test_full_queue(self):
        """A collector that is late, and little memory: what arrives is what was not counted as lost."""
        with rig.Receiver(self.folder / 'peer', ['slow=2', 'ok']) as peer:
            cgroup, run = self.watch(peer, '--queue-size', '64KiB', '--batch-size', '16KiB',
                                     OTEL_BSP_SCHEDULE_DELAY='50')
            with run:
                load(cgroup)
            export = Export.of_receiver(peer)
            self.assert_adds_up(run, len(export.spans()))
            self.assertEqual(set(self.spans_told(run)['lost']), {'queue_full'})
            self.assert_valid(export)

    def test_refused_and_accepted(self):
        """Some requests are refused for good: their items, and no others, are lost."""
        with rig.Receiver(self.folder / 'peer', ['400', 'ok', 'ok', '400', 'ok']) as peer:
            cgroup, run = self.watch(peer, '--batch-size', '64KiB', OTEL_BSP_SCHEDULE_DELAY='50')
            with run:
                load(cgroup)
            refused = [peer.requests[i] for i in (0, 3)]
            taken = [request for request in peer.requests if request not in refused]
            sent = Export()
            for request in taken:
                sent.add(sent.checker.schema.from_bytes(request.signal, request.body))
            self.assert_adds_up(run, len(sent.spans()))
            self.assertGreater(self.spans_told(run)['created'], self.spans_told(run)['exported'])

    def test_partial_success(self):
        """Of the first request 7 items are rejected: 7 are lost."""
        with rig.Receiver(self.folder / 'peer', ['partial=7,too old', 'ok']) as peer:
            cgroup, run = self.watch(peer, OTEL_METRICS_EXPORTER='none', OTEL_BSP_SCHEDULE_DELAY='50')
            with run:
                load(cgroup)
            self.assert_adds_up(run, 3 * N - 7)
            self.assertEqual(list(self.spans_told(run)['lost'].values()), [7])
            self.assertEqual(len(Export.of_receiver(peer).spans()), 3 * N)
            self.assertIn('too old', run.log)

    def test_a_collector_that_comes_back(self):
        """Killed and started again in the middle: nothing is lost, and nothing comes twice."""
        with self.collector() as peer:
            cgroup, run = self.watch(peer, OTEL_BSP_SCHEDULE_DELAY='50')
            with run:
                cgroup.run_together(('procs', N // 2, 4), ('tcp', N // 2, 3, 5, 4))
                peer.stop()
                cgroup.run_together(('procs', N // 2, 4), ('tcp', N // 2, 3, 5, 4))
                time.sleep(0.3)
                peer.start()
            export = Export.of_collector(peer)
        self.assert_adds_up(run, 3 * N)
        self.assertEqual(len({span['span_id'] for span, _ in export.spans()}), 3 * N)
        self.assertEqual(len(export.spans()), 3 * N)
        self.assert_exported(run)
        self.assert_valid(export)

    def test_sampled(self):
        """Left out by the sampler is no loss, and counted: spans + left out = all. Metrics and records stay whole."""
        path, cgroup = self.folder / 'otlp.jsonl', self.cgroup()
        with self.quiet(cgroup, '--otlp-file', path, env={
                           'OTEL_TRACES_SAMPLER': 'traceidratio', 'OTEL_TRACES_SAMPLER_ARG': '0.25'}) as run:
            cgroup.run('procs', N, 4)
            cgroup.run('each', *['exit=1'] * 40)
        self.assert_lossless(run)
        export = Export.of_file(path)
        left_out = run.summary['sampled_out']
        self.assertEqual(len(export.spans()) + left_out, N + 40)
        # a binomial of 2,040 and 1/4: 510 ± 6 standard deviations
        self.assertTrue(390 < len(export.spans()) < 630, len(export.spans()))
        self.assertEqual(export.metrics()['podtrace.process.starts'], {(): N + 40})
        self.assertEqual(len(export.logs()), 40)
        kept = {span['span_id'] for span, _ in export.spans()}
        self.assertEqual({record['span_id'] for record, _ in export.logs() if 'span_id' in record} - kept, set())
        self.assert_valid(export)


if __name__ == '__main__':
    unittest.main()
