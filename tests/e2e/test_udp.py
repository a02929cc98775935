#!/usr/bin/env python3
"""Datagrams: each to the last one and byte, from where to where, by whichever call; what fails, and what does not count."""

import contextlib
import os
import pathlib
import socket
import threading
import time
import unittest
from collections import Counter

import datagrams
import rig
from rig import Export
from sockets import ADDRESS, port_of

N = 400
RUNGS = {'tp_btf': [], 'raw_tp': ['--forbid', 'tp_btf'], 'perf buffer': ['--forbid', 'ringbuf']}


def udp(family=4) -> socket.socket:
    return socket.socket(ADDRESS[family][0], socket.SOCK_DGRAM)


def bound(family=4) -> socket.socket:
    sock = udp(family)
    sock.bind((ADDRESS[family][1], 0))
    return sock


class Case(rig.Case):
    FAMILY = 'udp'

    @contextlib.contextmanager
    def watch(self, cgroup, *options):
        """The agent's view of it and a capture, at the same time."""
        with self.trace(cgroup, '--families', self.FAMILY, '--otlp-file', self.folder / 'otlp', *options) as run:
            with self.podtrace('capture', '--cgroup', cgroup.path, '--families', self.FAMILY, *options,
                               self.folder / 'tap'):
                yield run

    def export(self) -> Export:
        return Export.of_file(self.folder / 'otlp')

    def records(self) -> list:
        return datagrams.records((self.folder / 'tap').read_bytes(), rig.KINDS)

    def feature(self, run, name):
        feature, = (of for of in run.summary['features'] if of['feature'] == name)
        return feature['rung']


class Counts(Case):
    def run_load(self, family, n, *options):
        cgroup, other = self.cgroup(f'v{family}-{self._runs}'), self.cgroup(f'other{family}-{self._runs}')
        with self.watch(cgroup, *options) as run:
            noise = other.start('datagrams', n, family)
            ports, = cgroup.run('datagrams', n, family)
            self.assertEqual(noise.wait(), 0)
        self.assert_lossless(run)
        return run, ports

    def test_each_rung(self):
        for name, options in RUNGS.items():
            with self.subTest(rung=name):
                run, ports = self.run_load(4, N, *options)
                self.assertEqual(self.feature(run, 'datagram'), 'raw_tp' if name == 'raw_tp' else 'tp_btf')
                self.assertEqual(datagrams.measured(self.export()), datagrams.metrics(N))
                self.assertEqual(Counter(of.told() for of in self.records()), datagrams.told(N, 4, ports))
                calls = Counter(of[0] for of in datagrams.TURN)
                for kind, failures in (('send', 1), ('receive', 1)):
                    row = run.events[f'udp_{kind}']
                    self.assertEqual((row['seen'], row['counted'], row['sent']),
                                     (N * calls[kind], N * (calls[kind] - failures), N * failures))
                self.assert_failures(run, ports)
                self.assert_valid(self.export())

    def assert_failures(self, run, ports):
        """They alone are in the live view, and exported."""
        got = Counter((line['event'], line['error.type'], line['network.peer.port'], line['network.io.direction'])
                      for line in run.lines)
        self.assertEqual(got, {('podtrace.udp.send', 'EMSGSIZE', ports['server'], 'transmit'): N,
                               ('podtrace.udp.receive', 'ECONNREFUSED', ports['nobody'], 'receive'): N})
        self.assertEqual(len(self.export().logs('podtrace.udp.send')), N)
        self.assertEqual(len(self.export().logs('podtrace.udp.receive')), N)

    def test_addresses(self):
        for family in (6, 46):
            with self.subTest(family=family):
                _, ports = self.run_load(family, N)
                self.assertEqual(datagrams.measured(self.export()), datagrams.metrics(N))
                self.assertEqual(Counter(of.told() for of in self.records()), datagrams.told(N, family, ports))

    def test_one_less_is_seen(self):
        _, ports = self.run_load(4, N - 1)
        self.assertNotEqual(datagrams.measured(self.export()), datagrams.metrics(N))
        self.assertEqual(datagrams.told(N, 4, ports) - Counter(of.told() for of in self.records()),
                         datagrams.told(1, 4, ports))


class Calls(Case):
    def test_waiting(self):
        """A receive that waits is told as long as it was, to its caller's own clock."""
        cgroup, waits = self.cgroup(), []
        with self.watch(cgroup), cgroup.inside(), bound() as here, udp() as there:
            for _ in range(5):
                late = threading.Timer(0.05, there.sendto, (b'x', here.getsockname()))
                late.start()
                begin = time.monotonic()
                here.recv(1)
                waits.append(time.monotonic() - begin)
                late.join()
        got = [of.seconds for of in self.records() if of.kind == 'udp_receive']
        self.assertEqual(len(got), len(waits))
        for told, waited in zip(got, waits):
            self.assertGreater(waited, 0.04)
            self.assertAlmostEqual(told, waited, delta=waited / 10)
        total, = (value for (name, key), value in self.export().histogram_sums().items()
                  if name == 'podtrace.udp.call.duration' and ('network.io.direction', 'receive') in key)
        self.assertAlmostEqual(total, sum(waits), delta=sum(waits) / 10)

    def test_socket_older_than_podtrace(self):
        cgroup = self.cgroup()
        with cgroup.inside():
            here, there = bound(), bound()
        with here, there:
            with self.watch(cgroup) as run, cgroup.inside():
                there.sendto(b'12345', here.getsockname())
                here.recvfrom(5)
            self.assert_lossless(run)
            ends = [('127.0.0.1', port_of(there)), ('127.0.0.1', port_of(here))]
        me = os.getpid(), pathlib.Path('/proc/self/comm').read_text(encoding='ascii').strip()
        self.assertEqual([(of.told(), of.pid, of.comm) for of in self.records()],
                         [(('send', 0, 5, 1, *ends), *me), (('receive', 0, 5, 1, *ends[::-1]), *me)])

    def test_mapped_by_the_call(self):
        """A socket of IPv6 sends to an address of IPv4 and to a mapped one."""
        cgroup = self.cgroup()
        with self.watch(cgroup), cgroup.inside(), bound() as here, udp(6) as there:
            there.sendto(b'123', ('::ffff:127.0.0.1', port_of(here)))
            ends = ('::', port_of(there)), ('::ffff:127.0.0.1', port_of(here))
        self.assertEqual([of.told() for of in self.records()], [('send', 0, 3, 1, *ends)])

    def test_tcp_is_none(self):
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            cgroup.run('tcp', 10, 100, 100, 4)
        self.assert_lossless(run)
        self.assertEqual((datagrams.measured(self.export()), self.records(), run.lines), ({}, [], []))


if __name__ == '__main__':
    unittest.main()
