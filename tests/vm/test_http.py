#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP on real kernels, by each rung: each request and its response, whichever way the bytes go."""

import json
import pathlib
import sys
import unittest
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import coverage  # noqa: E402  pylint: disable=wrong-import-position
import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

TIMEOUT = 300  # of the script
RUNGS = {'tp_btf': '', 'raw_tp': 'tp_btf', 'perf buffer': 'ringbuf', 'no reads': 'probe_read'}
# What is told of each play: (method, path, status), as often as it is played, by client and by server.
PLAYS = {
    'quick': [('GET', '/quick', 200)],
    'pipelined': 10 * [('GET', '/many', 200)],
    'chunked': [('POST', '/in', 201)],
    'continue': [('PUT', '/big', 204)],
    'first-byte': [('GET', '/first', 200)],
    'vector': [('GET', '/vector', 200)],
    'sendmsg': [('GET', '/sendmsg', 200)],
    'closed': [('GET', '/closed', None)],
    'random': [],
}
N = 3
WANTED = Counter({request: 2 * N * each for play in PLAYS.values() for request, each in Counter(play).items()})
SCRIPT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/load /sys/fs/cgroup/other

run() { # NAME FORBIDDEN
	: >"/out/$1.log"
	podtrace trace --cgroup /load --families http --output json ${2:+--forbid $2} >"/out/$1.lines" 2>"/out/$1.log" &
	pid=$!
	until grep -q 'watches by' "/out/$1.log"; do
		kill -0 $pid || return
		sleep 0.1
	done
	for play in %(plays)s; do
		exchanges /sys/fs/cgroup/load/cgroup.procs 8080 $play %(n)d || echo "$1: $play: exit code $?"
		exchanges /sys/fs/cgroup/other/cgroup.procs 8080 $play %(n)d || echo "$1: $play elsewhere: exit code $?"
	done
	kill $pid
	wait $pid || echo "$1: podtrace: exit code $?"
}
"""


def told(lines) -> Counter:
    return Counter((line['http.request.method'], line['url.path'], line.get('http.response.status_code'))
                   for line in lines)


class Http(unittest.TestCase):
    def check(self, kernel, append='', rungs=('tp_btf', 'raw_tp'), arch='amd64', became=None):
        try:
            machine = Machine(kernel, append, arch=arch)
            machine.add_program('/bin/exchanges', rig.HERE / 'exchanges.c')
            machine.add_podtrace()
        except Unavailable as why:
            self.skipTest(str(why))
        runs = ''.join(f"run '{name}' '{RUNGS[name]}'\n" for name in rungs)
        result = machine.run(SCRIPT % {'n': N, 'plays': ' '.join(PLAYS)} + runs, TIMEOUT)
        self.assertEqual((result.code, result.log), (0, ''))
        for name in rungs:
            with self.subTest(kernel=kernel, rung=name, append=append):
                *lines, last = map(json.loads, result.files[f'{name}.lines'].splitlines())
                summary = last['summary']
                features = {(f['family'], f['feature']): f for f in summary['features']}
                head = features['http', 'head']
                rung = (became or {}).get(name, 'tp_btf' if name == 'perf buffer' else name)
                self.assertEqual(head['rung'], rung, head['reason'])
                self.assertEqual((summary['lost'], summary['unaccounted']), (0, 0))
                self.assertEqual(told(lines), WANTED)
                coverage.record(kernel, append, name, {('http', 'head'): head}, arch)

    def test_5_10(self):
        self.check('5.10')

    def test_6_1(self):
        self.check('6.1', rungs=('tp_btf', 'raw_tp', 'no reads'), became={'no reads': 'fentry'})

    def test_6_12(self):
        self.check('6.12', 'lockdown=integrity', ('tp_btf', 'raw_tp', 'perf buffer'))

    def test_6_12_locked(self):
        self.check('6.12', 'lockdown=confidentiality', ['tp_btf'], became={'tp_btf': 'fentry'})

    def test_7_3(self):
        self.check('7.3', rungs=('tp_btf', 'raw_tp', 'no reads'), became={'no reads': 'fentry'})

    def test_arm64(self):
        self.check('6.12', arch='arm64')
        self.check('6.12', 'lockdown=confidentiality', ['tp_btf'], arch='arm64', became={'tp_btf': 'fentry'})


if __name__ == '__main__':
    unittest.main()
