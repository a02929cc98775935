#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Operations on files on real kernels, by each rung: each by what it was and its errno, the bytes, and of those that fail
the path, to the last one."""

import json
import pathlib
import sys
import tempfile
import unittest
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import coverage  # noqa: E402  pylint: disable=wrong-import-position
import files  # noqa: E402  pylint: disable=wrong-import-position
import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

N = 20
RUNGS = {'tp_btf': '', 'raw_tp': 'tp_btf', 'perf buffer': 'ringbuf'}
SCRIPT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/load /sys/fs/cgroup/other

run() { # NAME FORBIDDEN
	: >"/out/$1.log"
	podtrace trace --cgroup /load --families file --file-slow 1h --output json --otlp-file "/out/$1.otlp" ${2:+--forbid $2} \\
		>"/out/$1.lines" 2>"/out/$1.log" &
	pid=$!
	until grep -q 'watches by' "/out/$1.log"; do
		kill -0 $pid || return
		sleep 0.1
	done
	mkdir /tmp/load /tmp/other
	workload --cgroup /sys/fs/cgroup/load /sys/fs/cgroup files %(n)d /tmp/load || echo "$1: exit code $?"
	workload --cgroup /sys/fs/cgroup/other /sys/fs/cgroup files %(n)d /tmp/other || echo "$1: elsewhere: exit code $?"
	rm -r /tmp/load /tmp/other
	kill $pid
	wait $pid || echo "$1: podtrace: exit code $?"
}
"""
# Of what fails, by what it was and its errno: where.
PATHS = {('open', 'ENOENT'): 'none', ('open', 'ELOOP'): 'link', ('open', 'ENOTDIR'): 'b/below', ('open', 'EACCES'): 'b',
         ('read', 'EISDIR'): '', ('write', 'EBADF'): 'a', ('unlink', 'ENOENT'): 'none', ('rmdir', 'ENOTEMPTY'): 'full',
         ('rename', 'ENOENT'): 'none'}
# The one that is too long, by whether its directory is unknown: how it begins, how long it is told, that it is cut.
LONGEST = {False: {('/tmp/x', len('/tmp/') + 4096, True)}, True: {('xxxxxx', 4096, True)}}
BY_PATH = [('unlink', None), ('rmdir', None), ('rename', None)]


class Files(unittest.TestCase):
    def check(self, kernel, append='', rungs=('tp_btf', 'raw_tp'), arch='amd64', locked=False):
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
                feature, = (of for of in summary['features'] if of['family'] == 'file')
                self.assertEqual((summary['lost'], summary['unaccounted']), (0, 0))
                rung = 'tp_btf' if name == 'perf buffer' else name
                self.assertEqual(feature['rung'], rung, feature['reason'])
                want = self.wanted(locked)
                self.assertEqual(self.counted(result.files[f'{name}.otlp']), want)
                self.assertEqual(self.paths(lines, locked), self.wanted_paths(locked))
                coverage.record(kernel, append, name, {(feature['family'], feature['feature']): feature}, arch)

    def wanted(self, locked) -> tuple:
        """Without reads of kernel memory no descriptor is known."""
        if not locked:
            return files.wanted(N), files.wanted_bytes(N)
        return {op: n for op, n in files.wanted(N).items() if op in BY_PATH or
                op in files.FAILED and op[0] not in ('read', 'write')}, {}

    def wanted_paths(self, locked) -> dict:
        if locked:
            return {(op, err, path): N for (op, err), path in PATHS.items() if op not in ('read', 'write')}
        return {(op, err, f'/tmp/load/{path}'.rstrip('/')): N for (op, err), path in PATHS.items()}

    def paths(self, lines, locked) -> dict:
        longest = [line for line in lines if line.get('error.type') == 'ENAMETOOLONG']
        self.assertEqual({(line['file.path'][:6], len(line['file.path']), line['podtrace.file.path_cut']) for line in longest},
                         LONGEST[locked])
        return Counter((line['podtrace.file.operation'], line['error.type'], line['file.path']) for line in lines
                       if line not in longest)

    def counted(self, exported):
        with tempfile.NamedTemporaryFile() as file:
            file.write(exported)
            file.flush()
            return files.counted(rig.Export.of_file(file.name))

    def test_5_10(self):
        self.check('5.10', rungs=['raw_tp'])

    def test_5_10_locked(self):
        """Nothing can run there, and that is said."""
        try:
            machine = Machine('5.10', 'lockdown=confidentiality')
            machine.add_podtrace()
        except Unavailable as why:
            self.skipTest(str(why))
        result = machine.run('podtrace trace --all --families file 2>/out/said; echo $? >/out/code')
        self.assertIn(b'no BPF program can run here', result.files['said'])
        self.assertEqual(result.files['code'], b'1\n')

    def test_6_1(self):
        self.check('6.1')

    def test_6_12(self):
        self.check('6.12', 'lockdown=integrity', RUNGS)

    def test_6_12_locked(self):
        self.check('6.12', 'lockdown=confidentiality', ['tp_btf'], locked=True)

    def test_6_18(self):
        self.check('6.18')

    def test_7_3(self):
        self.check('7.3')

    def test_arm64(self):
        self.check('6.12', arch='arm64', rungs=['tp_btf'])


if __name__ == '__main__':
    unittest.main()
