#!/usr/bin/env python3
"""What the network does to connections: segments sent again and full listen queues. The measure is the kernel's own
count: TCP_INFO of the sockets, /proc/net/netstat of the namespace."""

import contextlib
import os
import select
import socket
import time
import unittest

import rig
from rig import series
from sockets import Case, RUNGS, in_child, listening, move, port_of, reap, socket_mac, tcp, tcp_info, until


class Queues(Case):
    """Dropped by a full listen queue: as many as the namespace's ListenDrops."""

    def overflow(self, net, listener, n=12) -> list:
        """N clients of a listener that accepts none."""
        clients = []
        for _ in range(n):
            client = tcp()
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            clients.append(client)
        return clients

    def drops(self, run) -> int:
        return sum(line['podtrace.tcp.listen.drops'] for line in run.of('tcp.listen_drop'))

    def assert_drops(self, run, delta, pid=None):
        self.assert_lossless(run)
        self.assertGreater(delta, 0)
        self.assertEqual(self.drops(run), delta)
        self.assertEqual(self.metric('listen.drops'), {(): delta})
        self.assertEqual({line['process.pid'] for line in run.of('tcp.listen_drop')}, {pid or os.getpid()})
        self.assert_valid(self.export())

    def test_overflow(self):
        for name, rung in RUNGS.items():
            with self.subTest(name):
                net, cgroup = self.net(name), self.cgroup(name)
                before = net.count('ListenDrops')
                with self.watch(cgroup, *rung) as run:
                    with net.inside(), cgroup.inside():
                        listener = listening(backlog=1)
                        clients = self.overflow(net, listener)
                        time.sleep(1.2)             # each of them tries again
                    delta = net.count('ListenDrops') - before
                self.assert_drops(run, delta)
                line = run.of('tcp.listen_drop')[0]
                self.assertEqual((line['server.port'], line['podtrace.tcp.listen.backlog'],
                                  line['podtrace.tcp.listen.backlog_max']), (port_of(listener), 2, 1))
                for sock in (*clients, listener):
                    sock.close()

    def test_listener_that_closes(self):
        net, cgroup = self.net(), self.cgroup()
        with self.watch(cgroup) as run:
            with net.inside(), cgroup.inside():
                listener = listening(backlog=1)
                clients = self.overflow(net, listener)
                for sock in (*clients, listener):
                    sock.close()
            delta = net.count('ListenDrops')
        self.assert_drops(run, delta)

    def test_without_the_iterator(self):
        """Without the look on a timer they are counted when the listener closes."""
        net, cgroup = self.net(), self.cgroup()
        with self.watch(cgroup, '--forbid', 'iter') as run:
            with net.inside(), cgroup.inside():
                listener = listening(backlog=1)
                clients = self.overflow(net, listener)
                for sock in (*clients, listener):
                    sock.close()
            delta = net.count('ListenDrops')
        self.assert_drops(run, delta)

    def test_shared_and_older(self):
        """A listener that is older, had dropped before, and that three processes hold: what is new is told once."""
        net, cgroup = self.net(), self.cgroup()
        with net.inside(), cgroup.inside():
            listener = listening(backlog=1)
            clients = self.overflow(net, listener, 5)
        read, write = os.pipe()
        holders = [in_child(lambda: os.read(read, 1) and 0) for _ in range(2)]
        for sock in clients:
            sock.close()
        with self.watch(cgroup) as run:
            before = net.count('ListenDrops')  # by now: the first clients' connections are tried again meanwhile
            with net.inside(), cgroup.inside():
                clients = self.overflow(net, listener, 7)
            delta = net.count('ListenDrops') - before
        os.write(write, b'xx')
        for pid in holders:
            reap(pid)
        for sock in (*clients, listener):
            sock.close()
        os.close(read)
        os.close(write)
        self.assert_lossless(run)
        self.assertGreater(delta, 0)
        self.assertEqual(self.drops(run), delta)

    def test_room_enough(self):
        """The negative control: nobody is dropped, nothing is told."""
        net, cgroup = self.net(), self.cgroup()
        with self.watch(cgroup) as run:
            with net.inside(), cgroup.inside():
                listener = listening(backlog=100)
                clients = self.overflow(net, listener)
        self.assert_lossless(run)
        self.assertEqual((net.count('ListenDrops'), run.of('tcp.listen_drop'), self.metric('listen.drops')),
                         (0, [], {}))
        for sock in (*clients, listener):
            sock.close()


class Retransmits(Case):
    """What is sent again while the other side hears nothing: as many as TCP_INFO of the socket says."""

    def setUp(self):
        super().setUp()
        self.a, self.b = self.net('a'), self.net('b')
        self.a.ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v0', 'netns', self.b.name)
        for net, address in ((self.a, '10.214.0.1/24'), (self.b, '10.214.0.2/24')):
            net.ip('addr', 'add', address, 'dev', 'v0')
            net.ip('link', 'set', 'v0', 'up')
        # so that neither side ever asks for the other's address
        for net in (self.a, self.b):
            self.know(net, self.mac(self.b if net is self.a else self.a))

    def know(self, net, mac):
        """NET sends what is for the other side to MAC."""
        other = '10.214.0.2' if net is self.a else '10.214.0.1'
        net.ip('neigh', 'replace', other, 'lladdr', mac, 'dev', 'v0', 'nud', 'permanent')

    def mac(self, net) -> str:
        with net.inside():
            return socket_mac('v0')

    @contextlib.contextmanager
    def unheard(self, net):
        """What NET sends goes to somebody else's address: it leaves, and nobody takes it."""
        self.know(net, '02:00:00:00:00:99')
        try:
            yield
        finally:
            self.know(net, self.mac(self.b if net is self.a else self.a))

    def pair(self):
        with self.b.inside():
            listener = socket.create_server(('10.214.0.2', 0))
        with self.a.inside():
            client = tcp()
            client.connect(listener.getsockname())
        server, _ = listener.accept()
        return listener, client, server

    def test_data(self):
        """Little and much: a large piece is many segments."""
        for name, rung in RUNGS.items():
            for size in (100, 200_000):
                cgroup = self.cgroup(f'{name}{size}')
                with self.subTest(name, size=size), self.watch(cgroup, *rung) as run:
                    with cgroup.inside():
                        listener, client, server = self.pair()
                        move(1000, client, server)
                        client.setblocking(False)
                        with self.unheard(self.a):
                            sent = client.send(b'l' * size)
                            until(lambda: tcp_info(client)['total_retrans'] >= 2)
                        got = 0
                        while got < sent:
                            got += len(server.recv(1 << 20))
                        total = tcp_info(client)['total_retrans']
                        port = port_of(client)
                        for sock in (client, server, listener):
                            sock.close()
                self.assert_lossless(run)
                line = self.ends(run)[port]
                self.assertEqual(line['podtrace.tcp.retransmits'], total)
                self.assert_bytes(line, 'client', 1000 + sent, 0)
                self.assertEqual(self.metric('retransmits'), {series({'podtrace.tcp.segment': 'data'}): total})
                self.assertEqual(run.of('tcp.retransmit')[-1]['podtrace.tcp.retransmits'], total)

    def test_syn(self):
        """The first SYN is lost, the second is heard. The connection is the client's, and so is the SYN."""
        cgroup = self.cgroup()
        with self.b.inside():
            listener = socket.create_server(('10.214.0.2', 0))
        with self.watch(cgroup) as run:
            with self.a.inside(), cgroup.inside():
                client = tcp()
                client.setblocking(False)
                with self.unheard(self.a):
                    client.connect_ex(listener.getsockname())
                    time.sleep(0.3)
                self.assertEqual(select.select([], [client], [], 5)[1], [client])
                total = tcp_info(client)['total_retrans']
                client.close()
        listener.close()
        self.assert_lossless(run)
        self.assertEqual(total, 1)
        self.assertEqual([(line['podtrace.tcp.segment'], line['process.pid']) for line in run.of('tcp.retransmit')],
                         [('syn', os.getpid())])
        self.assertEqual(self.metric('retransmits'), {series({'podtrace.tcp.segment': 'syn'}): 1})
        line, = run.of('tcp.connect')
        self.assertNotIn('error.type', line)
        self.assertGreater(line['podtrace.tcp.connect.duration'], 0.9)

    def test_synack(self):
        """The answer to the SYN is lost: the listener's side sends it again, as often as the namespace counted."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            with cgroup.inside():
                with self.b.inside():
                    listener = socket.create_server(('10.214.0.2', 0))
                with self.a.inside():
                    client = tcp()
                client.setblocking(False)
                with self.unheard(self.b):
                    client.connect_ex(listener.getsockname())
                    time.sleep(1.6)
                self.assertEqual(select.select([], [client], [], 5)[1], [client])
                server, _ = listener.accept()
                for sock in (client, server, listener):
                    sock.close()
        self.assert_lossless(run)
        got = [line['podtrace.tcp.segment'] for line in run.of('tcp.retransmit')]
        self.assertEqual((got.count('syn'), got.count('synack')),
                         (self.a.count('TCPSynRetrans'), self.b.count('TCPSynRetrans')))
        self.assertGreater(got.count('synack'), 0)
        self.assertEqual(sum(self.metric('retransmits').values()), len(got))

    def test_nothing_lost(self):
        """The negative control."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            with cgroup.inside():
                listener, client, server = self.pair()
                move(200_000, client, server)
                for sock in (client, server, listener):
                    sock.close()
        self.assert_lossless(run)
        self.assertEqual((run.of('tcp.retransmit'), self.metric('retransmits')), ([], {}))
        self.assertEqual([line['podtrace.tcp.retransmits'] for line in run.of('tcp.connection')], [0, 0])


if __name__ == '__main__':
    unittest.main()
