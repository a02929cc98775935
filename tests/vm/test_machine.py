#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The test machine itself: what it brings back, and how it ends when the script or the kernel does not."""

import unittest

import machine


class Machines(unittest.TestCase):
    def setUp(self):
        try:
            self.machine = machine.Machine('6.1')
        except machine.Unavailable as why:
            self.skipTest(str(why))

    def test_brings_back(self):
        self.machine.add('/data/in', bytes(range(256)) * 100)
        result = self.machine.run('mkdir /out/a; cp /data/in /out/a/b; uname -r; echo late >&2; exit 7')
        self.assertEqual((result.code, result.files['a/b']), (7, bytes(range(256)) * 100))
        release, late = result.log.split()
        self.assertTrue(release.startswith('6.1.'), release)
        self.assertEqual(late, 'late')

    def test_a_script_that_hangs(self):
        result = self.machine.run('echo begun; sleep 1000', timeout=2)
        self.assertEqual((result.code, result.log.split()), (143, ['begun', 'Terminated']))

    def test_a_kernel_that_panics(self):
        with self.assertRaisesRegex(AssertionError, 'sysrq triggered crash'):
            self.machine.run('echo c >/proc/sysrq-trigger')

    def test_unknown_kernel(self):
        with self.assertRaisesRegex(machine.Unavailable, 'linux-2.4'):
            machine.Machine('2.4')


if __name__ == '__main__':
    unittest.main()
