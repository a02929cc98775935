#!/usr/bin/env python3
"""What a capture file gives, again and again, is what the capture gave: byte for byte, apart from ids and times."""

import json
import os
import re
import shutil
import subprocess
import unittest

import rig
from rig import Export

# The only parts of an OTLP request that may differ: ids, which are random, and times, as the clock was measured anew.
IDS_AND_TIMES = re.compile(
    rb'"(traceId|spanId|parentSpanId|[A-Za-z]*imeUnixNano)":"[0-9a-f]+"'
    rb'|(?<="process\.creation\.time","value":\{"stringValue":")[^"]*')
# What the exporter tells of itself at a collection: how far it was then is not the captured machine's business.
OWN_METRICS = ('otel.sdk.exporter.',)

# Only full batches and the end send: then what a request holds does not depend on the clock.
BATCHES = {'OTEL_BSP_SCHEDULE_DELAY': '3600000', 'OTEL_METRIC_EXPORT_INTERVAL': '300'}


def normal(line: bytes) -> bytes:
    return IDS_AND_TIMES.sub(lambda found: b'"%s":"0"' % found[1] if found[1] else b'', line)


def items(path) -> dict:
    """The spans, logs and metrics of a file: for each signal, resource and scope a list in the order exported, each item as its
    own bytes without ids and times. Where a request ends depends on the clock of a live run, what it holds does not."""
    out = {}
    for line in path.read_bytes().splitlines():
        (signal, resources), = json.loads(normal(line)).items()
        for resource in resources:
            of_resource, scopes = parts(resource)
            for scope in scopes:
                of_scope, found = parts(scope)
                out.setdefault(signal + of_resource + of_scope, []).extend(
                    json.dumps(item) for item in found if not item.get('name', '').startswith(OWN_METRICS))
    return out


def parts(envelope) -> tuple:
    """What an envelope says of itself, and the list of what is in it."""
    inner, = (key for key, value in envelope.items() if isinstance(value, list))
    return json.dumps({key: value for key, value in envelope.items() if key != inner}), envelope[inner]


class Replay(rig.Case):
    def setUp(self):
        super().setUp()
        self.file = self.folder / 'file.tap'

    def capture(self, *args, load=True):
        """A capture with its own export beside it: some of all there is, and several collections."""
        cgroup = self.cgroup(f'load{self._runs}')
        with self.podtrace('capture', '--cgroup', cgroup.path, '--otlp-file', self.folder / 'live.jsonl', *args,
                           self.file, env=BATCHES) as run:
            if load:
                cgroup.run_together(('procs', 300, 2), ('tcp', 300, 10, 20, 4), ('tcp', 50, 70000, 1, 6))
                cgroup.run('each', 'exit=3', 'signal=11', 'group=4', 'threadexec=5')
                cgroup.run('failed', '/nonexistent', '/etc/passwd')
                cgroup.run('rest', 1)
                cgroup.run('tcp', 30, 1, 0, 46)
                cgroup.run('exec', '/usr/lib', 65534, '/bin/true', 'a0', 'a1', '')
        self.assertEqual(run.code, 0, run.log)
        return run

    def replay(self, name, *args, file=None):
        path = self.folder / f'{name}.jsonl'
        done = rig.once('replay', '--output', 'json', '--otlp-file', path, *args, file or self.file, env=BATCHES)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        return path, done.stdout

    def assert_same(self, a, b):
        """Two lists of long lines are the same, and if not, where: unittest's own diff takes minutes for these."""
        for i, (line_a, line_b) in enumerate(zip(a, b)):
            if line_a != line_b:
                at = len(os.path.commonprefix([line_a, line_b]))
                around = slice(max(at - 100, 0), at + 200)
                self.fail(f'line {i}, byte {at}: {line_a[around]!r}\n  is not {line_b[around]!r}')
        self.assertEqual(len(a), len(b))

    def test_two_replays(self):
        """All bytes of standard output, and all of OTLP but the ids."""
        self.capture()
        (a, out_a), (b, out_b) = self.replay('a'), self.replay('b')
        self.assert_same(out_a.splitlines(), out_b.splitlines())
        self.assertGreater(out_a.count('\n'), 2000)
        lines_a, lines_b = a.read_bytes().splitlines(), b.read_bytes().splitlines()
        self.assert_same([normal(line) for line in lines_a], [normal(line) for line in lines_b])
        # and it takes no more than the ids to make them the same: the times are those of the file
        self.assertNotEqual(lines_a, lines_b)
        ids = re.compile(rb'"(traceId|spanId)":"[0-9a-f]+"')
        self.assert_same([ids.sub(b'', line) for line in lines_a], [ids.sub(b'', line) for line in lines_b])

    def test_the_capture_itself(self):
        """The export of the capture and that of its replay, item by item, in order, to the byte."""
        self.capture()
        path, _ = self.replay('again')
        live, again = items(self.folder / 'live.jsonl'), items(path)
        self.assertEqual(sorted(again), sorted(live))
        self.assertGreater(sum(map(len, live.values())), 300 + 2 * 380)
        for envelope, of in live.items():
            with self.subTest(envelope[:300]):
                self.assert_same(again[envelope], of)

    def test_metrics_after_all(self):
        """The last of each series, by value: the ledger too."""
        self.capture()
        path, _ = self.replay('again')
        live, again = Export.of_file(self.folder / 'live.jsonl'), Export.of_file(path)
        values = [{name: of for name, of in export.metrics().items() if not name.startswith(OWN_METRICS)}
                  for export in (live, again)]
        self.assertEqual(*values)
        self.assertEqual(live.histogram_sums(), again.histogram_sums())
        self.assertEqual(live.outcomes(), again.outcomes())
        self.assertIn('podtrace.events', values[0])
        for export in (live, again):
            self.assert_valid(export)

    def test_times(self):
        """The times of a replay are those of the capture: within what a clock may be set in between."""
        self.capture()
        path, _ = self.replay('again')
        times = []
        for export in (Export.of_file(self.folder / 'live.jsonl'), Export.of_file(path)):
            spans = [(span['start_time_unix_nano'], span['end_time_unix_nano']) for span, _ in export.spans()]
            logs = [(record['time_unix_nano'], record['observed_time_unix_nano']) for record, _ in export.logs()]
            points = [(point.get('start_time_unix_nano', 0), point['time_unix_nano'])
                      for name, point in export.points() if not name.startswith(OWN_METRICS)]
            times.append([*sorted(spans), *sorted(logs), *sorted(points)])
        self.assertEqual(*map(len, times))
        off = [(a, b) for a, b in zip(*times) if abs(a[0] - b[0]) > 50_000_000 or abs(a[1] - b[1]) > 50_000_000]
        self.assertEqual((len(off), off[:3]), (0, []))

    def test_the_summary(self):
        """The replay's summary tells of the capture: seen, filtered, lost, features; nothing is unaccounted for."""
        run = self.capture()
        _, out = self.replay('again')
        summary = json.loads(out.splitlines()[-1])['summary']
        for n in summary['events'].values():
            self.assertEqual(n['seen'], n['filtered'] + n['counted'] + n['sent'] + n['lost_ring'] + n['lost_scratch'])
            self.assertEqual(n['sent'], n['delivered'])
        self.assertEqual((summary['lost'], summary['unaccounted']), (0, 0))
        self.assertEqual({f['state'] for f in summary['features']}, {'on'})
        self.assertEqual(summary['events']['process_exec']['delivered'], 300 + 4 + 1 + 1)
        self.assertEqual(summary['events']['tcp_close']['delivered'], 2 * (300 + 50 + 30))
        records = sum(n['sent'] for n in summary['events'].values())
        self.assertIn(f' {records} records,', run.log)

    def test_arguments_stay_out(self):
        """Without --command-args they are in no file; with it they are in the replay only if asked for there too."""
        self.capture()
        self.assertFalse(b'a0\0a1\0\0' in self.file.read_bytes())  # no diff of the file
        path, _ = self.replay('without', '--command-args')
        self.assertNotIn(b'command_args', path.read_bytes())
        self.capture('--command-args')
        self.assertIn(b'a0\0a1\0\0', self.file.read_bytes())
        path, out = self.replay('neither')
        self.assertNotIn(b'command_args', path.read_bytes())
        self.assertNotIn('command_args', out)
        path, out = self.replay('with', '--command-args')
        self.assertIn('"process.command_args":["a0","a1",""]', out)

    def test_without_privileges(self):
        """A replay needs none at all."""
        self.capture()
        rig.needs('setpriv')
        os.chmod(self.folder, 0o777)
        os.chmod(self.file, 0o644)
        shutil.copy(rig.BINARY, self.folder / 'podtrace')
        want = rig.once('replay', self.file)
        done = subprocess.run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all',
                               '--no-new-privs', self.folder / 'podtrace', 'replay', self.file], capture_output=True,
                              text=True, check=False, env=rig.clean_env())
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assert_same(done.stdout.splitlines(), want.stdout.splitlines())

    def test_another_load_differs(self):
        """The negative control: one process more, and the bytes are others."""
        cgroup = self.cgroup()
        texts = []
        for n in (5, 6):
            with self.podtrace('capture', '--cgroup', cgroup.path, self.file) as run:
                cgroup.run('forks', n)
            self.assertEqual(run.code, 0, run.log)
            path, _ = self.replay(f'forks{n}')
            texts.append(items(path))
        self.assertNotEqual(*texts)

    def test_nothing_happened(self):
        """A capture of nothing is a file too, and replays to no event."""
        self.capture(load=False)
        _, out = self.replay('again')
        self.assertEqual(len(out.splitlines()), 1)


class Limits(rig.Case):
    def test_capture_max(self):
        """The file ends at its limit, is whole, and replays; what did not fit is told."""
        cgroup, file = self.cgroup(), self.folder / 'file.tap'
        run = self.podtrace('capture', '--cgroup', cgroup.path, '--capture-max', '1MiB', file)
        with run:
            load = cgroup.start('procs', 6000, 4)
            run.wait()
            self.assertEqual(load.wait(), 0)
        self.assertEqual(run.code, 0, run.log)
        self.assertIn('--capture-max', run.log)
        self.assertLessEqual(file.stat().st_size, (1 << 20) + (64 << 10))
        done = rig.once('replay', '--output', 'json', '--quiet', file)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        delivered = sum(n['delivered'] for n in json.loads(done.stdout)['summary']['events'].values())
        self.assertIn(f' {delivered} records,', run.log)


if __name__ == '__main__':
    unittest.main()
