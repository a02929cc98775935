#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What doctor says on kernels that forbid or lack something: the same words as the kernel's own, and an exit code to it."""

import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

SCRIPT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
[ -d /sys/kernel/security ] && mount -t securityfs securityfs /sys/kernel/security
podtrace doctor --output json >/out/doctor.json
echo $? >/out/doctor.code
podtrace doctor >/out/doctor.txt
podtrace trace --all --quiet --duration 1s >/out/trace.txt 2>/out/trace.log
echo $? >/out/trace.code
"""


class Doctor(unittest.TestCase):
    def doctor(self, kernel, append=''):
        """(report, exit code, log of a run, its exit code)"""
        try:
            machine = Machine(kernel, append=append)
        except Unavailable as why:
            raise unittest.SkipTest(str(why)) from why
        machine.add('/bin/podtrace', rig.BINARY)
        result = machine.run(SCRIPT)
        self.assertEqual(result.code, 0, result.log)
        text = {name: content.decode('utf-8', 'replace') for name, content in result.files.items()}
        report = json.loads(text['doctor.json'])['doctor']
        for name in report['facts']:  # one report, two forms
            self.assertIn(f'\n  {name} ', text['doctor.txt'])
        return report, int(text['doctor.code']), text['trace.log'], int(text['trace.code'])

    def features(self, report) -> dict:
        return {f"{feature['family']}/{feature['feature']}": feature for feature in report['features']}

    def test_plain(self):
        report, code, log, ran = self.doctor('6.1')
        self.assertEqual(report['facts']['lockdown']['value'], 'none')
        self.assertEqual(report['facts']['btf']['value'], 'own')
        self.assertEqual(report['facts']['cgroup_version']['value'], 'v2')
        less = [name for name, feature in self.features(report).items() if feature['state'] != 'on']
        self.assertEqual((less, code, ran), (['lookup/getaddrinfo', 'db/postgresql', 'db/mysql'], 3, 0), log)  # uprobe_multi came with 6.6

    def test_integrity(self):
        report, code, log, ran = self.doctor('6.1', 'lockdown=integrity')
        self.assertEqual(report['facts']['lockdown']['value'], 'integrity')
        self.assertEqual((code, ran), (3, 0), log)
        self.assertEqual({feature['state'] for feature in self.features(report).values()}, {'on', 'reduced'})

    def test_no_types(self):
        """Without the kernel's types nothing can be fitted to it: said, with what to do; not a crash."""
        report, code, log, ran = self.doctor('6.1', 'initcall_blacklist=btf_vmlinux_init')
        self.assertIn(report['facts']['btf']['value'], ('none', 'embedded'))
        if report['facts']['btf']['value'] == 'none':
            self.assertEqual((code, ran), (1, 1), log)
            self.assertIn('BTF', log)
        for name, feature in self.features(report).items():
            if feature['state'] == 'off':
                self.assertTrue(feature['reason'], name)

    def test_confidentiality(self):
        report, code, log, _ = self.doctor('6.1', 'lockdown=confidentiality')
        self.assertEqual(report['facts']['lockdown']['value'], 'confidentiality')
        for name, feature in self.features(report).items():
            self.assertTrue(feature['state'] == 'on' or feature['reason'], name)
        self.assertIn(code, (0, 3), log)


if __name__ == '__main__':
    os.chdir(pathlib.Path(__file__).parents[2])
    unittest.main(verbosity=2)
