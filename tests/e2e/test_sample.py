#!/usr/bin/env python3
"""What is left out by choice, in the kernel: one process or connection in so many is told of, or so many events a second.
What belongs together is told together, all of it is in the metrics, and what is left out is counted to the number."""

import math
import time
import unittest

import rig
from rig import Export

N = 1000
RUNGS = {'tp_btf': [], 'raw_tp': ['--forbid', 'tp_btf'], 'perf buffer': ['--forbid', 'ringbuf']}
METRICS = {'podtrace.process.starts': N, 'podtrace.process.duration': N, 'podtrace.tcp.connections': 2 * N,
           'podtrace.tcp.connection.duration': 2 * N}


def of(run, event, *attributes) -> list:
    return sorted(tuple(line[name] for name in attributes) for line in run.of(event))


class Case(rig.Case):
    def watch(self, name, *options):
        self.path = self.folder / f'{name}.jsonl'
        return self.podtrace('trace', '--cgroup', self.target.path, '--output', 'json', '--otlp-file', self.path,
                             '--families', 'process,tcp,file', '--file-slow', '1h', *options)

    def load(self, name, *options):
        name = name.replace(' ', '-')
        self.target = self.cgroup(name)
        with self.watch(name, *options) as run:
            self.target.run_together(('procs', N, 4), ('tcp', N, 3, 5, 4))
        self.assert_lossless(run)
        export = Export.of_file(self.path)
        self.assert_valid(export)
        metrics = export.metrics()
        for metric, n in METRICS.items():
            self.assertEqual(sum(metrics[metric].values()), n, metric)
        return run, export


class Sample(Case):
    def assert_one_in(self, run, kind, one_in, produced):
        """By the keys, which are as good as dice: five deviations."""
        events = run.events[kind]
        self.assertEqual(events['delivered'] + events['sampled'], produced, kind)
        deviation = math.sqrt(produced * (1 / one_in) * (1 - 1 / one_in))
        self.assertAlmostEqual(events['delivered'], produced / one_in, delta=5 * deviation, msg=kind)

    def test_each_rung(self):
        for name, options in RUNGS.items():
            with self.subTest(name):
                run, export = self.load(name, '--sample', '10', *options)
                for kind, produced in (('process_exec', N), ('process_exit', N), ('tcp_connect', N), ('tcp_accept', N)):
                    self.assert_one_in(run, kind, 10, produced)
                # whoever starts is seen to end, and who connects to close
                started = of(run, 'process.exec', 'process.pid')
                self.assertTrue(started)
                self.assertEqual(started, of(run, 'process.exit', 'process.pid'))
                asked = of(run, 'tcp.connect', 'network.local.port')
                closed = sorted((line['network.local.port'],) for line in run.of('tcp.connection')
                                if line['podtrace.tcp.role'] == 'client')
                self.assertEqual(asked, closed)
                for kind in ('process_exec', 'tcp_close'):
                    self.assertEqual(export.outcomes()[kind]['sampled'], run.events[kind]['sampled'])

    def test_one_family(self):
        run, _ = self.load('one', '--sample', 'tcp=1,4,process=1')
        self.assertEqual((run.events['process_exec']['sampled'], run.events['tcp_connect']['sampled']), (0, 0))
        run, _ = self.load('other', '--sample', 'tcp=20')
        self.assertEqual(run.events['process_exit']['delivered'], N)
        self.assert_one_in(run, 'tcp_connect', 20, N)

    def test_refused(self):
        for given, why in (('0', 'N from 1'), ('x', 'N from 1'), ('tcp=', 'N from 1'), ('1000001', 'N from 1'),
                           ('dns=2', 'all of this family'), ('cgroup=2', 'all of this family'), ('tpc=2', 'no such family')):
            with self.subTest(given):
                result = rig.once('trace', '--all', '--sample', given)
                self.assertEqual(result.returncode, 2)
                self.assertIn('--sample', result.stderr)
                self.assertIn(why, result.stderr)


class Cap(Case):
    def test_each_rung(self):
        for name, options in RUNGS.items():
            with self.subTest(name):
                began = time.monotonic()
                run, export = self.load(name, '--event-cap', '50', *options)
                seconds = time.monotonic() - began + 1
                for kind, produced in (('process_exec', N), ('process_exit', N), ('tcp_connect', N), ('tcp_close', 2 * N)):
                    events = run.events[kind]
                    self.assertEqual(events['delivered'] + events['capped'], produced, kind)
                    self.assertGreaterEqual(events['delivered'], 50, kind)
                    self.assertLessEqual(events['delivered'], 50 * seconds, kind)
                    self.assertEqual(export.outcomes()[kind].get('capped', 0), events['capped'])
                self.assertGreater(run.events['process_exec']['capped'], 0)

    def test_high_enough(self):
        run, _ = self.load('enough', '--event-cap', '1000000')
        self.assertEqual({kind: n['capped'] for kind, n in run.events.items() if n['capped']}, {})
        self.assertEqual(run.events['process_exec']['delivered'], N)

    def test_each_container_has_its_own(self):
        self.target = self.cgroup('both')
        one, other = (self.keep(self.target.child(f'cri-containerd-{digit * 64}.scope')) for digit in 'ab')
        with self.watch('both', '--event-cap', '20') as run:
            other.run('procs', 20, 1)
            one.run('procs', N, 4)
            time.sleep(1.1)  # another second, however fast the machine is
            other.run('procs', 20, 1)
        self.assert_lossless(run)
        told = [line for line in run.of('process.exec') if line['container.id'][0] == 'b']
        self.assertEqual(len(told), 40)
        self.assertGreater(run.events['process_exec']['capped'], 0)


if __name__ == '__main__':
    unittest.main()
