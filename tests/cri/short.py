# SPDX-License-Identifier: Apache-2.0
"""Many containers that live for some milliseconds each, and many pods at once.

    lives = short.run(node, 200, seconds=30)     # node: a rig.Containerd
    for life in lives: life.pod.name, life.pod.uid, life.name, life.id, life.argument

Each container runs one command once, `/bin/true ARGUMENT` in the folder `/ARGUMENT`; no two have the same argument, so
each exec that was seen belongs to one container by what it says itself: by process.working_directory, or by the arguments
(--command-args). Others on this machine may start /bin/true, too.

    cd tests && python3 -B -m cri.short 1.7 200 4         # how long it takes here: version, how many, how many at a time
"""

import concurrent.futures
import contextlib
import dataclasses
import statistics
import sys
import time
import uuid

from . import pods as cri_pods, rig

PROGRAM = '/bin/true'
NAMES = ('web', 'proxy', 'init-db', 'sidecar', 'metrics')
STEPS = ('create', 'start', 'wait', 'remove')


@dataclasses.dataclass
class Life:
    """One short container, from its start to its end."""

    pod: cri_pods.Pod
    name: str
    argument: str
    id: str = ''
    seconds: dict = dataclasses.field(default_factory=dict)  # of each step


class _Watch:
    """Times steps that follow each other."""

    def __init__(self):
        self.seconds, self._last = {}, time.monotonic()

    def step(self, name):
        now = time.monotonic()
        self.seconds[name], self._last = now - self._last, now


def live(pod, name, argument) -> Life:
    """One life. Another exit code than 0 is an AssertionError."""
    watch = _Watch()
    container = pod.create(name, [PROGRAM, argument], working_dir=f'/{argument}')
    watch.step('create')
    container.start()
    watch.step('start')
    code = container.wait_exited()
    watch.step('wait')
    container.remove()
    watch.step('remove')
    assert code == 0, f'{name} of {pod.name} ended with {code}'
    return Life(pod, name, argument, container.id, watch.seconds)


def run(node, count=200, pods=10, parallel=4, seconds=0) -> list:
    """COUNT short lives in PODS pods, begun evenly over SECONDS. The pods are gone at the end too. No two containers of a
    pod have the same name."""
    mark = uuid.uuid4().hex[:8]
    with many_pods(node, pods, parallel) as all_pods, concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        begin = time.monotonic()

        def one(number):
            time.sleep(max(0, begin + seconds * number / count - time.monotonic()))
            turn = number // pods
            name = NAMES[turn % len(NAMES)] + (f'-{turn // len(NAMES)}' if turn >= len(NAMES) else '')
            return live(all_pods[number % pods], name, f'short-{mark}-{number}')

        return list(pool.map(one, range(count)))


def run_pods(node, count=20, parallel=4) -> list:
    """As above, but each in a pod of its own that goes at once: the shortest that a pod can live."""
    mark = uuid.uuid4().hex[:8]

    def one(number):
        with node.run_pod(f'ns-{number % 3}', f'brief-{number}') as pod:
            return live(pod, NAMES[number % len(NAMES)], f'brief-{mark}-{number}')

    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        return list(pool.map(one, range(count)))


@contextlib.contextmanager
def many_pods(node, count=250, parallel=4, command=None):
    """COUNT pods at once, of three namespaces and with labels of their own; with COMMAND each runs it in a container
    `main`. A list of pods.Pod."""
    made = []  # also when one fails: then the others go

    def make(number):
        pod = node.run_pod(f'ns-{number % 3}', f'many-{number}', labels={'app': f'app-{number % 10}', 'number': str(number)})
        made.append(pod)
        if command:
            pod.create('main', command).start()
        return pod

    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        try:
            yield list(pool.map(make, range(count)))
        finally:
            list(pool.map(lambda pod: pod.remove(), made))


# ---- how long it takes -------------------------------------------------------------------------------------------

def _table(lives) -> str:
    rows = []
    for step in STEPS:
        values = sorted(life.seconds[step] * 1000 for life in lives)
        rows.append(f'{step} {statistics.median(values):.0f}/{values[int(len(values) * 0.95)]:.0f}/{values[-1]:.0f}')
    return ', '.join(rows)


def main(version, count='200', parallel='4'):
    with rig.Containerd(version) as node:
        begin = time.monotonic()
        lives = run(node, int(count), parallel=int(parallel))
        print(f'containerd {version}: {count} containers, {parallel} at a time, in {time.monotonic() - begin:.1f} s; '
              f'ms median/95 %/most: {_table(lives)}')


if __name__ == '__main__':
    rig.needs_containerd()
    main(*sys.argv[1:])
