#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who is killed for want of memory: each once, by each rung, with its sizes and the limit; who is killed for other
reasons is not told."""

import os
import pathlib
import subprocess
import unittest

import rig
from rig import Export, series

LIMIT = 16 << 20
N = 3
RUNGS = {'tp_btf': [], 'raw_tp': ['--forbid', 'tp_btf'], 'no reads': ['--forbid', 'probe_read']}


class Limited:
    """A cgroup with a limit of memory: in v1's tree of its own where memory is there."""

    def __init__(self, case, cgroup):
        v1 = pathlib.Path('/sys/fs/cgroup/memory')
        self.cgroup, self.folder = cgroup, pathlib.Path(cgroup.path)
        limit = 'memory.max'
        if v1.is_dir():
            self.folder, limit = v1 / f'podtrace-oom-{os.getpid()}-{self.folder.name}', 'memory.limit_in_bytes'
            self.folder.mkdir()
            case.addCleanup(self.folder.rmdir)
        (self.folder / limit).write_text(str(LIMIT), encoding='ascii')

    def enter(self):
        for folder in (self.folder, pathlib.Path(self.cgroup.path)):
            (folder / 'cgroup.procs').write_text('0', encoding='ascii')

    def hog(self) -> subprocess.Popen:
        return subprocess.Popen([rig.workload(), 'hog', str(4 * LIMIT >> 20)], preexec_fn=self.enter)


class Kills(rig.Case):
    def kill(self, name, options=(), n=N):
        load, other = (Limited(self, self.cgroup(f'{name}-{which}'.replace(' ', '-'))) for which in ('load', 'other'))
        path = self.folder / f'{name}.jsonl'
        with self.podtrace('trace', '--cgroup', load.cgroup.path, '--families', 'memory', '--output', 'json',
                           '--otlp-file', path, *options) as run:
            pids = []
            for _ in range(n):
                process = load.hog()
                self.assertEqual(process.wait(), -9)
                pids.append(process.pid)
            self.assertEqual(other.hog().wait(), -9)
            spared = subprocess.Popen([rig.workload(), 'rest', '60'], preexec_fn=load.enter)
            spared.kill()  # for another reason
            spared.wait()
        self.assert_lossless(run)
        return run, Export.of_file(path), pids

    def test_each_rung(self):
        for name, options in RUNGS.items():
            with self.subTest(rung=name):
                run, export, pids = self.kill(name, options)
                self.assertEqual([line['process.pid'] for line in run.of('memory.oom_kill')], pids)
                for line in run.of('memory.oom_kill'):
                    self.assertEqual((line['process.executable.name'], line['process.real_user.id']), ('workload', 0))
                    self.assertLessEqual(line['podtrace.memory.anon'], LIMIT)
                    self.assertGreater(line['podtrace.memory.anon'], LIMIT * 0.8)
                    self.assertGreater(line['podtrace.memory.virtual'], 4 * LIMIT)
                    self.assertGreater(line['podtrace.memory.page_tables'], LIMIT // 512)
                    self.assertEqual(line['podtrace.memory.asked_by.pid'], line['process.pid'])
                    self.assertEqual(line.get('podtrace.memory.limit'), None if name == 'no reads' else LIMIT)
                    if name != 'no reads':
                        self.assertLessEqual(line['podtrace.memory.used'], LIMIT)
                        self.assertGreater(line['podtrace.memory.used'], LIMIT * 0.99)
                self.assertEqual(export.metrics()['podtrace.memory.oom_kills'], {series({}): N})
                self.assertEqual(len(export.logs('podtrace.memory.oom_kill')), N)
                feature, = (of for of in run.summary['features'] if of['family'] == 'memory')
                self.assertEqual((feature['state'], feature['rung']),
                                 ('reduced', name) if name == 'raw_tp' else ('on', 'tp_btf'))
                self.assertEqual(run.events['memory_oom_kill']['filtered'], 1)

    def test_one_less_is_seen(self):
        _, export, _ = self.kill('less', n=N - 1)
        self.assertEqual(export.metrics()['podtrace.memory.oom_kills'], {series({}): N - 1})


if __name__ == '__main__':
    unittest.main()
