# SPDX-License-Identifier: Apache-2.0
"""The API server's client with sanitizers, and with the host's curl and OpenSSL."""
import unittest

import cases
from client import PROGRAMS


class Case(cases.Case):
    program = PROGRAMS[0]


class Right(cases.Right, Case):
    pass


class Refused(cases.Refused, Case):
    pass


class Gone(cases.Gone, Case):
    pass


class Broken(cases.Broken, Case):
    pass


class Tls(cases.Tls, Case):
    pass


class Off(cases.Off, Case):
    pass


if __name__ == '__main__':
    unittest.main()
