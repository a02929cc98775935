#!/usr/bin/env python3
"""What is told of processes is true: how they ended, what could not be started, arguments, directory, parent, user. The
measure is what the kernel told their parent."""

import contextlib
import os
import subprocess
import unittest

import rig
from rig import Export

SIGNALS = {6: 'SIGABRT', 9: 'SIGKILL', 11: 'SIGSEGV', 15: 'SIGTERM', 34: 'SIG34'}
ARGS_TOLD = 64
RUNGS = {'tp_btf': [], 'raw_tp': ['--forbid', 'tp_btf'], 'no reads': ['--forbid', 'probe_read']}


def command_args(line):
    return line.get('process.command_args')


class Case(rig.Case):
    def assert_ends(self, run, told):
        """Each process ended once, as its parent was told; a program's start belongs to the same process."""
        ends = {line['process.pid']: line for line in run.of('process.exit')}
        self.assertEqual(len(run.of('process.exit')), len(told))
        self.assertEqual(set(ends), {of['pid'] for of in told})
        for of in told:
            line, sig = ends[of['pid']], of['signal']
            error = SIGNALS.get(sig) if sig else f'exit_{of["code"]}' if of['code'] else None
            self.assertEqual(
                {'code': line['process.exit.code'], 'signal': line.get('podtrace.process.exit.signal', 0),
                 'core': line.get('podtrace.process.exit.core', False), 'error': line.get('error.type'),
                 'parent': line['process.parent_pid']},
                {'code': 128 + sig if sig else of['code'], 'signal': sig, 'core': of['core'], 'error': error,
                 'parent': of['parent']}, of['what'])


class Ends(Case):
    def test_codes_and_signals(self):
        for name, rung in RUNGS.items():
            cgroup, path = self.cgroup(name), self.folder / f'{name}.jsonl'
            with self.subTest(name), self.trace(cgroup, '--otlp-file', path, *rung) as run:
                told = cgroup.run('each', 'exit=0', 'exit=3', 'exit=42', 'exit=255', 'exit=256',
                                  'signal=9', 'signal=11', 'signal=6', 'signal=15', 'signal=34')
            self.assert_lossless(run)
            self.assert_ends(run, told)
            export = Export.of_file(path)
            spans = {of['process.pid']: (span, of) for span, of in export.spans('workload')}
            self.assertEqual(len(spans), len(told))
            failed = {of['process.pid'] for span, of in spans.values() if span.get('status', {}).get('code') == 2}
            self.assertEqual(failed, {of['pid'] for of in told if of['code'] or of['signal']})
            # a log record for each failed one, that names its span
            logs = {of['process.pid']: record for record, of in export.logs('podtrace.process.exit')}
            self.assertEqual((set(logs), len(export.logs())), (failed, len(failed)))
            for pid, record in logs.items():
                self.assertEqual(record['span_id'], spans[pid][0]['span_id'])
                self.assertEqual(record['trace_id'], spans[pid][0]['trace_id'])
            self.assertEqual(export.metrics()['podtrace.process.duration'],
                             {rig.series({'podtrace.process.exit.result': 'ok'}): 2,
                              rig.series({'podtrace.process.exit.result': 'error'}): 3,
                              rig.series({'podtrace.process.exit.result': 'signal'}): 5})
            self.assert_valid(export)

    def test_threads(self):
        """Whatever nine threads do, and however they race: a process ends once, with the code that its parent sees."""
        for name, rung in RUNGS.items():
            with self.subTest(name):
                cgroup = self.cgroup(name)
                specs = ('group=7', 'threads=5', 'leader=6', 'follower=8', 'threadexec=9') * 12
                with self.trace(cgroup, *rung) as run:
                    told = cgroup.run('each', *specs)
                self.assert_lossless(run)
                self.assertEqual(dict(run.by_event()), {'process.fork': 60, 'process.exec': 72, 'process.exit': 60})
                self.assert_ends(run, told)

    def test_thread_that_starts_a_program(self):
        """It takes the place of its leader: one process, started twice, under one pid and one time of creation."""
        cgroup = self.cgroup()
        with self.trace(cgroup) as run:
            told, = cgroup.run('each', 'threadexec=9')
        first, second = run.of('process.exec')
        for key in ('process.pid', 'process.creation.time', 'process.parent_pid'):
            self.assertEqual(first[key], second[key])
        self.assertEqual(first['process.pid'], told['pid'])

    def test_run_time(self):
        """From fork to exit: longer than the program slept, no longer than all of it took."""
        cgroup, path = self.cgroup(), self.folder / 'otlp.jsonl'
        with self.trace(cgroup, '--otlp-file', path) as run:
            before = rig.time.monotonic_ns()
            cgroup.run('exec', '/', 0, '/bin/sleep', 'sleep', '0.3')
            took = rig.time.monotonic_ns() - before
        (span, _), = Export.of_file(path).spans()
        ns = span['end_time_unix_nano'] - span['start_time_unix_nano']
        self.assertGreaterEqual(ns, 300_000_000)
        self.assertLessEqual(ns, took)
        self.assertEqual(run.code, 0)

    def test_wrong_code_is_seen(self):
        """The negative control."""
        cgroup = self.cgroup()
        with self.trace(cgroup) as run:
            told = cgroup.run('each', 'exit=3')
        self.assert_ends(run, told)
        for wrong in ({'code': 4}, {'signal': 9}, {'pid': 1}, {'parent': 1}):
            with self.assertRaises(AssertionError):
                Ends('assert_ends').assert_ends(run, [{**told[0], **wrong}])


class Starts(Case):
    def exec(self, cgroup, *args, **options):
        return cgroup.run('exec', *args, **options)

    def test_failed(self):
        """Programs that could not be started: path and errno of each."""
        noexec, script, loop = (self.folder / name for name in ('noexec', 'script', 'loop'))
        noexec.write_bytes(b'\x7fNOT an executable')
        noexec.chmod(0o755)
        script.write_bytes(b'#!/nonexistent/interpreter\n')
        script.chmod(0o755)
        loop.symlink_to(loop)
        want = {'/nonexistent': 'ENOENT', '/etc/passwd': 'EACCES', '/etc': 'EACCES', str(noexec): 'ENOEXEC',
                str(script): 'ENOENT', '/etc/passwd/x': 'ENOTDIR', str(loop): 'ELOOP', '/' + 'x' * 256: 'ENAMETOOLONG',
                '': 'ENOENT'}
        for name, rung in RUNGS.items():
            cgroup, path = self.cgroup(name), self.folder / f'{name}.jsonl'
            with self.subTest(name), self.trace(cgroup, '--otlp-file', path, *rung) as run:
                told = cgroup.run('failed', *want)
            self.assert_lossless(run)
            self.assertEqual(dict(run.by_event()), {'process.fork': 9, 'process.exec_failed': 9, 'process.exit': 9})
            got = {line['process.pid']: (line.get('process.executable.path', ''), line['error.type'])
                   for line in run.of('process.exec_failed')}
            # the record has room for 256 bytes of a path, its end included
            self.assertEqual(got, {of['pid']: (path[:255], want[path]) for of, path in zip(told, want)})
            for of, line in zip(told, run.of('process.exec_failed')):
                self.assertEqual((line['process.parent_pid'], line['thread.name']), (of['parent'], 'workload'))
            counts = {}
            for error in want.values():
                counts[rig.series({'error.type': error})] = counts.get(rig.series({'error.type': error}), 0) + 1
            export = Export.of_file(path)
            self.assertEqual(export.metrics()['podtrace.process.start.failures'], counts)
            self.assertNotIn('podtrace.process.starts', export.metrics())
            self.assertEqual(len(export.logs('podtrace.process.exec_failed')), 9)
            self.assert_valid(export)

    def test_arguments_path_parent_user(self):
        cgroup = self.cgroup()
        args = ['name of its own', '', 'two words', '"quoted" \\ back', 'tab\tand\nline', 'ümlaut €', '']
        with self.trace(cgroup, '--command-args') as run:
            told, = self.exec(cgroup, '/usr/lib', 65534, '/bin/true', *args)
        self.assert_lossless(run)
        line, = run.of('process.exec')
        self.assertEqual(command_args(line), args)
        self.assertEqual({key: line[key] for key in (
            'process.pid', 'process.parent_pid', 'process.executable.path', 'process.executable.name',
            'process.working_directory')}, {
                'process.pid': told['pid'], 'process.parent_pid': told['parent'],
                'process.executable.path': '/bin/true', 'process.executable.name': 'true',
                'process.working_directory': '/usr/lib'})
        self.assertEqual(int(line['process.real_user.id']), 65534)
        end, = run.of('process.exit')
        self.assertEqual((end['process.executable.path'], int(end['process.real_user.id'])), ('/bin/true', 65534))

    def test_arguments_only_if_asked_for(self):
        cgroup = self.cgroup()
        with self.trace(cgroup) as run:
            self.exec(cgroup, '/', 0, '/bin/true', 'true', 'secret')
        self.assertNotIn('secret', run.out.read_text())

    def test_long_arguments(self):
        """A limit of 1,024 bytes and of 64 arguments: just there, one over, far over. What is told is what fits."""
        cgroup = self.cgroup()
        cases = {
            'just': ['a', 'b' * 1020, ''],           # 2 + 1021 + 1 = 1024 bytes
            'one over': ['a', 'b' * 1021, ''],
            'cut in a word': ['a', 'b' * 5000, 'never'],
            'many': ['a'] + ['12345'] * 400,
            'huge': ['a', 'c' * 100_000],
        }
        with self.trace(cgroup, '--command-args') as run:
            for args in cases.values():
                self.exec(cgroup, '/', 0, '/bin/true', *args)
        self.assert_lossless(run)
        lines = run.of('process.exec')
        self.assertEqual(len(lines), len(cases))
        for (name, args), line in zip(cases.items(), lines):
            with self.subTest(name):
                told = ''.join(arg + '\0' for arg in args)[:1024]
                self.assertEqual(command_args(line), told.removesuffix('\0').split('\0')[:ARGS_TOLD])

    def test_bytes_that_are_no_utf8(self):
        """They reach OTLP as valid UTF-8, everything else of the argument as it was."""
        cgroup, path = self.cgroup(), self.folder / 'otlp.jsonl'
        args = [b'\xff\xfe', b'caf\xe9', b'\xc3', b'\xed\xa0\x80', b'ok', b'\xf0\x9f\x98\x80', b'\xc0\xaf']
        name = self.folder / os.fsdecode(b'pro\xffgram')
        name.symlink_to('/bin/true')
        with self.trace(cgroup, '--command-args', '--otlp-file', path) as run:
            subprocess.run([os.fsencode(part) if isinstance(part, str) else part for part in (
                *cgroup.command('exec', '/', 0), bytes(name), *args)], check=True, stdout=subprocess.DEVNULL)
        self.assert_lossless(run)
        line, = run.of('process.exec')        # run.lines decodes strictly: invalid UTF-8 would not pass
        self.assertEqual([arg.replace('\ufffd', '?') for arg in command_args(line)],
                         ['??', 'caf?', '?', '???', 'ok', '\U0001f600', '??'])
        self.assertEqual(line['process.executable.name'], 'pro\ufffdgram')
        export = Export.of_file(path)
        self.assert_valid(export)
        (_, of), = export.spans()
        self.assertEqual(of['process.executable.name'], 'pro\ufffdgram')

    def test_script(self):
        """The interpreter runs, the path is the script's: one start."""
        cgroup = self.cgroup()
        script = self.folder / 'script.sh'
        script.write_text('#!/bin/sh\nexit 5\n', encoding='ascii')
        script.chmod(0o755)
        with self.trace(cgroup, '--command-args') as run:
            told, = self.exec(cgroup, '/', 0, script, 'argv0', 'x')
        self.assert_lossless(run)
        line, = run.of('process.exec')
        self.assertEqual(line['process.pid'], told['pid'])
        self.assertEqual(command_args(line), ['/bin/sh', str(script), 'x'])
        self.assertEqual(line['process.executable.path'], str(script))

    def test_pid_namespace(self):
        """In a pid namespace of its own a process is 1; we have both numbers."""
        rig.needs('unshare')
        cgroup = self.cgroup()
        with self.trace(cgroup) as run:
            cgroup.run('exec', '/', 0, rig.shutil.which('unshare'), 'unshare', '--pid', '--fork', '/bin/true')
        line = [line for line in run.of('process.exec') if line['process.executable.name'] == 'true'][0]
        self.assertEqual(line['process.vpid'], 1)
        self.assertNotEqual(line['process.pid'], 1)
        outer = [line for line in run.of('process.exec') if line['process.executable.name'] == 'unshare'][0]
        self.assertNotIn('process.vpid', outer)
        self.assertEqual(line['process.parent_pid'], outer['process.pid'])


class Directories(Case):
    """The working directory, as getcwd has it."""

    def cwds(self, *folders):
        cgroup = self.cgroup(f'load{self._runs}')
        with self.trace(cgroup) as run:
            for folder in folders:
                cgroup.run('exec', folder, 0, '/bin/true', 'true')
        self.assert_lossless(run)
        lines = run.of('process.exec')
        self.assertEqual(len(lines), len(folders))
        return [line.get('process.working_directory') for line in lines]

    @contextlib.contextmanager
    def mounted(self, what, where, *options):
        subprocess.run(['mount', *options, what, where], check=True)
        try:
            yield
        finally:
            subprocess.run(['umount', '-l', where], check=True)

    def test_plain(self):
        odd = self.folder / 'with blank' / 'ü' / ' '
        odd.mkdir(parents=True)
        folders = ['/', '/usr', '/usr/lib', str(self.folder), str(odd)]
        self.assertEqual(self.cwds(*folders), folders)

    def test_across_mounts(self):
        """A mount, a mount in a mount, a bind mount of a folder deep inside, and one on top of another."""
        outer, data = self.folder / 'outer', self.folder / 'data'
        inner, bound = outer / 'a' / 'inner', self.folder / 'bound'
        for folder in (outer, data / 'x' / 'y', bound):
            folder.mkdir(parents=True)
        with self.mounted('tmpfs', outer, '-t', 'tmpfs'):
            inner.mkdir(parents=True)
            with self.mounted('tmpfs', inner, '-t', 'tmpfs'), self.mounted(data / 'x', bound, '--bind'), \
                    self.mounted('tmpfs', inner, '-t', 'tmpfs'):
                (inner / 'b').mkdir()
                folders = [*map(str, (outer, outer / 'a', inner, inner / 'b', bound, bound / 'y')), '/proc', '/dev/shm',
                           '/sys/fs/cgroup']
                self.assertEqual(self.cwds(*folders), folders)

    def test_deep(self):
        """Up to the limits it is whole; beyond them the innermost part is told, or nothing, but nothing wrong."""
        def deep(n, part):
            return '/'.join([str(self.folder), *[part] * n])
        below = str(self.folder).count('/')
        fits = [deep(20, 'd'), deep(23 - below, 'dir'), deep(1, 'n' * 200)]
        beyond = [deep(40, 'd'), deep(100, 'd'), deep(10, 'n' * 100), deep(3, 'n' * 255)]
        for folder in fits + beyond:
            os.makedirs(folder, exist_ok=True)
        got = self.cwds(*fits, *beyond)
        self.assertEqual(got[:len(fits)], fits)
        for folder, told in zip(beyond, got[len(fits):]):
            with self.subTest(len(folder)):
                if told is not None and told != folder:
                    self.assertTrue(folder.endswith(told), f'{told} is no end of {folder}')
                    self.assertFalse(os.path.exists(told), f'{told} is another folder')

    def test_deleted(self):
        """A folder that is gone: its name as it was, or nothing."""
        gone = self.folder / 'gone'
        gone.mkdir()
        cgroup = self.cgroup()
        with self.trace(cgroup) as run:
            subprocess.run(cgroup.command('exec', '.', 0, '/bin/true', 'true'), cwd=gone, check=True,
                           stdout=subprocess.DEVNULL, preexec_fn=gone.rmdir)
        self.assert_lossless(run)
        line, = run.of('process.exec')
        self.assertEqual(line['process.working_directory'], str(gone))

    def test_chroot(self):
        """Below a root of its own: the path as the process has it."""
        rig.needs('chroot')
        root = self.folder / 'root'
        (root / 'in' / 'side').mkdir(parents=True)
        rig.shutil.copy(rig.workload(), root / 'workload')
        cgroup = self.cgroup()
        with self.trace(cgroup) as run:
            with cgroup.inside():
                subprocess.run(['chroot', root, '/workload', 'exec', '/in/side', '0', '/workload', 'workload', 'spec',
                                'exit=0'], check=True, stdout=subprocess.DEVNULL)
        self.assert_lossless(run)
        self.assertEqual(run.of('process.exec')[-1]['process.working_directory'], '/in/side')


if __name__ == '__main__':
    unittest.main()
