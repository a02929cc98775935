#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one unittest file and prints TAP, as the C tests do: one line a test.

    python3 tests/tap.py tests/e2e/test_counts.py
"""
import importlib.util
import os
import sys
import traceback
import unittest


WHY_MAX = 600  # the rest is below


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0

    def line(self, word, test, tail=''):
        self.count += 1
        name = test.id().split('.', 1)[-1] if hasattr(test, 'id') else str(test)
        print(f'{word} {self.count} - {name}{tail}', flush=True)

    def diagnose(self, err):
        for line in ''.join(traceback.format_exception(*err)).splitlines():
            print(f'# {line}', flush=True)

    def addSuccess(self, test):
        self.line('ok', test)

    def addFailure(self, test, err):
        why = ''.join(traceback.format_exception_only(*err[:2])).splitlines()[0]
        self.line('not ok', test, f' # {why[:WHY_MAX]}')
        self.diagnose(err)

    addError = addFailure

    def addSkip(self, test, reason):
        self.line('ok', test, f' # SKIP {reason}')

    def addExpectedFailure(self, test, err):
        self.line('ok', test, ' # SKIP known fault')

    def addUnexpectedSuccess(self, test):
        self.line('not ok', test, ' expected to fail, but passed')

    def addSubTest(self, test, subtest, err):
        if err:
            self.addFailure(subtest, err)


def main(path):
    folder, name = os.path.split(os.path.abspath(path))
    sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name[:-3], path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name[:-3]] = module
    result = TapResult()
    try:
        spec.loader.exec_module(module)
    except unittest.SkipTest as skip:
        result.addSkip(name, str(skip))
        return 0
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    print(f'1..{result.count}')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
