#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/coverage.md says what the machines of the layer vm, which ran before, have just shown."""

import json
import pathlib
import shutil
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'vm'))

import coverage  # noqa: E402  pylint: disable=wrong-import-position


class Coverage(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        if not list(coverage.RECORDS.glob('*.json')):
            self.skipTest('no machine has run: the layer vm')

    def test_document(self):
        self.assertEqual(coverage.DOCUMENT.read_text(encoding='utf-8').splitlines(), coverage.document().splitlines(),
                         'if that is meant: make coverage')

    def test_a_machine_less_is_seen(self):
        """The negative control."""
        whole, machines = coverage.document(), {}
        for path in coverage.RECORDS.glob('*.json'):
            of = json.loads(path.read_text(encoding='utf-8'))
            machines.setdefault((of['kernel'], of['arch'], of['words']), set()).add(path)
        for machine in machines:
            with self.subTest(machine), tempfile.TemporaryDirectory() as folder:
                for path in set().union(*machines.values()) - machines[machine]:
                    shutil.copy(path, folder)
                with mock.patch.object(coverage, 'RECORDS', pathlib.Path(folder)):
                    self.assertNotEqual(coverage.document(), whole)


if __name__ == '__main__':
    unittest.main()
