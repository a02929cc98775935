#!/usr/bin/env python3
"""Self-test of the Collector's harness: a real Collector starts, takes each signal, and what it wrote is what was sent."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import collector
import fixtures
import invariants
import otlp
from collector import Collector

COMPONENTS = {
    'receivers': {'otlp'},
    'exporters': {'debug', 'file', 'nop', 'otlp_grpc', 'otlp_http'},
    'processors': {'attributes', 'batch', 'filter', 'groupbytrace', 'k8s_attributes', 'memory_limiter', 'resource',
                   'tail_sampling', 'transform'},
    'connectors': {'count', 'span_metrics'},
    'extensions': {'health_check'},
}


def setUpModule():
    try:
        collector.binary()
    except collector.Unavailable as why:
        raise unittest.SkipTest(str(why)) from why


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.schema = otlp.Schema(fixtures.PROTO)

    def collector(self, **options) -> Collector:
        return self.enterContext(Collector(self.folder, **options))


class RoundTrip(Case):
    def test_protobuf(self):
        peer = self.collector()
        for signal in otlp.SIGNALS:
            with self.subTest(signal):
                body = fixtures.body(signal)
                self.assertEqual(peer.post(signal, body), (200, b'\x0a\x00'))
                line, = peer.wait(signal, 1)
                self.assertEqual(self.schema.from_json(signal, line).message, self.schema.from_bytes(signal, body).message)

    def test_json(self):
        """What the Collector wrote, it reads: the way in for our own JSON-lines file."""
        peer = self.collector()
        for signal in otlp.SIGNALS:
            with self.subTest(signal):
                peer.post(signal, fixtures.body(signal))
                line, = peer.wait(signal, 1)
                self.assertEqual(peer.post(signal, line, 'application/json')[0], 200)
                self.assertEqual(peer.wait(signal, 2), [line, line])

    def test_a_broken_line_is_refused(self):
        peer = self.collector()
        self.assertEqual(peer.post('traces', b'{"resourceSpans": [{"scopeSpans": 7}]}', 'application/json')[0], 400)
        self.assertEqual(peer.post('traces', b'\xff')[0], 400)
        self.assertEqual(peer.lines('traces'), [])

    def test_invariants_by_command(self):
        """The command line of the checker, over what a Collector wrote: right, then wrong."""
        peer = self.collector()
        peer.post('metrics', fixtures.body('metrics'))
        peer.wait('metrics', 1)
        command = [pathlib.Path(invariants.__file__), '--proto', fixtures.PROTO, 'metrics', self.folder / 'metrics.jsonl']
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ''), done.stderr)
        command[3:3] = ['--window', '1..2']
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn('implausible-time resource_metrics[0]', done.stdout)


class Life(Case):
    def test_nothing_acknowledged_is_lost_by_a_kill(self):
        peer = self.collector()
        for _ in range(20):
            self.assertEqual(peer.post('logs', fixtures.body('logs'))[0], 200)
        peer.kill()
        self.assertEqual(len(peer.lines('logs')), 20)
        self.assertFalse(peer.healthy())
        peer.start()
        peer.post('logs', fixtures.body('logs'))
        self.assertEqual(len(peer.wait('logs', 21)), 21)

    def test_pause(self):
        peer = self.collector()
        peer.pause()
        self.assertFalse(peer.healthy())
        peer.resume()
        self.assertTrue(peer.healthy())
        self.assertEqual(peer.stop(), 0)

    def test_a_bad_configuration_is_told(self):
        config = self.folder / 'bad.yaml'
        config.write_text('exporters: {nonsense: {}}\n', encoding='utf-8')
        with self.assertRaisesRegex(RuntimeError, 'nonsense'):
            self.collector(config=config)


class Build(Case):
    def test_components(self):
        done = subprocess.run([collector.binary(), 'components'], capture_output=True, text=True, check=True)
        for kind, wanted in COMPONENTS.items():
            section = done.stdout.split(f'{kind}:\n')[1].split('\n\n')[0]
            names = {line.split()[-1] for line in section.splitlines() if line.startswith('    - name:')}
            self.assertLessEqual(wanted, names, kind)

    def test_static(self):
        """So it runs on any Debian, whatever it was built on."""
        done = subprocess.run(['ldd', collector.binary()], capture_output=True, text=True, check=False)
        self.assertIn('not a dynamic executable', done.stdout + done.stderr)

    def test_no_go_is_a_skip(self):
        """Without Go and without apt there is one line that says why, and 77."""
        tools = self.folder / 'bin'
        tools.mkdir()
        for tool in 'dirname cat sha256sum cut mkdir flock date sort head awk ls'.split():
            (tools / tool).symlink_to(subprocess.check_output(['which', tool], text=True).strip())
        done = subprocess.run(['/bin/sh', collector.HERE / 'build.sh'], capture_output=True, text=True, check=False,
                              env={'PATH': str(tools), 'HOME': os.environ['HOME'], 'XDG_CACHE_HOME': str(self.folder)})
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertTrue(done.stderr.splitlines()[-1].startswith('collector: skipped: no Go'), done.stderr)
        self.assertEqual(done.stdout, '')


if __name__ == '__main__':
    unittest.main()
