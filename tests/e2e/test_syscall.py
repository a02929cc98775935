#!/usr/bin/env python3
"""System calls that open, close or fail: each to the last one, by name and errno, whoever makes the same next door."""

import unittest

import rig
from calls import TURN, counted, wanted
from rig import Export

N = 3000
RUNGS = {'tp_btf': [], 'raw_tp': ['--forbid', 'tp_btf'], 'perf buffer': ['--forbid', 'ringbuf']}


class Calls(rig.Case):
    def run_load(self, name, n, *options):
        cgroup, other = self.cgroup(name.replace(' ', '-')), self.cgroup(f'{name} other'.replace(' ', '-'))
        path = self.folder / f'{name}.jsonl'
        with self.podtrace('trace', '--cgroup', cgroup.path, '--families', 'syscall', '--output', 'json',
                           '--otlp-file', path, *options) as run:
            noise = other.start('calls', n)
            cgroup.run('calls', n)
            self.assertEqual(noise.wait(), 0)
        self.assert_lossless(run)
        return run, counted(Export.of_file(path))

    def test_each_rung(self):
        for name, options in RUNGS.items():
            with self.subTest(rung=name):
                run, counted = self.run_load(name, N, *options)
                self.assertEqual(counted, wanted(N))
                feature, = run.summary['features']
                self.assertEqual((feature['state'], feature['rung']),
                                 ('reduced', name) if name == 'raw_tp' else ('on', 'tp_btf'))
                self.assertEqual(run.events['syscall_call']['counted'], sum(wanted(N).values()))
                self.assertGreaterEqual(run.events['syscall_call']['filtered'], sum(wanted(N).values()))
                self.assertEqual(run.lines, [])

    def test_one_less_is_seen(self):
        _, counted = self.run_load('less', N - 1)
        self.assertEqual({call: n - counted.get(call, 0) for call, n in wanted(N).items()}, TURN)


if __name__ == '__main__':
    unittest.main()
