# SPDX-License-Identifier: Apache-2.0
"""The API server's client as podtrace has it: with BearSSL. Also what takes long, and what memory it takes."""
import ssl
import time
import unittest

import cases
from client import PROGRAMS
from standin import Fault, make_pod


class Case(cases.Case):
    program = PROGRAMS[1]


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


class Slow(Case):
    """What takes long, with the program as it is delivered."""

    def test_silence(self):
        self.server.script('list', Fault(hang=60))
        client = self.client()
        begin = time.monotonic()
        failing = client.wait('changed', state='failing', timeout=40)
        self.assertIn('did not answer in time', failing['reason'])
        self.assertTrue(28 < time.monotonic() - begin < 33)
        client.wait('changed', state='watching')
        client.end()

    def test_tls_1_3_only(self):
        self.server = self.serve(cases.CERTIFICATE, minimum=ssl.TLSVersion.TLSv1_3)
        client = self.client()
        failing = client.wait('changed', state='failing')
        self.assertIn('no TLS with https://127.0.0.1', failing['reason'])
        self.assertIn('VersionTLS12', failing['fix'])
        client.end()

    def test_memory(self):
        """250 pods of 13 KB are listed in less than 2 MiB; 5000 that come and go leave nothing."""
        self.server.own('replicasets', 'shop', cases.REPLICASET[2], cases.REPLICASET[3], cases.DEPLOYMENT)
        self.server.add(*[make_pod(i, owner=cases.REPLICASET) for i in range(250)])
        client = self.watching()
        client.wait('pod', 250)
        before = client.status()
        self.assertLess(before['peak_kb'], 2048)
        for first in range(1000, 6000, 100):
            batch = [make_pod(i, owner=cases.REPLICASET, large=False) for i in range(first, first + 100)]
            self.server.add(*batch)
            client.wait('pod', 250 + first - 900)
            self.server.remove(*batch)
        client.wait('gone', 5000)
        status = client.end()
        self.assertEqual((status['pods'], status['events'], status['pods_evicted']), (250, 10000, 0))
        self.assertEqual(status['bytes'], before['bytes'])
        self.assertLess(status['rss_kb'] - before['rss_kb'], 300)


if __name__ == '__main__':
    unittest.main()
