# SPDX-License-Identifier: Apache-2.0
"""The driver of short containers: each life is one command of its own, begun in time, and nothing stays."""

import os
import pathlib
import sys
import time
import unittest
import unittest.mock

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from cri import cgroups, pods, rig, short  # noqa: E402  pylint: disable=wrong-import-position

COUNT, PODS = 14, 2
MANY = 20


class Short(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rig.needs_containerd()
        cls.node = cls.enterClassContext(rig.Containerd('1.7'))

    def stays(self) -> tuple:
        return (len(self.node.cri.call('ListPodSandbox').items), len(self.node.cri.call('ListContainers').containers),
                sum(os.path.exists(cgroups.v2_root() + path) for path in self.node.kubelet.parents))

    def test_lives(self):
        """Exactly so many, no argument and no id twice, no name twice in a pod; each step was timed."""
        lives = short.run(self.node, COUNT, PODS)
        self.assertEqual(len(lives), COUNT)
        self.assertEqual(len({life.argument for life in lives}), COUNT)
        self.assertEqual(len({life.id for life in lives}), COUNT)
        self.assertEqual(len({(life.pod.uid, life.name) for life in lives}), COUNT)
        self.assertEqual(len({life.pod.uid for life in lives}), PODS)
        self.assertEqual({tuple(life.seconds) for life in lives}, {short.STEPS})
        self.assertEqual(self.stays(), (0, 0, 0))

    def test_spread_over_a_time(self):
        """The last begins when it is told to; the control takes what it takes."""
        took = {}
        for seconds in (0, 4):
            begin = time.monotonic()
            short.run(self.node, 2, 1, seconds=seconds)
            took[seconds] = time.monotonic() - begin
        self.assertGreater(took[4], 2)
        self.assertLess(took[0], 2)

    def test_each_argument_was_run(self):
        """Its own words: argument and working folder, and it is one program's one run."""
        said = []
        with self.node.run_pod('shop', 'cart') as pod, \
                unittest.mock.patch.object(pods.Container, 'remove', lambda container: said.append(container.log())), \
                unittest.mock.patch.object(short, 'PROGRAM', '/bin/pwd'):
            short.live(pod, 'web', 'short-1')
        self.assertEqual([line.split(' ', 3)[3] for line in said], ['/short-1\n'])

    def test_failing_command(self):
        """The control: a program that is not there, and one that fails, do not pass for a life."""
        with self.node.run_pod('shop', 'cart') as pod:
            for program, error in (('/bin/false', AssertionError), ('/bin/nothing', self.node.cri.grpc.RpcError)):
                with self.subTest(program), unittest.mock.patch.object(short, 'PROGRAM', program):
                    with self.assertRaises(error):
                        short.live(pod, program.strip('/').replace('/', '-'), 'x')

    def test_pods_that_go_at_once(self):
        lives = short.run_pods(self.node, 6)
        self.assertEqual(len({life.pod.uid for life in lives}), 6)
        self.assertEqual(self.stays(), (0, 0, 0))

    def test_many_pods(self):
        with short.many_pods(self.node, MANY, command=['sleep', '60']) as many:
            self.assertEqual(len({pod.uid for pod in many}), MANY)
            self.assertEqual(self.stays(), (MANY, MANY, MANY))
        self.assertEqual(self.stays(), (0, 0, 0))


if __name__ == '__main__':
    unittest.main()
