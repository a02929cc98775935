#!/usr/bin/env python3
"""Waits on futexes: each to the last one, by how it ended, whoever waits next door; those that are long or fail one by one,
with the futex, the thread and the time."""

import ctypes
import os
import time
import unittest
from collections import Counter

import futexes
import rig
from rig import Export

N = 200
HERD = 1000
RUNGS = {'tp_btf': [], 'raw_tp': ['--forbid', 'tp_btf'], 'perf buffer': ['--forbid', 'ringbuf']}
FUTEX = {'x86_64': 202, 'aarch64': 98}[os.uname().machine]


class Timespec(ctypes.Structure):
    _fields_ = [('seconds', ctypes.c_long), ('ns', ctypes.c_long)]


class Waits(rig.Case):
    def run_load(self, name, load, *options):
        name = name.replace(' ', '-')
        cgroup, other = self.cgroup(name), self.cgroup(f'{name}-other')
        path = self.folder / f'{name}.jsonl'
        with self.podtrace('trace', '--cgroup', cgroup.path, '--families', 'lock', '--output', 'json',
                           '--otlp-file', path, *options) as run:
            noise = other.start(*load)
            cgroup.run(*load)
            self.assertEqual(noise.wait(), 0)
        self.assert_lossless(run)
        export = Export.of_file(path)
        self.assert_valid(export)
        return run, export

    def test_each_rung(self):
        for name, options in RUNGS.items():
            with self.subTest(rung=name):
                run, export = self.run_load(name, ('futexes', N), '--lock-slow', '1h', *options)
                self.assertEqual(futexes.counted(export), futexes.wanted(N))
                feature, = [of for of in run.summary['features'] if of['family'] == 'lock']
                self.assertEqual((feature['state'], feature['rung']),
                                 ('reduced', name) if name == 'raw_tp' else ('on', 'tp_btf'))
                # how waits end is no failure; what must not be asked for is
                self.assertEqual(Counter(map(futexes.of, run.lines)), {('lock_pi', 'EDEADLK'): N})
                self.assertEqual(export.logs('podtrace.lock.futex'), [])
                self.assertEqual(run.events['lock_futex']['seen'], sum(futexes.wanted(N).values()))

    def test_all_are_slow(self):
        run, _ = self.run_load('slow', ('futexes', 50), '--lock-slow', '0')
        self.assertEqual(Counter(map(futexes.of, run.lines)), futexes.wanted(50))
        self.assertEqual(len({line['podtrace.futex.address'] for line in run.lines}), 2)

    def test_a_herd(self):
        """As many as may, on one futex."""
        run, export = self.run_load('herd', ('herd', HERD), '--lock-slow', '0')
        self.assertEqual(futexes.counted(export), {('wait', None): HERD})
        self.assertEqual(len({(line['process.pid'], line['podtrace.futex.address']) for line in run.lines}), HERD)
        self.assertEqual(len({line['podtrace.futex.address'] for line in run.lines}), 1)

    def test_a_long_wait(self):
        """Who waits how long for what, as it measured it itself."""
        cgroup = self.cgroup('long')
        word = ctypes.c_uint(7)
        with self.podtrace('trace', '--cgroup', cgroup.path, '--families', 'lock', '--output', 'json', '--lock-slow',
                           '200ms') as run:
            with cgroup.inside():
                libc = ctypes.CDLL(None, use_errno=True)
                began = time.monotonic()
                libc.syscall(FUTEX, ctypes.byref(word), 0, 7, ctypes.byref(Timespec(0, 300_000_000)))
                took = time.monotonic() - began
                libc.syscall(FUTEX, ctypes.byref(word), 0, 7, ctypes.byref(Timespec(0, 10_000_000)))
        self.assert_lossless(run)
        line, = [line for line in run.lines if line['podtrace.futex.address'] == hex(ctypes.addressof(word))]
        self.assertEqual((futexes.of(line), line['process.pid'], line['thread.id']),
                         (('wait', 'ETIMEDOUT'), os.getpid(), os.getpid()))
        self.assertAlmostEqual(line['podtrace.lock.futex.duration'], took, delta=0.1 * took)


if __name__ == '__main__':
    unittest.main()
