# SPDX-License-Identifier: Apache-2.0
"""What podtrace takes as a whole: how soon it tells something, how much memory it holds, idle and at work."""

import contextlib
import os
import pathlib
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'e2e'))

import rig  # noqa: E402  pylint: disable=wrong-import-position

CONTAINERS = 100
STARTS = 7
IDLE_SECONDS = 8  # several collections of its metrics
LOAD_SECONDS = 10
CONNECTIONS = 1000  # of a container, before the next has its turn
MIB = 1 << 20
TICKS = os.sysconf('SC_CLK_TCK')


class Containers:
    """Cgroups named like those of Kubernetes, a process in each; gone at the end."""

    def __init__(self, n):
        self.n = n
        self.made, self.at_rest = [], []

    def __enter__(self):
        top = rig.Cgroup(f'{rig.v2_root()}/podtrace-bench-{os.getpid()}')
        self.made = [top]
        try:
            self._fill(top)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _fill(self, top):
        for name in ('kubepods', 'burstable'):
            self.made.append(self.made[-1].child(name))
        burstable = self.made[-1]
        for i in range(self.n):
            pod = burstable.child(f'pod{i:08x}-0000-4000-8000-000000000000')
            self.made.append(pod)
            self.made.append(pod.child(f'{i:064x}'))
            self.at_rest.append(self.made[-1].start('rest', 3600))

    @property
    def folders(self):
        return [cgroup for cgroup in self.made if re.fullmatch('[0-9a-f]{64}', os.path.basename(cgroup.path))]

    def __exit__(self, *_):
        for process in self.at_rest:
            process.kill()
            process.wait()
        for cgroup in reversed(self.made):
            cgroup.remove()


# ---- of one process ---------------------------------------------------------------------------------------------

def status(pid, field) -> int:
    """Bytes of VmRSS, VmHWM, …"""
    text = pathlib.Path(f'/proc/{pid}/status').read_text(encoding='ascii')
    return int(re.search(rf'^{field}:\s+(\d+) kB', text, re.M)[1]) * 1024


def resident_parts(pid) -> dict:
    """Bytes of what is resident: the ring (all that is mapped of it, from the start), the program's own file, and the
    rest, which is heap and stack."""
    out, part = {'ring': 0, 'program': 0, 'heap': 0}, ''
    text = pathlib.Path(f'/proc/{pid}/smaps').read_text(encoding='utf-8')
    for line in text.splitlines():
        if re.match(r'[0-9a-f]+-[0-9a-f]+ ', line):
            path = line.split(maxsplit=5)[5] if len(line.split(maxsplit=5)) > 5 else ''
            part = 'ring' if 'bpf-map' in path else 'program' if path.startswith('/') else 'heap'
        elif line.startswith('Rss:'):
            out[part] += int(line.split()[1]) * 1024
    return out


def cpu_seconds(pid) -> float:
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='utf-8').rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def map_bytes(pid) -> int:
    """What the kernel bills for the BPF maps that a process holds, each once."""
    maps = {}
    for path in pathlib.Path(f'/proc/{pid}/fdinfo').iterdir():
        with contextlib.suppress(OSError):
            text = path.read_text(encoding='ascii')
            found = re.search(r'^memlock:\s+(\d+)\n(?:.*\n)*?map_id:\s+(\d+)', text, re.M)
            if found:
                maps[found[2]] = int(found[1])
    return sum(maps.values())


# ---- measurements -----------------------------------------------------------------------------------------------

def start_once() -> dict:
    """Seconds until all is attached, and until the first event is told, while programs start all the time."""
    load = subprocess.Popen([rig.workload(), 'procs', '1000000', '1'])
    begin = time.monotonic()
    process = subprocess.Popen([rig.BINARY, 'trace', '--all', '--output', 'json'], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=rig.clean_env())
    out, names = {}, {process.stdout: ('first event', b'"event"'), process.stderr: ('attached', b' watches by ')}
    said = dict.fromkeys(names, b'')
    try:
        while len(out) < len(names):
            for stream in select.select(list(names), [], [], 20)[0]:
                said[stream] += os.read(stream.fileno(), 1 << 16)
                name, word = names[stream]
                if name not in out and word in said[stream]:
                    out[name] = time.monotonic() - begin
    finally:
        for one in (process, load):
            one.kill()
            one.wait()
        process.stdout.close()
        process.stderr.close()
    return out


def starts() -> dict:
    runs = [start_once() for _ in range(STARTS)]
    return {name: sorted(run[name] for run in runs) for name in runs[0]}


def resting_and_at_work() -> dict:
    """An agent that knows a hundred containers: idle, then with connections in ten of them, one after the other, and a few
    processes: the load leaves a processor for whoever has to tell of it."""
    env = {'OTEL_METRIC_EXPORT_INTERVAL': '1000', 'OTEL_BSP_SCHEDULE_DELAY': '1000'}
    with Containers(CONTAINERS) as containers, tempfile.TemporaryDirectory(prefix='podtrace-bench-') as folder:
        with rig.Receiver(pathlib.Path(folder, 'peer'), ['ok']) as peer, \
                rig.Run(folder, 'agent', '--otlp-endpoint', peer.url, env=env) as run:
            pid = run.process.pid
            for cgroup in containers.folders:
                cgroup.run('forks', 1)  # now it knows all of them
            time.sleep(IDLE_SECONDS)
            out = {'idle': status(pid, 'VmRSS'), 'maps idle': map_bytes(pid), 'idle parts': resident_parts(pid)}
            out.update(_at_work(pid, containers.folders[:10]))
        lost = re.search(r'(\d+) events lost', run.log)
        return {**out, 'lost': int(lost[1]) if lost else 0}


def _at_work(pid, cgroups) -> dict:
    begin, cpu = time.monotonic(), cpu_seconds(pid)
    resident, connections = [], 0
    while time.monotonic() < begin + LOAD_SECONDS:
        for cgroup in cgroups:
            load = cgroup.start('tcp', CONNECTIONS, 100, 1000, 4)
            cgroup.run('procs', 10, 1)
            while load.poll() is None:
                time.sleep(0.01)
            resident.append(status(pid, 'VmRSS'))
            connections += CONNECTIONS
    seconds = time.monotonic() - begin
    return {'at work': int(statistics.median(resident[len(resident) // 2:])), 'peak': status(pid, 'VmHWM'),
            'maps at work': map_bytes(pid), 'parts at work': resident_parts(pid), 'connections a second': connections / seconds,
            'cpu': (cpu_seconds(pid) - cpu) / seconds}
