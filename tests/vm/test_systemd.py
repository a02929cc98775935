#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes as kubeadm makes them, systemd as pid 1 and a containerd with the systemd driver, with cgroups v1, hybrid and v2:
real scopes, and each program and connection in them has its pod's names, to the number; what others do has none."""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import sys
import unittest
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Unavailable  # noqa: E402  pylint: disable=wrong-import-position
from node import SOCKET, Node  # noqa: E402  pylint: disable=wrong-import-position

KERNEL = '6.1'  # the newest of ours that gives v1 the memory controller
AT_ONCE = 2  # machines
# mode: the containerd of such a node, the tree that doctor is to tell, and the features that are not all on
REDUCED = ['getaddrinfo', 'postgresql', 'mysql']  # before 6.6
MODES = {'v1': ('1.6', 'memory', [*REDUCED, 'runtime']), 'hybrid': ('1.7', 'v2', [*REDUCED, 'runtime']),
         'v2': ('2.1', 'v2', REDUCED)}
# how many execs and connections are made where
ONCE, WEB, TILL, HOST = 5, 7, 11, 13
TCP = ('tcp.connect', 'tcp.accept', 'tcp.connection')

# podtrace before there is a pod, and when there are
ALL = {'all': f'--all --cri-endpoint {SOCKET}'}
EARLY = {'early': f'-n shop --cri-endpoint {SOCKET} cart-0'}
LATE = {'late': f'-n shop --cri-endpoint {SOCKET} cart-0'}
NAMELESS = {'nameless': '--all --cri-endpoint /run/nothing.sock'}  # a control: it has no runtime to ask
# Each costs a machine 4 s: what a mode has beyond `all` and `late`. tests/cri has `early` with v2.
BEYOND = {'v1': (EARLY, {}), 'hybrid': (EARLY, {}), 'v2': ({}, NAMELESS)}


def load(n: int, binary='/workload') -> list:
    return ['sh', '-c', f'{binary} procs {n} 2 && {binary} tcp {n} 3 5 4']


def of_load(n: int, **more) -> dict:
    """Of one load in a container: its shell and the two that make it are programs of the container, too."""
    return {'/bin/sh': 1, '/workload': n + 2, 'tcp.connect': n, 'tcp.accept': n, 'tcp.connection': 2 * n,
            **{f'/bin/{name}': count for name, count in more.items()}}


@dataclasses.dataclass
class Seen:
    """What was made in a machine, and what was told of it."""

    containers: dict  # {container: (namespace, pod, uid, container, id)}
    sandboxes: list  # the same, without a container's name
    scopes: dict  # {container: (its scope, what the kernel says of the cgroups of its process)}
    doctor: dict
    lines: dict  # {podtrace: [line]}
    failed: str  # units


def counted(lines) -> dict:
    """{(namespace, pod, uid, container, id): {executable or TCP's event: n}}, None for what is in no container. runc is a
    program of the container for a moment, in which it runs itself anew from a descriptor, once or twice."""
    out = {}
    for line in lines:
        what = line['event'].removeprefix('podtrace.')
        if what == 'process.exec':
            what = line['process.executable.path']
        if what in TCP or what.startswith('/') and not what.startswith('/dev/fd/'):
            names = tuple(line.get(f'k8s.{key}') for key in ('namespace.name', 'pod.name', 'pod.uid', 'container.name'))
            who = (*names, line['container.id']) if line.get('container.id') else None
            out.setdefault(who, Counter())[what] += 1
    return out


def observe(mode) -> Seen:
    early, late = BEYOND[mode]
    node = Node(KERNEL, mode, MODES[mode][0])
    node.add('/usr/bin/podtrace', rig.BINARY)
    node.add('/usr/bin/workload', rig.workload())
    with node:
        node.kubelet.mounts['/usr/bin/workload'] = '/workload'
        return at_work(node, {**ALL, **early}, {**LATE, **late})


def watch(node, podtraces):
    for name, args in podtraces.items():
        node.sh(f'mkdir -p /out && systemd-run --quiet --unit={name} --property=StandardOutput=file:/out/{name} '
                f'--property=StandardError=file:/out/{name}.log podtrace trace --output json {args}')
    for name in podtraces:
        node.sh(f'until grep -q "watches by" /out/{name}.log; do systemctl is-active {name} || exit 1; sleep 0.2; done')


def at_work(node, early, late) -> Seen:
    watch(node, early)
    cart, other = node.run_pod('shop', 'cart-0'), node.run_pod('bank', 'cart-0', qos='besteffort')
    made = {'once': cart.create('once', load(ONCE))}
    made['once'].start()
    made.update({name: pod.create(name, ['sleep', '1000']).start() for name, pod in (('web', cart), ('till', other))})
    assert made['once'].wait_exited() == 0
    watch(node, late)
    host = f'systemd-run --quiet --scope sh -c "{load(HOST, "/usr/bin/workload")[-1]}"'
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(made['web'].exec, *load(WEB)), pool.submit(made['till'].exec, *load(TILL)),
                     pool.submit(node.sh, host)]:
            done.result()
    return Seen(
        {name: (one.pod.namespace, one.pod.name, one.pod.uid, name, one.id) for name, one in made.items()},
        [(pod.namespace, pod.name, pod.uid, None, pod.id) for pod in (cart, other)],
        {name: (made[name].cgroup, node.sh(f'cat /proc/{made[name].pid}/cgroup')) for name in ('web', 'till')},
        json.loads(node.sh(f'podtrace doctor --output json --cri-endpoint {SOCKET}', check=False))['doctor'],
        {name: ended(node, name) for name in [*early, *late]}, node.sh('systemctl --failed --no-legend'))


def ended(node, name) -> list:
    return list(map(json.loads, node.sh(f'systemctl stop {name} && cat /out/{name}').splitlines()))


class Systemd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(rig.BINARY):
            raise unittest.SkipTest('podtrace is not built: make')
        try:
            for mode in MODES:  # what can be had is had, and what cannot is told, before the first starts
                Node(KERNEL, mode, MODES[mode][0])
        except Unavailable as why:
            raise unittest.SkipTest(str(why)) from why
        rig.workload()
        pool = cls.enterClassContext(concurrent.futures.ThreadPoolExecutor(AT_ONCE))
        cls.observed = {mode: pool.submit(observe, mode) for mode in MODES}

    def test_v1(self):
        self.check('v1')

    def test_hybrid(self):
        self.check('hybrid')

    def test_v2(self):
        self.check('v2')

    def check(self, mode):
        seen = self.observed[mode].result()
        self.assertEqual(seen.failed, '')
        self.check_scopes(mode, seen)
        self.check_doctor(mode, seen.doctor)
        told = {}
        for name, (*lines, last) in seen.lines.items():
            self.assertEqual((name, last['summary']['lost'], last['summary']['unaccounted']), (name, 0, 0))
            told[name] = counted(lines)
        self.check_counts(seen, told)
        self.check_controls(seen, told)

    def check_scopes(self, mode, seen):
        """It was the systemd driver, in the trees of that mode: systemd's own, memory's, v2's."""
        for scope, cgroups in seen.scopes.values():
            self.assertRegex(scope, r'^/kubepods\.slice/kubepods-\w+\.slice/kubepods-\w+-pod\w+\.slice/'
                                    r'cri-containerd-[0-9a-f]{64}\.scope$')
            where = {line.split(':')[1] for line in cgroups.splitlines() if line.endswith(f':{scope}')}
            self.assertEqual([tree in where for tree in ('name=systemd', 'memory', '')],
                             {'v1': [True, True, False], 'hybrid': [True, True, True], 'v2': [False, False, True]}[mode])

    def check_doctor(self, mode, doctor):
        containerd, tree, not_on = MODES[mode]
        facts = {name: fact['value'] for name, fact in doctor['facts'].items()}
        self.assertEqual([facts[f'cgroup_{name}'] for name in ('version', 'tree', 'driver')], [mode, tree, 'systemd'])
        self.assertEqual((facts['kubelet_root'], facts['cri_endpoint']), ('kubepods.slice', SOCKET))
        self.assertTrue(facts['cri_runtime'].startswith(f'containerd {containerd}.'), facts['cri_runtime'])
        self.assertEqual([row['feature'] for row in doctor['features'] if row['state'] != 'on'], not_on)

    def check_counts(self, seen, told):
        once, web, till = (seen.containers[name] for name in ('once', 'web', 'till'))
        if 'early' in told:
            early = dict(told['early'])
            self.assertIn(early.pop(seen.sandboxes[0], None), (None, {'/pause': 1}))  # see below
            self.assertEqual(early, {once: of_load(ONCE), web: of_load(WEB, sleep=1)})
        self.assertEqual(told['late'], {web: of_load(WEB)})
        everything = dict(told['all'])
        host = everything.pop(None)
        self.assertEqual((host['/usr/bin/workload'], host['tcp.connect'], host['/workload']), (HOST + 2, HOST, 0))
        for sandbox in seen.sandboxes:
            # containerd tells of it when it runs, which may take longer here than podtrace waits for a name
            nameless = (None, None, sandbox[2], None, sandbox[4])
            self.assertEqual(everything.pop(sandbox, None) or everything.pop(nameless, None), {'/pause': 1})
        self.assertEqual(everything, {once: of_load(ONCE), web: of_load(WEB, sleep=1), till: of_load(TILL, sleep=1)})

    def check_controls(self, seen, told):
        """The same does not pass with one pod's load for another's, nor where nobody tells names."""
        swapped = dict(seen.containers, web=seen.containers['till'], till=seen.containers['web'])
        with self.assertRaises(AssertionError):
            self.check_counts(dataclasses.replace(seen, containers=swapped), told)
        if 'nameless' in told:
            with self.assertRaises(AssertionError):
                self.check_counts(seen, {**told, 'late': told['nameless']})
            ids = {(None, None, uid, None, id_): of_load(n) for (_, _, uid, _, id_), n in (
                (seen.containers['web'], WEB), (seen.containers['till'], TILL))}
            self.assertEqual({who: what for who, what in told['nameless'].items() if who}, ids)


if __name__ == '__main__':
    unittest.main()
