#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What leaves events out by choice is code that the verifier sees only when it is asked for: with it all programs load as
without it, and what is left out adds up."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

N = 300
SCRIPT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/load

run() { # NAME OPTIONS
	name=$1
	shift
	: >/out/$name.log
	podtrace trace --cgroup /load --families process,tcp,udp,file,syscall --file-slow 0 --output json "$@" \\
		>/out/$name.lines 2>/out/$name.log &
	pid=$!
	until grep -q 'watches by' /out/$name.log; do
		kill -0 $pid || return
		sleep 0.1
	done
	workload --cgroup /sys/fs/cgroup/load /sys/fs/cgroup procs %(n)d 1 || echo "$name: exit code $?"
	kill $pid
	wait $pid || echo "$name: podtrace: exit code $?"
}
run all
run some --sample 3 --event-cap 20
""" % {'n': N}
KINDS = {'process_exec': N, 'process_fork': N, 'process_exit': N}


class LeftOut(unittest.TestCase):
    def check(self, kernel):
        try:
            machine = Machine(kernel)
            machine.add_program('/bin/workload', rig.HERE / 'workload.c')
            machine.add_podtrace()
        except Unavailable as why:
            self.skipTest(str(why))
        result = machine.run(SCRIPT)
        self.assertEqual((result.code, result.log), (0, ''))
        every, some = (json.loads(result.files[f'{name}.lines'].splitlines()[-1])['summary'] for name in ('all', 'some'))
        self.assertEqual(some['features'], every['features'])
        for summary in every, some:
            self.assertEqual((summary['lost'], summary['unaccounted']), (0, 0))
        for kind, n in KINDS.items():
            self.assertEqual(every['events'][kind]['delivered'], n)
            events = some['events'][kind]
            self.assertEqual(events['delivered'] + events['sampled'] + events['capped'], n, kind)
            if kind != 'process_fork':  # an event of the parent, which is one
                self.assertTrue(events['delivered'] and events['sampled'], (kind, events))

    def test_5_10(self):
        self.check('5.10')

    def test_7_3(self):
        self.check('7.3')


if __name__ == '__main__':
    unittest.main()
