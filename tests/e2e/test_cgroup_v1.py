#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cgroup v1 alone: what counts to the number on v2 counts to the number here, by the same tests. A socket carries no v1
cgroup, it is of the task that uses it: what follows from that has tests of its own."""

import os
import socket
import unittest
from unittest import mock

import rig
import test_connect
import test_counts
import test_identity
import test_tcp
import v1
from sockets import connected, drained, in_child, listening, move, port_of, reap, tcp


class Connects(v1.V1, test_connect.Connects):
    """How connects end."""


class Counts(v1.V1, test_counts.Exact):
    """2,000 of each."""
    test_at_the_collector = test_the_agent = None  # what is exported does not depend on the tree


class Targets(v1.V1, test_counts.Targets):
    """Of a v1 folder and all below it; the neighbours are filtered."""


class AnyController(v1.V1, rig.Case):
    """Kernels of our days have no memory controller for v1: then it is another one's tree."""

    def test_each(self):
        for self.controller in ('memory', 'pids', 'cpu', 'devices'):
            self._top = None  # of another tree
            with self.subTest(self.controller):
                cgroup, other = self.cgroup('wanted'), self.cgroup('other')
                with self.trace(cgroup) as run:
                    for load, n in ((cgroup, 11), (other, 3)):
                        load.run('procs', n, 2)
                        load.run('tcp', n, 1, 1, 4)
                    self.keep(cgroup.child('below'))
                self.assert_lossless(run)
                self.assertIn(f'{self.controller} tree of cgroup v1', run.log)
                self.assertEqual(dict(run.by_event()), {
                    'process.fork': 11, 'process.exec': 11, 'process.exit': 11, 'tcp.connect': 11, 'tcp.accept': 11,
                    'tcp.connection': 22, 'cgroup.mkdir': 1})


class ShortLived(v1.V1, test_identity.ShortLived):
    """Containers are told as they are made."""


class Bytes(v1.V1, test_tcp.Bytes):
    """How connections end."""

    def setUp(self):
        super().setUp()
        self.enterContext(mock.patch.dict(test_tcp.RUNGS))
        del test_tcp.RUNGS['no reads']


class NoReads(v1.V1, rig.Case):
    def test_sockets(self):
        """Whose a socket is cannot be known without reads of kernel memory: said, and nothing is misled."""
        cgroup = self.cgroup()
        with self.trace(cgroup, '--forbid', 'probe_read') as run:
            cgroup.run('procs', 5, 1)
            cgroup.run('tcp', 5, 1, 1, 4)
        self.assert_lossless(run)
        self.assertEqual(dict(run.by_event()), {'process.fork': 5, 'process.exec': 5, 'process.exit': 5})
        told = {of['feature']: of for of in run.summary['features']}
        self.assertEqual((told['state']['state'], told['exec']['state']), ('off', 'on'))
        self.assertIn('reads kernel memory by helper', told['state']['reason'])


class Owners(v1.V1, test_tcp.Owners):
    """Whose is a socket."""

    def ended(self, client, server):
        """Ends both; (client's port, server's port)."""
        ports = port_of(client), port_of(server)
        move(10, client, server)
        client.close()
        drained(server)
        server.close()
        return ports

    def test_listener_older_than_podtrace(self):
        """It is of whoever holds it when podtrace starts. Where nobody can look for that, of who accepts: known by the
        first connection, which is told like the next."""
        for name, args in (('found', ()), ('told by accept', ('--forbid', 'iter'))):
            cgroup = self.cgroup(name)
            with self.subTest(name), cgroup.inside(), listening() as listener:
                with self.watch(cgroup, *args) as run:
                    ports = [self.ended(*connected(listener)) for _ in range(3)]
            self.assert_lossless(run)
            self.assertEqual(self.made(), {('client', None): 3, ('server', None): 3})
            seen = {(line['podtrace.tcp.role'], line['network.local.port'], line['network.peer.port'],
                     line['podtrace.tcp.sent'], line['podtrace.tcp.received']) for line in run.of('tcp.connection')}
            self.assertEqual(seen, {of for client, server in ports for of in (('client', client, server, 10, 0),
                                                                              ('server', server, client, 0, 10))})
            self.assertEqual({line['process.pid'] for line in run.lines}, {os.getpid()})

    def test_connection_older_than_podtrace(self):
        """The same for a connection; its begin and its process are not known."""
        cgroup = self.cgroup()
        with cgroup.inside(), listening() as listener:
            client, server = connected(listener)
            move(10, client, server)
            with self.watch(cgroup) as run:
                ports = self.ended(client, server)
        self.assert_lossless(run)
        ends = self.ends(run)
        self.assert_bytes(ends[ports[0]], 'unknown', 20, 0)
        self.assert_bytes(ends[ports[1]], 'unknown', 0, 20)
        self.assertEqual([line.get('process.pid') for line in run.lines], [None, None])
        self.assertEqual(self.made(), {})

    def test_older_and_of_another(self):
        """The control: who holds them is elsewhere, and so are they."""
        cgroup = self.cgroup()
        with listening() as listener:
            client, server = connected(listener)
            with self.watch(cgroup) as run:
                self.ended(client, server)
        self.assert_lossless(run)
        self.assertEqual(run.lines, [])

    def test_two_containers_on_one_port(self):
        """The kernel gives a connection to either; until it is accepted nobody knows whose it is, then it is right."""
        cgroups = [self.cgroup('first'), self.cgroup('second')]
        listeners = []
        with self.watch(cgroups[0]) as run:
            for cgroup in cgroups:
                with cgroup.inside():
                    listener = tcp()
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                    listener.bind(listeners[0].getsockname() if listeners else ('127.0.0.1', 0))
                    listener.listen(64)
                    listener.setblocking(False)
                    listeners.append(listener)
            clients = [socket.create_connection(listener.getsockname()) for _ in range(40)]
            accepted = [self.accept_all(*of) for of in zip(cgroups, listeners)]
            for sock in (*clients, *listeners):
                sock.close()
        self.assert_lossless(run)
        self.assertEqual(len(accepted[0]) + len(accepted[1]), 40)
        self.assertGreater(len(accepted[1]), 0)  # else it was no test
        self.assertEqual({line['network.peer.port'] for line in run.of('tcp.connection')}, accepted[0])
        self.assertEqual({line['network.peer.port'] for line in run.of('tcp.accept')}, accepted[0])
        self.assertEqual(self.made(), {('server', None): len(accepted[0])})

    def accept_all(self, cgroup, listener) -> set:
        """All that wait, accepted in CGROUP and closed; the ports of the other ends."""
        ports = set()
        with cgroup.inside():
            while True:
                try:
                    server, peer = listener.accept()
                except BlockingIOError:
                    return ports
                ports.add(peer[1])
                server.close()

    def test_accepted_elsewhere(self):
        """One cgroup listens, another accepts: from then on it is the second one's, and it ends as such."""
        outer, inner = self.cgroup('outer'), self.cgroup('inner')
        for watched in (outer, inner):
            with self.watch(watched) as run:
                with outer.inside():
                    listener = listening()

                def accept():
                    rig.move(inner.path)
                    server, _ = listener.accept()
                    drained(server)
                    server.close()
                child = in_child(accept)
                with tcp() as client:
                    client.connect(listener.getsockname())
                reap(child)
                listener.close()
            self.assert_lossless(run)
            ends = [(line['event'], line.get('process.pid')) for line in run.lines]
            if watched is outer:
                self.assertEqual(ends, [])
            else:
                self.assertEqual(ends, [('podtrace.tcp.accept', child), ('podtrace.tcp.connection', None)])


if __name__ == '__main__':
    unittest.main()
