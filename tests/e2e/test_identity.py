# SPDX-License-Identifier: Apache-2.0
"""Whose event it is, of containers that are gone before anybody can look: 200 that live for some milliseconds each."""

import hashlib
import os
import subprocess
import unittest

import rig

CONTAINERS = 200
PROGRAM = '/bin/true'


def container_id(number: int) -> str:
    return hashlib.sha256(b'podtrace %d' % number).hexdigest()


def pod_uid(number: int) -> str:
    digits = hashlib.sha256(b'pod %d' % number).hexdigest()
    return '-'.join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def enter_and_run(folder):
    """One process in there: it moves itself and becomes the program."""
    done = subprocess.run(['/bin/sh', '-c', f'echo $$ >{folder}/cgroup.procs; exec {PROGRAM}'], check=False)
    if done.returncode:
        raise AssertionError(f'{PROGRAM} ended with {done.returncode}')


class ShortLived(rig.Case):
    def live_and_die(self, kubepods: rig.Cgroup):
        """Each container is made, runs one program, and is taken away before the next."""
        for number in range(CONTAINERS):
            pod = kubepods.child(f'pod{pod_uid(number)}')
            container = pod.child(container_id(number))
            enter_and_run(container.path)
            container.remove()
            pod.remove()

    def starts(self, *args):
        """(container, pod) of each program that was started in there."""
        kubepods = self.keep(self.cgroup('kubepods').child('burstable'))
        with self.trace(self.keep_parent(kubepods), *args) as run:
            self.live_and_die(kubepods)
        return [(line.get('container.id'), line.get('k8s.pod.uid')) for line in run.of('process.exec')
                if line['process.executable.path'] == PROGRAM], run

    def keep_parent(self, cgroup: rig.Cgroup):
        """What to watch: the cgroup above, which outlives them all."""
        parent = object.__new__(rig.Cgroup)
        parent.path = os.path.dirname(cgroup.path)
        return parent

    def test_each_has_its_name(self):
        """Every start carries the right container and pod, though both are gone when it is read; none is wrong."""
        seen, run = self.starts()
        self.assertEqual(seen, [(container_id(n), pod_uid(n)) for n in range(CONTAINERS)])
        self.assertEqual(run.events['cgroup_mkdir']['delivered'], 2 * CONTAINERS)
        self.assertEqual(run.summary['cgroups_gone'], 0)

    def test_without_the_kernel_telling(self):
        """The control: who has to look comes too late for nearly all. Those are unknown and counted, none is wrong."""
        seen, run = self.starts('--families', 'process')
        right = [(container_id(n), pod_uid(n)) for n in range(CONTAINERS)]
        self.assertEqual(len(seen), CONTAINERS)
        named = [pair for pair in seen if pair != (None, None)]
        self.assertLess(len(named), CONTAINERS)
        self.assertLessEqual(set(named), set(right))
        self.assertGreater(run.summary['cgroups_gone'], 0)


if __name__ == '__main__':
    unittest.main()
