#!/usr/bin/env python3
"""Calls that send and receive by connections: each to the last one and byte, in whichever way."""

import time
import threading
import unittest
from collections import Counter

import datagrams
import rig
import streams
import test_udp as calls
from sockets import connected, drained, listening

N = 400
NAMES = tuple(streams.metrics(0))


class Counts(calls.Case):
    FAMILY = 'tcp'

    def measured(self) -> dict:
        return {name: of for name, of in datagrams.measured(self.export(), 'tcp').items() if name in NAMES}

    def told(self) -> Counter:
        return Counter(of.told() for of in self.records())

    def run_load(self, family, n, *options):
        cgroup, other = self.cgroup(f'v{family}-{self._runs}'), self.cgroup(f'other{family}-{self._runs}')
        with self.watch(cgroup, *options) as run:
            noise = other.start('stream', n, family)
            ports, = cgroup.run('stream', n, family)
            self.assertEqual(noise.wait(), 0)
        self.assert_lossless(run)
        return run, ports

    def test_each_rung(self):
        for name, options in calls.RUNGS.items():
            with self.subTest(rung=name):
                run, ports = self.run_load(4, N, *options)
                self.assertEqual(self.feature(run, 'send_receive'), 'raw_tp' if name == 'raw_tp' else 'tp_btf')
                self.assertEqual(self.measured(), streams.metrics(N))
                self.assertEqual(self.told(), streams.told(N, 4, ports))
                self.assertEqual((run.of('tcp.send'), run.of('tcp.receive')), ([], []))
                self.assert_valid(self.export())

    def test_addresses(self):
        for family in (6, 46):
            with self.subTest(family=family):
                _, ports = self.run_load(family, N)
                self.assertEqual(self.told(), streams.told(N, family, ports))

    def test_one_less_is_seen(self):
        _, ports = self.run_load(4, N - 1)
        self.assertNotEqual(self.measured(), streams.metrics(N))
        self.assertEqual(sum((streams.told(N, 4, ports) - self.told()).values()), len(streams.TURN))

    def test_waiting(self):
        """As long as its caller says; of a connection that is older than podtrace."""
        cgroup, waits = self.cgroup(), []
        with cgroup.inside(), listening() as listener:
            here, there = connected(listener)
        with self.watch(cgroup), cgroup.inside():
            for _ in range(5):
                late = threading.Timer(0.05, there.send, (b'x',))
                late.start()
                begin = time.monotonic()
                here.recv(1)
                waits.append(time.monotonic() - begin)
                late.join()
        there.close()
        drained(here)
        here.close()
        got = [of.seconds for of in self.records() if of.kind == 'tcp_receive']
        self.assertEqual(len(got), len(waits))
        for told, waited in zip(got, waits):
            self.assertGreater(waited, 0.04)
            self.assertAlmostEqual(told, waited, delta=waited / 10)


if __name__ == '__main__':
    unittest.main()
