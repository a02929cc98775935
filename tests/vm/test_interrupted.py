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

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / 'e2e'), str(pathlib.Path(__file__).parents[2] / 'tools')]

import btf_image  # noqa: E402  pylint: disable=wrong-import-position
import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

N = 1000  # connections of each load
PROCS = 250  # processes of each
FAILED = 60  # programs of each that cannot be started
LOADS = 2
# By kprobe there are no copies: what interrupts the handler of one is seen by none on its CPU.
RUNGS = {'tp_btf': '', 'raw_tp': '--forbid tp_btf', 'fentry': '--forbid tp_btf,raw_tp', 'control': '--forbid copies'}

SCRIPT = r"""
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/load
echo 3 >/sys/class/net/lo/queues/rx-0/rps_cpus

tcp() {
	/bin/workload tcp %(n)d 1 1 4
}

process() {
	/bin/workload procs %(procs)d 4
	/bin/workload failed %(failed)s
}

watch() { # NAME FAMILY OPTION...
	name=$1.$2
	family=$2
	shift 2
	: >/out/$name.log
	podtrace trace --output json --families $family --cgroup /load "$@" >/out/$name 2>/out/$name.log &
	pid=$!
	until grep -q 'watches by' /out/$name.log; do
		kill -0 $pid || return
		sleep 0.1
	done
	(
		echo 0 >/sys/fs/cgroup/load/cgroup.procs
		for i in %(loads)s; do
			$family >/dev/null &
		done
		wait
	)
	cat /proc/$pid/fdinfo/* 2>/dev/null | grep recursion_misses >/out/$name.missed
	kill $pid
	wait $pid || echo "podtrace: exit code $?"
}
"""

TCP = {'tcp.connect': N * LOADS, 'tcp.accept': N * LOADS, 'tcp.connection': 2 * N * LOADS}
# each load is a shell that starts two programs, and all are children of one more
PROCESS = {'process.exec': LOADS * (2 + PROCS), 'process.fork': LOADS * (3 + PROCS + FAILED),
           'process.exec_failed': LOADS * FAILED, 'process.exit': LOADS * (3 + PROCS + FAILED) + 1}


# Their records are made in a buffer that each CPU has one of.
LONG = ('process.exec', 'process.exec_failed')

# At functions the order of programs is the kernel's matter: these have no copies there.
ALONE = {'fentry': ('tcp.accept', 'process.exec_failed')}


def events(output) -> tuple:
    """({event: how many}, {role of a connection: how many}, the summary)"""
    *lines, last = map(json.loads, output.splitlines())
    roles = Counter(line['podtrace.tcp.role'] for line in lines if line['event'].endswith('connection'))
    return Counter(line['event'].removeprefix('podtrace.') for line in lines), roles, last['summary']


class Interrupted(unittest.TestCase):
    def run_all(self, kernel, watches, types=False):
        """watches: (name, family, options)."""
        if not os.path.exists(rig.BINARY):
            self.skipTest('podtrace is not built: make')
        try:
            machine = Machine(kernel, 'initcall_blacklist=btf_vmlinux_init' * types, processors=2)
        except Unavailable as why:
            self.skipTest(str(why))
        machine.add('/bin/podtrace', rig.BINARY)
        if types:
            machine.add('/btf', btf_image.read(machine.kernel).btf)
        machine.add('/bin/workload', rig.workload())
        result = machine.run(SCRIPT % {'n': N, 'procs': PROCS, 'failed': '/no/program ' * FAILED,
                                       'loads': ' '.join(map(str, range(LOADS)))} +
                             ''.join(f'watch {name} {family} {options}\n' for name, family, options in watches), 300)
        self.assertEqual((result.code, result.log), (0, ''))
        return result.files

    def check(self, kernel, rungs, families, types=False):
        """families: which of them something interrupts there, often enough to be seen. types: from a file."""
        names = [*rungs, 'control']
        files = self.run_all(kernel, [(name, family, RUNGS[name] + ' --btf /btf' * types)
                                      for family in families for name in names], types)
        for name in rungs:
            for family, want in families.items():
                with self.subTest(kernel=kernel, rung=name, family=family):
                    self.assert_exact(files, name, family, want, types)
        for family, want in families.items():
            with self.subTest(kernel=kernel, control=family):
                got, _, _ = events(files[f'control.{family}'])
                self.assertNotEqual({event: got[event] for event in want}, want, 'no copy was needed')

    def assert_exact(self, files, name, family, want, types):
        got, roles, summary = events(files[f'{name}.{family}'])
        without = {event: summary['events'][event.replace('.', '_')]['lost_scratch'] if types else 0 for event in LONG}
        self.assertEqual((summary['lost'], summary['unaccounted']), (sum(without.values()), 0))
        if family == 'process':
            got.update(without)
        missed = sum(int(line.split()[1]) for line in files[f'{name}.{family}.missed'].splitlines())
        self.assertGreater(missed, 0, 'nothing was interrupted: this shows nothing')
        for event in set(ALONE.get(name, ())) & set(want):
            self.assertLessEqual(got[event], want[event])
            self.assertGreaterEqual(got[event] + missed, want[event])
            got[event] = want[event]
        self.assertEqual({event: got[event] for event in want}, want)
        self.assertIn(roles, ({}, {'client': N * LOADS, 'server': N * LOADS}))

    def test_5_10(self):
        """A program that is interrupted runs once more there: nothing to miss, no copies, no control."""
        files = self.run_all('5.10', [(name, 'tcp', RUNGS[name]) for name in ('tp_btf', 'raw_tp')])
        for name in ('tp_btf', 'raw_tp'):
            with self.subTest(rung=name):
                got, roles, summary = events(files[f'{name}.tcp'])
                self.assertEqual((summary['lost'], summary['unaccounted']), (0, 0))
                self.assertEqual({event: got[event] for event in TCP}, TCP)
                self.assertEqual(roles, {'client': N * LOADS, 'server': N * LOADS})

    def test_6_1(self):
        self.check('6.1', ['raw_tp'], {'tcp': TCP})

    def test_6_12(self):
        self.check('6.12', ['tp_btf', 'fentry'], {'tcp': TCP})

    def test_6_18(self):
        self.check('6.18', ['tp_btf'], {'tcp': TCP})

    def test_7_3(self):
        self.check('7.3', ['tp_btf', 'raw_tp', 'fentry'], {'tcp': TCP, 'process': PROCESS})

    def test_7_3_without_types(self):
        """Whether tracepoints can be preempted is not known there: it is taken for granted. Nor can a program hold its
        CPU: of two that want the buffer for long records one goes without, which is counted."""
        self.check('7.3', ['raw_tp'], {'process': PROCESS}, types=True)

    def test_7_3_realtime(self):
        self.check('7.3-rt', ['tp_btf', 'raw_tp'], {'tcp': TCP, 'process': PROCESS})


if __name__ == '__main__':
    unittest.main()
