#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls of getaddrinfo on real kernels, by each rung: those of programs that were there before podtrace and of programs
that came after it, with this machine's own C library, to the number; those of others are not told."""

import json
import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
E2E = HERE.parent / 'e2e'
sys.path.insert(0, str(E2E))

import coverage  # noqa: E402  pylint: disable=wrong-import-position
import lookups  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

N = 20
THREADS = 4  # of the program that is there before: on one processor they get in each other's way
LOADER = '/lib64/ld-linux-x86-64.so.2'
LIBRARY = '/lib/x86_64-linux-gnu/libc.so.6'
RUNGS = {'uprobe_multi': '', 'uprobe': 'uprobe_multi', 'no reads': 'probe_read'}
LOCKED = 'lockdown=confidentiality'

SCRIPT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/load /sys/fs/cgroup/other

run() { # NAME FORBIDDEN
	: >/out/$1.log
	mkfifo before.$1
	lookups %(n)d %(threads)d line /sys/fs/cgroup/load <before.$1 & before=$!
	exec 9>before.$1
	podtrace trace --cgroup /load --families lookup --output json ${2:+--forbid $2} >/out/$1.lines 2>/out/$1.log & pid=$!
	until grep -q 'watches by' /out/$1.log; do
		kill -0 $pid || return
		sleep 0.1
	done
	sleep 2 # it looks at what is there
	echo >&9
	exec 9>&-
	wait $before || echo "$1: before: exit code $?"
	lookups %(n)d 1 1000 /sys/fs/cgroup/load || echo "$1: after: exit code $?"
	lookups %(n)d 1 0 /sys/fs/cgroup/other || echo "$1: elsewhere: exit code $?"
	kill $pid
	wait $pid || echo "$1: podtrace: exit code $?"
	cat /out/$1.log >&2
}
"""


class Lookups(unittest.TestCase):
    maxDiff = None

    def machine(self, kernel, append=''):
        for needed in (LOADER, LIBRARY):
            if not pathlib.Path(needed).exists():
                self.skipTest(f'no {needed} here')
        try:
            machine = Machine(kernel, append)
            machine.add_podtrace()
        except Unavailable as why:
            self.skipTest(str(why))
        with tempfile.TemporaryDirectory(prefix='podtrace-vm-') as folder:
            machine.add('/bin/lookups', lookups.program(folder))
        machine.add(LOADER, LOADER)
        machine.add(LIBRARY, LIBRARY)
        return machine

    def check(self, kernel, rungs, append=''):
        """rungs: {name of RUNGS: the rung that is to be used}"""
        runs = '\n'.join(f"run '{name.replace(' ', '_')}' {RUNGS[name]}" for name in rungs)
        result = self.machine(kernel, append).run(SCRIPT % {'n': N, 'threads': THREADS} + runs)
        self.assertEqual(result.code, 0, result.log)
        for name, rung in rungs.items():
            with self.subTest(kernel=kernel, rung=name):
                *lines, last = map(json.loads, result.files[f"{name.replace(' ', '_')}.lines"].splitlines())
                feature, = last['summary']['features']
                self.assertEqual((feature['rung'], feature['state']),
                                 (rung, 'on' if rung == 'uprobe_multi' else 'reduced'), feature['reason'])
                self.assertEqual(lookups.told(lines), lookups.wanted((THREADS + 1) * N), result.log)
                told = last['summary']['events']['lookup_getaddrinfo']
                self.assertEqual((told['seen'] - told['filtered'], told['sent'], told['lost_state']),
                                 ((THREADS + 1) * N * lookups.CALLS, (THREADS + 1) * N * lookups.CALLS, 0))
                self.assertEqual(told['filtered'], N * lookups.CALLS)
                coverage.record(kernel, append, name, {('lookup', 'getaddrinfo'): feature})

    def test_5_10(self):
        self.check('5.10', {'uprobe_multi': 'uprobe'})

    def test_6_1(self):
        self.check('6.1', {'uprobe_multi': 'uprobe', 'no reads': 'uprobe'})

    def test_6_12(self):
        self.check('6.12', {'uprobe_multi': 'uprobe_multi', 'uprobe': 'uprobe'})

    def test_6_12_locked(self):
        self.check('6.12', {'uprobe_multi': 'uprobe_multi', 'uprobe': 'uprobe'}, LOCKED)

    def test_6_18(self):
        self.check('6.18', {'uprobe_multi': 'uprobe_multi', 'uprobe': 'uprobe'})

    def test_7_3(self):
        self.check('7.3', {'uprobe_multi': 'uprobe_multi', 'uprobe': 'uprobe', 'no reads': 'uprobe_multi'})


if __name__ == '__main__':
    unittest.main()
