# SPDX-License-Identifier: Apache-2.0
"""Targets by label while labels change: what the API server tells of a pod decides about it anew, either way."""

import subprocess
import time
import unittest

import account  # first: it says where the stand-in is
import rig
from standin import Standin, id_of, make_pod, uid_of

DECIDED_IN = 10  # seconds
EACH = 20


class Labels(rig.Case):
    def setUp(self):
        super().setUp()
        self.server = Standin(account.make(self.folder))
        self.addCleanup(self.server.stop)
        self.kubepods = self.keep(self.cgroup('kubepods').child('burstable'))
        self.containers = {}

    def pod(self, number, app):
        """It runs on this node, with one container; told to the API server, now or anew."""
        if number not in self.containers:
            pod = self.keep(self.kubepods.child(f'pod{uid_of(number)}'))
            self.containers[number] = self.keep(pod.child(id_of(number)))
        self.server.add(make_pod(number, labels={'app': app}))

    def run_in(self, number, argument, times=1):
        path = self.containers[number].path
        script = f'echo $$ >{path}/cgroup.procs; for i in $(seq {times}); do /bin/true {argument}; done'
        subprocess.run(['/bin/sh', '-c', script], check=True)

    def watch(self, *args):
        return self.podtrace('trace', *args, '--output', 'json', '--command-args', '--families', 'process,cgroup',
                             prefix=account.prefix(self.folder),
                             env={'PODTRACE_CRI_RESOLVE': 'false', **account.env(self.server.port)})

    def until_seen(self, run, number, argument):
        """Once more and once more until one is shown."""
        deadline = time.monotonic() + DECIDED_IN
        while f'"{argument}"' not in run.out.read_text(encoding='utf-8'):
            self.assertLess(time.monotonic(), deadline, f'{argument} is never shown: {run.log}')
            self.run_in(number, argument)
            time.sleep(0.05)

    def live(self, *args):
        """Two pods, of which the labels are exchanged and exchanged back. By argument: how many execs were shown."""
        self.pod(1, 'cart')
        self.pod(2, 'other')
        with self.watch(*args) as run:
            self.until_seen(run, 1, 'begin')
            self.both('first')
            self.pod(1, 'other')
            self.pod(2, 'cart')
            self.until_seen(run, 2, 'changed')
            self.both('second')
            self.pod(2, 'other')
            self.pod(1, 'cart')
            self.until_seen(run, 1, 'back')
            self.both('third')
        self.assertEqual(run.summary['lost'], 0)
        counts = {}
        for line in run.of('process.exec'):
            if line['process.executable.path'] == '/bin/true':
                key = (line['process.command_args'][-1], line['container.id'])
                counts[key] = counts.get(key, 0) + 1
        return {key: n for key, n in counts.items() if key[0] not in ('begin', 'changed', 'back')}

    def both(self, argument):
        for number in self.containers:
            self.run_in(number, argument, EACH)

    def test_exchanged(self):
        self.assertEqual(self.live('-l', 'app=cart'), {('first', id_of(1)): EACH, ('second', id_of(2)): EACH,
                                                       ('third', id_of(1)): EACH})

    def test_a_name_decides(self):
        """The control: who is chosen by name stays, whatever his labels are."""
        self.assertEqual(self.live('-n', 'shop'), {(argument, id_of(number)): EACH for number in (1, 2)
                                                   for argument in ('first', 'second', 'third')})


if __name__ == '__main__':
    unittest.main()
