#!/usr/bin/env python3
"""Names looked up by getaddrinfo: each to the last one, by name and result, whatever C library file a program has, and
whoever does the same next door."""

import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
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
GONE = 20  # at most until a file is attached to, or let go that nobody has
# Cycles and how many at a time: the kernel closes perf events one after the other, in 0.1 s each.
CYCLES = {'uprobe_multi': (200, 50), 'uprobe': (12, 4)}
PAUSE = 1000  # ms that a program rests after its start: it is found as soon as it is there
# Maps files, says so, and waits.
MAPS = '''
import mmap, os, sys
maps = [mmap.mmap(os.open(path, os.O_RDONLY), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
        for path in sys.argv[1:]]
print(len(maps), flush=True)
sys.stdin.readline()
'''


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
                # others of this machine look names up too
                self.assertGreaterEqual(run.events['lookup_getaddrinfo']['filtered'], N * lookups.CALLS)
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

    def test_processes_that_cannot_be_looked_at(self):
        """Without SYS_PTRACE the libraries of those with more capabilities are not found, and that is said."""
        rig.needs('setpriv')
        for more, said in (('', True), (',+sys_ptrace', False)):
            with self.subTest(more=more):
                done = rig.once('trace', '--all', '--families', 'lookup', '--duration', '2s', prefix=[
                    'setpriv', f'--bounding-set=-all,+bpf,+perfmon,+dac_read_search{more}', '--inh-caps=-all'])
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual('give podtrace the capability SYS_PTRACE' in done.stderr, said, done.stderr)

    def test_libraries_of_their_own(self):
        """One that is new, one that takes the place of another while that is in use, one that is deleted in use."""
        for rung in ('uprobe_multi', 'uprobe'):
            with self.subTest(rung=rung):
                cgroup, folder = self.cgroup(rung), self.copy(rung)
                with self.watch(cgroup, *RUNGS[rung]) as run:
                    time.sleep(FOUND)
                    before = self.attached(run)
                    old = self.start(cgroup, N, wait='line', libraries=folder)
                    self.assertEqual(self.settled(run, before + 1), before + 1)
                    shutil.copy(self.library, folder / 'new')
                    os.rename(folder / 'new', folder / 'libc.so.6')
                    new = self.start(cgroup, N, wait='line', libraries=folder)
                    self.assertEqual(self.settled(run, before + 2), before + 2)
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

    # ---- files -----------------------------------------------------------------------------------------------------

    def attached(self, run) -> int:
        """Files that are attached to now, and a few that there always are: two links or events each."""
        held = [os.readlink(fd) for fd in pathlib.Path(f'/proc/{run.process.pid}/fd').iterdir() if fd.is_symlink()]
        return (sum('bpf_link' in name or 'bpf-link' in name or 'perf_event' in name for name in held) + 1) // 2

    def settled(self, run, files) -> int:
        """Files that are attached to as soon as they are that many, or some time later."""
        deadline = time.monotonic() + GONE
        while (n := self.attached(run)) != files and time.monotonic() < deadline:
            time.sleep(0.1)
        return n

    def bad_files(self) -> dict:
        whole = self.library.read_bytes()
        random.seed(1)
        head = bytearray(whole[:4096])
        head[56:58] = b'\xff\xff'  # e_phnum
        far = bytearray(whole)
        far[32:40] = b'\xff' * 7 + b'\x7f'  # e_phoff
        return {'empty': b'', 'short': whole[:63], 'cut': whole[:5000], 'random': random.randbytes(1 << 16), 'many': head,
                'far': far, 'text': b'#!/bin/sh\n' * 1000, 'ours': whole[:16] + random.randbytes(1 << 16)}

    def test_bad_files_harm_nothing(self):
        cgroup, bad = self.cgroup(), []
        for name, content in self.bad_files().items():
            path = self.folder / name / 'libc.so.6'
            path.parent.mkdir()
            path.write_bytes(content)
            os.truncate(path, max(len(content), 4096) if name != 'far' else 1 << 40)
            bad.append(path)
        with self.watch(cgroup) as run:
            time.sleep(FOUND)
            before = self.attached(run)
            with subprocess.Popen([sys.executable, '-c', MAPS, *bad], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as maps:
                self.assertEqual(maps.stdout.readline(), b'%d\n' % len(bad))
                self.end(self.start(cgroup, N, libraries=self.copy('good')))
                self.assertEqual(self.settled(run, before + 1), before + 1)
                for path in bad:
                    os.truncate(path, 0)
                self.end(self.start(cgroup, N))
                maps.communicate(b'\n')
            self.assertEqual(self.settled(run, before), before)
        self.assert_told(run, 2 * N)
        self.assertEqual(len(re.findall('is not attached to', run.log)), 1, run.log)

    def test_one_file_by_two_names(self):
        """An overlay shows a file of its lower folder under another device: one inode, for which there are two
        files, attached to once or twice. Each call is told once."""
        cgroup, lower, empty = self.cgroup(), self.copy('lower'), self.folder / 'empty'
        empty.mkdir()
        merged = [self.folder / name for name in ('merged', 'merged2')]
        for folder in merged:
            folder.mkdir()
            mounted = subprocess.run(['mount', '-t', 'overlay', 'overlay', '-o', f'lowerdir={lower}:{empty}',
                                      folder], capture_output=True, text=True, check=False)
            if mounted.returncode:
                self.skipTest(f'no overlayfs here: {mounted.stderr.strip()}')
            self.addCleanup(self.unmount, folder)
        with self.watch(cgroup) as run:
            time.sleep(FOUND)
            before = self.attached(run)
            all_ = [self.start(cgroup, N, wait='line', libraries=folder) for folder in (lower, *merged)]
            time.sleep(1)
            self.assertLessEqual(self.attached(run) - before, 2)
            self.end(*all_)
        self.assert_told(run, 3 * N)

    @staticmethod
    def unmount(folder):
        """The kernel lets go of what a link held a moment after podtrace's end."""
        deadline = time.monotonic() + GONE
        while subprocess.run(['umount', folder], capture_output=True, check=False).returncode:
            if time.monotonic() > deadline:
                raise AssertionError(f'{folder} is still in use')
            time.sleep(0.1)

    def test_many_come_and_go(self):
        for rung, (cycles, together) in CYCLES.items():
            with self.subTest(rung=rung):
                cgroup = self.cgroup(rung)
                with self.watch(cgroup, '--quiet', *RUNGS[rung]) as run:
                    time.sleep(FOUND)
                    fds = self.descriptors(run)
                    for turn in range(cycles // together):
                        folders = [self.copy(f'{rung} {turn} {i}') for i in range(together)]
                        before = self.attached(run)
                        all_ = [self.start(cgroup, 1, wait='line', libraries=folder) for folder in folders]
                        self.assertEqual(self.settled(run, before + together), before + together)
                        self.end(*all_)
                        for folder in folders:
                            shutil.rmtree(folder)
                        self.assertEqual(self.settled(run, before), before)
                    deadline = time.monotonic() + GONE
                    while self.descriptors(run) > fds and time.monotonic() < deadline:
                        time.sleep(0.1)
                    self.assertEqual(self.descriptors(run), fds)
                of = run.events['lookup_getaddrinfo']
                self.assertEqual((of['counted'] + of['sent'], run.summary['lost']), (cycles * lookups.CALLS, 0))

    @staticmethod
    def descriptors(run) -> int:
        return len(os.listdir(f'/proc/{run.process.pid}/fd'))


if __name__ == '__main__':
    unittest.main()
