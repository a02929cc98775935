# SPDX-License-Identifier: Apache-2.0
"""The CRI-O that is not there answers as its words say, and its cgroups and processes are real."""

import os
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from cri import cgroups, crio, leavings, parts, pods  # noqa: E402  pylint: disable=wrong-import-position


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid():
            raise unittest.SkipTest('cgroups need root')
        try:
            parts.messages()
        except parts.Unavailable as why:
            raise unittest.SkipTest(str(why)) from why
        leavings.sweep()

    def start(self, **options):
        node = self.enterContext(crio.CriO(**options))
        return node, self.enterContext(pods.connect(node.address))

    def refusal(self, cri, method, **fields) -> str:
        with self.assertRaises(cri.grpc.RpcError) as refused:
            cri.call(method, **fields)
        return refused.exception.code().name


class Answers(Case):
    def test_lists(self):
        node, cri = self.start()
        self.assertEqual(str(cri.call('Version')), 'version: "0.1.0"\nruntime_name: "cri-o"\nruntime_version: "1.31.3"\n'
                                                   'runtime_api_version: "v1"\n')
        self.assertEqual(cri.call('RuntimeConfig').linux.cgroup_driver, cri.pb.SYSTEMD)
        self.assertEqual(len(cri.call('ListContainers').containers), 0)
        pod = node.run_pod('shop', 'cart-0', labels={'app': 'cart'})
        web = pod.create('web', ['sleep', '60'])
        pod.create('late', ['sleep', '60'], listed=False)
        [sandbox], [container] = cri.call('ListPodSandbox').items, cri.call('ListContainers').containers
        self.assertEqual((sandbox.metadata.uid, sandbox.labels['app']), (pod.uid, 'cart'))
        self.assertEqual((container.id, container.pod_sandbox_id, container.metadata.name), (web.id, pod.id, 'web'))
        self.assertEqual(len(cri.call('ListContainers', filter={'id': web.id[:12]}).containers), 1)
        self.assertEqual(len(cri.call('ListContainers', filter={'id': 'f' * 65}).containers), 0)
        self.assertEqual(len(cri.call('ListPodSandbox', filter={'label_selector': {'app': 'x'}}).items), 0)
        self.assertEqual(dict(node.calls), {'Version': 1, 'RuntimeConfig': 1, 'ListContainers': 4, 'ListPodSandbox': 2})

    def test_status(self):
        node, cri = self.start()
        web = node.run_pod('shop', 'cart-0', uid='1-2').create('web', ['sleep', '60'], env={'SECRET': 'x'}).start()
        info = cri.info(web.id)
        self.assertEqual(sorted(info), ['pid', 'privileged', 'runtimeSpec', 'sandboxID'])
        self.assertEqual(info['pid'], web.pid)
        self.assertEqual(info['runtimeSpec']['linux']['cgroupsPath'], f'kubepods-burstable-pod1_2.slice:crio:{web.id}')
        self.assertIn('SECRET=x', info['runtimeSpec']['process']['env'])
        self.assertEqual(dict(cri.call('ContainerStatus', container_id=web.id).info), {})
        self.assertEqual(self.refusal(cri, 'ContainerStatus', container_id='f' * 64), 'NOT_FOUND')

    def test_no_events(self):
        """By default the stream ends at once, and well; with events each step is told."""
        _, cri = self.start()
        self.assertEqual(list(cri.stream('GetContainerEvents')), [])
        node, cri = self.start(events=True)
        stream = cri.stream('GetContainerEvents')
        while not node.watched():
            time.sleep(0.001)
        with node.run_pod('shop', 'cart-0') as pod:
            pod.create('web', ['sleep', '60']).start()
        self.assertEqual([next(stream).container_event_type for _ in range(4)], [0, 1, 2, 3])
        stream.cancel()

    def test_other_replies(self):
        node, cri = self.start(runtime_config=False)
        self.assertEqual(self.refusal(cri, 'RuntimeConfig'), 'UNIMPLEMENTED')
        self.assertEqual(self.refusal(cri, 'ExecSync'), 'UNIMPLEMENTED')
        node.replies['Version'] = ('PERMISSION_DENIED', 'no')
        self.assertEqual(self.refusal(cri, 'Version'), 'PERMISSION_DENIED')
        node.replies['Version'] = b'\xff' * 9
        self.assertEqual(self.refusal(cri, 'Version'), 'INTERNAL')
        node.replies['Version'] = lambda request: cri.pb.VersionResponse(runtime_name=request.version)
        self.assertEqual(cri.call('Version', version='7').runtime_name, '7')
        del node.replies['Version']
        node.delay['Version'] = 0.5
        self.assertEqual(self.refusal(cri, 'Version', deadline=0.1), 'DEADLINE_EXCEEDED')
        node.stop()
        self.assertEqual(self.refusal(cri, 'Version'), 'UNAVAILABLE')
        node.start()
        cri.connect()
        self.assertEqual(cri.call('Version').runtime_name, 'cri-o')


class Cgroups(Case):
    def test_places(self):
        """The scope of the driver, conmon's with the same id beside it, crun's child; real processes in each."""
        for crun, child in ((False, ''), (True, '/container')):
            with self.subTest(crun=crun), crio.CriO(crun=crun) as node, node.run_pod('shop', 'cart-0', uid='1-2') as pod:
                web = pod.create('web', ['sleep', '60']).start()
                slice_ = f'{cgroups.v2_root()}/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice'
                self.assertEqual(web.cgroup, f'{slice_}/crio-{web.id}.scope{child}')
                self.assertEqual(pathlib.Path(web.cgroup, 'cgroup.procs').read_text(encoding='ascii'), f'{web.pid}\n')
                self.assertEqual(len(cgroups.pids(web.conmon)), 1)
                self.assertEqual({entry for entry in os.listdir(slice_) if '.scope' in entry},
                                 {f'crio-{web.id}.scope', f'crio-conmon-{web.id}.scope'})
                self.assertEqual(pathlib.Path(f'/proc/{web.pid}/cmdline').read_bytes(), b'sleep\x0060\x00')
                web.run('true')
                with self.assertRaises(AssertionError):
                    web.run('false')

    def test_classes(self):
        with crio.CriO() as node:
            for qos, place in (('guaranteed', 'kubepods-podU.slice'),
                               ('besteffort', 'kubepods-besteffort.slice/kubepods-besteffort-podU.slice')):
                with node.run_pod('shop', 'cart', uid='U', qos=qos) as pod:
                    self.assertEqual(pod.cgroup, f'{cgroups.v2_root()}/kubepods.slice/{place}')
                    self.assertTrue(os.path.isdir(pod.cgroup))

    def test_nothing_is_left(self):
        """Whether a pod was removed or not; the control is what there was before."""
        with crio.CriO() as node:
            pod = node.run_pod('shop', 'cart-0')
            web = pod.create('web', ['sleep', '60']).start()
            late = pod.create('late', ['sleep', '60'], listed=False).start()
            alive = [os.path.exists(f'/proc/{pid}') for pid in (web.pid, late.pid)]
            self.assertEqual((alive, os.path.isdir(pod.cgroup), node.folder.exists()), ([True, True], True, True))
            pids = (web.pid, late.pid)
        for pid in pids:
            with self.assertRaises(ProcessLookupError):
                os.kill(pid, 0)
        self.assertEqual((os.path.exists(pod.cgroup), node.folder.exists()), (False, False))


if __name__ == '__main__':
    unittest.main()
