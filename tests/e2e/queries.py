# SPDX-License-Identifier: Apache-2.0
"""What podtrace is to tell of the loads of tests/vm/queries.c, here and in test machines."""

import pathlib
from collections import Counter

SOURCE = pathlib.Path(__file__).parents[1] / 'vm' / 'queries.c'
V4, V4B, V6 = '127.0.0.53', '127.0.0.54', '::1'
ADDRESS, ADDRESS6 = ('10.1.2.3',), ('2001:db8::1',)


def client(name, type_='A', answers=ADDRESS, *, server=V4, transport='udp', error=None, attempts=1, aliases=()) -> tuple:
    return 'client', name, type_, answers, aliases, server, transport, error, attempts


def served(name) -> tuple:
    return ('server', *client(name)[1:])


# What one turn of each load is told as.
WANTED = {
    'connected': [client('ok.Example.com'), client('ok.Example.com', 'AAAA', ADDRESS6, server=V6), client('ok.mapped')],
    'sendto': [client('ok.sendto')],
    'slow': [client('slow')],
    'nx': [client('nx.here', answers=(), error='nxdomain')],
    'fail': [client('fail.here', answers=(), error='servfail')],
    'alias': [client('alias.here', answers=('10.0.0.1', '10.0.0.2'), aliases=('real.here',))],
    'odd': [client(r'odd.\255\195(\.\\\032\027~.\233')],
    'again': [client('again', attempts=2)],
    'wrong': [client('wrong')],
    'two': [client('slow.two', attempts=2)],
    'loop': [client('loop', answers=(), error='unanswered')],
    'mute': [client('mute', answers=(), error='unanswered')],
    'garbage': [],
    'tcp': [client('ok.tcp', transport='tcp'), client('ok.first', transport='tcp'),
            client('ok.second', transport='tcp'), client('ok.pieces', transport='tcp'),
            client('ok.tcp6', 'AAAA', ADDRESS6, server=V6, transport='tcp')],
    'cut': [client('cut', answers=()), client('cut', transport='tcp')],
    'served': [client('ok.served'), served('ok.served')],
}


def wanted(n) -> Counter:
    return Counter({line: each * n for line, each in Counter(sum(WANTED.values(), [])).items()})


def told(lines) -> Counter:
    """Lines without what differs from run to run."""
    return Counter((line['podtrace.dns.role'], line['dns.question.name'], line['podtrace.dns.question.type'],
                    tuple(line.get('dns.answers', ())), tuple(line.get('podtrace.dns.aliases', ())),
                    line['server.address'], line['network.transport'], line.get('error.type'),
                    line['podtrace.dns.attempts']) for line in lines)
