#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Waits on futexes on real kernels, by each rung: each by how it ended, to the last one."""

import unittest

import loads

import futexes  # of tests/e2e, which loads finds

N = 100


class Waits(loads.Loads):
    family, load, wanted = 'lock', f'futexes {N}', futexes.wanted(N)

    def counted(self, export):
        return futexes.counted(export)

    def check_lines(self, lines):
        """What must not be asked for is a failure on its own; a machine that stops may make another wait long."""
        failed = [line for line in lines if 'futex' in line['event'] and futexes.of(line)[1] == 'EDEADLK']
        self.assertEqual(len(failed), N)

    def test_5_10(self):
        self.check('5.10', became={'tp_btf': 'raw_tp'})

    def test_5_10_locked(self):
        self.check('5.10', 'lockdown=confidentiality', ['tp_btf'], became={'tp_btf': ''})

    def test_6_1(self):
        self.check('6.1')

    def test_6_12(self):
        self.check('6.12', 'lockdown=integrity', loads.RUNGS)

    def test_6_12_locked(self):
        self.check('6.12', 'lockdown=confidentiality', ['tp_btf'])

    def test_7_3(self):
        self.check('7.3')

    def test_arm64(self):
        self.check('6.12', arch='arm64')


if __name__ == '__main__':
    unittest.main()
