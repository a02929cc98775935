"""What the workload's stream is to be told as: as datagrams.py has it of datagrams."""

from collections import Counter

from datagrams import DIRECTION, LOOPBACK

ERRNO = {32: 'EPIPE'}
# (kind, errno or 0, bytes)
TURN = [(kind, 0, bytes_) for bytes_ in (10, 20, 11, 30, 100, 50) for kind in ('send', 'receive')]
END = [('send', 32, 0), ('receive', 0, 0)]
PAGES = [('send', 0, 100), ('send', 0, 50)]  # by sendfile and splice


def calls(n, unseen=()) -> list:
    return [of for of in TURN if of not in unseen] * n + END


def metrics(n, unseen=()) -> dict:
    """{metric: {(direction, error): value}} of N turns."""
    out = {name: Counter() for name in ('calls', 'call.io', 'call.duration')}
    for kind, err, bytes_ in calls(n, unseen):
        direction = DIRECTION[kind]
        out['calls'][direction, ERRNO.get(err)] += 1
        out['call.duration'][direction, None] += 1
        out['call.io'][direction, None] += bytes_
    return {f'podtrace.tcp.{name}': dict(values) for name, values in out.items()}


def told(n, family, ports, unseen=()) -> Counter:
    out = Counter()
    for kind, err, bytes_ in calls(n, unseen):
        ends = [(LOOPBACK[family], ports['client']), (LOOPBACK[family], ports['server'])]
        out[kind, err, bytes_, 0 if err else 1, *(ends if kind == 'send' else ends[::-1])] += 1
    return out
