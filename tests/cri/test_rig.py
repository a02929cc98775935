# SPDX-License-Identifier: Apache-2.0
"""The rig itself: each containerd comes up, runs what it is told, survives what a node does to it, and leaves nothing."""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from cri import cgroups, leavings, parts, rig  # noqa: E402  pylint: disable=wrong-import-position

EXPECTED = {'1.6': '1.6.20', '1.7': '1.7.24', '2.1': '2.1.9'}
HAS_EVENTS = {'1.6': False, '1.7': True, '2.1': True}


def left_of(node) -> dict:
    """What of a rig is on this machine."""
    parents = [mountpoint + path for path in node.kubelet.parents for _, mountpoint in cgroups.hierarchies()]
    return {'processes': len(leavings.processes(node.folder)), 'cgroups': sum(map(os.path.exists, parents)),
            'mounts': pathlib.Path('/proc/self/mountinfo').read_text(encoding='utf-8').count(str(node.folder)),
            'folder': node.folder.exists()}


class Version:
    """For each version once: one containerd for all tests, a pod for each."""

    version = ''
    nested = False
    snapshotter = 'overlayfs'

    @classmethod
    def setUpClass(cls):
        rig.needs_containerd()
        cls.node = cls.enterClassContext(rig.Containerd(cls.version, cls.nested, cls.snapshotter))

    def pod(self, name='cart-0', **options):
        return self.enterContext(self.node.run_pod('shop', name, **options))

    def test_is_what_it_says(self):
        about = self.node.cri.call('Version')
        self.assertEqual((about.runtime_name, about.runtime_api_version), ('containerd', 'v1'))
        self.assertEqual(about.runtime_version.partition('~')[0].partition('+')[0], EXPECTED[self.version])

    def test_runs_a_pod(self):
        """Exec gives output; the cgroup is where a kubelet's is, in every hierarchy, named by the id."""
        pod = self.pod(labels={'app': 'cart'}, annotations={'note': 'n'})
        web = pod.create('web', ['sleep', '60'], env={'WHO': 'me'})
        self.assertFalse(os.path.exists(web.cgroup))  # the control: created is not started
        web.start()
        self.assertEqual(web.exec('sh', '-c', 'echo $WHO; cat /etc/hosts'), 'me\n127.0.0.1 localhost\n')
        self.assertEqual(web.cgroup, f'{cgroups.v2_root()}/kubepods/burstable/pod{pod.uid}/{web.id}')
        for _, mountpoint in cgroups.hierarchies():
            self.assertTrue(os.path.isdir(f'{mountpoint}{pod.parent}/{web.id}'), mountpoint)
            self.assertTrue(os.path.isdir(f'{mountpoint}{pod.parent}/{pod.id}'), mountpoint)
        self.assertEqual(len(cgroups.pids(pod.parent)), 2)
        self.assertEqual(web.pid in cgroups.pids(pod.parent), not self.nested)
        with self.assertRaises(AssertionError):
            web.exec('false')

    def test_names_as_a_kubelet_does(self):
        pod = self.pod(labels={'app': 'cart'}, annotations={'note': 'n'})
        web = pod.create('web', ['true'], attempt=2)
        own = {'io.kubernetes.pod.name': 'cart-0', 'io.kubernetes.pod.namespace': 'shop', 'io.kubernetes.pod.uid': pod.uid}
        [sandbox] = self.node.cri.call('ListPodSandbox', filter={'id': pod.id}).items
        [container] = self.node.cri.call('ListContainers', filter={'id': web.id}).containers
        self.assertEqual(dict(sandbox.labels), {'app': 'cart', **own})
        self.assertEqual(sandbox.annotations['note'], 'n')
        self.assertEqual(dict(container.labels), {'io.kubernetes.container.name': 'web', **own})
        self.assertEqual((container.metadata.name, container.metadata.attempt), ('web', 2))
        self.assertEqual(container.annotations['io.kubernetes.container.restartCount'], '2')

    def test_short_command(self):
        pod = self.pod()
        ended = [pod.create(f'c{code}', ['sh', '-c', f'echo said {code}; exit {code}']).start() for code in (0, 3)]
        self.assertEqual([container.wait_exited() for container in ended], [0, 3])
        self.assertEqual([container.log().split(' ', 3)[3] for container in ended], ['said 0\n', 'said 3\n'])
        self.assertFalse(os.path.exists(ended[0].cgroup))
        with self.assertRaises(TimeoutError):
            pod.create('slow', ['sleep', '60']).start().wait_exited(timeout=0.1)

    def test_places(self):
        """The places of the other classes, of static pods, and any other one."""
        for options, parent in (({'qos': 'guaranteed'}, '/kubepods/podU'), ({'qos': 'besteffort'}, '/kubepods/besteffort/podU'),
                                ({'cgroup_parent': '/kubepods/else/podU'}, '/kubepods/else/podU')):
            with self.subTest(parent), self.node.run_pod('shop', 'cart', uid='U', **options) as pod:
                self.assertEqual(pod.cgroup, cgroups.v2_root() + parent)
                self.assertTrue(os.path.isdir(f'{pod.cgroup}/{pod.id}'))
            self.assertFalse(os.path.exists(pod.cgroup))
        cgroups.remove_empty('/kubepods/else')

    def test_killed_and_started_again(self):
        pod = self.pod()
        web = pod.create('web', ['sleep', '60']).start()
        pid = web.pid
        self.node.kill()
        self.assertTrue(pathlib.Path(self.node.address).is_socket())
        with self.assertRaises(self.node.cri.grpc.RpcError) as refused:
            self.node.cri.call('Version')
        self.assertEqual(refused.exception.code(), self.node.cri.grpc.StatusCode.UNAVAILABLE)
        self.node.start()
        self.assertEqual(web.pid, pid)
        self.assertEqual(web.exec('echo', 'still here'), 'still here\n')

    def test_stopped(self):
        with self.node.stopped(), self.assertRaises(self.node.cri.grpc.RpcError) as late:
            self.node.cri.call('Version', deadline=0.2)
        self.assertEqual(late.exception.code(), self.node.cri.grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertEqual(self.node.cri.call('Version').runtime_name, 'containerd')

    def test_events(self):
        """Of 1.7 and later: created, started, stopped, deleted, of the container; 1.6 refuses."""
        pod = self.pod()
        stream = self.node.cri.stream('GetContainerEvents')
        if not HAS_EVENTS[self.version]:
            with self.assertRaises(self.node.cri.grpc.RpcError) as refused:
                next(stream)
            self.assertEqual(refused.exception.code(), self.node.cri.grpc.StatusCode.UNIMPLEMENTED)
            return
        self.node.cri.call('Version')  # the stream's own request is with the runtime before this is answered
        once = pod.create('once', ['true']).start()
        once.wait_exited()
        once.remove()
        types = []
        for event in stream:
            if event.container_id == once.id:
                types.append(event.container_event_type)
            if event.container_event_type == self.node.cri.pb.CONTAINER_DELETED_EVENT:
                break
        stream.cancel()
        self.assertEqual(types, [0, 1, 2, 3])


class Containerd16(Version, unittest.TestCase):
    version = '1.6'


class Containerd17(Version, unittest.TestCase):
    version = '1.7'


class Containerd21(Version, unittest.TestCase):
    version = '2.1'


class Nested(Version, unittest.TestCase):
    """In a pid namespace of its own, and without overlayfs: as where it runs in a container itself."""

    version = '1.7'
    nested = True
    snapshotter = 'native'


class Leavings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rig.needs_containerd()

    def test_nothing_is_left(self):
        """After a test that failed in the middle, too; the control is what there was before."""
        for version in rig.VERSIONS:
            with self.subTest(version), self.assertRaises(KeyError), rig.Containerd(version) as node:
                node.run_pod('shop', 'cart').create('web', ['sleep', '60']).start()
                before = left_of(node)  # its namespace's keeper, containerd, a shim, pause and sleep
                raise KeyError('the test fails')
            hierarchies = len(cgroups.hierarchies())
            self.assertEqual(before, {'processes': 5, 'cgroups': hierarchies, 'mounts': 0, 'folder': True})
            self.assertEqual(left_of(node), {'processes': 0, 'cgroups': 0, 'mounts': 0, 'folder': False})
            node.close()  # twice is fine

    def test_a_killed_test_is_swept(self):
        """What a test left that had no time to clean up goes at the start of the next; a living one's stays."""
        script = ('import sys, os; sys.path.insert(0, sys.argv[1]); from cri import rig; node = rig.Containerd("1.7"); '
                  'node.start(); node.run_pod("shop", "cart").create("web", ["sleep", "60"]).start(); '
                  'print(node.folder, *node.kubelet.parents, flush=True); os.kill(os.getpid(), 9)')
        done = subprocess.run([sys.executable, '-B', '-c', script, HERE.parent], stdout=subprocess.PIPE, text=True,
                              check=False)
        folder, parent = done.stdout.split()
        with rig.Containerd('1.7') as node:
            self.assertEqual(len(leavings.processes(folder)), 5)
            leavings.sweep()
            self.assertEqual(leavings.processes(folder), [])
            self.assertFalse(os.path.exists(folder) or os.path.exists(cgroups.v2_root() + parent))
            self.assertEqual(node.cri.call('Version').runtime_name, 'containerd')


    def test_rigs_share_the_upper_cgroups(self):
        """One takes the empty ones away while another makes its own in them."""
        done = threading.Event()

        def take_away():
            while not done.is_set():
                for path in leavings.UPPER_CGROUPS:
                    cgroups.remove_empty(path)

        thread = threading.Thread(target=take_away)
        thread.start()
        try:
            for number in range(100):
                path = f'/kubepods/besteffort/podtest-{number}'
                cgroups.make(path)
                self.assertEqual(len(cgroups.folders(path)), len(cgroups.hierarchies()))
                cgroups.remove(path)
                self.assertEqual(cgroups.folders(path), [])
        finally:
            done.set()
            thread.join()


class Parts(unittest.TestCase):
    def test_no_such_version(self):
        with self.assertRaises(ValueError):
            parts.package('containerd', '9.')

    def test_another_file_is_refused(self):
        """fetch.sh holds a lock file of ours to the letter, as it does sources.lock."""
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / 'runc.deb').write_bytes(b'something else')
            right = hashlib.sha256(b'something else').hexdigest()
            for row, sha in {'wrong': '0' * 64, 'right': right}.items():
                (folder / f'{row}.lock').write_text(f'runc 1 suite pool/runc.deb {sha}\n', encoding='ascii')
                done = subprocess.run([parts.ROOT / 'third_party' / 'fetch.sh', folder / f'{row}.lock'], text=True,
                                      capture_output=True, check=False, env={**os.environ, 'SOURCES': str(folder),
                                                                             'XDG_CACHE_HOME': f'{folder}/cache'})
                self.assertEqual((row, done.returncode), (row, int(row == 'wrong')), done.stderr)
                self.assertEqual(f'{row}.lock wants' in done.stderr, row == 'wrong')


if __name__ == '__main__':
    unittest.main()
