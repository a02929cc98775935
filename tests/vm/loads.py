# SPDX-License-Identifier: Apache-2.0
"""A load of the workload in a machine, by each rung of one feature, and again in a cgroup that nobody wants: what the
metrics count of it is known to the last one."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import coverage  # noqa: E402  pylint: disable=wrong-import-position
import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

RUNGS = {'tp_btf': '', 'raw_tp': 'tp_btf', 'perf': 'ringbuf'}
SCRIPT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/load /sys/fs/cgroup/other

run() { # NAME FORBIDDEN
	: >/out/$1.log
	podtrace trace --cgroup /load --families %(family)s,cgroup --output json --otlp-file /out/$1.otlp ${2:+--forbid $2} \\
		>/out/$1.lines 2>/out/$1.log &
	pid=$!
	until grep -q 'watches by' /out/$1.log; do
		kill -0 $pid || return
		sleep 0.1
	done
	workload --cgroup /sys/fs/cgroup/load /sys/fs/cgroup %(load)s || echo "$1: exit code $?"
	workload --cgroup /sys/fs/cgroup/other /sys/fs/cgroup %(load)s || echo "$1: elsewhere: exit code $?"
	kill $pid
	wait $pid || echo "$1: podtrace: exit code $?"
}
"""


class Loads(unittest.TestCase):
    family = load = ''  # of the registry; of the workload
    wanted = {}

    def counted(self, export) -> dict:
        """What the export's metrics have of the load."""
        raise NotImplementedError

    def check_lines(self, lines):
        """What is told one by one."""

    def check(self, kernel, append='', rungs=('tp_btf', 'raw_tp'), arch='amd64', became=None):
        """became: {rung: the one it has become there, '' for none}."""
        try:
            machine = Machine(kernel, append, arch=arch)
            machine.add_program('/bin/workload', rig.HERE / 'workload.c')
            machine.add_podtrace()
        except Unavailable as why:
            self.skipTest(str(why))
        runs = ''.join(f"run '{name}' '{RUNGS[name]}'\n" for name in rungs)
        result = machine.run(SCRIPT % {'family': self.family, 'load': self.load} + runs)
        self.assertEqual((result.code, result.log), (0, ''))
        for name in rungs:
            with self.subTest(kernel=kernel, rung=name, append=append):
                rung = (became or {}).get(name, 'tp_btf' if name == 'perf' else name)
                feature = self.check_run(result.files, name, rung)
                coverage.record(kernel, append, 'perf buffer' if name == 'perf' else name,
                                {(feature['family'], feature['feature']): feature}, arch)

    def check_run(self, files, name, rung) -> dict:
        *lines, last = map(json.loads, files[f'{name}.lines'].splitlines())
        summary = last['summary']
        feature, = (of for of in summary['features'] if of['family'] == self.family)
        self.assertEqual(feature['rung'], rung, feature['reason'])
        self.assertEqual((summary['lost'], summary['unaccounted']), (0, 0))
        if rung:
            self.check_lines(lines)
        with tempfile.NamedTemporaryFile() as file:
            file.write(files[f'{name}.otlp'])
            file.flush()
            self.assertEqual(self.counted(rig.Export.of_file(file.name)), self.wanted if rung else {})
        return feature
