# SPDX-License-Identifier: Apache-2.0
"""What `workload files N DIR` does to files, and how it is told."""

from collections import Counter

# What one turn of the workload does, by (operation, errno). Pipes, sockets, an eventfd, /dev/null and descriptors that are
# none are in it as well: they are no files.
FAILED = {('open', 'ENOENT'): 1, ('open', 'ELOOP'): 1, ('open', 'ENOTDIR'): 1, ('open', 'ENAMETOOLONG'): 1,
          ('open', 'EACCES'): 1, ('read', 'EISDIR'): 1, ('write', 'EBADF'): 1, ('unlink', 'ENOENT'): 1,
          ('rmdir', 'ENOTEMPTY'): 1, ('rename', 'ENOENT'): 1}
TURN = FAILED | {('open', None): 3, ('read', None): 10, ('write', None): 8, ('sync', None): 2, ('close', None): 3,
                 ('unlink', None): 2, ('rmdir', None): 1, ('rename', None): 2}
BYTES = {'read': 45, 'write': 36}
# Its directory, the way out of the cgroup, and the end of the way in.
ONCE = {('open', None): 2, ('write', None): 1, ('close', None): 2}
ONCE_BYTES = {'read': 0, 'write': 1}


def wanted(n, turn=None) -> dict:
    of_turn = turn or TURN
    return {op: each * n + (0 if turn else ONCE.get(op, 0)) for op, each in of_turn.items()}


def wanted_bytes(n) -> dict:
    return {way: each * n + ONCE_BYTES[way] for way, each in BYTES.items()}


def counted(export) -> tuple:
    """({(operation, errno): how many}, {operation: bytes})"""
    ops, moved = {}, {}
    for key, n in export.metrics().get('podtrace.file.operation.duration', {}).items():
        of = dict(key)
        ops[of['podtrace.file.operation'], of.get('error.type')] = n
    for key, n in export.metrics().get('podtrace.file.io', {}).items():
        moved[dict(key)['podtrace.file.operation']] = n
    return ops, moved


def told(lines) -> Counter:
    return Counter((line['podtrace.file.operation'], line.get('error.type')) for line in lines)
