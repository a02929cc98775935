#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls that send and receive on real kernels, by each rung: datagrams and streams, to the last byte and address."""

import json
import pathlib
import sys
import tempfile
import unittest
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import coverage  # noqa: E402  pylint: disable=wrong-import-position
import datagrams  # noqa: E402  pylint: disable=wrong-import-position
import rig  # noqa: E402  pylint: disable=wrong-import-position
import streams  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

N = 25
TIMEOUT = 300  # of the script
FAMILIES = (4, 6, 46)
FEATURES = [('udp', 'datagram'), ('tcp', 'send_receive')]
LOCKED = 'lockdown=confidentiality'
RUNGS = {'tp_btf': '', 'raw_tp': 'tp_btf', 'perf buffer': 'ringbuf', 'no reads': 'probe_read'}
SCRIPT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/load /sys/fs/cgroup/other

run() { # NAME FORBIDDEN
	: >/out/$1.log
	podtrace capture --cgroup /load --families udp,tcp --otlp-file /out/$1.otlp ${2:+--forbid $2} /out/$1.tap 2>/out/$1.log &
	pid=$!
	until grep -q 'watches by' /out/$1.log; do
		kill -0 $pid || return
		sleep 0.1
	done
	for family in 4 6 46; do
		workload --cgroup /sys/fs/cgroup/load /sys/fs/cgroup datagrams %(n)d $family >>/out/$1.ports ||
			echo "$1: exit code $?"
		workload --cgroup /sys/fs/cgroup/load /sys/fs/cgroup stream %(n)d $family >>/out/$1.ports ||
			echo "$1: stream: exit code $?"
	done
	workload --cgroup /sys/fs/cgroup/other /sys/fs/cgroup datagrams %(n)d 4 >/dev/null || echo "$1: elsewhere: exit code $?"
	kill $pid
	wait $pid || echo "$1: podtrace: exit code $?"
	podtrace replay --quiet --output json /out/$1.tap >/out/$1.lines 2>>/out/$1.log || echo "$1: replay: exit code $?"
}
"""


class Calls(unittest.TestCase):
    maxDiff = None

    def check(self, kernel, append='', rungs=('tp_btf', 'raw_tp'), arch='amd64', became=None):
        try:
            machine = Machine(kernel, append, arch=arch)
            machine.add_program('/bin/workload', rig.HERE / 'workload.c')
            machine.add_podtrace()
        except Unavailable as why:
            self.skipTest(str(why))
        runs = ''.join(f"run '{name.replace(' ', '_')}' '{RUNGS[name]}'\n" for name in rungs)
        result = machine.run(SCRIPT % {'n': N} + runs, TIMEOUT)
        self.assertEqual((result.code, result.log), (0, ''))
        for name in rungs:
            with self.subTest(kernel=kernel, rung=name, append=append):
                unseen = streams.PAGES if (kernel, name) == ('6.1', 'no reads') else ()
                self.check_rung(result.files, name.replace(' ', '_'), unseen)
                features = self.features(result.files[f'{name.replace(" ", "_")}.lines'])
                for key in FEATURES:
                    self.assertEqual(features[key]['rung'], (became or {}).get(name, name), features[key]['reason'])
                coverage.record(kernel, append, name, {key: features[key] for key in FEATURES}, arch)

    def features(self, lines):
        summary = json.loads(lines.splitlines()[-1])['summary']
        self.assertEqual((summary['lost'], summary['unaccounted']), (0, 0))
        return {(row['family'], row['feature']): row for row in summary['features']}

    def check_rung(self, files, name, unseen):
        told = Counter((record.kind, record.told()) for record in datagrams.records(files[f'{name}.tap'], rig.KINDS))
        wanted = Counter()
        ports = list(map(json.loads, files[f'{name}.ports'].splitlines()))
        for n, family in enumerate(FAMILIES):
            for prefix, of in (('udp', datagrams.told(N, family, ports[2 * n])),
                               ('tcp', streams.told(N, family, ports[2 * n + 1], unseen))):
                wanted.update({(f'{prefix}_{what[0]}', what): count for what, count in of.items()})
        self.assertEqual((told - wanted, wanted - told), (Counter(), Counter()))
        with tempfile.NamedTemporaryFile() as file:
            file.write(files[f'{name}.otlp'])
            file.flush()
            export = rig.Export.of_file(file.name)
        self.assertEqual(datagrams.measured(export), datagrams.metrics(N * len(FAMILIES)))
        once = streams.metrics(N, unseen)
        got = datagrams.measured(export, 'tcp')
        self.assertEqual({metric: got.get(metric) for metric in once},
                         {metric: {key: n * len(FAMILIES) for key, n in of.items()} for metric, of in once.items()})

    def test_5_10(self):
        self.check('5.10', became={'tp_btf': 'raw_tp'})

    def test_6_1(self):
        self.check('6.1', rungs=('tp_btf', 'raw_tp', 'no reads'), became={'no reads': 'fentry'})

    def test_6_12(self):
        self.check('6.12', 'lockdown=integrity', ('tp_btf', 'raw_tp', 'perf buffer'), became={'perf buffer': 'tp_btf'})

    def test_6_12_locked(self):
        self.check('6.12', LOCKED, ['tp_btf'], became={'tp_btf': 'fentry'})

    def test_6_18(self):
        self.check('6.18')

    def test_7_3(self):
        self.check('7.3', rungs=('tp_btf', 'raw_tp', 'no reads'), became={'no reads': 'fentry'})

    def test_arm64(self):
        self.check('6.12', arch='arm64')
        self.check('6.12', LOCKED, ['tp_btf'], arch='arm64', became={'tp_btf': 'fentry'})


if __name__ == '__main__':
    unittest.main()
