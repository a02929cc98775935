#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Statements sent to databases on real kernels, by each rung: by each way to send one, to the number, with shape and
result; those of others are not told. There is no server: libraries of our own stand for the clients' (databases.c),
which tests/e2e/test_db.py has."""

import json
import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
E2E = HERE.parent / 'e2e'
sys.path.insert(0, str(E2E))

import coverage  # noqa: E402  pylint: disable=wrong-import-position
import databases  # noqa: E402  pylint: disable=wrong-import-position
import statements  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

N = 10
LOADER = '/lib64/ld-linux-x86-64.so.2'
LIBRARIES = '/lib/x86_64-linux-gnu'
RUNGS = {'uprobe_multi': '', 'uprobe': 'uprobe_multi', 'no reads': 'probe_read'}
LOCKED = 'lockdown=confidentiality'
WHATS = {'postgresql': ('sync', 'async', 'pipeline', 'left', 'long'), 'mysql': ('sync', )}

SCRIPT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/load /sys/fs/cgroup/other

send() { # SYSTEM WHAT GROUP
	{ sleep 1; echo; } | statements $1 / x $2 %(n)d /sys/fs/cgroup/$3 || echo "$1 $2: exit code $?"
}

run() { # NAME FORBIDDEN
	: >/out/$1.log
	podtrace trace --cgroup /load --families db --db-slow 0 --output json ${2:+--forbid $2} >/out/$1.lines 2>/out/$1.log & pid=$!
	until grep -q 'watches by' /out/$1.log; do
		kill -0 $pid || return
		sleep 0.1
	done
	%(sends)s
	send mysql sync other
	kill $pid
	wait $pid || echo "$1: podtrace: exit code $?"
	cat /out/$1.log >&2
}
"""


class Statements(unittest.TestCase):
    maxDiff = None

    def machine(self, kernel, append=''):
        for needed in (LOADER, f'{LIBRARIES}/libc.so.6'):
            if not pathlib.Path(needed).exists():
                self.skipTest(f'no {needed} here')
        try:
            machine = Machine(kernel, append)
            machine.add_podtrace()
            with tempfile.TemporaryDirectory(prefix='podtrace-vm-') as folder:
                libraries = databases.stand_ins(folder)
                machine.add('/bin/statements', databases.program(folder, databases.Postgresql, databases.Mariadb,
                                                                 libraries=libraries))
                for library in libraries:
                    machine.add(f'{LIBRARIES}/{library.name}', library)
        except (Unavailable, databases.Unavailable) as why:
            self.skipTest(str(why))
        machine.add(LOADER, LOADER)
        machine.add(f'{LIBRARIES}/libc.so.6', f'{LIBRARIES}/libc.so.6')
        return machine

    def check(self, kernel, rungs, append=''):
        """rungs: {name of RUNGS: the rung that is to be used}"""
        sends = '\n\t'.join(f'send {system} {what} load' for system, whats in WHATS.items() for what in whats)
        runs = '\n'.join(f"run '{name.replace(' ', '_')}' {RUNGS[name]}" for name in rungs)
        result = self.machine(kernel, append).run(SCRIPT % {'n': N, 'sends': sends} + runs)
        self.assertEqual(result.code, 0, result.log)
        wanted = sum((statements.wanted(system, N, *whats) for system, whats in WHATS.items()), statements.Counter())
        left = sum(statements.left(system, N, *whats) for system, whats in WHATS.items())
        for name, rung in rungs.items():
            with self.subTest(kernel=kernel, rung=name):
                *lines, last = map(json.loads, result.files[f"{name.replace(' ', '_')}.lines"].splitlines())
                features = {feature['feature']: feature for feature in last['summary']['features']}
                self.assertEqual({(feature['rung'], feature['state']) for feature in features.values()},
                                 {(rung, 'on' if rung == 'uprobe_multi' else 'reduced')}, features)
                self.assertEqual(statements.told(lines), wanted, result.log)
                told = last['summary']['events']['db_query']
                self.assertEqual((told['seen'] - told['filtered'], told['sent'], told['lost_state']),
                                 (wanted.total(), wanted.total(), left))
                self.assertEqual(told['filtered'], statements.wanted('mysql', N, 'sync').total())
                coverage.record(kernel, append, name, {('db', key): feature for key, feature in features.items()})

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
