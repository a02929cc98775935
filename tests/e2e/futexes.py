# SPDX-License-Identifier: Apache-2.0
"""What `workload futexes N` waits for, and how it is told."""

# One turn, by (operation, errno).
TURN = {('wait', None): 1, ('wait', 'EAGAIN'): 1, ('wait', 'ETIMEDOUT'): 2, ('lock_pi', None): 1, ('lock_pi', 'EDEADLK'): 1}
METRIC = 'podtrace.lock.futex.duration'


def wanted(n) -> dict:
    return {wait: each * n for wait, each in TURN.items()}


def of(line) -> tuple:
    return line['podtrace.futex.operation'], line.get('error.type')


def counted(export) -> dict:
    """{(operation, errno): how many}"""
    return {of(dict(key)): n for key, n in export.metrics().get(METRIC, {}).items()}
