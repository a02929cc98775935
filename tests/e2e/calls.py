# SPDX-License-Identifier: Apache-2.0
"""What `workload calls N` makes, and how it is counted."""

# What one turn of the workload does, by (name, errno).
TURN = {('openat', None): 1, ('close', None): 1, ('close', 'EBADF'): 1, ('openat', 'ENOENT'): 1, ('read', 'EBADF'): 1,
        ('openat2', 'EINVAL'): 1}
# It opens its way out of the cgroup there, and closes the one in.
MOVES = {('openat', None): 1, ('close', None): 1}


def wanted(n) -> dict:
    return {call: each * n + MOVES.get(call, 0) for call, each in TURN.items()}


def counted(export) -> dict:
    """{(name, errno): how many}"""
    out = {}
    for key, n in export.metrics().get('podtrace.syscall.calls', {}).items():
        of = dict(key)
        out[of['podtrace.syscall.name'], of.get('error.type')] = n
    return out
