#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever --forbid leaves: the rungs that are forbidden are not used, each feature that is not on says why, and what is
told stays true. Without reads of kernel memory by helper, as under lockdown=confidentiality, the kernel's own verifier
shows that a program has none."""

import itertools
import json
import os
import unittest

import rig
import test_content as content
from test_doctor import doctor, kernel_side

RUNGS = ('tp_btf', 'raw_tp', 'fentry', 'kprobe', 'iter')
NO_READS = ('--forbid', 'probe_read')
N = 500


def features(*args) -> dict:
    report = json.loads(doctor(*args, '--output', 'json').stdout)['doctor']
    return {f'{of["family"]}/{of["feature"]}': of for of in kernel_side(report)}


class Forbidden(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rig.needs_root()

    def test_each_choice(self):
        for n in range(1, 4):
            for forbidden in itertools.combinations(RUNGS, n):
                with self.subTest(forbidden=forbidden):
                    got = features('--families', 'process,cgroup', '--forbid', ','.join(forbidden))
                    self.assertEqual({of['rung'] for of in got.values()} & set(forbidden), set())
                    for name, of in got.items():
                        self.assertTrue(of['state'] == 'on' or of['reason'], name)

    def test_nothing_is_forbidden(self):
        """The control."""
        self.assertEqual({of['rung'] for of in features('--families', 'process,cgroup').values()}, {'tp_btf'})


class Verified(unittest.TestCase):
    """Calls that read kernel memory are calls of nothing here: what can get to one is refused."""

    @classmethod
    def setUpClass(cls):
        rig.needs_root()
        cls.features = features(*NO_READS)

    def test_typed_programs_have_none(self):
        for name, of in self.features.items():
            with self.subTest(name):
                # no typed way from an fd to its socket
                if name in ('tcp/accept', 'tcp/send_receive', 'udp/datagram', 'http/head'):
                    self.assertNotIn(of['rung'], ('tp_btf', 'raw_tp', 'kprobe'))
                else:
                    self.assertEqual(of['state'], 'on')
                    self.assertIn(of['rung'], ('tp_btf', 'iter', 'uprobe_multi', 'cgroup'))

    def test_what_is_missing_is_said(self):
        self.assertIn('directories', self.features['process/exec']['reason'])
        self.assertIn('paths', self.features['cgroup/mkdir']['reason'])
        self.assertEqual(self.features['process/exit']['reason'], '')

    def test_others_are_refused(self):
        """The control: programs that read by helper, and so have such calls, do not get through."""
        for name, of in features('--forbid', 'probe_read,tp_btf,fentry,iter,cgroup').items():
            # reads by type, by whatever rung; reads nothing
            if name.startswith(('lookup/', 'db/')) or name == 'http/close':
                continue
            with self.subTest(name):
                self.assertEqual(of['state'], 'off')
                if name != 'tcp/listen_drop' and not name.startswith('dns/'):
                    self.assertIn('reads kernel memory by helper', of['reason'])


class NoReads(content.Case):
    """The same truth as with them, but for what LACKS rows of the registry name."""

    def trace(self, cgroup, *args, **more):
        return super().trace(cgroup, *NO_READS, *args, **more)

    exec, cwds = content.Starts.exec, content.Directories.cwds
    test_arguments_path_parent_user = content.Starts.test_arguments_path_parent_user
    test_pid_namespace = content.Starts.test_pid_namespace
    test_script = content.Starts.test_script
    test_chroot = content.Directories.test_chroot

    def test_exact(self):
        cgroup = self.cgroup()
        with self.trace(cgroup, '--families', 'process') as run:
            cgroup.run('procs', N, 4)
        self.assert_lossless(run)
        self.assertEqual(dict(run.by_event()), {'process.fork': N, 'process.exec': N, 'process.exit': N})

    def test_connections(self):
        """But for accepts, where there is no fentry either: then they are off, and said to be."""
        cgroup = self.cgroup()
        with self.trace(cgroup, '--families', 'tcp') as run:
            cgroup.run('tcp', N, 3, 5, 4)
        self.assert_lossless(run)
        accepts, = (of['state'] != 'off' for of in run.summary['features'] if of['feature'] == 'accept')
        self.assertEqual(dict(run.by_event()),
                         {'tcp.connect': N, 'tcp.connection': 2 * N} | ({'tcp.accept': N} if accepts else {}))
        self.assertEqual({(line['podtrace.tcp.role'], line['podtrace.tcp.sent'], line['podtrace.tcp.received'])
                          for line in run.of('tcp.connection')}, {('client', 3, 5), ('server', 5, 3)})

    def test_directories(self):
        """Names that lie in their dentry; below a mount, or behind a name that does not, it is not known."""
        top = self.folder
        if os.stat(top).st_dev != os.stat('/').st_dev:
            self.skipTest(f'{top} is not on the root file system')
        fits = ['/', '/usr', '/usr/lib', str(top), str(top / ('n' * 31)), str(top / 'a' / 'b' / 'c')]
        beyond = ['/proc', '/dev/shm', str(top / ('n' * 60)), str(top / ('n' * 60) / 'in')]
        for folder in fits + beyond:
            os.makedirs(folder, exist_ok=True)
        self.assertEqual(self.cwds(*fits, *beyond), fits + [None] * len(beyond))

    def test_cgroups(self):
        """Their names come by a look-up instead, at once."""
        cgroup = self.cgroup()
        with self.trace(cgroup, '--families', 'cgroup') as run:
            child = cgroup.child('new')
        self.assert_lossless(run)
        line, = run.of('cgroup.mkdir')
        self.assertNotIn('podtrace.cgroup.path', {key for key, value in line.items() if value})
        child.remove()


if __name__ == '__main__':
    unittest.main()
