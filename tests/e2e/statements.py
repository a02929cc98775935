# SPDX-License-Identifier: Apache-2.0
"""What the program of statements.c sends, and how it is told: (call, shape, why it failed) of one turn."""

from collections import Counter

FATAL = 'PGRES_FATAL_ERROR'
SECRETS = ('S3CRET', 'SSSS')  # in the statements' literals: nobody may see them
TURNS = {
    ('postgresql', 'sync'): Counter({
        ('PQexec', 'SELECT ?', None): 1,
        ('PQexecParams', 'SELECT ?::int + ?', None): 1,
        ('PQprepare', 'SELECT ?::int, ?', None): 1,
        ('PQexecPrepared', 'SELECT ?::int, ?', None): 1,
        ('PQexec', 'DEALLOCATE one', None): 1,
        ('PQexec', 'SELECT * FROM nowhere WHERE a = ?', FATAL): 1,
    }),
    ('postgresql', 'async'): Counter({
        ('PQsendQuery', 'SELECT ?; SELECT ?', None): 1,
        ('PQsendQueryParams', 'SELECT ?::int', None): 1,
        ('PQsendPrepare', 'SELECT ?::int AS two', None): 1,
        ('PQsendQueryPrepared', 'SELECT ?::int AS two', None): 1,
        ('PQsendQuery', 'SELECT ?', 'no_result'): 1,
        ('PQsendQuery', 'SELECT ? / ?', FATAL): 1,
        ('PQexec', 'DEALLOCATE two', None): 1,
    }),
    ('postgresql', 'pipeline'): Counter({
        ('PQsendQueryParams', 'SELECT ?', None): 1,
        ('PQsendQueryParams', 'SELECT ? / ?', FATAL): 1,
        ('PQsendQueryParams', 'SELECT ? AS third', 'PGRES_PIPELINE_ABORTED'): 1,
    }),
    ('postgresql', 'left'): Counter({('PQexec', 'SELECT ?', None): 1}),
    ('postgresql', 'long'): Counter({('PQexec', 'SELECT ?', FATAL): 1}),
    ('postgresql', 'slow'): Counter({
        ('PQexec', 'SELECT pg_sleep(?), ?', None): 1,
        ('PQsendQuery', 'SELECT pg_sleep(?), ?', None): 1,
    }),
    ('mysql', 'sync'): Counter({
        ('mysql_query', 'SELECT ?', None): 1,
        ('mysql_real_query', 'SELECT ?', None): 1,
        ('mysql_real_query', 'SELECT ? FROM d.nowhere', '_OTHER'): 1,
        ('mysql_stmt_prepare', 'SELECT ?', None): 1,
        ('mysql_stmt_execute', 'SELECT ?', None): 1,
        ('mysql_stmt_prepare', 'SELEKT ?', '_OTHER'): 1,
        ('mysql_send_query', 'SELECT ?', None): 1,
    }),
    ('mysql', 'slow'): Counter({
        ('mysql_query', 'SELECT SLEEP(?), ?', None): 1,
        ('mysql_send_query', 'SELECT SLEEP(?), ?', None): 1,
    }),
}
LEFT = {('postgresql', 'left'): 1}  # of each turn: sent, but nobody asks for the result


def times(turn: Counter, n: int) -> Counter:
    return Counter({call: count * n for call, count in turn.items() if n})


def wanted(system: str, n: int, *whats) -> Counter:
    """Of N turns each."""
    return sum((times(TURNS[system, what], n) for what in whats), Counter())


def left(system: str, n: int, *whats) -> int:
    return sum(LEFT.get((system, what), 0) * n for what in whats)


def told(lines) -> Counter:
    return Counter((line['podtrace.db.call'], line.get('db.query.text'), line.get('error.type')) for line in lines
                   if line['event'].startswith('podtrace.db.query'))


def durations(calls: Counter, system: str) -> dict:
    """The metric's series: {attributes: how many}."""
    of = Counter()
    for (_, _, error), n in calls.items():
        of[(('db.system.name', system), *((('error.type', error), ) if error else ()))] += n
    return dict(of)
