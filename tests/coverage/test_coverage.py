#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/coverage.md says what the machines of the layer vm, which ran before, have just shown."""

import json
import pathlib
import sys
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

    def test_a_rung_less_is_seen(self):
        """The negative control: any of the records could be the one that is missing."""
        whole = coverage.document()
        for path in coverage.RECORDS.glob('*.json'):
            record = json.loads(path.read_text(encoding='utf-8'))
            for row in record['rows']:
                row[2:] = ['off', '', 'it was taken away']
            with self.subTest(path.name), mock.patch.object(json, 'loads', lambda text, path=path, record=record: (
                    record if text == path.read_text(encoding='utf-8') else json.JSONDecoder().decode(text))):
                self.assertNotEqual(coverage.document(), whole)


if __name__ == '__main__':
    unittest.main()
