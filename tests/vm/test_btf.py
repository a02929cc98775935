#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kernels that do not tell their types: by those that podtrace carries, by a file, by none, by a wrong one. What can run
runs to the number, what cannot is told."""

import json
import os
import pathlib
import sys
import unittest
from collections import Counter

ROOT = pathlib.Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / 'tests' / 'e2e'), str(ROOT / 'tools')]

import btf_image  # noqa: E402  pylint: disable=wrong-import-position
import btf_types  # noqa: E402  pylint: disable=wrong-import-position
import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

NO_TYPES = 'initcall_blacklist=btf_vmlinux_init'  # as if built without CONFIG_DEBUG_INFO_BTF
N = 20
LOAD = {'process.fork': N, 'process.exec': N, 'process.exit': N, 'tcp.connect': N, 'tcp.accept': N,
        'tcp.connection': 2 * N, 'cgroup.mkdir': 1}
EXIT_RUN, EXIT_REDUCED = 1, 3
FAMILIES = 'process,tcp,cgroup'  # that need types

# watch NAME ARGUMENT...: what podtrace says to LOAD in a cgroup of its own, in /out/NAME; its exit code and its log
SCRIPT = r"""
base=/sys/fs/cgroup
mount -t cgroup2 cgroup2 $base

doctor() { # NAME ARGUMENT...
	name=$1
	shift
	podtrace doctor --output json "$@" >/out/$name 2>/out/$name.log
	echo $? >/out/$name.code
}

watch() { # NAME ARGUMENT...
	name=$1
	shift
	mkdir $base/$name
	: >/out/$name.log
	case "$*" in *--families*) ;; *) set -- "$@" --families %(families)s ;; esac
	podtrace trace --cgroup /$name --output json "$@" >/out/$name 2>/out/$name.log &
	pid=$!
	until grep -q 'watches by' /out/$name.log; do
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	mkdir $base/$name/child
	/bin/workload --cgroup $base/$name $base procs %(n)d 2
	/bin/workload --cgroup $base/$name $base tcp %(n)d 3 5 4
	kill $pid 2>/dev/null
	wait $pid
	echo $? >/out/$name.code
}
""" % {'n': N, 'families': FAMILIES}


def resized(raw: bytes, name: str) -> bytes:
    """The same BTF with another size of that struct."""
    at = btf_types.HEADER
    strings = at + int.from_bytes(raw[16:20], 'little')
    needle = raw.index(b'\0' + name.encode() + b'\0', strings) + 1 - strings
    out = bytearray(raw)
    for offset in range(at, strings, 4):  # name, kind and number of members, size
        if int.from_bytes(raw[offset:offset + 4], 'little') == needle and raw[offset + 7] & 0x1f == btf_types.STRUCT:
            out[offset + 8:offset + 12] = (int.from_bytes(raw[offset + 8:offset + 12], 'little') + 64).to_bytes(4, 'little')
            return bytes(out)
    raise AssertionError(f'no struct {name}')


class Btf(unittest.TestCase):
    def machine(self, kernel, append=NO_TYPES) -> Machine:
        if not os.path.exists(rig.BINARY):
            self.skipTest('podtrace is not built: make')
        try:
            machine = Machine(kernel, append)
        except Unavailable as why:
            self.skipTest(str(why))
        machine.add('/bin/podtrace', rig.BINARY)
        machine.add('/bin/workload', rig.workload())
        return machine

    def doctor(self, result, name, code, btf) -> dict:
        self.assertEqual(result.files[f'{name}.code'].strip(), str(code).encode(), result.files[f'{name}.log'])
        doctor = json.loads(result.files[name])['doctor']
        self.assertEqual(doctor['facts']['btf']['value'], btf)
        return {f'{f["family"]}/{f["feature"]}': f for f in doctor['features']}

    def check_features(self, features):
        """Everything on a rung that attaches without types of the kernel's own, or off for the want of them."""
        for name, feature in features.items():
            if name.split('/')[0] not in FAMILIES.split(','):
                continue
            self.assertIn('the kernel does not tell its types', feature['reason'], name)
            if name == 'tcp/listen_drop':
                self.assertEqual(feature['state'], 'off')
            else:
                self.assertEqual((feature['state'], feature['rung']), ('reduced', 'raw_tp'), name)

    def check_counts(self, result, *names, load=LOAD):
        for name in names:
            with self.subTest(name):
                self.assertEqual(result.files[f'{name}.code'].strip(), b'0', result.files[f'{name}.log'])
                *lines, last = map(json.loads, result.files[name].splitlines())
                self.assertEqual((last['summary']['lost'], last['summary']['unaccounted']), (0, 0))
                self.assertEqual(Counter(line['event'].removeprefix('podtrace.') for line in lines), load)

    def check_refused(self, result, name, *words):
        self.assertEqual(result.files[f'{name}.code'].strip(), str(EXIT_RUN).encode())
        log = result.files[f'{name}.log'].decode()
        for word in words:
            self.assertIn(word, log)

    def check_carried(self, kernel, other):
        machine = self.machine(kernel)
        whole = btf_image.read(machine.kernel)
        carried = ROOT / 'btf' / whole.arch / f'{whole.release}.btf'
        self.assertTrue(carried.exists(), f'btf/ has no {whole.release}: name it in btf/debian.lock, make btf')
        wrong = btf_image.read(self.machine(other).kernel)
        machine.add('/btf/whole', whole.btf)
        machine.add('/btf/wrong', wrong.btf)
        machine.add('/btf/sockets', resized(carried.read_bytes(), 'tcp_sock'))
        result = machine.run(SCRIPT + '''
doctor doctor
watch carried
watch perf --forbid ringbuf
watch kprobe --forbid raw_tp --families process
watch whole --btf /btf/whole
doctor file --btf /btf/whole
watch wrong --btf /btf/wrong
watch sockets --btf /btf/sockets
umount /proc
watch procless --families %s
mount -t proc proc /proc
''' % FAMILIES)
        self.assertEqual(result.code, 0, result.log)
        self.check_features(self.doctor(result, 'doctor', EXIT_REDUCED, 'embedded'))
        self.check_features(self.doctor(result, 'file', EXIT_REDUCED, 'file'))
        self.check_counts(result, 'carried', 'perf', 'whole')
        self.check_counts(result, 'kprobe', load={event: n for event, n in LOAD.items() if event.startswith('process')})
        self.check_refused(result, 'wrong', '--btf', '/btf/wrong', 'another kernel', 'has another pid')
        self.check_refused(result, 'sockets', '/btf/sockets', 'another kernel', 'TCP socket')
        self.check_refused(result, 'procless', '/proc')

    def test_5_10(self):
        self.check_carried('5.10', '6.1')

    def test_6_1(self):
        self.check_carried('6.1', '5.10')

    def test_none(self):
        """A kernel that podtrace carries nothing for; with a file it is like any other."""
        machine = self.machine('6.12')
        whole = btf_image.read(machine.kernel)
        self.assertFalse((ROOT / 'btf' / whole.arch / f'{whole.release}.btf').exists(), 'take another kernel here')
        machine.add('/btf/whole', whole.btf)
        result = machine.run(SCRIPT + '''
doctor doctor
watch none --families %s
watch raw --forbid tp_btf --families %s
watch whole --btf /btf/whole
''' % (FAMILIES, FAMILIES))
        words = ('the kernel does not tell its types', f'none for {whole.release}', '--btf FILE', 'make btf')
        for name, feature in self.doctor(result, 'doctor', EXIT_REDUCED, 'none').items():
            if name.split('/')[0] == 'dns':  # reads nothing of the kernel's
                self.assertEqual(feature['state'], 'on', name)
            if name.split('/')[0] in FAMILIES.split(','):
                self.assertEqual((feature['state'], feature['rung']), ('off', ''), name)
                for word in words:
                    self.assertIn(word, feature['reason'] + feature['fix'], name)
        self.check_refused(result, 'none', *words)
        self.check_refused(result, 'raw', *words)
        self.check_counts(result, 'whole')

    def test_own(self):
        """The control: the same kernel, when it tells them."""
        machine = self.machine('6.12', '')
        result = machine.run(SCRIPT + 'doctor doctor\nwatch own\n')
        features = self.doctor(result, 'doctor', 0, 'own')
        self.assertEqual(features['tcp/listen_drop']['state'], 'on')
        self.assertEqual(features['process/exec']['rung'], 'tp_btf')
        self.check_counts(result, 'own')


if __name__ == '__main__':
    unittest.main()
