"""What the end-to-end tests stand on: cgroups, the workload, podtrace itself, and what it said.

    class Some(rig.Case):
        def test_it(self):
            cgroup = self.cgroup('a')
            with self.podtrace('trace', '--cgroup', cgroup.path, '--output', 'json') as run:    # watches now
                cgroup.run('procs', 100, 4)                                                     # ... and is done
            run.events['process_exec']['delivered'], run.lines, run.log                         # stopped by SIGTERM

PODTRACE names another binary than the one that make builds. Everything is private to the test: the cgroups are below
one of this process, all files in a folder that goes away with the test.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / 'collector'))

import collector  # noqa: E402  pylint: disable=wrong-import-position
import fixtures  # noqa: E402  pylint: disable=wrong-import-position
import invariants  # noqa: E402  pylint: disable=wrong-import-position
import otlp  # noqa: E402  pylint: disable=wrong-import-position
from receiver import Receiver  # noqa: E402  pylint: disable=wrong-import-position,unused-import

BINARY = os.environ.get('PODTRACE') or str(next(iter(sorted(ROOT.glob('build/amd64/podtrace'))), ''))
START_TIMEOUT = 20
STOP_TIMEOUT = 40
RUNGS = list(dict.fromkeys(re.findall(r'^PROG(?:_COPIED)?\(\w+, (\w+),',
                                      (ROOT / 'bpf' / 'registry.def').read_text(encoding='utf-8'), re.M)))
KINDS = re.findall(r'^KIND\(\d+, (\w+),', (ROOT / 'bpf' / 'registry.def').read_text(encoding='utf-8'), re.M)
LOST = ('lost_ring', 'lost_scratch')
SCRATCH = tempfile.TemporaryDirectory(prefix='podtrace-e2e-')  # of this run of tests: the workload's binary


# ---- what this machine has --------------------------------------------------------------------------------------

def v2_root() -> str:
    """Where the node's v2 tree is mounted: the only tree on new machines, `unified` on hybrid ones."""
    with open('/proc/self/mountinfo', encoding='utf-8') as mounts:
        for line in mounts:
            fields, _, rest = line.partition(' - ')
            root, mountpoint = fields.split()[3:5]
            if rest.startswith('cgroup2 ') and root == '/' and mountpoint.startswith('/sys/fs/cgroup'):
                return mountpoint
    raise unittest.SkipTest('no cgroup v2 tree below /sys/fs/cgroup')


def needs_root():
    if os.geteuid():
        raise unittest.SkipTest('BPF programs need root')
    if not BINARY or not os.path.exists(BINARY):
        raise unittest.SkipTest('podtrace is not built: make')


def needs(*programs):
    for program in programs:
        if not shutil.which(program):
            raise unittest.SkipTest(f'no {program} here')


def needs_collector():
    try:
        collector.binary()
    except collector.Unavailable as why:
        raise unittest.SkipTest(str(why)) from why


def schema() -> otlp.Schema:
    return otlp.Schema(fixtures.PROTO)


def workload() -> str:
    """The workload's binary, compiled once a run."""
    path = pathlib.Path(SCRATCH.name) / 'workload'
    if not path.exists():
        needs('gcc')
        subprocess.run(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-pthread', '-o', path,
                        HERE / 'workload.c'], check=True)
        os.chmod(SCRATCH.name, 0o755)  # other users run it too
    return str(path)


# ---- cgroups ----------------------------------------------------------------------------------------------------

class Cgroup:
    """A folder in the v2 tree, gone with the test."""

    def __init__(self, path):
        self.path = str(path)
        os.mkdir(self.path)

    @property
    def id(self) -> int:
        return os.stat(self.path).st_ino

    def child(self, name) -> 'Cgroup':
        return Cgroup(f'{self.path}/{name}')

    def command(self, *args) -> list:
        return [workload(), '--cgroup', self.path, home(), *map(str, args)]

    def run(self, *args) -> list:
        """The workload in here, to its end; what it told."""
        done = subprocess.run(self.command(*args), stdout=subprocess.PIPE, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def start(self, *args) -> subprocess.Popen:
        """The workload in here, at work."""
        return subprocess.Popen(self.command(*args))

    def run_together(self, *commands):
        """Several workloads in here at the same time, to their end."""
        at_work = [self.start(*command) for command in commands]
        for process in at_work:
            if process.wait():
                raise AssertionError(f'{process.args} ended with {process.returncode}')

    @contextlib.contextmanager
    def inside(self):
        """This very process is in here for a while: the sockets it opens are the cgroup's."""
        before = home()
        move(self.path)
        try:
            yield
        finally:
            move(before)

    def remove(self):
        """A process that was just reaped may still count: then a moment later."""
        deadline = time.monotonic() + 5
        while True:
            try:
                os.rmdir(self.path)
                return
            except FileNotFoundError:
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)


def move(folder):
    pathlib.Path(folder, 'cgroup.procs').write_text('0', encoding='ascii')


def home() -> str:
    """The v2 cgroup of this process."""
    for line in pathlib.Path('/proc/self/cgroup').read_text(encoding='utf-8').splitlines():
        if line.startswith('0::'):
            return v2_root() + line[3:].rstrip('/')
    raise unittest.SkipTest('this process is in no v2 cgroup')


# ---- podtrace ---------------------------------------------------------------------------------------------------

class Run:
    """One podtrace, from when it watches until it has ended. Leaving the `with` stops it by SIGTERM."""

    def __init__(self, folder, *args, env=None, prefix=()):
        self.folder = pathlib.Path(folder)
        self.args = [*map(str, prefix), BINARY, *map(str, args)]
        self.env = {**clean_env(), **(env or {})}
        self.out, self.err = self.folder / 'stdout', self.folder / 'stderr'
        self.process = None
        self.code = None
        self.stop_seconds = None
        self._objects = None

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.out, 'wb') as out, open(self.err, 'wb') as err:
            self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=self.env)
        deadline = time.monotonic() + START_TIMEOUT
        while ' watches by ' not in self.log:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f'podtrace does not watch: exit code {self.process.wait()}: {self.log}')
            time.sleep(0.005)
        return self

    def __exit__(self, kind, *_):
        if kind and self.process.poll() is None:
            self.process.kill()
        self.stop()

    def stop(self, signo=signal.SIGTERM) -> int:
        """Stops it and waits for its end; the exit code. Twice is fine."""
        if self.code is None:
            begin = time.monotonic()
            if self.process.poll() is None:
                self.process.send_signal(signo)
            self.wait()
            self.stop_seconds = time.monotonic() - begin
        return self.code

    def wait(self) -> int:
        try:
            self.code = self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.code

    @property
    def log(self) -> str:
        return self.err.read_text(encoding='utf-8', errors='replace') if self.err.exists() else ''

    @property
    def objects(self) -> list:
        """Standard output as JSON lines: every line must be one."""
        if self._objects is None or self.code is None:
            *lines, rest = self.out.read_bytes().decode('utf-8').split('\n')
            self._objects = [json.loads(line) for line in lines]
            assert self.code is None or not rest, f'half a line: {rest[:200]}'
        return self._objects

    @property
    def lines(self) -> list:
        """The live lines: one for each event."""
        return [line for line in self.objects if 'event' in line]

    @property
    def summary(self) -> dict:
        last = self.objects[-1]
        return last['summary']

    @property
    def events(self) -> dict:
        return self.summary['events']

    def by_event(self) -> Counter:
        return Counter(line['event'].removeprefix('podtrace.') for line in self.lines)

    def of(self, event) -> list:
        return [line for line in self.lines if line['event'] == f'podtrace.{event}']


def clean_env() -> dict:
    """Without what would change podtrace's ways."""
    return {key: value for key, value in os.environ.items() if not key.startswith(('PODTRACE', 'OTEL_'))}


def once(*args, env=None, prefix=(), timeout=30, **more) -> subprocess.CompletedProcess:
    """podtrace to its own end; code, stdout and stderr as text."""
    return subprocess.run([*map(str, prefix), BINARY, *map(str, args)], env={**clean_env(), **(env or {})}, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False, **more)


# ---- what was exported ------------------------------------------------------------------------------------------

def simple(value: dict):
    """An AnyValue as a Python value."""
    (kind, inner), = value.items() or [('none', None)]
    if kind == 'array_value':
        return [simple(item) for item in inner.get('values', [])]
    return inner


def attributes(of: dict) -> dict:
    return {item['key']: simple(item.get('value', {})) for item in of.get('attributes', [])}


class Export:
    """All requests of a run, whichever way they came: by protobuf bytes or by lines of OTLP/JSON."""

    def __init__(self):
        self.requests = []  # (signal, message)
        self.checker = invariants.Checker(schema())

    def add(self, decoded: otlp.Decoded):
        self.checker.add(decoded)
        self.requests.append((decoded.signal, decoded.message))

    def add_lines(self, signal_: str, lines):
        for line in lines:
            self.add(self.checker.schema.from_json(signal_, line))
        return self

    @classmethod
    def of_file(cls, path) -> 'Export':
        """A file of --otlp-file: one request a line, of any signal."""
        export = cls()
        for line in pathlib.Path(path).read_bytes().splitlines():
            export.add_lines(signal_of(line), [line])
        return export

    @classmethod
    def of_collector(cls, peer) -> 'Export':
        export = cls()
        for signal_ in otlp.SIGNALS:
            export.add_lines(signal_, peer.lines(signal_))
        return export

    @classmethod
    def of_receiver(cls, peer) -> 'Export':
        export = cls()
        for request in peer.requests:
            export.add(export.checker.schema.from_bytes(request.signal, request.body))
        return export

    def _items(self, signal_: str):
        by_resource, by_scope, items = invariants.ENVELOPES[signal_]
        for got, message in self.requests:
            if got != signal_:
                continue
            for resource in message.get(by_resource, []):
                for scope in resource.get(by_scope, []):
                    for item in scope.get(items, []):
                        yield attributes(resource.get('resource', {})), item

    def spans(self, name=None) -> list:
        """(span, its attributes) of each."""
        return [(span, attributes(span)) for _, span in self._items('traces') if name in (None, span['name'])]

    def logs(self, event=None) -> list:
        return [(record, attributes(record)) for _, record in self._items('logs')
                if event in (None, record.get('event_name'))]

    def metrics(self) -> dict:
        """The last value of each series: {name: {attributes as sorted tuple: value}}. A histogram's value is its count.
        Series of several resources with the same attributes are added."""
        last = {}
        for resource, metric in self._items('metrics'):
            for kind in ('sum', 'histogram', 'gauge'):
                for point in metric.get(kind, {}).get('data_points', []):
                    key = (metric['name'], tuple(sorted(map(str, resource.items()))), series(attributes(point)))
                    last[key] = _number(point)
        out = {}
        for (name, _, key), value in last.items():
            values = out.setdefault(name, {})
            values[key] = values.get(key, 0) + value
        return out

    def points(self):
        """(name of the metric, point) of each point of each request."""
        for _, metric in self._items('metrics'):
            for kind in ('sum', 'histogram', 'gauge'):
                for point in metric.get(kind, {}).get('data_points', []):
                    yield metric['name'], point

    def histogram_sums(self) -> dict:
        """The last sum of each histogram series."""
        out = {}
        for _, metric in self._items('metrics'):
            for point in metric.get('histogram', {}).get('data_points', []):
                out[metric['name'], series(attributes(point))] = point.get('sum', 0)
        return out

    def outcomes(self) -> dict:
        """podtrace.events of the last collection: {kind: {outcome: n}}."""
        out = {}
        for key, value in self.metrics().get('podtrace.events', {}).items():
            of = dict(key)
            out.setdefault(of['podtrace.event.kind'], {})[of['podtrace.event.outcome']] = value
        return out


def series(of: dict) -> tuple:
    return tuple(sorted(of.items()))


def _number(point: dict):
    if 'bucket_counts' in point or 'count' in point:
        return point.get('count', 0)
    return point.get('as_int', point.get('as_double', 0))


_FIRST_KEY = {b'{"resourceSpans"': 'traces', b'{"resourceMetrics"': 'metrics', b'{"resourceLogs"': 'logs'}


def signal_of(line: bytes) -> str:
    for begin, signal_ in _FIRST_KEY.items():
        if line.startswith(begin):
            return signal_
    raise AssertionError(f'no OTLP/JSON request: {line[:80]}')


# ---- the tests' base --------------------------------------------------------------------------------------------

class Case(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        needs_root()
        workload()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='podtrace-e2e-')
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self._runs = 0
        self._top = None

    def cgroup(self, name='load') -> Cgroup:
        if self._top is None:
            self._top = Cgroup(f'{v2_root()}/podtrace-e2e-{os.getpid()}-{id(self):x}')
            self.addCleanup(self._top.remove)
        return self.keep(self._top.child(name))

    def keep(self, cgroup: Cgroup) -> Cgroup:
        self.addCleanup(cgroup.remove)
        return cgroup

    def podtrace(self, *args, **options) -> Run:
        self._runs += 1
        return Run(self.folder / f'run{self._runs}', *args, **options)

    def trace(self, cgroup: Cgroup, *args, **options) -> Run:
        """The live view of one cgroup, as JSON: of processes and connections, unless other families are asked for. What a
        load does to files depends on the machine's mood: there are tests for that."""
        if '--families' not in args:
            args = ('--families', 'process,tcp,cgroup', *args)
        return self.podtrace('trace', '--cgroup', cgroup.path, '--output', 'json', *args, **options)

    def quiet(self, cgroup: Cgroup, *args, **options) -> Run:
        """The same without live lines: it streams what the agent does, and has a summary."""
        return self.trace(cgroup, '--quiet', *args, **options)

    def collector(self, **options) -> collector.Collector:
        needs_collector()
        return self.enterContext(collector.Collector(self.folder / 'collector', **options))

    # ---- checks that hold for every run

    def assert_ledger(self, run: Run):
        """Each kind adds up: produced = filtered + counted + sent + lost, sent = delivered. Not one is unaccounted."""
        self.assertEqual(sorted(run.events), sorted(KINDS))
        for kind in KINDS:
            n = run.events[kind]
            lost = sum(n[key] for key in LOST)
            self.assertEqual(n['seen'], n['filtered'] + n['counted'] + n['sent'] + n['sampled'] + n['capped'] + lost, (kind, n))
            self.assertEqual(n['sent'], n['delivered'], (kind, n))
        self.assertEqual(run.summary['unaccounted'], 0)
        lost = sum(n[key] for n in run.events.values() for key in (*LOST, 'lost_file', 'damaged'))
        self.assertEqual(run.summary['lost'], lost + run.summary['unknown_kind'])

    def assert_lossless(self, run: Run):
        self.assert_ledger(run)
        self.assertEqual(run.code, 0, run.log)
        self.assertEqual(run.summary['lost'], 0)
        for kind in KINDS:
            for what in (*LOST, 'lost_file', 'lost_meter', 'lost_state', 'damaged'):
                self.assertEqual((kind, what, run.events[kind][what]), (kind, what, 0))

    def assert_valid(self, export: Export):
        """Not one violation of tests/collector/invariants.py."""
        found = Counter((violation.code, re.sub(r'\d+', 'N', violation.path), violation.text)
                        for violation in export.checker.violations)
        self.assertEqual(found.most_common(20), [])

    def assert_exported(self, run: Run, **lost):
        """Each signal adds up: created = exported + lost, and lost by nothing but the given causes."""
        for name, numbers in run.summary['exports'].items():
            with self.subTest(name):
                self.assertEqual(numbers['created'], numbers['exported'] + sum(numbers['lost'].values()), numbers)
                self.assertEqual(numbers['lost'], lost.get(name, {}))
