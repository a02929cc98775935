#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What comes while a program is running on the same CPU: the kernel does not run the program for it (bpf/lib/again.h).
Packets that one CPU hands to another (RPS) interrupt whatever runs there, a program too, often enough to be counted."""

import json
import os
import pathlib
import sys
import unittest
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

N = 1500
LOADS = 2
# By kprobe there is no second program: what interrupts the handler of one is seen by none on its CPU.
RUNGS = {'tp_btf': '', 'raw_tp': '--forbid tp_btf', 'fentry': '--forbid tp_btf,raw_tp'}

SCRIPT = r"""
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/load
echo 3 >/sys/class/net/lo/queues/rx-0/rps_cpus

watch() { # NAME OPTION...
	name=$1
	shift
	: >/out/$name.log
	podtrace trace --output json --cgroup /load "$@" >/out/$name 2>/out/$name.log &
	pid=$!
	until grep -q 'watches by' /out/$name.log; do
		kill -0 $pid || return
		sleep 0.1
	done
	(
		echo 0 >/sys/fs/cgroup/load/cgroup.procs
		for i in $(seq %(loads)d); do
			/bin/workload tcp %(n)d 1 1 4 &
		done
		wait
	)
	cat /proc/$pid/fdinfo/* 2>/dev/null | grep recursion_misses >/out/$name.missed
	kill $pid
	wait $pid || echo "podtrace: exit code $?"
}
"""


class Interrupted(unittest.TestCase):
    def check(self, kernel, counted=True):
        """counted: whether that kernel counts what it did not run (5.12)."""
        if not os.path.exists(rig.BINARY):
            self.skipTest('podtrace is not built: make')
        try:
            # on a busy host the clocks of two processors differ, so the kernel patches sched_clock_cpu() while the other
            # one runs it: qemu 7.2 does not always survive that
            machine = Machine(kernel, 'tsc=reliable', processors=2)
        except Unavailable as why:
            self.skipTest(str(why))
        machine.add('/bin/podtrace', rig.BINARY)
        machine.add('/bin/workload', rig.workload())
        result = machine.run(SCRIPT % {'n': N, 'loads': LOADS} +
                             ''.join(f'watch {name} {options}\n' for name, options in RUNGS.items()))
        self.assertEqual((result.code, result.log), (0, ''))
        for name in RUNGS:
            with self.subTest(kernel=kernel, rung=name):
                *lines, last = map(json.loads, result.files[name].splitlines())
                self.assertEqual((last['summary']['lost'], last['summary']['unaccounted']), (0, 0))
                if counted:
                    missed = sum(int(line.split()[1]) for line in result.files[f'{name}.missed'].splitlines())
                    self.assertGreater(missed, 0, 'nothing was interrupted: this shows nothing')
                got = Counter(line['event'].removeprefix('podtrace.') for line in lines)
                n = N * LOADS
                want = {'tcp.connect': n, 'tcp.accept': n, 'tcp.connection': 2 * n}
                self.assertEqual({event: got[event] for event in want}, want)
                roles = Counter(line['podtrace.tcp.role'] for line in lines if line['event'].endswith('connection'))
                self.assertEqual(roles, {'client': n, 'server': n})

    def test_5_10(self):
        self.check('5.10', counted=False)

    def test_6_1(self):
        self.check('6.1')

    def test_6_12(self):
        self.check('6.12')


if __name__ == '__main__':
    unittest.main()
