#!/usr/bin/env python3
"""Operations on files: each to the last one, by what it was and its errno, and the bytes, whoever does the same next door;
those that fail or are slow one by one, with the path as the process has it."""

import ctypes
import os
import pathlib
import shutil
import tempfile
import unittest

import rig
from files import BYTES, FAILED, TURN, counted, told, wanted, wanted_bytes
from rig import Export

N = 300
RUNGS = {'tp_btf': [], 'raw_tp': ['--forbid', 'tp_btf'], 'perf buffer': ['--forbid', 'ringbuf']}
NEVER = ['--file-slow', '1h']
ALWAYS = ['--file-slow', '0']


class Files(rig.Case):
    def setUp(self):
        super().setUp()
        self.room = pathlib.Path(tempfile.mkdtemp(prefix='podtrace-files-', dir='/dev/shm'))
        self.addCleanup(shutil.rmtree, self.room, ignore_errors=True)

    def place(self, name) -> pathlib.Path:
        path = self.room / name.replace(' ', '-')
        path.mkdir(mode=0o755)
        return path

    def run_load(self, name, n, *options):
        cgroup, other = self.cgroup(name.replace(' ', '-')), self.cgroup(f'{name} other'.replace(' ', '-'))
        path = self.folder / f'{name}.jsonl'
        with self.podtrace('trace', '--cgroup', cgroup.path, '--families', 'file', '--output', 'json',
                           '--otlp-file', path, *options) as run:
            noise = other.start('files', n, self.place(f'{name} other'))
            cgroup.run('files', n, self.place(name))
            self.assertEqual(noise.wait(), 0)
        self.assert_lossless(run)
        export = Export.of_file(path)
        self.assert_valid(export)
        return run, export

    def test_each_rung(self):
        for name, options in RUNGS.items():
            with self.subTest(rung=name):
                run, export = self.run_load(name, N, *NEVER, *options)
                self.assertEqual(counted(export), (wanted(N), wanted_bytes(N)))
                feature, = [of for of in run.summary['features'] if of['family'] == 'file']
                self.assertEqual((feature['state'], feature['rung']),
                                 ('reduced', name) if name == 'raw_tp' else ('on', 'tp_btf'))
                self.assertEqual(told(run.lines), wanted(N, FAILED))
                self.assertEqual(told(of for _, of in export.logs('podtrace.file.operation')), wanted(N, FAILED))
                events = run.events['file_op']
                self.assertEqual((events['seen'], events['filtered']), (sum(wanted(N).values()), 0))
                self.assertEqual(events['delivered'], sum(FAILED.values()) * N)

    def test_all_are_slow(self):
        """What takes as long as nothing is all there is, each with its bytes."""
        run, _ = self.run_load('slow', 50, *ALWAYS)
        self.assertEqual(told(run.lines), wanted(50))
        for way, n in wanted_bytes(50).items():
            self.assertEqual(sum(line['podtrace.file.bytes'] for line in run.lines
                                 if line['podtrace.file.operation'] == way), n)

    def lines_of(self, name, do) -> list:
        """What is told of what a child of this process does in the cgroup with paths that have its mark in them."""
        cgroup = self.cgroup(name)
        with self.podtrace('trace', '--cgroup', cgroup.path, '--families', 'file', '--output', 'json', *ALWAYS) as run:
            with cgroup.inside():
                child = os.fork()
                if not child:
                    try:
                        do()
                        os._exit(0)
                    finally:
                        os._exit(1)
                self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assert_lossless(run)
        return [(line['podtrace.file.operation'], line.get('file.path'), line.get('podtrace.file.target_path'),
                 line.get('error.type'), line.get('podtrace.file.deleted', False)) for line in run.lines
                if 'mark' in line.get('file.path', '')]

    def test_paths(self):
        """Relative, below another directory, renamed while it is open, without a name, of bytes that are no text."""
        room = self.place('mark')
        (room / 'below').mkdir()
        (room / 'file').write_bytes(b'x')
        (room / 'secret').write_bytes(b'x')

        def do():
            os.chdir(room / 'below')
            fd = os.open('../file', os.O_RDWR)
            os.rename('../file', 'renamed')
            os.pread(fd, 1, 0)
            os.unlink(room / 'below' / 'renamed')
            os.pwrite(fd, b'ab', 0)
            below = os.open('..', os.O_PATH | os.O_DIRECTORY)
            for path in ('none', b'caf\xe9\x1b'):
                try:
                    os.open(path, os.O_RDONLY, dir_fd=below)
                except FileNotFoundError:
                    pass

        self.assertEqual(self.lines_of('paths', do), [
            ('open', f'{room}/file', None, None, False),
            ('rename', f'{room}/below/../file', f'{room}/below/renamed', None, False),
            ('read', f'{room}/below/renamed', None, None, False),
            ('unlink', f'{room}/below/renamed', None, None, False),
            ('write', f'{room}/below/renamed', None, None, True),
            ('open', f'{room}', None, None, False),
            ('open', f'{room}/none', None, 'ENOENT', False),
            ('open', f'{room}/caf\ufffd\x1b', None, 'ENOENT', False)])

    def test_other_roots(self):
        """The path as the process has it: in a bind mount and from its own root on."""
        room = self.place('mark')
        for name in ('there', 'here', 'root/mark'):
            (room / name).mkdir(parents=True)
        (room / 'there' / 'file').write_bytes(b'x')
        (room / 'root' / 'mark' / 'file').write_bytes(b'x')

        def do():
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(0x20000) or libc.mount(b'none', b'/', None, 0x44000, None):
                os._exit(2)
            if libc.mount(os.fsencode(room / 'there'), os.fsencode(room / 'here'), None, 0x1000, None):
                os._exit(3)
            os.open(room / 'here' / 'file', os.O_RDONLY)
            outside = os.open(room / 'there' / 'file', os.O_RDONLY)
            os.chroot(room / 'root')
            os.open('/mark/file', os.O_RDONLY)
            os.read(outside, 1)

        self.assertEqual([path for _, path, *_ in self.lines_of('roots', do)],
                         [f'{room}/here/file', f'{room}/there/file', '/mark/file', f'{room}/there/file'])

    def test_longest(self):
        """4,095 bytes are what the kernel takes; below a directory a path can be longer, and is told from its end on."""
        room = self.place('mark')
        name = 'x' * 250
        depth = (4095 - len(str(room)) - 1) // 251
        last = 'y' * (4095 - len(str(room)) - depth * 251 - 1)
        longest = '/'.join([str(room)] + [name] * depth + [last])
        self.assertEqual(len(longest), 4095)
        os.makedirs(os.path.dirname(longest))

        def do():
            os.open(longest, os.O_CREAT | os.O_WRONLY, 0o600)
            os.chdir(os.path.dirname(longest))
            for _ in range(2):
                os.mkdir(name)
                os.chdir(name)
            os.open('mark', os.O_CREAT | os.O_WRONLY, 0o600)

        self.assertEqual([path for _, path, *_ in self.lines_of('longest', do)],
                         [longest, '/'.join([name] * 17 + ['mark'])])

    def test_one_less_is_seen(self):
        _, export = self.run_load('less', N - 1, *NEVER)
        ops, moved = counted(export)
        self.assertEqual({op: n - ops.get(op, 0) for op, n in wanted(N).items()}, TURN)
        self.assertEqual({way: n - moved[way] for way, n in wanted_bytes(N).items()}, BYTES)


if __name__ == '__main__':
    unittest.main()
