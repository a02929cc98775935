# SPDX-License-Identifier: Apache-2.0
"""Whose event it is, on a real containerd: each exec bears the pod and the container that it happened in, whatever the
runtime does meanwhile."""

import os
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from cri import crio, endpoints, rig, short  # noqa: E402  pylint: disable=wrong-import-position
from e2e import rig as e2e  # noqa: E402  pylint: disable=wrong-import-position

NAMED_IN = 15  # seconds until a runtime that came back tells names


def names_of(line) -> tuple:
    return tuple(line.get(f'k8s.{key}') for key in ('namespace.name', 'pod.name', 'container.name'))


def execs(run, argument='') -> list:
    """The exec events whose last argument begins with ARGUMENT."""
    found = []
    for line in run.of('process.exec'):
        args = line.get('process.command_args') or ['']
        if args[-1].startswith(argument) and line['process.executable.path'] == '/bin/true':
            found.append(line)
    return found


class Case(e2e.Case):
    """podtrace beside a containerd of its own."""

    version = '1.7'

    @classmethod
    def setUpClass(cls):
        e2e.needs_root()
        rig.needs_containerd()

    def node(self, **options):
        return self.enterContext(rig.Containerd(self.version, **options))

    def watch(self, node, *args, env=None):
        return self.podtrace('trace', '--output', 'json', '--command-args', '--families', 'process,cgroup',
                             '--cri-endpoint', node.address,
                             *args, env=env)

    def until(self, what, seconds=NAMED_IN):
        deadline = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)


class Short:
    """200 containers that live for some milliseconds: every exec has its names, none has another's."""

    def test_200_short_containers(self):
        node = self.node()
        with self.watch(node, '--all') as run:
            lives = short.run(node, 200, seconds=20)
        wanted = {life.argument: (life.pod.namespace, life.pod.name, life.name) for life in lives}
        seen = {}
        for line in execs(run, 'short-'):
            argument = line['process.command_args'][-1]
            self.assertNotIn(argument, seen, 'one command, one exec')
            seen[argument] = names_of(line)
            self.assertIn(line['container.id'], [life.id for life in lives])
        self.assertEqual(len(wanted), 200)
        self.assertEqual(seen, wanted)
        self.assertEqual(run.summary['lost'], 0)

    def test_pods_that_live_for_a_moment(self):
        node = self.node()
        with self.watch(node, '--all') as run:
            lives = short.run_pods(node, 20)
        seen = {line['process.command_args'][-1]: names_of(line) for line in execs(run, 'brief-')}
        self.assertEqual(seen, {life.argument: (life.pod.namespace, life.pod.name, life.name) for life in lives})


class Short16(Short, Case):
    """Without events: polling, and asking as a cgroup is made."""

    version = '1.6'

    def test_polls(self):
        node = self.node()
        with self.watch(node, '--all') as run:
            self.until(lambda: 'news by polling' in run.log)
        self.assertIn('containerd 1.6', run.log)


class Short17(Short, Case):
    version = '1.7'


class Short21(Short, Case):
    version = '2.1'


class Life(Case):
    """What a runtime does to us."""

    LOOP = ['sh', '-c', 'while :; do /bin/true tick; sleep 0.1; done']

    def test_older_containers(self):
        """There before us: named from the lists, with what the pod's labels tell."""
        node = self.node()
        pod = self.enterContext(node.run_pod('shop', 'cart-7d9f8c6b5-x2x4z', labels={
            'app': 'cart', 'pod-template-hash': '7d9f8c6b5'}))
        pod.create('web', self.LOOP, attempt=3).start()
        with self.watch(node, '--all', '--pod-labels', 'app') as run:
            self.until(lambda: run.out.read_text(encoding='utf-8').count('"tick"') > 10)
        lines = execs(run, 'tick')
        self.assertEqual({names_of(line) for line in lines}, {('shop', 'cart-7d9f8c6b5-x2x4z', 'web')})
        line = lines[-1]
        self.assertEqual(line['k8s.deployment.name'], 'cart')
        self.assertEqual(line['k8s.replicaset.name'], 'cart-7d9f8c6b5')
        self.assertEqual(line['service.name'], 'cart')
        self.assertEqual(line['service.namespace'], 'shop')
        self.assertEqual(line['service.instance.id'], 'shop.cart-7d9f8c6b5-x2x4z.web')
        self.assertEqual(line['k8s.pod.label.app'], 'cart')
        self.assertEqual(line['k8s.container.restart_count'], 3)
        self.assertEqual(line['container.runtime.name'], 'containerd')
        self.assertEqual(line['k8s.pod.uid'], pod.uid)
        self.assertNotIn('k8s.pod.label.pod-template-hash', line)  # only what was asked for

    def test_environment_of_the_process(self):
        """OTEL_SERVICE_NAME of the container counts more than any name; other variables never leave it."""
        node = self.node()
        pod = self.enterContext(node.run_pod('shop', 'cart-0'))
        pod.create('web', self.LOOP, env={'OTEL_SERVICE_NAME': 'checkout', 'SECRET': 'hunter2-in-env',
                                          'OTEL_RESOURCE_ATTRIBUTES': 'deployment.environment.name=test,k8s.pod.name=lie'}
                   ).start()
        with self.watch(node, '--all', '--log-level', 'debug') as run:
            self.until(lambda: run.out.read_text(encoding='utf-8').count('"tick"') > 20)
        line = execs(run, 'tick')[-1]
        self.assertEqual(line['service.name'], 'checkout')
        self.assertEqual(line['deployment.environment.name'], 'test')
        self.assertEqual(line['k8s.pod.name'], 'cart-0')
        self.assertNotIn('hunter2-in-env', run.out.read_text(encoding='utf-8') + run.log)

    def test_down_from_the_start_and_back(self):
        """Ids are right without a runtime; names come with it."""
        node = self.node()
        pod = self.enterContext(node.run_pod('shop', 'cart-0'))
        web = pod.create('web', self.LOOP).start()
        node.kill()
        with self.watch(node, '--all') as run:
            self.until(lambda: run.out.read_text(encoding='utf-8').count('"tick"') > 10)
            self.assertNotIn('"cart-0"', run.out.read_text(encoding='utf-8'))
            node.start()
            self.until(lambda: '"cart-0"' in run.out.read_text(encoding='utf-8'), 45)
        lines = execs(run, 'tick')
        self.assertEqual({line['container.id'] for line in lines}, {web.id})
        self.assertEqual({line['k8s.pod.uid'] for line in lines}, {pod.uid})
        named = [names_of(line) for line in lines]
        self.assertEqual(set(named), {(None, None, None), ('shop', 'cart-0', 'web')})
        self.assertEqual(sorted(named, key=lambda names: names[0] is not None), named)  # first without, then with
        self.assertIn('ECONNREFUSED', run.log)

    def test_killed_and_restarted(self):
        """What was known stays known; what comes after the restart is known again."""
        node = self.node()
        pod = self.enterContext(node.run_pod('shop', 'cart-0'))
        pod.create('web', self.LOOP).start()
        with self.watch(node, '--all') as run:
            self.until(lambda: '"cart-0"' in run.out.read_text(encoding='utf-8'))
            node.kill()
            time.sleep(1)
            node.start()
            late = pod.create('late', ['true', 'late-one'])
            late.start()
            late.wait_exited()
        self.assertEqual({names_of(line) for line in execs(run, 'tick')}, {('shop', 'cart-0', 'web')})
        self.assertEqual([names_of(line) for line in execs(run, 'late-one')], [('shop', 'cart-0', 'late')])

    def test_stopped_runtime_stops_nothing(self):
        """SIGSTOP: events go on, without the new name; nothing hangs."""
        node = self.node()
        pod = self.enterContext(node.run_pod('shop', 'cart-0'))
        pod.create('web', self.LOOP).start()
        with node.stopped(), self.watch(node, '--all') as run:
            self.until(lambda: run.out.read_text(encoding='utf-8').count('"tick"') > 20)
        self.assertLess(run.stop_seconds, 5)
        self.assertEqual({names_of(line) for line in execs(run, 'tick')}, {(None, None, None)})

    def test_nested_pid_namespace(self):
        """As Talos's sandbox and kind have it: the runtime's pids are not the kernel's, names are right all the same."""
        node = self.node(nested=True)
        pod = self.enterContext(node.run_pod('shop', 'cart-0'))
        pod.create('web', self.LOOP).start()
        with self.watch(node, '--all') as run:
            self.until(lambda: run.out.read_text(encoding='utf-8').count('"tick"') > 10)
        self.assertEqual({names_of(line) for line in execs(run, 'tick')}, {('shop', 'cart-0', 'web')})

    def test_250_pods(self):
        node = self.node()
        with short.many_pods(node, 250), self.watch(node, '--all') as run:
            pod = self.enterContext(node.run_pod('shop', 'one-more'))
            one = pod.create('web', ['true', 'one-more'])
            one.start()
            one.wait_exited()
        self.assertEqual([names_of(line) for line in execs(run, 'one-more')], [('shop', 'one-more', 'web')])

    def test_capture_and_replay(self):
        """A capture holds the names that were told; the replay on any machine shows the same."""
        node = self.node()
        file = self.folder / 'names.capture'
        with self.podtrace('capture', '--families', 'process,cgroup', '--cri-endpoint', node.address, '--command-args',
                           '--all', file):
            lives = short.run(node, 20)
        done = e2e.once('replay', '--output', 'json', '--command-args', file)
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = {}
        for text in done.stdout.splitlines():
            if '"podtrace.process.exec"' in text and '"short-' in text:
                line = e2e.json.loads(text)
                seen[line['process.command_args'][-1]] = names_of(line)
        self.assertEqual(seen, {life.argument: (life.pod.namespace, life.pod.name, life.name) for life in lives})


class Crio(Case):
    """What CRI-O does otherwise: scopes, conmon with the container's id, crun's child, no events, lists that come late."""

    def start(self, **options):
        return self.enterContext(crio.CriO(**options))

    def test_scopes_and_children(self):
        for crun in (False, True):
            node = self.start(crun=crun)
            with self.watch(node, '--all') as run:
                self.until(lambda run=run: 'tells names' in run.log)
                pod = node.run_pod('shop', 'cart-0', labels={'app': 'cart'})
                web = pod.create('web', ['sleep', '60']).start()
                web.run('/bin/true', f'crio-{crun}')
            lines = execs(run, 'crio-')
            self.assertEqual([names_of(line) for line in lines], [('shop', 'cart-0', 'web')])
            self.assertEqual(lines[0]['container.id'], web.id)
            self.assertIn('news by polling', run.log)
            helpers = [line for line in run.lines if line.get('podtrace.who') == 'helper']
            self.assertEqual({line.get('k8s.container.name') for line in helpers} - {None}, set())  # conmon is no web

    def test_cgroup_first_list_later(self):
        """The cgroup is there before the runtime lists the container: what it does waits for its name."""
        node = self.start()
        with self.watch(node, '--all') as run:
            self.until(lambda: 'tells names' in run.log)
            pod = node.run_pod('shop', 'cart-0')
            web = pod.create('web', ['sleep', '60'], listed=False).start()
            web.run('/bin/true', 'before')
            time.sleep(0.5)
            web.list_it()
            web.run('/bin/true', 'after')
            self.until(lambda: '"cart-0"' in run.out.read_text(encoding='utf-8'))
        seen = {line['process.command_args'][-1]: names_of(line) for line in execs(run)
                if line['process.command_args'][-1] in ('before', 'after')}
        self.assertEqual(seen, {'before': ('shop', 'cart-0', 'web'), 'after': ('shop', 'cart-0', 'web')})

    def test_secrets_stay(self):
        """Verbose information holds the environment: it is asked for by named targets, and nothing of it comes out."""
        node = self.start()
        pod = node.run_pod('shop', 'cart-0')
        web = pod.create('web', ['sleep', '60'], env={'SECRET': 'hunter2-in-cri'}).start()
        with self.watch(node, '-n', 'shop', '--log-level', 'debug') as run:
            self.until(lambda: 'tells names' in run.log)
            web.run('/bin/true', 'one')
            maps = pathlib.Path(f'/proc/{run.process.pid}/maps').read_text(encoding='ascii')
            self.assertNotIn(b'hunter2-in-cri', memory_of(run.process.pid, maps))
        self.assertNotIn('hunter2-in-cri', run.out.read_text(encoding='utf-8') + run.log)
        self.assertEqual(len(execs(run, 'one')), 1)


def memory_of(pid, maps) -> bytes:
    """All that the process may write to, as it is now."""
    found = []
    with open(f'/proc/{pid}/mem', 'rb') as memory:
        for line in maps.splitlines():
            span, rights = line.split()[:2]
            begin, end = (int(part, 16) for part in span.split('-'))
            if rights.startswith('rw') and '[vvar' not in line:
                try:
                    memory.seek(begin)
                    found.append(memory.read(end - begin))
                except OSError:  # rings of the kernel
                    pass
    return b''.join(found)


class Hostile(Case):
    """Whatever is at the socket's path: words, no names, and all events."""

    def test_every_endpoint(self):
        for name, end in endpoints.all_of(self.folder):
            with self.subTest(name), end:
                done = e2e.once('trace', '--all', '--quiet', '--families', 'process', '--duration', '300ms',
                                '--cri-endpoint', end.path)
                self.assertEqual(done.returncode, 0, done.stderr)
                if name != 'text not UTF-8':  # a runtime of that name, as far as we can print it
                    self.assertNotIn('tells names', done.stderr)


class Targets(Case):
    """Named targets: all that they do from their first instruction on, and nothing else."""

    def run_some(self, node):
        """Two pods with two containers each; each does three execs."""
        made = []
        for namespace, name, tier in (('shop', 'cart-0', 'front'), ('bank', 'cart-0', 'back')):
            pod = self.enterContext(node.run_pod(namespace, name, labels={'app': 'cart', 'tier': tier}))
            for container in ('web', 'proxy'):
                one = pod.create(container, ['sh', '-c', f'/bin/true {namespace}-{container}; /bin/true done'])
                one.start()
                one.wait_exited()
                made.append((namespace, name, container))
        return made

    def seen(self, *args, older=False):
        """By container: how many execs of /bin/true were seen. Of pods that come while we watch, or were there before."""
        node = self.node()
        with self.watch(node, *args) as run:
            self.until(lambda: 'tells names' in run.log)
            made = self.run_some(node)
        counts = {}
        for line in run.of('process.exec'):
            if line['process.executable.path'] == '/bin/true':
                counts[names_of(line)] = counts.get(names_of(line), 0) + 1
        self.assertEqual(len(made), 4)
        self.assertEqual(run.summary['lost'], 0)
        return counts

    def test_namespace_and_pod(self):
        self.assertEqual(self.seen('-n', 'shop', 'cart-0'),
                         {('shop', 'cart-0', 'web'): 2, ('shop', 'cart-0', 'proxy'): 2})

    def test_selector(self):
        self.assertEqual(self.seen('-l', 'app=cart,tier in (back)'),
                         {('bank', 'cart-0', 'web'): 2, ('bank', 'cart-0', 'proxy'): 2})

    def test_container(self):
        self.assertEqual(self.seen('-c', 'proxy'), {('shop', 'cart-0', 'proxy'): 2, ('bank', 'cart-0', 'proxy'): 2})

    def test_not(self):
        self.assertEqual(self.seen('--all', '-n', '!bank', '-c', '!proxy'), {('shop', 'cart-0', 'web'): 2})

    def test_all_is_all(self):
        self.assertEqual({names for names in self.seen('--all') if names[1] == 'cart-0'}, {
            (namespace, 'cart-0', name) for namespace in ('shop', 'bank') for name in ('web', 'proxy')})

    def test_older_target(self):
        """There before us: from the moment in which it is known."""
        node = self.node()
        pod = self.enterContext(node.run_pod('shop', 'cart-0'))
        web = pod.create('web', Life.LOOP).start()
        other = self.enterContext(node.run_pod('shop', 'other'))
        other.create('web', Life.LOOP).start()
        with self.watch(node, '-n', 'shop', 'cart-0') as run:
            self.until(lambda: run.out.read_text(encoding='utf-8').count('"tick"') > 10)
        self.assertEqual({names_of(line) for line in run.of('process.exec')}, {('shop', 'cart-0', 'web')})
        self.assertEqual({line['container.id'] for line in run.of('process.exec')}, {web.id})

    def test_first_pod_of_a_node(self):
        """kubepods itself is made in that moment, and is no target: what is below it may be."""
        for args in (('-n', 'shop'), ('-n', 'shop', '-c', 'main')):
            node = self.enterContext(crio.CriO())
            with self.watch(node, *args) as run:
                self.until(lambda run=run: 'tells names' in run.log)
                pod = node.run_pod('shop', 'cart-0')
                main = pod.create('main', ['sleep', '60']).start()
                for number in range(20):
                    main.run('/bin/true', f'first-{number}')
            self.assertEqual(len(execs(run, 'first-')), 20)
            node.stop()
            for container in node.made:
                container.kill()

    def test_container_id_and_pid(self):
        node = self.node()
        pod = self.enterContext(node.run_pod('shop', 'cart-0'))
        web = pod.create('web', Life.LOOP).start()
        pod.create('proxy', Life.LOOP).start()
        for args in (('--container-id', web.id[:12]), ('--pid', web.pid)):
            with self.watch(node, *args) as run:
                self.until(lambda run=run: run.out.read_text(encoding='utf-8').count('"tick"') > 10)
            self.assertEqual({names_of(line) for line in run.of('process.exec')}, {('shop', 'cart-0', 'web')})

    def test_missing_pod(self):
        node = self.node()
        with self.watch(node, '-n', 'shop', 'nobody') as run:
            self.until(lambda: 'not found' in run.log)
        self.assertIn('pods \\"nobody\\" not found', run.log)
        self.assertEqual(run.lines, [])

    def test_nothing_meant(self):
        node = self.node()
        self.enterContext(node.run_pod('shop', 'cart-0'))
        for args, words in ((('-n', 'nosuch'), 'no container of this node is meant'),
                            (('--container-id', 'deadbeef01'), 'container \\"deadbeef01\\" not found')):
            with self.watch(node, *args) as run:
                self.until(lambda run=run, words=words: words in run.log)
            self.assertEqual(run.lines, [])

    def test_named_late(self):
        """The runtime was away when podtrace began: its pods are followed when it is back."""
        node = self.node()
        pod = self.enterContext(node.run_pod('shop', 'cart-0'))
        pod.create('web', Life.LOOP).start()
        other = self.enterContext(node.run_pod('shop', 'other'))
        other.create('web', Life.LOOP).start()
        node.kill()
        with self.watch(node, '-n', 'shop', 'cart-0') as run:
            time.sleep(4)
            node.start()
            self.until(lambda: run.out.read_text(encoding='utf-8').count('"tick"') > 5, 60)
        self.assertEqual({names_of(line) for line in run.of('process.exec')}, {('shop', 'cart-0', 'web')})


if __name__ == '__main__':
    os.chdir(HERE.parents[1])
    unittest.main(verbosity=2)
