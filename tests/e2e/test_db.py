#!/usr/bin/env python3
"""Statements sent to real databases by libpq and MariaDB's C client: each to the last one, by each way to send one, with
its shape, result and time, and none of what stands in it."""

import os
import signal
import subprocess
import time
import unittest

import databases
import rig
import statements
from rig import Export

N = 20
RUNGS = {'uprobe_multi': [], 'uprobe': ['--forbid', 'uprobe_multi'], 'no reads': ['--forbid', 'probe_read'],
         'perf buffer': ['--forbid', 'ringbuf']}
FOUND = 1.5  # seconds: a client's library is found as soon as it is there
WHATS = {'postgresql': ('sync', 'async', 'pipeline', 'long'), 'mysql': ('sync', )}


class Database:
    """What holds for each of them."""

    server: type
    options = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rig.needs('gcc')
        try:
            cls.database = cls.enterClassContext(cls.server())
            cls.client = databases.program(cls.database.folder, cls.server)
        except databases.Unavailable as why:
            raise unittest.SkipTest(str(why)) from why
        cls.system = cls.server.name

    def start(self, cgroup, what, n=N, libraries=None) -> subprocess.Popen:
        env = {**os.environ, **({'LD_LIBRARY_PATH': str(libraries)} if libraries else {})}
        return subprocess.Popen([self.client, self.system, str(self.database.sockets), self.database.user, what, str(n),
                                 cgroup.path], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end(self, *clients) -> list:
        """What they took, each its own times in ns."""
        said = []
        for client in clients:
            out, _ = client.communicate('\n')
            self.assertEqual(client.returncode, 0)
            said.append(list(map(int, out.split())))
        return said

    def watch(self, cgroup, *options):
        return self.podtrace('trace', '--cgroup', cgroup.path, '--families', 'db', '--output', 'json', *self.options,
                             *options)

    def assert_told(self, run, calls):
        self.assert_lossless(run)
        self.assertEqual(statements.told(run.lines), calls)
        self.assertEqual(run.events['db_query']['sent'], calls.total())

    def assert_secret(self, *texts):
        for text in texts:
            for secret in statements.SECRETS:
                self.assertFalse(secret in text, secret)

    def test_each_rung(self):
        whats = WHATS[self.system]
        calls = statements.wanted(self.system, N, *whats)
        for name, options in RUNGS.items():
            with self.subTest(rung=name):
                cgroup, other = (self.cgroup(f'{name} {of}'.replace(' ', '-')) for of in ('load', 'other'))
                path = self.folder / f'{name}.jsonl'
                before = self.start(cgroup, whats[0])
                with self.watch(cgroup, '--db-slow', '0', '--otlp-file', path, *options) as run:
                    time.sleep(FOUND)
                    after = [self.start(cgroup, what) for what in whats[1:]] + [self.start(other, whats[0])]
                    time.sleep(FOUND)
                    self.end(before, *after)
                self.assert_told(run, calls)
                self.assertEqual({feature['rung'] for feature in run.summary['features']},
                                 {'uprobe' if 'uprobe_multi' in options else 'uprobe_multi'})
                noise = statements.wanted(self.system, N, whats[0]).total()
                self.assertEqual(run.events['db_query']['filtered'], noise)
                self.assert_exported(path, calls)
                self.assert_secret(path.read_text(encoding='utf-8'), run.out.read_text(encoding='utf-8'), run.log)

    def assert_exported(self, path, calls):
        export = Export.of_file(path)
        self.assert_valid(export)
        self.assertEqual(export.metrics()['db.client.operation.duration'], statements.durations(calls, self.system))
        spans = [of for _, of in export.spans()]
        self.assertEqual(statements.told({'event': 'podtrace.db.query', **of} for of in spans), calls)
        self.assertEqual({of['db.system.name'] for of in spans}, {self.system})
        failed = sum(n for (_, _, error), n in calls.items() if error)
        self.assertEqual(len(export.logs('podtrace.db.query.failed')), failed)

    def test_failed_and_slow_alone(self):
        """By default; and the time is what the client measured itself."""
        cgroup = self.cgroup()
        path = self.folder / 'otlp.jsonl'
        with self.quiet(cgroup, '--families', 'db', '--otlp-file', path, *self.options) as run:
            clients = [self.start(cgroup, 'sync'), self.start(cgroup, 'slow', 2)]
            time.sleep(FOUND)
            _, took = self.end(*clients)
        self.assert_lossless(run)
        slow = statements.wanted(self.system, 2, 'slow')
        failed = statements.Counter({call: n for call, n in statements.wanted(self.system, N, 'sync').items() if call[2]})
        export = Export.of_file(path)
        spans = export.spans()
        self.assertEqual(statements.told({'event': 'podtrace.db.query', **of} for _, of in spans), slow + failed)
        durations = sorted(of['podtrace.db.duration'] for _, of in spans if 'error.type' not in of)
        for ours, theirs in zip(durations, sorted(took), strict=True):
            self.assertAlmostEqual(ours, theirs / 1e9, delta=theirs / 1e10)
        all_ = statements.wanted(self.system, N, 'sync') + slow
        self.assertEqual(export.metrics()['db.client.operation.duration'], statements.durations(all_, self.system))
        self.assertEqual((run.events['db_query']['sent'], run.events['db_query']['counted']),
                         ((slow + failed).total(), (all_ - slow - failed).total()))

    def test_one_less_is_seen(self):
        cgroup = self.cgroup()
        with self.watch(cgroup, '--db-slow', '0') as run:
            client = self.start(cgroup, 'sync', N - 1)
            time.sleep(FOUND)
            self.end(client)
        self.assertEqual(statements.wanted(self.system, N, 'sync') - statements.told(run.lines),
                         statements.wanted(self.system, 1, 'sync'))

    def test_captures_have_shapes_alone(self):
        cgroup = self.cgroup()
        path = self.folder / 'db.ptcap'
        with self.podtrace('capture', '--cgroup', cgroup.path, '--families', 'db', '--db-slow', '0', *self.options, path):
            client = self.start(cgroup, 'sync')
            time.sleep(FOUND)
            self.end(client)
        self.assert_secret(path.read_bytes().decode('latin-1'))
        replayed = rig.once('replay', path, '--output', 'json')
        self.assertEqual(replayed.returncode, 0, replayed.stderr)
        lines = list(map(rig.json.loads, replayed.stdout.splitlines()))
        self.assertEqual(statements.told(line for line in lines if 'event' in line),
                         statements.wanted(self.system, N, 'sync'))


class Postgresql(Database, rig.Case):
    server = databases.Postgresql

    def test_what_nobody_fetched(self):
        """A statement that the library throws away, because the next one is sent: counted as lost."""
        cgroup = self.cgroup()
        with self.watch(cgroup, '--db-slow', '0') as run:
            client = self.start(cgroup, 'left')
            time.sleep(FOUND)
            self.end(client)
        self.assert_ledger(run)
        self.assertEqual(statements.told(run.lines), statements.wanted(self.system, N, 'left'))
        self.assertEqual(run.events['db_query']['lost_state'], statements.left(self.system, N, 'left'))


    def test_results_of_another_layout(self):
        """A libpq that has a result's status elsewhere, as far as podtrace can see, is left alone."""
        library = databases.libpq().read_bytes()
        # mov 0x28(%rdi),%eax; ret; nop, and the same by way of %rcx
        own = b'\x8b\x47\x28\xc3\x0f\x1f\x80\0\0\0\0'
        if own not in library:
            self.skipTest('this libpq is compiled in another way')
        (self.folder / 'libpq.so.5').write_bytes(library.replace(own, b'\x57\x59\x8b\x41\x28\xc3' + 5 * b'\x90'))
        cgroup = self.cgroup()
        with self.watch(cgroup, '--db-slow', '0') as run:
            client = self.start(cgroup, 'sync', libraries=self.folder)
            time.sleep(FOUND)
            self.end(client)
        self.assert_told(run, statements.Counter())
        self.assertEqual(run.log.count('is not attached to'), 1, run.log)


class Mariadb(Database, rig.Case):
    server = databases.Mariadb
    options = ('--mariadb', )

    def test_not_unless_asked_for(self):
        """What switches stacks would be killed: its library is left alone, and so are those that have it otherwise."""
        cgroup = self.cgroup()
        with self.podtrace('trace', '--cgroup', cgroup.path, '--families', 'db', '--db-slow', '0', '--output', 'json') as run:
            clients = [self.start(cgroup, what, 1) for what in ('sync', 'together')]
            time.sleep(FOUND)
            self.end(*clients)
        self.assert_told(run, statements.Counter())

    def test_killed_where_asked_for(self):
        """The reason why it is asked for: should this fail, the kernel has learned better."""
        cgroup = self.cgroup()
        with self.watch(cgroup):
            client = self.start(cgroup, 'together', 1)
            time.sleep(FOUND)
            client.communicate('\n')
        self.assertEqual(client.returncode, -signal.SIGILL)


if __name__ == '__main__':
    unittest.main()
