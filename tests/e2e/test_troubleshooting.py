# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on OpenShift: for each row of its troubleshooting table the message that names it, and the fix."""

import errno
import json
import pathlib
import shutil
import sys
import time
import unittest

import account  # first: it says where the stand-in is
import rig
from standin import Fault, Standin, id_of, make_pod

HERE = pathlib.Path(__file__).parent
TOLD_IN = 20  # seconds until what is missing is said


class Names(rig.Case):
    """pods "..." not found; cgroup path not found for container; CRI endpoint not found."""

    def setUp(self):
        super().setUp()
        rig.needs('unshare', 'openssl')
        self.server = Standin(account.make(self.folder))
        self.addCleanup(self.server.stop)

    def said(self, *args, word, env=None):
        """The log of a run when WORD is in it."""
        env = {'PODTRACE_CRI_RESOLVE': 'false', **account.env(self.server.port), **(env or {})}
        with self.podtrace('trace', '--quiet', '--families', 'process', *args, prefix=account.prefix(self.folder),
                           env=env) as run:
            deadline = time.monotonic() + TOLD_IN
            while word not in run.log:
                self.assertLess(time.monotonic(), deadline, run.log)
                time.sleep(0.05)
        return run.log

    def line(self, log, word):
        return next(line for line in log.splitlines() if word in line)

    def test_pod_not_found_for_want_of_rights(self):
        """403, and OpenShift's 404: it may exist, and the ClusterRole is what lacks."""
        for status, word in ((403, 'forbids us to list pods (403)'), (404, 'OpenShift answers 404 where RBAC forbids')):
            self.server.script('list', *[Fault(status, message='pods is forbidden')] * 20)
            line = self.line(self.said('-n', 'shop', 'cart-0', word='not found'), 'not found')
            self.assertIn('pods \\"cart-0\\" not found on this node: ', line)
            self.assertIn(word, line)
            self.assertIn('apply the ClusterRole podtrace with its binding', line)
            self.server.faults['list'].clear()

    def test_pod_that_is_not_there(self):
        """The control: the API server may be asked, and the pod is none of this node's."""
        self.server.add(make_pod(1))
        line = self.line(self.said('-n', 'shop', 'cart-0', word='not found'), 'not found')
        self.assertIn('pods \\"cart-0\\" not found on this node: ', line)
        self.assertNotIn('ClusterRole', line)

    def test_cgroup_path_not_found(self):
        """It is known by name, and no way leads to its cgroup: each says why, and what to mount."""
        self.server.add(make_pod(1, name='cart-0'))
        line = self.line(self.said('-n', 'shop', 'cart-0', word='cgroup path not found'), 'cgroup path')
        self.assertIn(f'cgroup path not found for container {id_of(1)}: runtime: no container runtime answers', line)
        for way in ('mount the folder of the CRI socket (/run/crio, /run/containerd)', '; /proc: none of the',
                    '; cgroup tree: none of the'):
            self.assertIn(way, line)

    def test_container_that_ended(self):
        """The other control: an init container that is done has no cgroup any more, and nobody looks for it."""
        ended, other = make_pod(1, name='cart-0'), make_pod(2, name='cart-1')
        ended['status']['containerStatuses'][0]['state'] = {'terminated': {'exitCode': 3}}
        self.server.add(ended, other)
        log = self.said('-n', 'shop', 'cart-0', 'cart-1', word='cgroup path not found')
        self.assertIn(id_of(2), log)
        self.assertNotIn(id_of(1), log)

    def test_cgroup_path_found(self):
        """The control: with a cgroup it is a target."""
        self.server.add(make_pod(1, name='cart-0'))
        pod = self.keep(self.cgroup('kubepods').child(f'pod{make_pod(1)["metadata"]["uid"]}'))
        self.keep(pod.child(id_of(1)))
        log = self.said('-n', 'shop', 'cart-0', '--duration', '5s', word='tells pods')
        self.assertNotIn('not found', log)

    def test_cri_endpoint_not_found(self):
        log = self.said('--all', env={'PODTRACE_CRI_RESOLVE': 'true', 'PODTRACE_CRI_ENDPOINT': '/run/crio/crio.sock'},
                        word='CRI endpoint')
        line = self.line(log, 'CRI endpoint')
        self.assertIn('CRI endpoint not found: /run/crio/crio.sock (PODTRACE_CRI_ENDPOINT): there is no such file', line)
        self.assertIn('mount the directory of the runtime\'s socket (hostPath /run/containerd or /run/crio), or set '
                      'PODTRACE_CRI_ENDPOINT', line)


class Kernel(rig.Case):
    """operation not permitted (BPF); SELinux denies."""

    def setUp(self):
        super().setUp()
        rig.needs_root()
        self.binary = str(shutil.copy(rig.BINARY, self.folder / 'podtrace'))

    def denied(self, number, enforce, *args):
        """podtrace of which bpf() fails so, on a node where SELinux enforces (1), does not (0), is not (None)."""
        rig.needs('unshare')
        script = 'mount -t tmpfs none /sys/fs && mkdir /sys/fs/selinux && printf %s "$0" >/sys/fs/selinux/enforce'
        there = [] if enforce is None else ['unshare', '-m', 'sh', '-c', f'{script} && exec "$@"', enforce]
        return rig.once(*args, prefix=[*there, sys.executable, HERE / 'denied.py', number],
                        env={'PODTRACE_CRI_RESOLVE': 'false'})

    def reasons(self, *args):
        """(errno, reason, fix) of what BPF programs give, all alike."""
        done = self.denied(*args, 'doctor', '--output', 'json')
        self.assertEqual((done.returncode, done.stderr), (1, ''))
        rows = [row for row in json.loads(done.stdout)['doctor']['features'] if row['family'] in ('process', 'tcp')]
        found = {(row['state'], row['errno_name'], row['reason'], row['fix']) for row in rows}
        self.assertEqual(len(found), 1, found)
        return found.pop()

    def test_selinux(self):
        state, name, reason, fix = self.reasons(errno.EACCES, '1')
        self.assertEqual((state, name), ('off', 'EACCES'))
        self.assertIn('denied by SELinux (EACCES)', reason)
        self.assertIn('spc_t', fix)
        self.assertIn('class bpf', fix)

    def test_selinux_that_does_not_enforce(self):
        """The control: then it is not SELinux that denies."""
        for enforce in ('0', None):
            _, name, reason, _ = self.reasons(errno.EACCES, enforce)
            self.assertEqual(name, 'EACCES')
            self.assertNotIn('denied by SELinux', reason)

    def test_selinux_of_a_run(self):
        done = self.denied(errno.EACCES, '1', 'trace', '--all', '--quiet', '--duration', '100ms', '--cgroup-base', '/tmp')
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r'\(EACCES\): a security module denies it: .*spc_t\n')
        self.assertNotIn('capabilities', done.stderr)

    def test_not_permitted_although_capable(self):
        """By seccomp, as an old runtime's profile does: capabilities are not blamed."""
        _, name, reason, fix = self.reasons(errno.EPERM, None)
        self.assertEqual(name, 'EPERM')
        self.assertIn('though the capabilities are held', reason)
        self.assertIn('seccompProfile', fix)

    def test_not_permitted(self):
        """Without capabilities: which ones are missing, in a run as in doctor (test_doctor.py)."""
        rig.needs('setpriv')
        run = ('trace', '--all', '--quiet', '--duration', '100ms')
        without = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', self.binary]
        done = rig.subprocess.run([*without, *run], capture_output=True, text=True, check=False, env=rig.clean_env())
        self.assertEqual(done.returncode, 1)
        self.assertIn('Operation not permitted (EPERM): run as root, or with the capabilities BPF and PERFMON', done.stderr)
        self.assertNotIn('SELinux', done.stderr)
        control = rig.once(*run)
        self.assertEqual(control.returncode, 0, control.stderr)
        self.assertNotIn('EPERM', control.stderr)


if __name__ == '__main__':
    unittest.main()
