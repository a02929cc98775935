#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""System calls on real kernels, by each rung: each that opened, closed or failed, by name and errno, to the last one."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import calls  # noqa: E402  pylint: disable=wrong-import-position
import coverage  # noqa: E402  pylint: disable=wrong-import-position
import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

N = 200
RUNGS = {'tp_btf': '', 'raw_tp': 'tp_btf', 'perf': 'ringbuf'}
SCRIPT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/load /sys/fs/cgroup/other

run() { # NAME FORBIDDEN
	: >/out/$1.log
	podtrace trace --cgroup /load --families syscall,cgroup --output json --otlp-file /out/$1.otlp ${2:+--forbid $2} \\
		>/out/$1.lines 2>/out/$1.log &
	pid=$!
	until grep -q 'watches by' /out/$1.log; do
		kill -0 $pid || return
		sleep 0.1
	done
	workload --cgroup /sys/fs/cgroup/load /sys/fs/cgroup calls %(n)d || echo "$1: exit code $?"
	workload --cgroup /sys/fs/cgroup/other /sys/fs/cgroup calls %(n)d || echo "$1: elsewhere: exit code $?"
	kill $pid
	wait $pid || echo "$1: podtrace: exit code $?"
}
"""


class Calls(unittest.TestCase):
    def check(self, kernel, append='', rungs=('tp_btf', 'raw_tp'), arch='amd64', became=None):
        try:
            machine = Machine(kernel, append, arch=arch)
            machine.add_program('/bin/workload', rig.HERE / 'workload.c')
            machine.add_podtrace()
        except Unavailable as why:
            self.skipTest(str(why))
        runs = ''.join(f"run '{name}' '{RUNGS[name]}'\n" for name in rungs)
        result = machine.run(SCRIPT % {'n': N} + runs)
        self.assertEqual((result.code, result.log), (0, ''))
        for name in rungs:
            with self.subTest(kernel=kernel, rung=name, append=append):
                *lines, last = map(json.loads, result.files[f'{name}.lines'].splitlines())
                summary = last['summary']
                feature, = (of for of in summary['features'] if of['family'] == 'syscall')
                self.assertEqual([line for line in lines if 'syscall' in line['event']], [])
                self.assertEqual((summary['lost'], summary['unaccounted']), (0, 0))
                rung = (became or {}).get(name, 'tp_btf' if name == 'perf' else name)
                self.assertEqual(feature['rung'], rung, feature['reason'])
                self.assertEqual(self.counted(result.files[f'{name}.otlp']), calls.wanted(N) if rung else {})
                coverage.record(kernel, append, 'perf buffer' if name == 'perf' else name,
                                {(feature['family'], feature['feature']): feature}, arch)

    def counted(self, exported):
        with tempfile.NamedTemporaryFile() as file:
            file.write(exported)
            file.flush()
            return calls.counted(rig.Export.of_file(file.name))

    def test_5_10(self):
        self.check('5.10', became={'tp_btf': 'raw_tp'})

    def test_5_10_locked(self):
        self.check('5.10', 'lockdown=confidentiality', ['tp_btf'], became={'tp_btf': ''})

    def test_6_1(self):
        self.check('6.1')

    def test_6_12(self):
        self.check('6.12', 'lockdown=integrity', RUNGS)

    def test_6_12_locked(self):
        self.check('6.12', 'lockdown=confidentiality', ['tp_btf'])

    def test_6_18(self):
        self.check('6.18')

    def test_7_3(self):
        self.check('7.3')

    def test_arm64(self):
        self.check('6.12', arch='arm64')


if __name__ == '__main__':
    unittest.main()
