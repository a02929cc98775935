"""What the tests of connections share: sockets, namespaces, the kernel's own counts."""

import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import time

import rig
from rig import Export

ADDRESS = {4: (socket.AF_INET, '127.0.0.1'), 6: (socket.AF_INET6, '::1'), 46: (socket.AF_INET6, '::ffff:127.0.0.1')}
RUNGS = {'tp_btf': [], 'raw_tp': ['--forbid', 'tp_btf'], 'no reads': ['--forbid', 'probe_read']}
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def tcp(family=4) -> socket.socket:
    return socket.socket(ADDRESS[family][0], socket.SOCK_STREAM)


def listening(family=4, backlog=16) -> socket.socket:
    sock = tcp(family)
    sock.bind((ADDRESS[family][1], 0))
    sock.listen(backlog)
    return sock


def connected(listener) -> tuple:
    """(client, server)"""
    client = socket.socket(listener.family, socket.SOCK_STREAM)
    client.connect(listener.getsockname())
    server, _ = listener.accept()
    return client, server


def port_of(sock) -> int:
    return sock.getsockname()[1]


def move(n, source, to):
    """N bytes, however many fit at a time; all are read."""
    chunk = b'x' * 65536
    left = n
    got = 0
    source.setblocking(False)
    while got < n:
        if left:
            with contextlib.suppress(BlockingIOError):
                left -= source.send(chunk[:min(left, len(chunk))])
        if select.select([to], [], [], 0.01)[0]:
            got += len(to.recv(1 << 20))
    source.setblocking(True)


def drained(sock):
    while sock.recv(1 << 20):
        pass


def socket_mac(device) -> str:
    """The link-layer address of a device, in this thread's namespace (SIOCGIFHWADDR)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return fcntl.ioctl(sock, 0x8927, struct.pack('256s', device.encode()))[18:24].hex(':')


def until(true, timeout=10):
    deadline = time.monotonic() + timeout
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f'not in {timeout} s')
        time.sleep(0.005)


# struct tcp_info (linux/tcp.h), as far as we look
def tcp_info(sock) -> dict:
    raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    total_retrans, = struct.unpack_from('I', raw, 100)
    bytes_acked, bytes_received = struct.unpack_from('QQ', raw, 120)
    return {'state': raw[0], 'total_retrans': total_retrans, 'bytes_acked': bytes_acked,
            'bytes_received': bytes_received}


def in_child(what) -> int:
    """WHAT in a process of its own, made by a plain fork; its pid. What it returns is its exit code."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        code = what() or 0
    finally:
        os._exit(code)


def reap(pid):
    status = os.waitpid(pid, 0)[1]
    if status:
        raise AssertionError(f'{pid} ended with {status:x}')


class Net:
    """A network namespace with loopback up."""

    def __init__(self, name):
        self.name = name
        subprocess.run(['ip', 'netns', 'add', name], check=True)
        self.ip('link', 'set', 'lo', 'up')

    def ip(self, *args):
        subprocess.run(['ip', '-n', self.name, *args], check=True)

    def remove(self):
        subprocess.run(['ip', 'netns', 'del', self.name], check=True)

    @contextlib.contextmanager
    def inside(self):
        """This thread is in here for a while; sockets opened here stay."""
        before = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        there = os.open(f'/run/netns/{self.name}', os.O_RDONLY)
        try:
            setns(there)
            yield
        finally:
            setns(before)
            os.close(before)
            os.close(there)

    def count(self, name) -> int:
        """A counter of TcpExt in /proc/net/netstat."""
        with self.inside(), open('/proc/thread-self/net/netstat', encoding='ascii') as file:
            for names in file:
                values = next(file)
                if names.startswith('TcpExt:'):
                    return int(dict(zip(names.split(), values.split()))[name])
        raise KeyError(name)


def setns(fd):
    if LIBC.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns')


class Case(rig.Case):
    def watch(self, cgroup, *args):
        return self.trace(cgroup, '--families', 'tcp', '--otlp-file', self.otlp_file(), *args)

    def otlp_file(self):
        return self.folder / f'otlp{self._runs + 1}.jsonl'

    def export(self) -> Export:
        return Export.of_file(self.folder / f'otlp{self._runs}.jsonl')

    def net(self, name='a') -> Net:
        rig.needs('ip')
        net = Net(f'podtrace-{os.getpid()}-{name}')
        self.addCleanup(net.remove)
        return net

    def ends(self, run) -> dict:
        """The ended connections by their local port; each port once."""
        out = {}
        for line in run.of('tcp.connection'):
            self.assertNotIn(line['network.local.port'], out)
            out[line['network.local.port']] = line
        return out

    def assert_bytes(self, line, role, sent, received):
        self.assertEqual((line['podtrace.tcp.role'], line['podtrace.tcp.sent'], line['podtrace.tcp.received']),
                         (role, sent, received))

    def metric(self, name, export=None) -> dict:
        return (export or self.export()).metrics().get(f'podtrace.tcp.{name}', {})

    def made(self) -> dict:
        """podtrace.tcp.connections as {(role, error): n}."""
        points = [(dict(key), n) for key, n in self.metric('connections').items()]
        return {(of['podtrace.tcp.role'], of.get('error.type')): n for of, n in points}
