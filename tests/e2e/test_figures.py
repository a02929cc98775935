#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of containers from the files of their cgroups: what podtrace tells is what we read there ourselves, to the
number; in the v2 tree, in hierarchies of v1, or in both, as this machine has its controllers."""

import os
import pathlib
import resource
import subprocess
import sys
import time
import unittest

import rig
from rig import Export, series

BASE = pathlib.Path('/sys/fs/cgroup')
PAGES = 3000
LIMIT = 16 << 20
INTERVAL = 200  # ms of a collection
SETTLED = 2.5  # seconds: the kernel adds up what CPUs counted every two
FAULTS = 'container.paging.faults'

# what a process does in there; the pages are touched one by one
TOUCH = f"""
import mmap, resource, sys
m = mmap.mmap(-1, int(sys.argv[1]) * 4096)
m.madvise(mmap.MADV_NOHUGEPAGE)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for i in range(int(sys.argv[1])):
    m[i * 4096] = 1
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
BURN = 'import time\nend = time.monotonic() + 0.6\nwhile time.monotonic() < end: pass'


def places() -> dict:
    """Where each controller's files are: {'memory': root, ...} and the v2 tree as ''."""
    v2 = pathlib.Path(rig.v2_root())
    out = {'': v2}
    for name in ('memory', 'cpu', 'cpuacct', 'pids'):
        out[name] = BASE / name if (BASE / name).is_dir() else v2
    return out


class Container:
    """The folders of a container: of the same path in each tree that a controller is in."""

    def __init__(self, case, letter):
        self.places = places()
        self.path = f'podtrace-figures-{os.getpid()}/{letter * 64}'
        self.case = case
        if self.places['memory'] == self.places['']:
            for folder in (self.places[''], self.places[''] / self.path.split('/', maxsplit=1)[0]):
                folder.mkdir(exist_ok=True)
                (folder / 'cgroup.subtree_control').write_text('+memory +cpu +pids', encoding='ascii')
        for folder in self.folders():
            folder.mkdir(parents=True)
        case.addCleanup(self.remove)

    def folders(self) -> list:
        return [root / self.path for root in sorted(set(self.places.values()))]

    def remove(self):
        for folder in self.folders():
            for one in (folder, folder.parent):
                for _ in range(500):
                    try:
                        one.rmdir()
                    except FileNotFoundError:
                        pass
                    except OSError:
                        if any(child.is_dir() for child in one.iterdir()):
                            break  # of another container
                        time.sleep(0.01)
                        continue
                    break

    def file(self, controller, v2, v1=None) -> pathlib.Path:
        """Of v2 or of v1, as the controller is."""
        root = self.places[controller]
        return root / self.path / (v2 if root == self.places[''] else v1)

    def is_v2(self, controller) -> bool:
        return self.places[controller] == self.places['']

    def enter(self):
        for folder in self.folders():
            (folder / 'cgroup.procs').write_text('0', encoding='ascii')

    def run(self, script, *args) -> subprocess.CompletedProcess:
        """A process of its own that is in here from before its first instruction to its end."""
        return subprocess.run([sys.executable, '-c', script, *map(str, args)], preexec_fn=self.enter, check=False,
                              capture_output=True, text=True)

    def keyed(self, path) -> dict:
        return dict(line.split() for line in path.read_text(encoding='ascii').splitlines())

    def faults(self) -> dict:
        stat = self.keyed(self.file('memory', 'memory.stat', 'memory.stat'))
        total = '' if self.is_v2('memory') else 'total_'
        major = int(stat[f'{total}pgmajfault'])
        return {'minor': int(stat[f'{total}pgfault']) - major, 'major': major}

    def throttled(self) -> tuple:
        stat = self.keyed(self.file('cpu', 'cpu.stat', 'cpu.stat'))
        time_ns = int(stat['throttled_usec']) * 1000 if 'throttled_usec' in stat else int(stat['throttled_time'])
        return int(stat['nr_periods']), int(stat['nr_throttled']), time_ns

    def cpu(self) -> dict:
        """{mode: ns}: the v2 tree counts it whatever controllers it has."""
        stat = self.keyed(self.places[''] / self.path / 'cpu.stat')
        return {'user': int(stat['user_usec']) * 1000, 'system': int(stat['system_usec']) * 1000}

    def oom_kills(self) -> int:
        return int(self.keyed(self.file('memory', 'memory.events', 'memory.oom_control'))['oom_kill'])


class Case(rig.Case):
    def watch(self, *containers, families='sched,memory', command=('trace', '--quiet')):
        self.out = self.folder / f'{time.monotonic_ns()}.jsonl'
        return self.podtrace(*command, '--families', families, '--otlp-file', self.out,
                             *(f'--cgroup={of.places[""] / of.path}' for of in containers),
                             env={'OTEL_METRIC_EXPORT_INTERVAL': str(INTERVAL)})

    def told(self) -> dict:
        return Export.of_file(self.out).metrics()

    def one(self, name, **attributes):
        return self.told()[name][series({key.replace('_', '.'): value for key, value in attributes.items()})]


class Exact(Case):
    def test_faults(self):
        """Of a container that was there before: since we look. Its own count is the control."""
        load, idle = Container(self, 'a'), Container(self, 'b')
        load.run(TOUCH, PAGES)  # before anybody looks
        time.sleep(SETTLED)
        before = load.faults()
        with self.watch(load):
            touched = int(load.run(TOUCH, PAGES).stdout)
            idle.run(TOUCH, PAGES)
            time.sleep(SETTLED)
            after = load.faults()
        self.assertGreaterEqual(touched, PAGES)
        self.assertGreaterEqual(after['minor'] - before['minor'], touched)
        told = self.told()[FAULTS]
        self.assertEqual(told, {series({'system.paging.fault.type': kind}): after[kind] - before[kind]
                                for kind in ('minor', 'major')})

    def test_made_while_we_look(self):
        """From its first instruction on."""
        first = Container(self, 'a')
        self.out = self.folder / 'made.jsonl'
        with self.podtrace('trace', '--quiet', '--families', 'memory', '--otlp-file', self.out,
                           '--cgroup', (first.places[''] / first.path).parent):
            load = Container(self, 'c')
            touched = int(load.run(TOUCH, PAGES).stdout)
            time.sleep(SETTLED)
            all_of_it = load.faults()
        self.assertGreaterEqual(all_of_it['minor'], touched)
        of = [(point, rig.attributes(point)) for name, point in Export.of_file(self.out).points() if name == FAULTS]
        values = [int(point.get('as_int', 0)) for point, attributes in of
                  if attributes['system.paging.fault.type'] == 'minor']
        self.assertIn(all_of_it['minor'], values)

    def test_throttled(self):
        load = Container(self, 'a')
        if load.is_v2('cpu'):
            load.file('cpu', 'cpu.max').write_text('10000 100000', encoding='ascii')
        else:
            load.file('cpu', '', 'cpu.cfs_quota_us').write_text('10000', encoding='ascii')
        time.sleep(0.5)  # setting it begins a period or two
        idle, *nothing = load.throttled()
        with self.watch(load):
            load.run(BURN)
            time.sleep(0.5)
            (periods, throttled, time_ns), cpu = load.throttled(), load.cpu()
        self.assertEqual(nothing, [0, 0])
        self.assertGreaterEqual(throttled, 3)
        self.assertEqual(self.one('podtrace.sched.periods'), periods - idle)
        self.assertEqual(self.one('podtrace.sched.throttled.periods'), throttled)
        self.assertAlmostEqual(self.one('podtrace.sched.throttled.time'), time_ns / 1e9, 9)
        for mode, ns in cpu.items():
            self.assertAlmostEqual(self.one('container.cpu.time', cpu_mode=mode), ns / 1e9, 9)
        self.assertGreater(sum(cpu.values()), 10_000_000)

    def test_out_of_memory(self):
        """Killed at its limit, which is a figure too; without one there is none."""
        load, free = Container(self, 'a'), Container(self, 'b')
        load.file('memory', 'memory.max', 'memory.limit_in_bytes').write_text(str(LIMIT), encoding='ascii')
        swap = load.file('memory', 'memory.swap.max', 'memory.memsw.limit_in_bytes')
        if swap.exists():
            swap.write_text('0' if load.is_v2('memory') else str(LIMIT), encoding='ascii')
        with self.watch(load, free):
            free.run(TOUCH, 2 * LIMIT // 4096)
            self.assertEqual(load.run(TOUCH, 2 * LIMIT // 4096).returncode, -9)
            self.assertEqual(load.oom_kills(), 1)
        event = {'podtrace.memory.event': 'oom_kill'}
        self.assertEqual(self.told()['podtrace.memory.events'][series(event)], 1)
        self.assertEqual(self.one('podtrace.memory.limit', **{'podtrace.memory.limit.type': 'max'}), LIMIT)
        peaks = [point.get('as_int', 0) for name, point in Export.of_file(self.out).points()
                 if name == 'podtrace.memory.peak']
        self.assertGreaterEqual(len(peaks), 2)

    def test_gone(self):
        """What is gone has no figures; what stays has them to the end."""
        stays, goes = Container(self, 'a'), Container(self, 'b')
        with self.watch(stays, goes):
            time.sleep(3 * INTERVAL / 1000)
            goes.remove()
            time.sleep(3 * INTERVAL / 1000)
        counts = []
        for _, message in Export.of_file(self.out).requests:
            ids = [rig.attributes(of.get('resource', {})).get('container.id') for of in
                   message.get('resource_metrics', []) for scope in of['scope_metrics']
                   if scope['scope']['name'] == 'podtrace/sched']
            counts.append(sorted(ident[0] for ident in ids if ident))
        self.assertIn(['a', 'b'], counts)
        self.assertEqual(counts[-1], ['a'])

    def test_replay(self):
        """A capture has all readings: those of its replay are those of the capture, point by point."""
        load, file, replayed = Container(self, 'a'), self.folder / 'file.podtrace', self.folder / 'replayed.jsonl'
        with self.watch(load, command=('capture', file)):
            load.run(TOUCH, PAGES)
            time.sleep(3 * INTERVAL / 1000)
        rig.once('replay', file, '--otlp-file', replayed)
        self.assertEqual(self.points(replayed), self.points(self.out))
        self.assertGreater(len(self.points(replayed)), 3 * 20)

    def points(self, file) -> list:
        return [(name, point) for name, point in Export.of_file(file).points()
                if name.startswith(('container.', 'podtrace.memory.', 'podtrace.sched.', 'podtrace.tasks', 'podtrace.io.'))]

    def test_other_families(self):
        """Nobody asked for figures of memory: none."""
        load = Container(self, 'a')
        with self.watch(load, families='sched,process'):
            load.run(TOUCH, 1)
        self.assertIn('container.cpu.time', self.told())
        self.assertNotIn(FAULTS, self.told())


class Cost(Case):
    def test_many(self):
        """A thousand containers in one second: they take a tenth of a processor at most, and no turn is long."""
        of = Container(self, 'a')
        top = (of.places[''] / of.path).parent
        names = [f'{i:064x}' for i in range(1, 1000)]
        for folder in of.folders():
            for name in names:
                (folder.parent / name).mkdir()
        try:
            self.out = self.folder / 'many.jsonl'
            with self.podtrace('trace', '--quiet', '--families', 'sched,memory', '--otlp-file', self.out, '--cgroup',
                               top, env={'OTEL_METRIC_EXPORT_INTERVAL': '10000'}) as run:
                began = cpu_of(run.process.pid)
                time.sleep(10)
                used = cpu_of(run.process.pid) - began
            ids = {rig.attributes(of.get('resource', {})).get('container.id') for _, message in
                   Export.of_file(self.out).requests for of in message.get('resource_metrics', [])}
            self.assertLessEqual(set(names), ids)
            self.assertLess(used, 1.0)
        finally:
            for folder in of.folders():
                for name in names:
                    (folder.parent / name).rmdir()


def cpu_of(pid) -> float:
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='ascii').rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


if __name__ == '__main__':
    assert resource.getpagesize() == 4096
    unittest.main()
