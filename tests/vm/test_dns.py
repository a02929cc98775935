#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DNS on real kernels: each load is told to the number, the same queries of another cgroup are not."""

import json
import pathlib
import sys
import unittest
from collections import Counter

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[0] / 'e2e'), str(HERE.parents[1] / 'tools')]

import coverage  # noqa: E402  pylint: disable=wrong-import-position
import queries  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

N = 2
TIMEOUT = 200
LOCKED = 'lockdown=confidentiality'

SCRIPT = """
%(mount)s
mkdir $tree/load $tree/other
ip link set lo up

run() { # NAME FORBIDDEN
	: >/out/$1.log
	podtrace trace --cgroup /load --families dns --output json --otlp-file /out/$1.otlp ${2:+--forbid $2} \\
		>/out/$1.lines 2>/out/$1.log &
	pid=$!
	until grep -q 'watches by' /out/$1.log; do
		kill -0 $pid || return
		sleep 0.1
	done
	for mode in %(modes)s; do
		queries $tree/load $mode %(n)d >>/out/$1.told || echo "$1: $mode: exit code $?"
	done
	queries $tree/other connected %(n)d >/out/$1.elsewhere || echo "$1: elsewhere: exit code $?"
	kill $pid
	wait $pid || echo "$1: podtrace: exit code $?"
}
"""


# Where cgroups are. On v1 alone nobody has mounted the v2 tree that the programs hang on.
TREES = {
    'v2': 'tree=/sys/fs/cgroup; mount -t cgroup2 cgroup2 $tree',
    'v1': 'tree=/sys/fs/cgroup/memory; mount -t tmpfs tmpfs /sys/fs/cgroup; mkdir $tree; '
          'mount -t cgroup -o memory cgroup $tree',
    'hybrid': 'tree=/sys/fs/cgroup/unified; mount -t tmpfs tmpfs /sys/fs/cgroup; mkdir /sys/fs/cgroup/memory $tree; '
              'mount -t cgroup -o memory cgroup /sys/fs/cgroup/memory; mount -t cgroup2 cgroup2 $tree',
}


class Lookups(unittest.TestCase):
    maxDiff = None

    def check(self, kernel, rungs=('',), append='', arch='amd64', tree='v2'):
        """rungs: what is forbidden."""
        try:
            machine = Machine(kernel, append, arch=arch)
            machine.add_program('/bin/queries', queries.SOURCE)
            machine.add_podtrace()
        except Unavailable as why:
            self.skipTest(str(why))
        runs = '\n'.join(f"run 'x{forbidden}' {forbidden}" for forbidden in rungs)
        script = SCRIPT % {'modes': ' '.join(queries.WANTED), 'n': N, 'mount': TREES[tree]}
        result = machine.run(script + runs, TIMEOUT)
        self.assertEqual((result.code, result.log), (0, ''))
        for forbidden in rungs:
            with self.subTest(kernel=kernel, forbidden=forbidden, tree=tree):
                files = {what: result.files[f'x{forbidden}.{what}'] for what in ('lines', 'told', 'elsewhere', 'otlp')}
                *lines, last = map(json.loads, files['lines'].splitlines())
                self.assert_told(lines, last['summary'], files)
                coverage.record(kernel, append, forbidden or 'cgroup',
                                {('dns', of['feature']): of for of in last['summary']['features']}, arch)

    def assert_told(self, lines, summary, files):
        told = list(map(json.loads, files['told'].splitlines()))
        self.assertEqual((summary['lost'], summary['unaccounted']), (0, 0))
        self.assertEqual({(of['state'], of['rung'], of['reason']) for of in summary['features']}, {('on', 'cgroup', '')})
        self.assertEqual(queries.told(lines), queries.wanted(N))
        self.assertEqual(len(files['elsewhere'].splitlines()), 3 * N)
        self.assertEqual(queries.told(lines[1:]) - queries.wanted(N), Counter())
        self.assertNotEqual(queries.told(lines[1:]), queries.wanted(N))
        self.assertEqual({line['process.pid'] for line in lines if line['podtrace.dns.role'] == 'client'},
                         {line['pid'] for line in told if line['mode'] != 'garbage'})

    def test_5_10(self):
        self.check('5.10')

    def test_6_1(self):
        self.check('6.1')

    def test_6_12(self):
        self.check('6.12', ('', 'ringbuf'))

    def test_7_3(self):
        self.check('7.3')

    def test_6_12_locked(self):
        self.check('6.12', append=LOCKED)

    def test_6_12_untyped(self):
        """Nothing of the kernel's is read, so nobody has to tell its types."""
        self.check('6.12', append='initcall_blacklist=btf_vmlinux_init')

    def test_5_10_v1(self):
        self.check('5.10', tree='v1')

    def test_5_10_hybrid(self):
        self.check('5.10', tree='hybrid')

    def test_arm64(self):
        self.check('6.12', arch='arm64')


if __name__ == '__main__':
    unittest.main()
