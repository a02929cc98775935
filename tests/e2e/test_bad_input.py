#!/usr/bin/env python3
"""What is wrong is told in one line on standard error: what, which value, what is allowed, what to do. Exit code 2 for
usage, 1 for run time. Nothing half-written is left under the final name."""

import contextlib
import os
import pathlib
import random
import shutil
import stat
import subprocess
import sys
import unittest

import rig
from rig import Export

sys.path.append(str(rig.ROOT / 'tools'))

import btf_types  # noqa: E402  pylint: disable=wrong-import-position

ALL = ('trace', '--all', '--quiet', '--duration', '100ms')

# arguments, environment, and what the line must hold: the option or variable, the value as given, what is allowed
USAGE = {
    'unknown option': (['trace', '--nope'], {}, ['--nope', 'unknown option', 'podtrace help trace']),
    'unknown option with a near one': (['trace', '--duratoin', '1s'], {}, ['--duratoin', '--duration']),
    'option of another command': (['replay', '--cgroup', 'x', 'file'], {}, ['--cgroup', 'replay']),
    'unknown command': (['tracee'], {}, ['"tracee"', 'podtrace trace']),
    'mistyped command with options': (['agnet', '-n', 'x'], {}, ['"agnet"', 'podtrace agent', '-n NAMESPACE POD']),
    'pod without a namespace': (['my-pod'], {}, ['"my-pod"', 'podtrace help', '-n NAMESPACE POD']),
    'whole node and pod': (['trace', '--all', 'my-pod'], {}, ['--all', 'exclude', 'kube-system']),
    'root of the cgroups': (['trace', '--cgroup', '/'], {}, ['"/"', 'whole node', '--all',
                                                                  'PODTRACE_ALLOW_BROAD_CGROUP=1']),
    'bad process id': (['trace', '--pid', 'self'], {}, ['--pid', '"self"', '1 to 4194304']),
    'bad duration': (['trace', '--all', '--duration', '5x'], {}, ['--duration', '"5x"', '20s']),
    'duration without a unit': (['trace', '--all', '--duration', '5'], {}, ['--duration', '"5"', '20s']),
    'negative duration': (['trace', '--all', '--duration', '-1s'], {}, ['--duration', '"-1s"', '20s']),
    'duration too long': (['trace', '--all', '--duration', '25h'], {}, ['--duration', '"25h"', '0 to 24h']),
    'empty duration': (['trace', '--all', '--duration', ''], {}, ['--duration', '""']),
    'value missing': (['trace', '--all', '--duration'], {}, ['--duration', 'value']),
    'value for a flag': (['trace', '--all=maybe'], {}, ['--all', 'maybe']),
    'bad size': (['trace', '--all', '--ring-size', '4Kib'], {}, ['--ring-size', '"4Kib"']),
    'ring too small': (['trace', '--all', '--ring-size', '1'], {}, ['--ring-size', '"1"', '4KiB to 1GiB']),
    'unknown family': (['trace', '--all', '--families', 'process,disk'], {}, ['--families', 'disk', 'process, tcp']),
    'unknown format': (['trace', '--all', '--output', 'xml'], {}, ['--output', '"xml"', 'text, json']),
    'unknown means': (['trace', '--all', '--forbid', 'usdt'], {},
                      ['--forbid', '"usdt"', *rig.RUNGS, ', ringbuf, probe_read, copies']),
    'unknown level': (['trace', '--all', '--log-level', 'loud'], {},
                      ['--log-level', '"loud"', 'error, warn, info, debug']),
    'nothing to watch': (['trace'], {}, ['nothing to watch', '--all', '--cgroup']),
    'all and cgroup': (['trace', '--all', '--cgroup', 'x'], {}, ['--all', '--cgroup', 'exclude']),
    'two destinations': ([*ALL, '--otlp-file', 'x', '--otlp-endpoint', 'http://127.0.0.1:1'], {},
                         ['--otlp-file', '--otlp-endpoint', 'exclude']),
    'two uses of standard output': (['trace', '--all', '--otlp-file', '-'], {}, ['--otlp-file', '--quiet']),
    'capture without a file': (['capture', '--all'], {}, ['capture', 'argument is missing', 'FILE']),
    'replay without a file': (['replay'], {}, ['replay', 'argument is missing', 'FILE']),
    'replay of two files': (['replay', 'a', 'b'], {}, ['"b"', 'too many', 'FILE']),
    'endpoint of another scheme': ([*ALL, '--otlp-endpoint', 'ftp://x'], {}, ['--otlp-endpoint', '"ftp://x"', 'http']),
    'endpoint without a scheme': ([*ALL, '--otlp-endpoint', 'localhost:4318'], {},
                                  ['--otlp-endpoint', '"localhost:4318"', 'http']),
    'bad variable': (['trace', '--all'], {'PODTRACE_DURATION': 'zz'}, ['PODTRACE_DURATION', '"zz"', '20s']),
}


class Case(rig.Case):
    def assert_refused(self, done, code, *words, said=None):
        """One line that says all of WORDS, nothing on standard output, the exit code."""
        self.assertEqual((done.returncode, done.stdout), (code, said or ''), done.stderr)
        self.assertEqual(done.stderr.count('\n'), 1, done.stderr)
        self.assertTrue(done.stderr.startswith('podtrace: ') and done.stderr.endswith('\n'), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    @contextlib.contextmanager
    def tmpfs(self, size):
        folder = self.folder / 'small'
        folder.mkdir()
        subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', folder], check=True)
        try:
            yield folder
        finally:
            subprocess.run(['umount', '-l', folder], check=True)


class Usage(Case):
    def test_usage(self):
        for name, (args, env, words) in USAGE.items():
            with self.subTest(name):
                self.assert_refused(rig.once(*args, env=env), 2, *words)

    def test_a_right_line_is_not_refused(self):
        """The negative control: with all of the same options in order, podtrace runs."""
        done = rig.once(*ALL, '--ring-size', '4KiB', '--families', 'process', '--output', 'json', '--forbid', 'iter',
                        '--log-level', 'warn', '--otlp-file', self.folder / 'x')
        self.assertEqual((done.returncode, done.stderr), (0, ''))

    def test_variables_of_the_specification(self):
        """OpenTelemetry wants a warning for what it does not know, and that the program goes on."""
        for name, value, allowed in (('OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', 'http/protobuf'),
                                     ('OTEL_BSP_SCHEDULE_DELAY', 'x', '5000'),
                                     ('OTEL_TRACES_SAMPLER', 'jaeger_remote', 'always_on')):
            with self.subTest(name):
                done = rig.once(*ALL, '--log-level', 'warn', env={name: value})
                self.assertEqual((done.returncode, done.stderr.count('\n')), (0, 1), done.stderr)
                for word in (name, value, allowed):
                    self.assertIn(word, done.stderr)

    def test_no_secret_is_told(self):
        done = rig.once(*ALL, '--otlp-endpoint', 'http://127.0.0.1:1', '--shutdown-timeout', '100ms',
                        env={'OTEL_EXPORTER_OTLP_HEADERS': 'authorization=Bearer%20geheim'})
        self.assertNotIn('geheim', done.stdout + done.stderr)


class Rights(Case):
    def test_missing_privileges(self):
        """Neither by root without capabilities, nor by another user, nor with half of what is needed."""
        rig.needs('setpriv')
        os.chmod(self.folder, 0o755)
        binary = self.folder / 'podtrace'
        shutil.copy(rig.BINARY, binary)
        for name, prefix in {
                'no capabilities': ['--bounding-set=-all', '--inh-caps=-all'],
                'another user': ['--reuid=65534', '--regid=65534', '--clear-groups'],
                'perfmon only': ['--bounding-set=-all,+perfmon', '--inh-caps=-all']}.items():
            with self.subTest(name):
                done = subprocess.run(['setpriv', *prefix, binary, *ALL], capture_output=True, text=True, check=False,
                                      env=rig.clean_env())
                self.assert_refused(done, 1, 'not permitted', 'BPF', 'PERFMON')

    def test_few_descriptors(self):
        """However few are allowed, it is they that are told of; and what may be raised is raised."""
        def allow(files, most):
            return subprocess.run(['prlimit', f'--nofile={files}:{most}', rig.BINARY, *ALL], capture_output=True, text=True,
                                  check=False, timeout=30)
        for most in (12, 20, 30, 45):
            with self.subTest(most=most):
                done = allow(most, most)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn('escriptor', done.stderr)
        self.assertEqual(allow(45, 4096).returncode, 0)

    def test_just_enough(self):
        """The negative control: with the two capabilities that the line names it runs, but for what sees packets."""
        rig.needs('setpriv')
        done = rig.once(*ALL, '--output', 'json',
                        prefix=['setpriv', '--bounding-set=-all,+bpf,+perfmon', '--inh-caps=-all'])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual({f['state'] for f in rig.json.loads(done.stdout)['summary']['features']
                          if f['rung'] != 'iter' and f['family'] != 'dns'}, {'on'}, done.stdout)

    def test_btf(self):
        """What is no file of this kernel's types: the option, the file and what it is instead are named, at once."""
        own = pathlib.Path('/sys/kernel/btf/vmlinux').read_bytes()
        damaged = bytearray(own)
        damaged[24:24 + 4000:4] = b'\xff' * 1000
        cases = {'nonexistent': (None, 'No such file'), 'empty': (b'', 'empty'), 'text': (b'root:x:0:0', 'no BTF'),
                 'elf': (pathlib.Path(rig.BINARY).read_bytes(), 'ELF file'), 'cut': (own[:len(own) // 2], 'cut off'),
                 'damaged': (damaged, 'damaged'), 'folder': (None, 'directory'), 'fifo': (None, 'no regular file'),
                 'large': (own[:24], '64 MiB'), 'other': (self.other_kernel(), 'another kernel'),
                 'program': (self.of_a_program(), 'lack')}
        for name, (content, words) in cases.items():
            path = self.folder / name
            if content is not None:
                path.write_bytes(content)
            elif name == 'folder':
                path.mkdir()
            elif name == 'fifo':
                os.mkfifo(path)
            if name == 'large':
                os.truncate(path, 4 << 30)
            with self.subTest(name):
                self.assert_refused(rig.once(*ALL, '--btf', str(path)), 1, '--btf', str(path), words)

    @staticmethod
    def other_kernel() -> bytes:
        """One that podtrace carries, and is not this one."""
        found = sorted(p for p in (rig.ROOT / 'btf').glob('*/*.btf') if p.stem != os.uname().release)
        return found[0].read_bytes()

    @staticmethod
    def of_a_program() -> bytes:
        """Sound BTF that has nothing of a kernel."""
        elf = (rig.ROOT / 'build' / 'amd64' / 'obj' / 'bpf' / 'self.bpf.o').read_bytes()
        return btf_types.sections(elf)['.BTF']

    def test_btf_of_this_kernel(self):
        """The negative control."""
        done = rig.once(*ALL, '--btf', '/sys/kernel/btf/vmlinux', '--output', 'json')
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_no_such_cgroup(self):
        for path in ('/nonexistent', '/tmp', 'no/such/cgroup', '/etc/passwd'):
            with self.subTest(path):
                done = rig.once('trace', '--quiet', '--duration', '100ms', '--cgroup', path)
                self.assert_refused(done, 1, '--cgroup', f'"{path}"', '/sys/fs/cgroup')

    def test_nothing_left_to_load(self):
        done = rig.once(*ALL, '--forbid', ','.join(rig.RUNGS))
        self.assert_refused(done, 1, '--forbid')


class Destination(Case):
    LOAD = ('each', 'exit=3')

    def lost(self, run, answered):
        """All that was created is counted as lost by a cause, and what was told names the collector."""
        self.assertEqual(run.code, 0, run.log)
        for name, numbers in run.summary['exports'].items():
            self.assertEqual(numbers['exported'], 0)
            self.assertEqual(numbers['created'], sum(numbers['lost'].values()), name)
        self.assertEqual([run.summary['exports'][name]['created'] for name in ('traces', 'logs')], [1, 1])
        for signal in ('traces', 'metrics', 'logs'):
            of_signal = [line for line in run.log.splitlines() if f'{signal} to http' in line]
            self.assertEqual(sum(' lost' in line for line in of_signal), 1, run.log)
            self.assertEqual(sum(answered in line for line in of_signal), 1, run.log)

    def export_to(self, url, **env):
        cgroup = self.cgroup(f'load{self._runs}')
        with self.trace(cgroup, '--otlp-endpoint', url, '--shutdown-timeout', '1s', env=env) as run:
            cgroup.run(*self.LOAD)
        self.assert_lossless(run)
        self.assertLess(run.stop_seconds, 3)
        return run

    def test_unreachable(self):
        port, = rig.collector.free_ports(1)
        self.lost(self.export_to(f'http://127.0.0.1:{port}'), 'Failed to connect')

    def test_unknown_host(self):
        self.lost(self.export_to('http://collector.invalid:4318'), 'Could not resolve host')

    def test_refusing(self):
        """Answers that forbid another try: each item is lost at once, by that cause."""
        for answer, cause in (('400', '400'), ('401', '401'), ('404', '404')):
            with self.subTest(answer), rig.Receiver(self.folder / answer, [answer]) as peer:
                run = self.export_to(peer.url)
                self.lost(run, cause)
                self.assertEqual(len(peer.requests), 3)

    def test_taken(self):
        """The negative control: the same run with a collector that says yes."""
        with rig.Receiver(self.folder / 'ok', ['ok']) as peer:
            run = self.export_to(peer.url)
        self.assert_exported(run)
        self.assertNotIn(' lost', run.log)
        export = Export.of_receiver(peer)
        self.assertEqual((len(export.spans()), len(export.logs())), (1, 1))
        self.assert_valid(export)
        with self.assertRaises(AssertionError):
            self.lost(run, '')


class Files(Case):
    def device(self) -> str:
        """A device of our own, as /dev/null is one: no file may take its place."""
        path = self.folder / 'device'
        if not path.exists():
            os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        return str(path)

    def test_otlp_file(self):
        """Where no file can be: refused before anything is loaded."""
        taken = self.folder / 'folder'
        taken.mkdir()
        for path in ('/nonexistent/x', str(taken), '/proc/x', '/dev/null/x', self.device()):
            with self.subTest(path):
                self.assert_refused(rig.once(*ALL, '--otlp-file', path), 1, 'OTLP file', path)
                self.assertFalse(os.path.exists(path + '.part'))
        self.assertTrue(stat.S_ISCHR(os.stat(self.device()).st_mode))

    def test_capture_file(self):
        taken = self.folder / 'folder'
        taken.mkdir()
        for path in ('/nonexistent/x', str(taken), '/proc/x', '/dev/null/x', self.device()):
            with self.subTest(path):
                done = rig.once('capture', '--all', '--duration', '100ms', path)
                self.assert_refused(done, 1, 'capture file', f'"{path}"')
                self.assertFalse(os.path.exists(path + '.part'))
        self.assertTrue(stat.S_ISCHR(os.stat(self.device()).st_mode))

    def test_an_old_file_stays(self):
        """What was there under the final name stays until the new one is whole."""
        cgroup = self.cgroup()
        for command, path in (('capture', self.folder / 'file.tap'), ('trace', self.folder / 'file.jsonl')):
            path.write_text('old', encoding='ascii')
            to = [path] if command == 'capture' else ['--quiet', '--otlp-file', path]
            with self.podtrace(command, '--cgroup', cgroup.path, *to) as run:
                cgroup.run('forks', 3)
                self.assertEqual(path.read_text(encoding='ascii'), 'old')
                run.process.kill()
                run.wait()
            self.assertEqual(path.read_text(encoding='ascii'), 'old')
            with self.podtrace(command, '--cgroup', cgroup.path, *to) as run:
                cgroup.run('forks', 3)
            self.assertEqual(run.code, 0, run.log)
            self.assertNotEqual(path.read_bytes(), b'old')
            self.assertEqual([p.name for p in self.folder.iterdir() if p.name.endswith('.part')], [])

    def test_otlp_file_on_a_full_disk(self):
        """Whole lines only, as far as they went; the rest is counted as lost; the exit code says so."""
        cgroup = self.cgroup()
        with self.tmpfs('64k') as small:
            path = small / 'file.jsonl'
            with self.quiet(cgroup, '--otlp-file', path, '--batch-size', '8KiB') as run:
                cgroup.run('procs', 500, 2)
            export = Export.of_file(path) if path.exists() else Export()
            exports = run.summary['exports']
            for name, numbers in exports.items():
                self.assertEqual(numbers['created'], numbers['exported'] + sum(numbers['lost'].values()), name)
            self.assertGreater(exports['traces']['created'], exports['traces']['exported'])
            self.assertEqual(len(export.spans()), exports['traces']['exported'])
            self.assertEqual(exports['traces']['created'], 500)
            self.assert_valid(export)
        self.assertEqual(run.code, 1, run.log)
        self.assertIn(str(path), run.log)
        self.assertIn('No space left', run.log)

    def test_capture_file_on_a_full_disk(self):
        """It fails, at once, and nothing is left of it."""
        cgroup = self.cgroup()
        with self.tmpfs('64k') as small:
            path = small / 'file.tap'
            run = self.podtrace('capture', '--cgroup', cgroup.path, path)
            with run:
                cgroup.run('procs', 1000, 2)
            self.assertEqual(list(small.iterdir()), [])
        self.assertEqual(run.code, 1, run.log)
        said = [line for line in run.log.splitlines() if line.startswith('podtrace: ')]
        self.assertEqual(len(said), 1, run.log)
        for word in (str(path), 'No space left', 'nothing is left'):
            self.assertIn(word, said[0])

    def test_capture_file_with_room(self):
        """The negative control: the same with room."""
        cgroup = self.cgroup()
        with self.tmpfs('16m') as small:
            path = small / 'file.tap'
            with self.podtrace('capture', '--cgroup', cgroup.path, path) as run:
                cgroup.run('procs', 1000, 2)
            self.assertEqual([p.name for p in small.iterdir()], ['file.tap'])
        self.assertEqual(run.code, 0, run.log)

    def test_standard_output(self):
        """A full one is an error; a closed one is the reader's choice."""
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([rig.BINARY, *ALL], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                                  env=rig.clean_env())
        self.assertEqual(done.returncode, 1)
        self.assertIn('cannot write to standard output: No space left on device', done.stderr)
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([rig.BINARY, *ALL], stdout=writer, stderr=subprocess.PIPE, text=True, check=False,
                              env=rig.clean_env())
        os.close(writer)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn('podtrace: ', done.stderr)


class Damaged(Case):
    """A capture file that was cut or changed, at any place."""

    def setUp(self):
        super().setUp()
        cgroup = self.cgroup()
        self.file, self.bad = self.folder / 'file.tap', self.folder / 'bad.tap'
        with self.podtrace('capture', '--cgroup', cgroup.path, self.file,
                           env={'OTEL_METRIC_EXPORT_INTERVAL': '100'}) as run:
            cgroup.run('each', 'exit=0', 'exit=1')
            cgroup.run('tcp', 1, 1, 1, 4)
            cgroup.run('failed', '/nonexistent')
        self.assertEqual(run.code, 0, run.log)
        self.whole = self.file.read_bytes()
        self.out = self.folder / 'otlp.jsonl'

    def assert_damaged(self, damaged):
        """Each of DAMAGED, {what was done: bytes}, is refused in one line that names the file, and leaves no output."""
        wrong = {}
        for what, data in damaged.items():
            self.bad.write_bytes(data)
            done = rig.once('replay', '--otlp-file', self.out, self.bad)
            try:
                self.assert_refused(done, 1, 'capture file', str(self.bad))
                self.assertEqual([p.name for p in self.folder.iterdir() if p.name.startswith('otlp')], [])
            except AssertionError as err:
                wrong[what] = str(err)
        self.assertFalse(wrong, f'{len(wrong)} of {len(damaged)}, the first: {list(wrong.items())[:1]}')

    def places(self):
        """Every byte around each end and in a frame's head, and 200 anywhere; the same in each run."""
        size, dice = len(self.whole), random.Random(1)
        return sorted({*range(0, 40, 3), *range(size - 40, size), *range(700, 800, 7),
                       *(dice.randrange(size) for _ in range(200))})

    def test_cut(self):
        self.assert_damaged({f'cut at {place}': self.whole[:place] for place in self.places()})

    def test_flipped(self):
        """A bit of any byte."""
        dice, flipped = random.Random(2), {}
        for place in self.places():
            data = bytearray(self.whole)
            data[place] ^= 1 << dice.randrange(8)
            flipped[f'flipped at {place}'] = bytes(data)
        self.assert_damaged(flipped)

    def test_more(self):
        self.assert_damaged({
            'a byte too much': self.whole + b'\0', 'twice': self.whole * 2, 'empty': b'',
            'the magic alone': b'podtrace', 'zeros': bytes(4096),
            'podtrace itself': pathlib.Path(rig.BINARY).read_bytes()})

    def test_no_file(self):
        for path in ('/nonexistent', str(self.folder), '/dev/null'):
            with self.subTest(path):
                self.assert_refused(rig.once('replay', path), 1, 'capture file', f'"{path}"')

    def test_whole(self):
        """The negative control."""
        self.bad.write_bytes(self.whole)
        done = rig.once('replay', '--otlp-file', self.out, self.bad)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertEqual(len(Export.of_file(self.out).spans()), 3 + 2)


if __name__ == '__main__':
    unittest.main()
