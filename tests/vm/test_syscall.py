#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""System calls on real kernels, by each rung: each that opened, closed or failed, by name and errno, to the last one."""

import unittest

import loads

import calls  # of tests/e2e, which loads finds

N = 200


class Calls(loads.Loads):
    family, load, wanted = 'syscall', f'calls {N}', calls.wanted(N)

    def counted(self, export):
        return calls.counted(export)

    def check_lines(self, lines):
        self.assertEqual([line for line in lines if 'syscall' in line['event']], [])

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

    def test_6_18(self):
        self.check('6.18')

    def test_7_3(self):
        self.check('7.3')

    def test_arm64(self):
        self.check('6.12', arch='arm64')


if __name__ == '__main__':
    unittest.main()
