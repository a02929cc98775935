#!/usr/bin/env python3
"""How connects end: made, refused, timed out, without a route, given up. Each attempt counts once, by how it ended."""

import contextlib
import ctypes
import errno
import os
import select
import socket
import struct
import time
import unittest

import rig
from rig import series
from sockets import ADDRESS, LIBC, Case, Net, connected, drained, listening, port_of, tcp


class Connects(Case):
    def assert_failed_once(self, run, error, address, port, family='ipv4'):
        """One failed connect, told once in each place, with whom it was for."""
        self.assert_lossless(run)
        line, = run.of('tcp.connect.failed')
        self.assertEqual((line['error.type'], line['network.peer.address'], line['network.peer.port'],
                          line['process.pid'], line['podtrace.tcp.role'], line['network.type']),
                         (error, address, port, os.getpid(), 'client', family))
        self.assertEqual(self.made(), {('client', error): 1})
        self.assertEqual(run.of('tcp.connection'), [])
        export = self.export()
        (record, of), = export.logs()
        self.assertEqual((record['event_name'], of['error.type']), ('podtrace.tcp.connect.failed', error))
        self.assertEqual(export.spans(), [])
        self.assert_valid(export)

    def fails(self, net, to, code, family=4, blocking=True, more=lambda sock: None):
        """A connect to TO that must fail with CODE, watched."""
        cgroup = self.cgroup(f'load{self._runs}')
        with self.watch(cgroup) as run:
            with net.inside() if net else contextlib.nullcontext(), cgroup.inside(), tcp(family) as sock:
                sock.setblocking(blocking)
                more(sock)
                got = sock.connect_ex(to)
                if got == errno.EINPROGRESS:
                    select.select([], [sock], [], 10)
                    got = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                self.assertEqual(got, code)
        return run

    def test_refused(self):
        for family, text in ((4, '127.0.0.1'), (6, '::1'), (46, '127.0.0.1')):
            for blocking in (True, False):
                with self.subTest(family=family, blocking=blocking):
                    port, = rig.collector.free_ports(1)
                    run = self.fails(None, (ADDRESS[family][1], port), errno.ECONNREFUSED, family, blocking)
                    self.assert_failed_once(run, 'ECONNREFUSED', text, port, 'ipv6' if family == 6 else 'ipv4')
                    # the answer was a reset, and it is this socket's
                    self.assertEqual([line['network.io.direction'] for line in run.of('tcp.reset')], ['receive'])

    def test_no_route(self):
        """Fails before a packet leaves; by both rungs, blocking or not, IPv4, IPv6 and mapped."""
        net = self.net()
        for family, address, text in ((4, '203.0.113.9', '203.0.113.9'), (6, '2001:db8::9', '2001:db8::9'),
                                      (46, '::ffff:203.0.113.9', '203.0.113.9')):
            for blocking in (True, False):
                with self.subTest(family=family, blocking=blocking):
                    run = self.fails(net, (address, 80), errno.ENETUNREACH, family, blocking)
                    self.assert_failed_once(run, 'ENETUNREACH', text, 80, 'ipv6' if family == 6 else 'ipv4')
                    self.assertEqual(run.of('tcp.reset'), [])

    def test_no_local_port(self):
        """EADDRNOTAVAIL: the socket wants a local address that another socket has with the same peer."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            with cgroup.inside(), listening() as listener:
                client, server = connected(listener)
                with tcp() as other:
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    with contextlib.suppress(OSError):
                        other.bind(client.getsockname())
                        self.assertEqual(other.connect_ex(listener.getsockname()), errno.EADDRNOTAVAIL)
                    bound = bool(port_of(other))
                client.close()
                server.close()
        self.assert_lossless(run)
        want = {('client', None): 1, ('server', None): 1}
        self.assertEqual(self.made(), want | ({('client', 'EADDRNOTAVAIL'): 1} if bound else {}))

    def test_timed_out(self):
        """A SYN and one more, no answer. The latency is the time it took."""
        net = self.silent()
        begin = time.monotonic()
        run = self.fails(net, ('10.213.0.2', 81), errno.ETIMEDOUT, more=lambda sock: sock.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1))
        took = time.monotonic() - begin
        self.assert_failed_once(run, 'ETIMEDOUT', '10.213.0.2', 81)
        line, = run.of('tcp.connect.failed')
        self.assertLess(2.5, line['podtrace.tcp.connect.duration'])
        self.assertLess(line['podtrace.tcp.connect.duration'], took)
        again = net.count('TCPSynRetrans')
        self.assertGreater(again, 0)
        self.assertEqual([line['podtrace.tcp.segment'] for line in run.of('tcp.retransmit')], ['syn'] * again)
        self.assertEqual(self.metric('retransmits'), {series({'podtrace.tcp.segment': 'syn'}): again})

    def silent(self) -> Net:
        """A namespace with a network on which nobody answers."""
        net = self.net('silent')
        net.ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1')
        net.ip('addr', 'add', '10.213.0.1/24', 'dev', 'v0')
        net.ip('link', 'set', 'v0', 'up')
        net.ip('link', 'set', 'v1', 'up')
        net.ip('neigh', 'add', '10.213.0.2', 'lladdr', '02:00:00:00:00:02', 'dev', 'v0', 'nud', 'permanent')
        return net

    def test_given_up(self):
        """Closed before there was an answer: no connection was made, and that must not count as one."""
        net, cgroup = self.silent(), self.cgroup()
        with self.watch(cgroup) as run:
            with net.inside(), cgroup.inside(), tcp() as sock:
                sock.setblocking(False)
                self.assertEqual(sock.connect_ex(('10.213.0.2', 82)), errno.EINPROGRESS)
        self.assert_lossless(run)
        self.assertEqual(run.of('tcp.connection'), [])
        self.assertNotIn(('client', None), self.made(), 'counted as made')
        line, = run.of('tcp.connect.failed')
        self.assertEqual(line['network.peer.port'], 82)

    def test_not_at_once(self):
        """A connect that does not wait, asked again while and after it goes on: one connection."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            with cgroup.inside(), listening() as listener:
                client = tcp()
                client.setblocking(False)
                self.assertIn(client.connect_ex(listener.getsockname()), (0, errno.EINPROGRESS))
                select.select([], [client], [], 5)
                client.connect_ex(listener.getsockname())
                self.assertEqual(client.connect_ex(listener.getsockname()), errno.EISCONN)
                server, _ = listener.accept()
                client.close()
                server.close()
        self.assert_lossless(run)
        self.assertEqual(dict(run.by_event()), {'tcp.connect': 1, 'tcp.accept': 1, 'tcp.connection': 2})
        self.assertEqual(self.made(), {('client', None): 1, ('server', None): 1})

    def test_mistakes(self):
        """Calls that are no connections: no socket, bad address, datagrams, local sockets, connected already."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            with cgroup.inside():
                address = struct.pack('=HH4s8x', socket.AF_INET, 0x5000, bytes([127, 0, 0, 1]))
                with tcp() as sock, open('/dev/null', 'rb') as file, \
                        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                    self.assertEqual(LIBC.connect(9999, address, 16), -1)
                    self.assertEqual(LIBC.connect(file.fileno(), address, 16), -1)
                    self.assertEqual(LIBC.connect(sock.fileno(), ctypes.c_void_p(8), 16), -1)
                    udp.connect(('127.0.0.1', 9))
                    a, b = socket.socketpair()
                    a.close()
                    b.close()
                    local = socket.socket(socket.AF_UNIX)
                    local.bind(str(self.folder / 'local'))
                    local.listen(1)
                    peer = socket.socket(socket.AF_UNIX)
                    peer.connect(str(self.folder / 'local'))
                    taken, _ = local.accept()
                    for sock_ in (taken, peer, local):
                        sock_.close()
        self.assert_lossless(run)
        self.assertEqual(run.lines, [])
        self.assertEqual(self.metric('connections'), {})

    def test_fast_open(self):
        """A connection opened by sendto: it is one, and what the same thread does next is seen too."""
        net, cgroup = self.net(), self.cgroup()
        with self.watch(cgroup) as run:
            with net.inside(), cgroup.inside(), listening() as listener:
                client = tcp()
                client.sendto(b'first', socket.MSG_FASTOPEN, listener.getsockname())
                server, _ = listener.accept()
                self.assertEqual(server.recv(9), b'first')
                client.close()
                drained(server)
                server.close()
                with tcp() as sock:
                    self.assertEqual(sock.connect_ex(('203.0.113.9', 80)), errno.ENETUNREACH)
        self.assert_lossless(run)
        self.assertEqual(self.made(), {('client', None): 1, ('server', None): 1, ('client', 'ENETUNREACH'): 1})
        self.assertEqual([line['podtrace.tcp.sent'] for line in run.of('tcp.connection')
                          if line['podtrace.tcp.role'] == 'client'], [5])

    def test_again_on_the_same_socket(self):
        """Refused, then connected: two attempts of one socket."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            with cgroup.inside(), listening() as listener, tcp() as client:
                port, = rig.collector.free_ports(1)
                self.assertEqual(client.connect_ex(('127.0.0.1', port)), errno.ECONNREFUSED)
                client.connect(listener.getsockname())
                server, _ = listener.accept()
                client.close()
                server.close()
        self.assert_lossless(run)
        self.assertEqual(self.made(), {('client', 'ECONNREFUSED'): 1, ('client', None): 1, ('server', None): 1})
        self.assertEqual(len(run.of('tcp.connection')), 2)


if __name__ == '__main__':
    unittest.main()
