#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SELinux enforcing, by a policy of ours (selinux.cil): what it denies is told as its doing, and what it allows works
to the number, also for a type that may not use perf events."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

N = 20
APPEND = 'security=selinux selinux=1 enforcing=1'
TYPES = ('whole_t', 'noperf_t', 'maps_t', 'none_t')
WANT = {'process.fork': N, 'process.exec': N, 'process.exit': N, 'tcp.connect': N, 'tcp.accept': N,
        'tcp.connection': 2 * N}
# of the shell that starts the two workloads
AROUND = {'process.fork': 2, 'process.exec': 2, 'process.exit': 2}

SCRIPT = r"""
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t selinuxfs selinuxfs /sys/fs/selinux
cat /policy >/sys/fs/selinux/load
mkdir /sys/fs/cgroup/load

as() { # TYPE COMMAND...
	(
		echo -n u:r:$1 >/proc/self/attr/exec
		shift
		"$@"
	)
}

for type in %(types)s; do
	as $type podtrace doctor --output json >/out/$type
	echo $? >/out/$type.code
done
as noperf_t podtrace doctor --output json --forbid tp_btf,raw_tp,fentry >/out/kprobes

: >/out/trace.log
as noperf_t podtrace trace --families process,tcp,cgroup --output json --cgroup /load >/out/trace 2>/out/trace.log &
until grep -q 'watches by' /out/trace.log; do
	sleep 0.1
done
(
	echo 0 >/sys/fs/cgroup/load/cgroup.procs
	/bin/workload procs %(n)d 2
	/bin/workload tcp %(n)d 1 1 4
	echo 0 >/sys/fs/cgroup/cgroup.procs
)
killall podtrace
wait
"""


def policy() -> bytes:
    if not shutil.which('secilc'):
        raise Unavailable('no secilc here: apt-get install secilc')
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, 'policy')
        subprocess.run(['secilc', '-M', 'false', '-c', '31', '-o', out, '-f', os.devnull,
                        pathlib.Path(__file__).with_name('selinux.cil')], check=True)
        return out.read_bytes()


class SELinux(unittest.TestCase):
    def boot(self, kernel):
        if not os.path.exists(rig.BINARY):
            self.skipTest('podtrace is not built: make')
        try:
            machine = Machine(kernel, APPEND)
            machine.add('/policy', policy())
        except Unavailable as why:
            self.skipTest(str(why))
        machine.add('/bin/podtrace', rig.BINARY)
        machine.add('/bin/workload', rig.workload())
        result = machine.run(SCRIPT % {'n': N, 'types': ' '.join(TYPES)})
        self.assertEqual((result.code, result.log), (0, ''))
        return result

    def check(self, kernel):
        result = self.boot(kernel)
        for name in TYPES:
            with self.subTest(kernel=kernel, type=name):
                doctor = json.loads(result.files[name])['doctor']
                self.assertEqual([doctor['facts'][fact]['value'] for fact in ('selinux', 'label')],
                                 ['enforcing', f'u:r:{name}'])
                self.assertIn(int(result.files[f'{name}.code']), (1,) if name in ('maps_t', 'none_t') else (0, 3))
                for row in doctor['features']:
                    if row['family'] in ('process', 'tcp', 'cgroup'):
                        self.check_row(row, name in ('whole_t', 'noperf_t'))
        with self.subTest(kernel=kernel, type='noperf_t, kprobes'):
            rows = json.loads(result.files['kprobes'])['doctor']['features']
            for row in rows:
                if row['feature'] in ('exec', 'fork', 'exit', 'mkdir'):
                    self.check_row(row, False)
        self.check_trace(result)

    def check_row(self, row, works):
        if works:
            self.assertNotIn('SELinux', row['reason'], row)
            self.assertTrue(row['state'] != 'off' or row['feature'] == 'listen_drop', row)  # not for 5.10
            return
        self.assertEqual((row['state'], row['errno']), ('off', 13), row)
        self.assertIn('denied by SELinux (EACCES)', row['reason'])
        self.assertIn('spc_t', row['fix'])

    def check_trace(self, result):
        *lines, last = map(json.loads, result.files['trace'].splitlines())
        self.assertEqual((last['summary']['lost'], last['summary']['unaccounted']), (0, 0))
        got = Counter(line['event'].removeprefix('podtrace.') for line in lines)
        self.assertEqual(got, Counter(WANT) + Counter(AROUND))

    def test_5_10(self):
        self.check('5.10')

    def test_6_1(self):
        self.check('6.1')

    def test_6_12(self):
        self.check('6.12')


if __name__ == '__main__':
    unittest.main()
