#!/usr/bin/env python3
"""DNS: each lookup is told, once, with what was asked and answered, whoever asks: dig, Go and musl without a libc's door
to watch. The measure is what the client itself measured."""

import json
import os
import pathlib
import re
import subprocess
import time
import unittest
from collections import Counter

import queries
import rig
from rig import Export, series

N = 5
RUNGS = {'cgroup': [], 'no reads': ['--forbid', 'probe_read']}
MUSL = rig.ROOT / 'build' / 'amd64' / 'sysroot' / 'bin' / 'musl-gcc'
SERVER = '127.0.0.53'

CLIENT_C = r"""
#include <netdb.h>
#include <stdio.h>
#include <time.h>
static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}
int main(int argc, char **argv)
{
	struct addrinfo *found = 0, hints = { .ai_socktype = SOCK_STREAM };
	double begin = now();
	int err = getaddrinfo(argv[1], 0, &hints, &found);
	printf("{\"seconds\":%f,\"found\":%s}\n", now() - begin, err ? "false" : "true");
	return 0;
}
"""
CLIENT_GO = r"""
package main
import ("context"; "fmt"; "net"; "os"; "time")
func main() {
	begin := time.Now()
	_, err := net.DefaultResolver.LookupHost(context.Background(), os.Args[1]+".")
	fmt.Printf("{\"seconds\":%f,\"found\":%v}\n", time.Since(begin).Seconds(), err == nil)
}
"""


class Case(rig.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load = pathlib.Path(rig.SCRATCH.name) / 'queries'
        if not cls.load.exists():
            subprocess.run(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-o', cls.load, queries.SOURCE],
                           check=True)

    def run_load(self, cgroup, mode, n=1) -> list:
        done = subprocess.run([self.load, cgroup.path, mode, str(n)], stdout=subprocess.PIPE, check=True, timeout=60)
        return list(map(json.loads, done.stdout.splitlines()))

    def watch(self, cgroup, *options):
        return self.trace(cgroup, '--families', 'dns', *options)

    def inside(self, cgroup, *command) -> subprocess.CompletedProcess:
        """A program in the cgroup, to its end."""
        enter = 'echo 0 >"$0/cgroup.procs" && exec "$@"'
        return subprocess.run(['sh', '-c', enter, cgroup.path, *map(str, command)], stdout=subprocess.PIPE, timeout=60,
                              check=True)

    def serve(self, *command):
        """A server until the test is over, in no cgroup of the test."""
        server = subprocess.Popen([str(arg) for arg in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        time.sleep(0.3)
        self.assertIsNone(server.poll(), command)
        return server


class Told(Case):
    def test_each_load(self):
        for name, options in RUNGS.items():
            with self.subTest(name):
                cgroup, other = self.cgroup(name.replace(' ', '-')), self.cgroup(f'other {name}'.replace(' ', '-'))
                path = self.folder / f'{name}.jsonl'
                with self.watch(cgroup, '--otlp-file', path, *options) as run:
                    told = [line for mode in queries.WANTED for line in self.run_load(cgroup, mode, N)]
                    self.run_load(other, 'connected', N)
                self.assert_lossless(run)
                suspect, = run.summary['dns_suspects']
                clients = sum(n for of, n in queries.wanted(N).items() if of[0] == 'client')
                self.assertEqual((suspect['lookups'], suspect['unanswered']), (clients, 2 * N))
                self.assertEqual({(of['state'], of['rung'], of['reason']) for of in run.summary['features']},
                                 {('on', 'cgroup', '')})
                self.assertEqual(queries.told(run.lines), queries.wanted(N))
                self.assertEqual({line['process.pid'] for line in run.lines if line['podtrace.dns.role'] == 'client'},
                                 {line['pid'] for line in told if line['mode'] != 'garbage'})
                self.assertEqual({line['process.executable.name'] for line in run.lines}, {'queries'})
                # the other cgroup's, and those of the servers, which are in none
                self.assertGreaterEqual(run.events['dns_packet']['filtered'], 6 * N)
                self.assert_exports(Export.of_file(path))

    def assert_exports(self, export):
        """Spans, notes and metrics are what the lines are."""
        wanted = queries.wanted(N)
        self.assert_valid(export)
        spans = Counter()
        for _, of in export.spans():
            spans[of['podtrace.dns.role'], of['dns.question.name'], of.get('error.type')] += 1
        by_name = Counter()
        failed = Counter()
        durations = Counter()
        for (role, name, _, _, _, _, transport, error, _), n in wanted.items():
            by_name[role, name, error] += n
            failed[name] += n if error not in (None, 'nxdomain') else 0
            of = {'podtrace.dns.role': role, 'network.transport': transport}
            durations[series(of | ({'error.type': error} if error else {}))] += n
        self.assertEqual(spans, by_name)
        self.assertEqual(Counter(of['dns.question.name'] for _, of in export.logs('podtrace.dns.failure')), +failed)
        metrics = export.metrics()
        self.assertEqual(metrics['podtrace.dns.lookup.duration'], durations)
        self.assertEqual(metrics['podtrace.dns.unanswered'], {series({'podtrace.dns.role': 'client'}): 2 * N})
        self.assertEqual(metrics['podtrace.dns.discarded'],
                         {series({'podtrace.dns.reason': 'unasked'}): N, series({'podtrace.dns.reason': 'unreadable'}): N})
        self.assertEqual(self.packets(metrics, 'malformed'), {'transmit': 2 * N, 'receive': 2 * N})
        self.assertEqual(self.packets(metrics, 'query'), {'transmit': 18 * N, 'receive': N})

    @staticmethod
    def packets(metrics, kind) -> dict:
        return {dict(of)['network.io.direction']: n for of, n in metrics['podtrace.dns.packets'].items()
                if dict(of)['podtrace.dns.packet'] == kind}

    def test_one_less_is_seen(self):
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            self.run_load(cgroup, 'connected', N)
            self.run_load(cgroup, 'nx', N - 1)
        self.assertEqual(queries.told(run.lines),
                         Counter(queries.WANTED['connected'] * N + queries.WANTED['nx'] * (N - 1)))

    def test_latency(self):
        """Within a tenth of what the client measured, of 50 ms that the server takes."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            told = self.run_load(cgroup, 'slow', N)
        got = [line['podtrace.dns.lookup.duration'] for line in run.lines]
        self.assertEqual(len(got), N)
        for mine, theirs in zip(sorted(got), sorted(line['seconds'] for line in told)):
            self.assertGreater(theirs, 0.05)
            self.assertAlmostEqual(mine, theirs, delta=theirs / 10)

    def test_timeout(self):
        """Told after five seconds, not only at the end."""
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            self.run_load(cgroup, 'mute', 2)
            time.sleep(7)
            until = list(run.lines)
        self.assertEqual([(line['event'], line['error.type'], line['podtrace.dns.lookup.duration']) for line in until],
                         [('podtrace.dns.failure', 'timeout', 5)] * 2)
        self.assertEqual(len(run.lines), 2)


class Programs(Case):
    """Who asks is not asked: programs as they are."""

    def ask(self, *command) -> tuple:
        """Lines told of the command, and what it said."""
        cgroup = self.cgroup(f'load{self._runs}')
        with self.watch(cgroup) as run:
            said = self.inside(cgroup, *command).stdout
        self.assert_lossless(run)
        return run.lines, said

    def by_resolv_conf(self, *command) -> tuple:
        conf = self.folder / 'resolv.conf'
        conf.write_text(f'nameserver {SERVER}\n', encoding='ascii')
        return self.ask('unshare', '-m', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', conf, *command)

    def assert_looked_up(self, lines, said, comm):
        """Both addresses of slow.test, each answered after 50 ms."""
        measured = json.loads(said)
        self.assertTrue(measured['found'])
        self.assertEqual(queries.told(lines), Counter([queries.client('slow.test'),
                                                       queries.client('slow.test', 'AAAA', queries.ADDRESS6)]))
        self.assertEqual({line['process.executable.name'] for line in lines}, {comm})
        longest = max(line['podtrace.dns.lookup.duration'] for line in lines)
        self.assertAlmostEqual(longest, measured['seconds'], delta=measured['seconds'] / 10)

    def test_musl(self):
        source, program = self.folder / 'client.c', self.folder / 'musl-client'
        source.write_text(CLIENT_C, encoding='ascii')
        subprocess.run([MUSL, '-std=gnu11', '-static', '-o', program, source], check=True)
        self.serve(self.load, 'serve')
        self.assert_looked_up(*self.by_resolv_conf(program, 'slow.test'), 'musl-client')

    def test_go(self):
        rig.needs('go')
        source, program = self.folder / 'client.go', self.folder / 'go-client'
        source.write_text(CLIENT_GO, encoding='ascii')
        subprocess.run(['go', 'build', '-o', program, source], check=True,
                       env={**os.environ, 'CGO_ENABLED': '0', 'GOFLAGS': '-mod=mod'})
        self.serve(self.load, 'serve')
        self.assert_looked_up(*self.by_resolv_conf(program, 'slow.test'), 'go-client')

    def test_dig_and_dnsmasq(self):
        rig.needs('dig', 'dnsmasq')
        self.serve('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--bind-interfaces',
                   '--listen-address=127.0.0.61', '--local=/test/', '--address=/web.test/10.9.8.7', '--user=root',
                   '--txt-record=' + ','.join(['big.test', *(f'{n:0200}' for n in range(8))]),
                   '--mx-host=test,mail.test,10', '--edns-packet-max=512')

        def told(*args):
            lines, said = self.ask('dig', '@127.0.0.61', '+tries=1', '+nocookie', *args)
            measured, = re.findall(r';; Query time: (\d+) msec', said.decode())
            self.assertLess(lines[-1]['podtrace.dns.lookup.duration'] * 1000, int(measured) + 1)
            self.assertEqual({line['server.address'] for line in lines}, {'127.0.0.61'})
            return [(line['dns.question.name'], line['podtrace.dns.question.type'], line['podtrace.dns.response_code'],
                     tuple(line.get('dns.answers', ())), line['network.transport']) for line in lines]

        self.assertEqual(told('web.test', 'A'), [('web.test', 'A', 'noerror', ('10.9.8.7',), 'udp')])
        self.assertEqual(told('web.test', 'A', '+tcp'), [('web.test', 'A', 'noerror', ('10.9.8.7',), 'tcp')])
        self.assertEqual(told('No.test', 'AAAA', '+noedns'), [('No.test', 'AAAA', 'nxdomain', (), 'udp')])
        self.assertEqual(told('elsewhere.example', 'A'), [('elsewhere.example', 'A', 'refused', (), 'udp')])
        self.assertEqual(told('test', 'MX'), [('test', 'MX', 'noerror', (), 'udp')])
        # more than fits: cut by UDP, then whole by TCP
        self.assertEqual(told('big.test', 'TXT', '+bufsize=512'),
                         [('big.test', 'TXT', 'noerror', (), 'udp'), ('big.test', 'TXT', 'noerror', (), 'tcp')])


if __name__ == '__main__':
    unittest.main()
