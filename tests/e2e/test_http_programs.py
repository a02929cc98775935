#!/usr/bin/env python3
"""HTTP of programs as they are: what they say of their requests themselves is what podtrace tells of them."""

import pathlib
import socket
import subprocess
import sys
import time
import unittest
from collections import Counter

import rig
import speakers

PORT, BEHIND = 18474, 18475
FILE = 100_000  # bytes
N = 5
CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'
ENTER = 'echo 0 >"$0/cgroup.procs" && exec "$@"'
# What curl says of a request. Its first byte may be a 100 Continue's: slow answers are short, and so timed to their end.
SAYS = ('{"method":"%{method}","status":%{http_code},"url":"%{url_effective}",'
        '"begin":%{time_pretransfer},"end":%{time_total}}\\n')


def told(lines, *more) -> Counter:
    return Counter((line['http.request.method'], line['url.path'], line.get('http.response.status_code'),
                    *map(line.get, more)) for line in lines)


class Programs(rig.Case):
    def start(self, cgroup, *command, port):
        """A server in the cgroup, until the test is over; it listens."""
        server = subprocess.Popen(['sh', '-c', ENTER, cgroup.path, *map(str, command)])
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        deadline = time.monotonic() + 10
        while True:
            with socket.socket() as probe:
                if not probe.connect_ex(('127.0.0.1', port)):
                    return
            self.assertIsNone(server.poll(), command)
            self.assertLess(time.monotonic(), deadline, command)
            time.sleep(0.05)

    def ask(self, cgroup, *command) -> list:
        done = subprocess.run(['sh', '-c', ENTER, cgroup.path, *map(str, command)], stdout=subprocess.PIPE, timeout=60,
                              check=True)
        return speakers.said(done.stdout)

    def watch(self, cgroup):
        return self.trace(cgroup, '--families', 'http')

    def serve_behind(self, cgroup):
        self.start(cgroup, sys.executable, '-c', speakers.SERVER, BEHIND, speakers.SLOW, port=BEHIND)

    def of(self, lines, comm) -> list:
        return [line for line in lines if line['process.executable.name'] == comm]

    def assert_durations(self, lines, measured, n):
        """Each of at least a tenth of a second is within a tenth of what the program measured; there are n."""
        mine = sorted(line['podtrace.http.duration'] for line in lines if 'slow' in line['url.path'])
        theirs = sorted(seconds for seconds in measured if seconds >= 0.1)
        self.assertEqual((len(mine), len(theirs)), (n, n))
        for one, other in zip(mine, theirs):
            self.assertAlmostEqual(one, other, delta=other / 10)

    # ---- curl and nginx --------------------------------------------------------------------------------------------

    def curl(self, cgroup) -> list:
        """Requests of all sorts on one connection; what curl says of them."""
        base = f'http://127.0.0.1:{PORT}'
        requests = [*(('-G', f'{base}/file?token=s3cret'),) * N, ('-I', f'{base}/file'), (f'{base}/missing',),
                    ('-H', 'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT', f'{base}/file'),
                    ('-X', 'PURGE', f'{base}/file'), ('-d', 'x' * 2000, '-H', 'Expect: 100-continue', f'{base}/behind/slow'),
                    (f'{base}/behind/chunks',), ('-T', str(self.folder / 'files' / 'file'), '-H', 'Transfer-Encoding: chunked',
                                                 f'{base}/behind/in'), (f'{base}/behind/slow/fail',)]
        command = ['curl', '-s']
        for n, request in enumerate(requests):
            command += ['--next'] * (n > 0) + ['-s', '-o', '/dev/null', '-w', SAYS, *request]
        return self.ask(cgroup, *command)

    def nginx(self, cgroup):
        rig.needs('curl')
        (self.folder / 'files').mkdir()
        (self.folder / 'files' / 'file').write_bytes(b'GET / HTTP/1.1\r\n\r\n'.ljust(FILE, b'x'))
        self.folder.chmod(0o755)
        self.serve_behind(cgroup)
        conf = self.folder / 'nginx.conf'
        conf.write_text(speakers.NGINX.format(folder=self.folder, port=PORT, behind=BEHIND), encoding='ascii')
        self.start(cgroup, speakers.nginx(), '-e', self.folder / 'error.log', '-c', conf, port=PORT)

    def test_curl_and_nginx(self):
        cgroup = self.cgroup()
        self.nginx(cgroup)
        with self.watch(cgroup) as run:
            curl = self.curl(cgroup)
        self.assert_lossless(run)
        nginx = speakers.said((self.folder / 'access.log').read_text(encoding='ascii'))
        self.assertEqual((len(curl), len(nginx)), (N + 8, N + 8))
        methods = {'PURGE': '_OTHER'}
        wanted = Counter((methods.get(one['method'], one['method']), '/' + one['url'].split('/', 3)[3].partition('?')[0],
                          one['status']) for one in curl)
        lines = self.of(run.lines, 'curl')
        self.assertEqual(told(lines), wanted)
        self.assert_durations(lines, [one['end'] - one['begin'] for one in curl], 2)
        served = [line for line in self.of(run.lines, 'nginx') if line['network.local.port'] == PORT]
        # to the last byte: of what was sent by sendfile, and in chunks; nginx adds the response that came before
        for one in nginx:
            one['sent'] -= len(CONTINUE) if one['method'] in ('POST', 'PUT') else 0
        self.assertEqual(told(served, 'http.request.size', 'http.response.size'),
                         Counter((methods.get(one['method'], one['method']), one['path'], one['status'], one['received'],
                                  one['sent']) for one in nginx))
        self.assert_durations(served, [one['seconds'] for one in nginx], 2)
        behind = {request: n for request, n in wanted.items() if request[1].startswith('/behind')}
        self.assertEqual(told(line for line in self.of(run.lines, 'nginx') if line['network.peer.port'] == BEHIND), behind)
        self.assertEqual(told(line for line in run.lines if line['network.local.port'] == BEHIND), behind)
        self.assertEqual(len(run.lines), 2 * (N + 8) + 2 * 4)

    def test_who_asks_nothing_is_not_told(self):
        cgroup, other = self.cgroup(), self.cgroup('other')
        self.nginx(other)
        with self.watch(cgroup) as run:
            self.assertEqual(len(self.curl(other)), N + 8)
        self.assertEqual(run.lines, [])

    # ---- Python, Go --------------------------------------------------------------------------------------------------

    def test_python(self):
        cgroup = self.cgroup()
        self.serve_behind(cgroup)
        paths = [*('/here',) * N, '/slow?token=s3cret', '/chunks', '/fail', '/slow']
        with self.watch(cgroup) as run:
            said = self.ask(cgroup, sys.executable, '-c', speakers.CLIENT, BEHIND, *paths)
        self.assert_lossless(run)
        wanted = Counter((one['method'], one['path'], one['status']) for one in said)
        self.assertEqual(sum(wanted.values()), N + 4)
        for side in ('local', 'peer'):
            lines = [line for line in run.lines if line[f'network.{side}.port'] == BEHIND]
            self.assertEqual(told(lines), wanted)
            self.assert_durations(lines, [one['seconds'] for one in said], 2)

    def test_go(self):
        cgroup = self.cgroup()
        program = speakers.go(pathlib.Path(self.folder))
        with self.watch(cgroup) as run:
            said = self.ask(cgroup, program, f'{speakers.SLOW}s')
        self.assert_lossless(run)
        wanted = Counter((one['method'], one['path'], one['status']) for one in said)
        self.assertEqual(wanted, {('PUT', '/echo', 200): 10, ('GET', '/slow', 202): 8, ('GET', '/nowhere', 404): 1})
        for side in ('local', 'peer'):
            lines = [line for line in run.lines if line[f'network.{side}.port'] == line['server.port']]
            self.assertEqual(told(lines), wanted)
            self.assert_durations(lines, [one['seconds'] for one in said], 8)


if __name__ == '__main__':
    unittest.main()
