#!/usr/bin/env python3
"""HTTP at the sockets: each request once at its client and once at its server, and nothing that is no HTTP."""

import json
import os
import pathlib
import random
import re
import socket
import subprocess
import unittest
from collections import Counter

import rig
from rig import Export

N = 20
PORT = 18473
RUNGS = {'tp_btf': [], 'raw_tp': ['--forbid', 'tp_btf'], 'perf buffer': ['--forbid', 'ringbuf']}
OK = 43  # bytes of the usual response
ANSWER = b'HTTP/1.1 204 No\r\nX: s3cret\r\n\r\n'


def get(path) -> tuple:
    """The usual request, with its bytes and its response's."""
    text = f'GET {path} HTTP/1.1\r\nHost: shop.test:8080\r\nAuthorization: Bearer s3cret\r\n\r\n'
    return 'GET', path, 200, len(text), OK


# What is told when a play is played once: (method, path, status, bytes of the request, bytes of the response).
PLAYS = {
    'quick': [get('/quick')],
    'pipelined': 10 * [get('/many')],
    'chunked': [('POST', '/in', 201, 73, 67)],
    'continue': [('PUT', '/big', 204, 75, 27)],
    'head': [('HEAD', '/h', 200, 29, 41), ('GET', '/cached', 304, get('/cached')[3], 51)],
    'first-byte': [get('/first')],
    'bytes': [get('/bytes')],
    'vector': [get('/vector')],
    'sendmsg': [get('/sendmsg')],
    'body': [('POST', '/body', 500, 93, 60)],
    'unknown': [('_OTHER', '/cache', 200, 25, 28)],
    'closed': [('GET', '/closed', None, get('/closed')[3], None)],
}
SIZES = ('http.request.size', 'http.response.size')


def exchanges() -> str:
    """The players' binary, compiled once a run."""
    path = pathlib.Path(rig.SCRATCH.name) / 'exchanges'
    if not path.exists():
        rig.needs('gcc')
        subprocess.run(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-o', path,
                        rig.HERE / 'exchanges.c'], check=True)
    return str(path)


def told(lines) -> Counter:
    return Counter((line['http.request.method'], line['url.path'], line.get('http.response.status_code'),
                    *map(line.get, SIZES)) for line in lines)


class Http(rig.Case):
    def play(self, cgroup, name, n=N, within=()):
        subprocess.run([*within, exchanges(), f'{cgroup.path}/cgroup.procs', str(PORT), name, str(n)], check=True)

    def run_plays(self, name, plays, *options, n=N):
        # a perf buffer has no order between CPUs, and user space no way to find it again
        within = ['taskset', '-c', str(min(os.sched_getaffinity(0)))] if name == 'perf buffer' else ()
        cgroup, other = self.cgroup(name.replace(' ', '-')), self.cgroup(f'{name} other'.replace(' ', '-'))
        path = self.folder / f'{name}.jsonl'
        with self.podtrace('trace', '--cgroup', cgroup.path, '--families', 'http', '--output', 'json',
                           '--otlp-file', path, *options) as run:
            for play in plays:
                self.play(cgroup, play, n, within)
                self.play(other, play, n, within)
        self.assert_lossless(run)
        return run, Export.of_file(path)

    def wanted(self, n=N):
        return Counter({request: 2 * n * each for play in PLAYS.values() for request, each in Counter(play).items()})

    def test_each_rung(self):
        for name, options in RUNGS.items():
            with self.subTest(rung=name):
                run, export = self.run_plays(name, PLAYS, *options)
                self.assertEqual(told(run.lines), self.wanted())
                durations = Counter()
                for side in ('client', 'server'):
                    points = export.metrics()[f'http.{side}.request.duration']
                    durations[side] = sum(map(self.count, points.values()))
                half = sum(self.wanted().values()) // 2
                self.assertEqual(durations, {'client': half, 'server': half})

    def count(self, point) -> int:
        return point if isinstance(point, int) else point.count if hasattr(point, 'count') else point['count']

    def test_one_less_is_seen(self):
        run, _ = self.run_plays('less', ['quick'], n=N - 1)
        self.assertEqual(told(run.lines), {PLAYS['quick'][0]: 2 * (N - 1)})

    def test_not_http(self):
        """Two beginnings that are none, of each end, and nobody looks any more."""
        run, _ = self.run_plays('random', ['random', 'late'])
        self.assertEqual(run.lines, [])
        # two plays, two ends; two beginnings each
        self.assertEqual((run.events['http_head']['filtered'], run.events['http_head']['delivered']), (8, 0))

    def test_another_protocol_from_here_on(self):
        run, _ = self.run_plays('upgrade', ['upgrade'], n=1)
        self.assertEqual(told(run.lines), {('GET', '/ws', 101, 70, 57): 2})

    def test_latency(self):
        run, _ = self.run_plays('latency', ['plain'])
        self.assertEqual(len(run.lines), 2 * N)
        for line in run.lines:
            self.assertGreaterEqual(line['podtrace.http.duration'], 0.05)
            self.assertLess(line['podtrace.http.duration'], 0.1)

    def test_nothing_secret(self):
        """Neither queries nor other headers leave the kernel: not even into a capture."""
        cgroup = self.cgroup('secret')
        path = self.folder / 'secret.tap'
        with self.podtrace('capture', '--cgroup', cgroup.path, '--families', 'http', path):
            self.play(cgroup, 'plain', 1)
        content = path.read_bytes()
        self.assertEqual((content.count(b'/items?'), content.count(b's3cret')), (2, 0))

    def random_head(self, n) -> bytes:
        """A request as RFC 9112 lets it be, and a bit beyond: what is told of it stands between what must not be."""
        secret = 's3cret' * random.choice((1, 5, 30, 200))
        others = [f'Cookie: {secret}', f'X-{"y" * random.randrange(300)}: {secret}', f'{secret}', f':{secret}',
                  f'Content-Lengths: 7{secret}', f'X: y\r\n {secret}\r\n\tContent-Length: 7', f'Hos: {secret}']
        told_of = [random.choice(('Host', 'HOST', 'hosT')) + ': shop.test',
                   random.choice(('Content-Length', 'content-length')) + ': 3']
        lines = told_of + random.sample(others, random.randrange(len(others)))
        random.shuffle(lines)
        end = random.choice(('\r\n', '\r\n', '\n'))
        query = random.choice(('', '?', f'?{secret}', f'?a?{secret}'))
        return (end.join([f'POST /{n}{query} HTTP/1.1', *lines]) + 2 * end).encode()

    @staticmethod
    def pass_on(sender, receiver, content):
        """In pieces of any size, sent and received."""
        got = 0
        while content:
            n = random.choice((1, 3, 100, 255, 256, 257, 100000))
            sender.sendall(content[:n])
            got, content = got + len(content[:n]), content[n:]
            while got and random.randrange(3):
                got -= len(receiver.recv(min(got, random.choice((1, 7, 255, 256, 1000)))))
        while got:
            got -= len(receiver.recv(got))

    def test_random_heads(self):
        random.seed(9112)
        cgroup, path, wanted, n = self.cgroup(), self.folder / 'random.tap', Counter(), 300
        with self.podtrace('capture', '--cgroup', cgroup.path, '--families', 'http', path), cgroup.inside():
            with socket.create_server(('127.0.0.1', PORT)) as listener:
                client, (server, _) = socket.create_connection(('127.0.0.1', PORT)), listener.accept()
            with client, server:
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for i in range(n):
                    head = self.random_head(i)
                    self.pass_on(client, server, head + b'a\nb')
                    self.pass_on(server, client, ANSWER)
                    wanted['POST', f'/{i}', 204, len(head) + 3, len(ANSWER)] += 2
        self.assertEqual(path.read_bytes().count(b's3cret'), 0)
        *lines, last = map(json.loads, rig.once('replay', '--output', 'json', path).stdout.splitlines())
        self.assertEqual((last['summary']['lost'], last['summary']['unaccounted']), (0, 0))
        self.assertEqual(told(lines), wanted)
        self.assertEqual({line['server.address'] for line in lines}, {'shop.test'})

    def test_more_than_is_looked_at(self):
        """Of a hundred requests in one piece the first are told, each with its own response; that there were more is
        counted, and what comes behind them is told again."""
        cgroup = self.cgroup('many')
        with self.podtrace('trace', '--cgroup', cgroup.path, '--families', 'http', '--output', 'json') as run:
            with cgroup.inside(), socket.create_server(('127.0.0.1', PORT)) as listener:
                client, (server, _) = socket.create_connection(('127.0.0.1', PORT)), listener.accept()
                with client, server:
                    many = b''.join(b'GET /%d HTTP/1.1\r\n\r\n' % i for i in range(100))
                    client.sendall(many)
                    self.assertEqual(len(server.recv(len(many), socket.MSG_WAITALL)), len(many))
                    for i in range(100):
                        server.sendall(b'HTTP/1.1 %d OK\r\nContent-Length: 0\r\n\r\n' % (200 + i))
                        self.assertEqual(client.recv(1000)[9:12], b'%d' % (200 + i))
                    client.sendall(b'GET /last HTTP/1.1\r\n\r\n')
                    server.recv(1000)
                    server.sendall(b'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n')
                    client.recv(1000)
        self.assert_ledger(run)
        self.assertEqual(run.events['http_head']['lost_scratch'], 2)  # at the client and at the server
        pairs = Counter((line['url.path'], line.get('http.response.status_code')) for line in run.lines)
        self.assertEqual({path: n for path, n in pairs.items() if path[1]},
                         {(f'/{i}', 200 + i): 2 for i in range(48)} | {('/last', 404): 2})

    def programs(self, run) -> set:
        """Names of the BPF programs that this podtrace holds, by itself or by their links, as bpftool tells them."""
        ids = set()
        for info in pathlib.Path(f'/proc/{run.process.pid}/fdinfo').iterdir():
            ids.update(re.findall(r'^prog_id:\s*(\d+)$', info.read_text(encoding='ascii'), re.M))
        done = subprocess.run(['bpftool', '--json', 'prog', 'show'], stdout=subprocess.PIPE, check=True)
        return {prog.get('name') for prog in json.loads(done.stdout) if str(prog['id']) in ids}

    def test_metadata_only(self):
        """What could read payload is not in the kernel; the rest of what was asked for is."""
        rig.needs('bpftool')
        for option in ((), ('--metadata-only',)):
            with self.subTest(option=option):
                cgroup = self.cgroup(f'metadata{len(option)}')
                with self.podtrace('trace', '--cgroup', cgroup.path, '--families', 'http,tcp', '--output', 'json',
                                   *option) as run:
                    self.play(cgroup, 'quick')
                    programs = {name.partition('_')[0] for name in self.programs(run)}
                self.assertEqual(programs, {'call', 'http', 'tcp'} - ({'http'} if option else set()))
                self.assertEqual(len(run.of('http.request')), 0 if option else 2 * N)
                self.assertEqual(len(run.of('tcp.connection')), 2)
                told_of = {f['feature']: (f['state'], f['reason']) for f in run.summary['features'] if f['family'] == 'http'}
                state = ('off', '--metadata-only') if option else ('on', '')
                self.assertEqual(told_of, {'head': state, 'close': state})


if __name__ == '__main__':
    unittest.main()
