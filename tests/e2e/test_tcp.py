#!/usr/bin/env python3
"""What is told of connections is true: bytes to the last one, addresses, resets, and who owned them. The measure is
what the test itself sent and read."""

import os
import socket
import struct
import threading
import time
import unittest

import rig
from rig import series
from sockets import Case, RUNGS, connected, drained, in_child, listening, move, port_of, reap, tcp, tcp_info, until


class Bytes(Case):
    SIZES = (0, 1, 65_537, 10_000_000)

    def test_sizes(self):
        """Both ways, both closers, on both ways to read the kernel."""
        for name, rung in RUNGS.items():
            cgroup, want = self.cgroup(name), {}
            with self.subTest(name), self.watch(cgroup, *rung) as run:
                with cgroup.inside():
                    listener = listening()
                    for there in self.SIZES:
                        for back in self.SIZES:
                            for client_first in (True, False):
                                client, server = connected(listener)
                                want[port_of(client)] = (there, back)
                                move(there, client, server)
                                move(back, server, client)
                                first, second = (client, server) if client_first else (server, client)
                                first.close()
                                self.assertEqual(second.recv(1), b'')
                                second.close()
                    listener.close()
            self.assert_lossless(run)
            clients = [line for line in run.of('tcp.connection') if line['podtrace.tcp.role'] == 'client']
            servers = [line for line in run.of('tcp.connection') if line['podtrace.tcp.role'] == 'server']
            self.assertEqual({line['network.local.port']: (line['podtrace.tcp.sent'], line['podtrace.tcp.received'])
                              for line in clients}, want)
            self.assertEqual({line['network.peer.port']: (line['podtrace.tcp.received'], line['podtrace.tcp.sent'])
                              for line in servers}, want)
            self.assertEqual((len(clients), len(servers)), (len(want), len(want)))
            self.assertEqual(sum(self.metric('io').values()), 2 * sum(map(sum, want.values())))
            self.assert_valid(self.export())

    def test_addresses(self):
        families = {4: ('ipv4', '127.0.0.1'), 6: ('ipv6', '::1'), 46: ('ipv4', '127.0.0.1')}
        for family, (type_, address) in families.items():
            with self.subTest(family):
                cgroup = self.cgroup(f'v{family}')
                with self.watch(cgroup) as run:
                    with cgroup.inside(), listening(family) as listener:
                        client, server = connected(listener)
                        ports = port_of(client), port_of(listener)
                        move(77, client, server)
                        client.close()
                        drained(server)
                        server.close()
                self.assert_lossless(run)
                for line in run.lines:
                    client_side = line['podtrace.tcp.role'] == 'client'
                    self.assertEqual(
                        (line['network.type'], line['network.local.address'], line['network.peer.address'],
                         line['network.local.port'], line['network.peer.port'], line['server.port'],
                         line['server.address'], line['process.pid']),
                        (type_, address, address, *(ports if client_side else ports[::-1]), ports[1], address,
                         os.getpid()))
                self.assertEqual(sorted((line['event'], line['podtrace.tcp.role']) for line in run.lines),
                                 [('podtrace.tcp.accept', 'server'), ('podtrace.tcp.connect', 'client'),
                                  ('podtrace.tcp.connection', 'client'), ('podtrace.tcp.connection', 'server')])

    def test_v4_on_a_v6_listener(self):
        """A plain IPv4 client of a listener on ::."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            with cgroup.inside():
                listener = tcp(6)
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                listener.bind(('::', 0))
                listener.listen(1)
                client = tcp(4)
                client.connect(('127.0.0.1', port_of(listener)))
                server, _ = listener.accept()
                for sock in (client, server, listener):
                    sock.close()
        self.assert_lossless(run)
        self.assertEqual({(line['network.type'], line['network.local.address'], line['network.peer.address'])
                          for line in run.lines}, {('ipv4', '127.0.0.1', '127.0.0.1')})
        self.assertEqual(self.made(), {('client', None): 1, ('server', None): 1})

    def test_half_close(self):
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            with cgroup.inside(), listening() as listener:
                client, server = connected(listener)
                ports = port_of(client), port_of(server)
                move(1000, client, server)
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(server.recv(1), b'')
                move(123_457, server, client)
                server.shutdown(socket.SHUT_WR)
                self.assertEqual(client.recv(1), b'')
                client.close()
                server.close()
        self.assert_lossless(run)
        self.assert_bytes(self.ends(run)[ports[0]], 'client', 1000, 123_457)
        self.assert_bytes(self.ends(run)[ports[1]], 'server', 123_457, 1000)
        self.assertEqual([line.get('error.type') for line in run.of('tcp.connection')], [None, None])

    def test_shutdown_of_reading(self):
        """SHUT_RD sends nothing; what still comes counts as received."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            with cgroup.inside(), listening() as listener:
                client, server = connected(listener)
                ports = port_of(client), port_of(server)
                client.shutdown(socket.SHUT_RD)
                server.send(b'z' * 100)
                until(lambda: tcp_info(client)['bytes_received'] == 100)
                server.close()
                client.close()
        self.assert_lossless(run)
        self.assert_bytes(self.ends(run)[ports[0]], 'client', 0, 100)
        self.assert_bytes(self.ends(run)[ports[1]], 'server', 100, 0)

    def assert_resets(self, run, sender, receiver):
        """One sent, one received, each by its own end of the connection."""
        self.assertEqual({(line['network.io.direction'], line.get('network.local.port'), line.get('network.peer.port'),
                           line.get('process.pid')) for line in run.of('tcp.reset')},
                         {('transmit', sender, receiver, os.getpid()), ('receive', receiver, sender, os.getpid())})
        self.assertEqual(len(run.of('tcp.reset')), 2)

    def test_reset(self):
        """SO_LINGER 0: one reset sent, one received; the other end ends by ECONNRESET."""
        for name, rung in RUNGS.items():
            cgroup = self.cgroup(name)
            with self.subTest(name), self.watch(cgroup, *rung) as run:
                with cgroup.inside(), listening() as listener:
                    client, server = connected(listener)
                    ports = port_of(client), port_of(server)
                    move(4321, client, server)
                    move(99, server, client)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                    client.close()
                    with self.assertRaises(ConnectionResetError):
                        server.recv(1)
                    server.close()
            self.assert_lossless(run)
            client, server = (self.ends(run)[port] for port in ports)
            self.assert_bytes(client, 'client', 4321, 99)
            self.assert_bytes(server, 'server', 99, 4321)
            self.assertEqual((client.get('error.type'), server.get('error.type')), (None, 'ECONNRESET'))
            self.assert_resets(run, *ports)
            self.assertEqual(self.metric('resets'), {series({'network.io.direction': 'transmit'}): 1,
                                                     series({'network.io.direction': 'receive'}): 1})

    def test_close_with_unread_data(self):
        """The kernel answers with a reset. What arrived was received, read or not."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            with cgroup.inside(), listening() as listener:
                client, server = connected(listener)
                ports = port_of(client), port_of(server)
                client.send(b'unread' * 1000)
                until(lambda: tcp_info(server)['bytes_received'] == 6000)
                server.close()
                with self.assertRaises(ConnectionResetError):
                    client.recv(1)
                client.close()
        self.assert_lossless(run)
        client, server = (self.ends(run)[port] for port in ports)
        self.assert_bytes(client, 'client', 6000, 0)
        self.assert_bytes(server, 'server', 0, 6000)
        self.assertEqual(client.get('error.type'), 'ECONNRESET')
        self.assert_resets(run, ports[1], ports[0])

    def test_a_byte_more_is_seen(self):
        """The negative control."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            cgroup.run('tcp', 1, 3, 5, 4)
        line = [line for line in run.of('tcp.connection') if line['podtrace.tcp.role'] == 'client'][0]
        self.assert_bytes(line, 'client', 3, 5)
        for wrong in (('client', 4, 5), ('client', 3, 6), ('server', 3, 5)):
            with self.assertRaises(AssertionError):
                self.assert_bytes(line, *wrong)


class States(Case):
    def stays(self) -> dict:
        """{state: seconds}"""
        return {dict(key)['network.connection.state']: seconds
                for (name, key), seconds in self.export().histogram_sums().items() if name == 'podtrace.tcp.state.duration'}

    def test_close_wait(self):
        """A server that does not close for a while: which state holds the socket up is told by its time there."""
        for name, rung in RUNGS.items():
            with self.subTest(name):
                cgroup = self.cgroup(name)
                with self.watch(cgroup, *rung) as run:
                    with cgroup.inside(), listening() as listener:
                        client, server = connected(listener)
                        time.sleep(0.2)
                        began = time.monotonic()
                        client.close()
                        time.sleep(0.5)
                        held = time.monotonic() - began
                        server.close()
                        time.sleep(0.1)
                self.assert_lossless(run)
                stays = self.stays()
                self.assertAlmostEqual(stays['close_wait'], held, delta=0.1)
                self.assertAlmostEqual(stays['established'], 0.4, delta=0.15)  # of both ends
                # what is left of the client's socket in FIN_WAIT2 is no socket
                self.assertLess(sum(stays[state] for state in ('syn_sent', 'fin_wait_1', 'fin_wait_2', 'last_ack')), 0.1)


class Owners(Case):
    def test_accepted_by_another(self):
        """One process listens, another accepts: the connection is the second one's."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            with cgroup.inside():
                listener = listening()
                parent = os.getpid()

                def accept():
                    server, _ = listener.accept()
                    drained(server)
                    server.close()
                child = in_child(accept)
                client = tcp()
                client.connect(listener.getsockname())
                client.close()
                reap(child)
                listener.close()
        self.assert_lossless(run)
        pids = {(line['event'], line['podtrace.tcp.role']): line['process.pid'] for line in run.lines}
        self.assertEqual(pids, {
            ('podtrace.tcp.connect', 'client'): parent, ('podtrace.tcp.accept', 'server'): child,
            ('podtrace.tcp.connection', 'client'): parent, ('podtrace.tcp.connection', 'server'): child})

    def test_ended_by_the_other_side(self):
        """The accepted socket ends in softirq, on the time of the client, who is in another cgroup: its pid and cgroup
        are those of its owner all the same, whichever of the two is watched."""
        for watched in ('server', 'client'):
            ours, theirs = self.cgroup(f'server{watched}'), self.cgroup(f'client{watched}')
            with self.subTest(watched), self.watch(ours if watched == 'server' else theirs) as run:
                read, write = os.pipe()
                done_read, done_write = os.pipe()

                def serve():
                    rig.move(ours.path)
                    listener = listening()
                    os.write(write, struct.pack('i', port_of(listener)))
                    server, _ = listener.accept()
                    server.send(b'12345')
                    server.close()           # FIN_WAIT: the end of it comes with the client's FIN
                    os.read(done_read, 1)
                    listener.close()
                server = in_child(serve)
                port, = struct.unpack('i', os.read(read, 4))
                with theirs.inside():
                    client = tcp()
                    client.connect(('127.0.0.1', port))
                    drained(client)
                    client.send(b'')
                    client.close()
                os.write(done_write, b'x')
                reap(server)
                for fd in (read, write, done_read, done_write):
                    os.close(fd)
            self.assert_lossless(run)
            pid = server if watched == 'server' else os.getpid()
            self.assertEqual({(line['podtrace.tcp.role'], line['process.pid']) for line in run.lines}, {(watched, pid)})
            line, = run.of('tcp.connection')
            self.assert_bytes(line, watched, *((5, 0) if watched == 'server' else (0, 5)))

    def test_listener_older_than_podtrace(self):
        cgroup = self.cgroup()
        with cgroup.inside():
            listener = listening()
        with self.watch(cgroup) as run:
            with cgroup.inside():
                client, server = connected(listener)
                ports = port_of(client), port_of(server)
                move(10, client, server)
                client.close()
                server.close()
        listener.close()
        self.assert_lossless(run)
        self.assert_bytes(self.ends(run)[ports[0]], 'client', 10, 0)
        self.assert_bytes(self.ends(run)[ports[1]], 'server', 0, 10)
        self.assertEqual({line['process.pid'] for line in run.lines}, {os.getpid()})
        self.assertEqual(self.made(), {('client', None): 1, ('server', None): 1})

    def test_connection_older_than_podtrace(self):
        """Its bytes are told, its begin and its owner are not known: no span, a record."""
        cgroup = self.cgroup()
        with cgroup.inside(), listening() as listener:
            client, server = connected(listener)
            ports = port_of(client), port_of(server)
            move(10, client, server)
        with self.watch(cgroup) as run:
            move(7, client, server)
            client.close()
            drained(server)
            server.close()
        self.assert_lossless(run)
        ends = self.ends(run)
        self.assert_bytes(ends[ports[0]], 'unknown', 17, 0)
        self.assert_bytes(ends[ports[1]], 'unknown', 0, 17)
        self.assertEqual([line.get('process.pid') for line in run.lines], [None, None])
        export = self.export()
        self.assertEqual((export.spans(), len(export.logs('podtrace.tcp.connection'))), ([], 2))
        self.assertEqual(self.made(), {})
        self.assert_valid(export)

    def test_never_accepted(self):
        """The queue holds it, the listener goes: it was made on both sides, ends on both, and is the listener's."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            with cgroup.inside():
                listener, client = listening(), tcp()
                client.connect(listener.getsockname())
                listener.close()
                with self.assertRaises(ConnectionResetError):
                    client.recv(1)
                client.close()
        self.assert_lossless(run)
        self.assertEqual(self.made(), {('client', None): 1, ('server', None): 1})
        self.assertEqual(run.of('tcp.accept'), [])
        self.assertEqual({line['podtrace.tcp.role']: line['process.pid'] for line in run.of('tcp.connection')},
                         {'client': os.getpid(), 'server': os.getpid()})

    def test_many_at_once(self):
        """Connections of 8 threads at the same time, both ends of each matched: none lost, none doubled."""
        cgroup, each = self.cgroup(), 60
        with self.watch(cgroup) as run:
            with cgroup.inside():
                def work():
                    with listening() as listener:
                        for _ in range(each):
                            client, server = connected(listener)
                            move(11, client, server)
                            client.close()
                            drained(server)
                            server.close()
                threads = [threading.Thread(target=work) for _ in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
        self.assert_lossless(run)
        ports = {'client': set(), 'server': set()}
        for line in run.of('tcp.connection'):
            ports[line['podtrace.tcp.role']].add((line['network.local.port'], line['network.peer.port']))
        self.assertEqual(len(ports['client']), 8 * each)
        self.assertEqual(ports['client'], {(there, here) for here, there in ports['server']})
        self.assertEqual(len(run.of('tcp.connection')), 2 * 8 * each)


if __name__ == '__main__':
    unittest.main()
