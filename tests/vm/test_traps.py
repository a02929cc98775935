#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What kernels make of programs that look right (traps.bpf.c). tests/build/test_traps.py sees to it that none of ours
is like them; here is why. A row that fails is a kernel that has changed."""

import errno
import json
import pathlib
import re
import unittest

from machine import Machine, Unavailable

PROGRAMS = pathlib.Path(__file__).parents[2] / 'build' / 'test' / 'traps'
TRIED = ('none', 'kconfig', 'kfunc', 'loop', 'lsm', 'multi')
NO_TYPES = 'initcall_blacklist=btf_vmlinux_init'  # as in test_btf.py
ENOTSUPP = 524  # the kernel's own

# of 6.12 and later; no kernel of Debian's has its configuration in /proc, and there is none in /boot
NEW = {**dict.fromkeys(TRIED, 'hits'), 'kconfig': f'load -{errno.EINVAL}'}
# of 6.1, which Debian builds without CONFIG_FPROBE
OLD = {**NEW, 'loop': 'misled 10', 'multi': f'attach -{errno.EOPNOTSUPP}'}
# of 5.10: neither bpf_loop (5.17) nor kprobe.multi (5.18), and bpf is not among the security modules
OLDEST = {**NEW, 'loop': f'load -{errno.EINVAL}', 'multi': f'attach -{errno.EINVAL}', 'lsm': 'silent'}

SCRIPT = """
set -e
traps /traps/*.bpf.o >/out/told
mkdir /boot
echo CONFIG_HZ=250 >/boot/config-$(uname -r)
traps /traps/kconfig.bpf.o >/out/configured
"""
LADDER = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
podtrace doctor --families cgroup --forbid tp_btf,raw_tp --output json --log-level debug >/out/doctor 2>/out/log
"""


class Traps(unittest.TestCase):
    maxDiff = None

    def check(self, kernel, want, append='', words=()):
        """want: what becomes of each object; words: libbpf's, besides those about the configuration."""
        if not (PROGRAMS / 'try').exists():
            self.skipTest('the traps are not built: make test-programs')
        try:
            machine = Machine(kernel, append)
        except Unavailable as why:
            self.skipTest(str(why))
        machine.add('/bin/traps', PROGRAMS / 'try')
        for name in TRIED:
            machine.add(f'/traps/{name}.bpf.o', PROGRAMS / f'{name}.bpf.o')
        result = machine.run(SCRIPT)
        self.assertEqual(result.code, 0, result.log)
        told = {name: dict(line.split(': ') for line in result.files[name].decode().splitlines())
                for name in ('told', 'configured')}
        self.assertEqual(told, {'told': want, 'configured': {'kconfig': 'hits'}}, result.log)
        for word in ('failed to open system Kconfig', *words):
            self.assertIn(word, result.log)

    def test_a_hook_that_never_fires(self):
        """A security module that is not among those of the command line."""
        self.check('5.10', OLDEST)
        self.check('5.10', {**OLDEST, 'lsm': 'hits'}, 'lsm=lockdown,yama,apparmor,bpf')

    def test_a_branch_that_is_cut_off(self):
        """By the verifier, which takes ten turns of bpf_loop for one."""
        self.check('6.1', OLD)
        self.check('6.12', NEW)

    def test_no_types(self):
        """A kfunc takes the object with it that has it, though it is weak. What does not ask for types is as ever."""
        self.check('6.1', {**OLD, 'kfunc': f'load -{errno.ESRCH}', 'lsm': f'load -{errno.ESRCH}'}, NO_TYPES,
                   ['failed to find valid kernel BTF'])

    def test_attaching_fails_after_loading(self):
        """arm64 before 6.4: podtrace finds out and goes down a rung. Of later ones see test_ladder.py."""
        try:
            machine = Machine('6.1', arch='arm64')
            machine.add_podtrace()
        except Unavailable as why:
            self.skipTest(str(why))
        files = {name: content.decode() for name, content in machine.run(LADDER).files.items()}
        self.assertEqual(re.findall(r"prog '(\w+)': (failed to .*)\"", files['log']),
                         [('cgroup_activate_fentry', 'failed to attach: -ENOTSUPP')])
        mkdir, = (of for of in json.loads(files['doctor'])['doctor']['features'] if of['family'] == 'cgroup')
        self.assertEqual((mkdir['state'], mkdir['rung'], mkdir['reason'], mkdir['errno']),
                         ('reduced', 'kprobe', 'the kernel cannot attach there (ENOTSUPP)', ENOTSUPP))


if __name__ == '__main__':
    unittest.main()
