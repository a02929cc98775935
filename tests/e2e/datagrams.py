"""What the workload's datagrams are to be told as, and the records of a capture file."""

import ipaddress
import struct
from collections import Counter

# One turn of the workload: (kind, errno or 0, bytes, messages, local port, remote port); ports by the names that the workload
# prints, None: not known. Who sends is not bound to an address, who is not connected knows the peer by the call alone.
TURN = [
    ('send', 0, 10, 1, 'connected', 'server'), ('receive', 0, 10, 1, 'server', 'connected'),
    ('send', 0, 20, 1, 'open', 'server'), ('receive', 0, 20, 1, 'server', None),
    ('send', 0, 30, 1, 'open', 'server'), ('receive', 0, 30, 1, 'server', 'open'),
    ('send', 0, 40, 1, 'connected', 'server'), ('receive', 0, 40, 1, 'server', None),
    ('send', 0, 11, 1, 'connected', 'server'), ('receive', 0, 11, 1, 'server', None),
    ('send', 0, 6, 3, 'open', 'server'), ('receive', 0, 6, 3, 'server', 'open'),
    ('send', 0, 0, 1, 'connected', 'server'), ('receive', 0, 0, 1, 'server', None),
    ('send', 90, 0, 0, 'open', 'server'),
    ('send', 0, 7, 1, 'refused', 'nobody'), ('receive', 111, 0, 0, 'refused', 'nobody'),
]
LOOPBACK = {4: '127.0.0.1', 6: '::1', 46: '::ffff:127.0.0.1'}
ANY = {4: '0.0.0.0', 6: '::', 46: '::'}
DIRECTION = {'send': 'transmit', 'receive': 'receive'}
ERRNO = {90: 'EMSGSIZE', 111: 'ECONNREFUSED'}


def metrics(n, family='udp') -> dict:
    """{metric without its family: {(direction, error): value}} of N turns."""
    out = {name: Counter() for name in ('datagrams', 'io', 'errors', 'call.duration')}
    for kind, err, bytes_, messages, _, _ in TURN:
        direction = DIRECTION[kind]
        out['call.duration'][direction, None] += n
        if err:
            out['errors'][direction, ERRNO[err]] += n
        else:
            out['datagrams'][direction, None] += n * messages
            out['io'][direction, None] += n * bytes_
    return {f'podtrace.{family}.{name}': dict(values) for name, values in out.items()}


def measured(export, family='udp') -> dict:
    """The same, as exported."""
    out = {}
    for name, values in export.metrics().items():
        if name.startswith(f'podtrace.{family}.'):
            out[name] = {(dict(key).get('network.io.direction'), dict(key).get('error.type')): n
                         for key, n in values.items()}
    return out


def told(n, family, ports) -> Counter:
    """Who is told what of N turns: (kind, errno, bytes, messages, local end, remote end)."""
    out = Counter()
    for kind, err, bytes_, messages, local, remote in TURN:
        # an unconnected socket that has sent knows its port, but of its addresses it has all
        here = ANY[family] if local == 'open' else LOOPBACK[family]
        there = (LOOPBACK[family], ports[remote]) if remote else (ANY[family], 0)
        out[kind, err, bytes_, messages, (here, ports[local]), there] += n
    return out


class Record:
    """One of a call that sent or received: bpf/wire/sock.h."""

    def __init__(self, payload, kinds):
        (self.when_ns, self.cgroup, self.key, self.pid, self.tid, kind, self.size, self.cpu,
         self.flags) = struct.unpack_from('<QQQIIHHHH', payload)
        self.kind = kinds[kind - 1]
        self.io = self.kind.endswith(('_send', '_receive'))
        if not self.io:
            return
        (local, remote, local_port, remote_port, af, self.role, self.netns, _, self.start_ns, self.bytes, self.messages,
         self.err, comm) = struct.unpack_from('<16s16sHHHHIIQQIi16s', payload, 40)
        self.local = (address(local, af), local_port)
        self.remote = (address(remote, af), remote_port)
        self.comm = comm.rstrip(b'\0').decode()

    @property
    def seconds(self) -> float:
        return (self.when_ns - self.start_ns) / 1e9

    def told(self) -> tuple:
        return self.kind.partition('_')[2], self.err, self.bytes, self.messages, self.local, self.remote


def address(raw, af) -> str:
    if af == 2:
        return str(ipaddress.IPv4Address(raw[:4]))
    ip = ipaddress.IPv6Address(raw)
    return f'::ffff:{ip.ipv4_mapped}' if ip.ipv4_mapped else str(ip)


def records(tap, kinds) -> list:
    """Those of a capture file (src/capture/tap_format.h) that are of calls on sockets. kinds: names by the registry's order."""
    out = []
    at, = struct.unpack_from('<I', tap, 12)
    while at < len(tap):
        size, type_ = struct.unpack_from('<II', tap, at)
        if type_ == 1:
            record = Record(tap[at + 16:at + 16 + size], kinds)
            if record.io:
                out.append(record)
        at += 16 + size
    return out
