#!/usr/bin/env python3
"""Names looked up by getaddrinfo: each to the last one, by name and result, whatever C library file a program has, and
whoever does the same next door."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import lookups
import rig
from rig import Export

N, THREADS = 50, 4
RUNGS = {'uprobe_multi': [], 'uprobe': ['--forbid', 'uprobe_multi'], 'perf buffer': ['--forbid', 'ringbuf'],
         'no reads': ['--forbid', 'probe_read'], 'no reads, uprobe': ['--forbid', 'probe_read,uprobe_multi']}
FOUND = 1.5  # seconds: what is there before podtrace is found, and what it does not tell of on time, it never does
PAUSE = 1000  # ms that a program rests after its start: it is found as soon as it is there


def library() -> pathlib.Path:
    """The C library that programs here have."""
    with open('/proc/self/maps', encoding='utf-8') as maps:
        for line in maps:
            if re.search(r'/libc[.-][^/]*so[^/]*$', path := line.split()[-1]):
                return pathlib.Path(path).resolve()
    raise unittest.SkipTest('this Python has no C library of its own')


class Lookups(rig.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rig.needs('gcc')
        cls.scratch = tempfile.TemporaryDirectory(prefix='podtrace-e2e-')
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.program = lookups.program(cls.scratch.name)
        cls.library = library()

    def start(self, cgroup, n, *, threads=1, wait=PAUSE, libraries=None) -> subprocess.Popen:
        env = {**os.environ, **({'LD_LIBRARY_PATH': str(libraries)} if libraries else {})}
        return subprocess.Popen([self.program, str(n), str(threads), str(wait), cgroup.path], env=env,
                                stdin=subprocess.PIPE, text=True)

    def end(self, *processes):
        for process in processes:
            process.communicate('\n')
            self.assertEqual(process.returncode, 0)

    def watch(self, cgroup, *options):
        return self.podtrace('trace', '--cgroup', cgroup.path, '--families', 'lookup', '--output', 'json', *options)

    def assert_told(self, run, turns):
        self.assert_lossless(run)
        self.assertEqual(lookups.told(run.lines), lookups.wanted(turns))
        of = run.events['lookup_getaddrinfo']
        self.assertEqual((of['sent'], of['lost_state']), (turns * lookups.CALLS, 0))

    def copy(self, name) -> pathlib.Path:
        """A folder with a C library of its own."""
        folder = self.folder / name
        folder.mkdir()
        shutil.copy(self.library, folder / 'libc.so.6')
        return folder

    def test_each_rung(self):
        for name, options in RUNGS.items():
            with self.subTest(rung=name):
                cgroup, other = (self.cgroup(re.sub(r'\W+', '-', f'{name} {of}')) for of in ('load', 'other'))
                path = self.folder / f'{name}.jsonl'
                before = self.start(cgroup, N, threads=THREADS, wait='line')
                with self.watch(cgroup, '--otlp-file', path, *options) as run:
                    time.sleep(FOUND)
                    after, noise = self.start(cgroup, N), self.start(other, N)
                    self.end(before, after, noise)
                turns = N * (THREADS + 1)
                self.assert_told(run, turns)
                feature, = run.summary['features']
                self.assertEqual((feature['rung'], feature['state']),
                                 ('uprobe', 'reduced') if 'uprobe_multi' in str(options) else ('uprobe_multi', 'on'))
                self.assertEqual(run.events['lookup_getaddrinfo']['filtered'], N * lookups.CALLS)
                self.assert_exported(path, turns)

    def assert_exported(self, path, turns):
        """The metric has all, and what is logged are the failures."""
        export = Export.of_file(path)
        results = {}
        for (_, result, _), n in lookups.wanted(turns).items():
            key = (('error.type', result),) if result else ()
            results[key] = results.get(key, 0) + n
        self.assertEqual(export.metrics()['podtrace.lookup.duration'], results)
        self.assertEqual(len(export.logs('podtrace.lookup.getaddrinfo.failed')), sum(n for key, n in results.items() if key))

    def test_one_less_is_seen(self):
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            time.sleep(FOUND)
            self.end(self.start(cgroup, N - 1))
        self.assertEqual(lookups.wanted(N) - lookups.told(run.lines), lookups.TURN)

    def test_who_calls_nothing_is_not_told(self):
        cgroup = self.cgroup()
        with self.watch(cgroup) as run:
            time.sleep(FOUND)
            self.end(self.start(cgroup, 0))
        self.assert_told(run, 0)

    def test_libraries_of_their_own(self):
        """One that is new, one that takes the place of another while that is in use, one that is deleted in use."""
        for rung in ('uprobe_multi', 'uprobe'):
            with self.subTest(rung=rung):
                cgroup, folder = self.cgroup(rung), self.copy(rung)
                with self.watch(cgroup, *RUNGS[rung]) as run:
                    time.sleep(FOUND)
                    old = self.start(cgroup, N, wait='line', libraries=folder)
                    time.sleep(0.5)
                    shutil.copy(self.library, folder / 'new')
                    os.rename(folder / 'new', folder / 'libc.so.6')
                    new = self.start(cgroup, N, wait='line', libraries=folder)
                    time.sleep(0.5)
                    os.unlink(folder / 'libc.so.6')
                    self.end(old, new, self.start(cgroup, N, libraries=folder))
                self.assert_told(run, 3 * N)

    def test_one_found_deleted(self):
        cgroup, folder = self.cgroup(), self.copy('gone')
        before = self.start(cgroup, N, wait='line', libraries=folder)
        time.sleep(0.2)
        os.unlink(folder / 'libc.so.6')
        with self.watch(cgroup) as run:
            time.sleep(FOUND)
            self.end(before)
        self.assert_told(run, N)


if __name__ == '__main__':
    unittest.main()
