#!/usr/bin/env python3
"""Whatever ends podtrace, nothing of it stays behind: not in the kernel, not in its own memory, not on the disk."""

import concurrent.futures
import json
import pathlib
import re
import subprocess
import time
import unittest

import rig

CYCLES = 200
TOGETHER = 2  # at a time: as many as there are processors in the smallest of CI's machines
KILLS, STEP_SECONDS = 30, 0.015  # the last one comes when all is long attached
FREED_SECONDS = 20  # the kernel frees programs and maps when their last user is out, some time later
KERNEL_MEMORY = 100 << 20  # half of what one map a cycle would cost
COST = rig.ROOT / 'build' / 'bench' / 'cost'
FAMILIES = re.findall(r'^FAMILY\((\w+),', (rig.ROOT / 'bpf' / 'registry.def').read_text(encoding='utf-8'), re.M)
KINDS = ('prog', 'map', 'link')
HELD = re.compile(r'^(prog|map|link)_id:\s+(\d+)$', re.M)


def there() -> set:
    """(kind, id) of all programs, maps and links of the kernel."""
    out = set()
    for kind in KINDS:
        told = subprocess.run(['bpftool', '-j', kind, 'show'], capture_output=True, check=False).stdout
        out |= {(kind, one['id']) for one in json.loads(told or '[]') if 'id' in one}
    return out


def held() -> set:
    """Those that a living process has a descriptor of."""
    out = set()
    for path in pathlib.Path('/proc').glob('[0-9]*/fdinfo/*'):
        try:
            out |= {(kind, int(number)) for kind, number in HELD.findall(path.read_text(encoding='ascii'))}
        except OSError:
            pass  # it ended, or closed it
    return out


def left_behind(before: set) -> set:
    """What is there since BEFORE, held by nobody, and does not go away. Other programs of this machine come and go too."""
    left = there() - before - held()
    deadline = time.monotonic() + FREED_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(0.3)
        left &= there() - held()
    return left


def kernel_memory() -> int:
    text = pathlib.Path('/proc/meminfo').read_text(encoding='ascii')
    return sum(int(n) * 1024 for n in re.findall(r'^(?:SUnreclaim|Percpu|VmallocUsed):\s+(\d+) kB', text, re.M))


class Leaks(rig.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rig.needs('bpftool')

    def setUp(self):
        super().setUp()
        self.before = there()

    def assert_nothing_left(self):
        self.assertEqual(left_behind(self.before), set())

    def start(self, *args) -> subprocess.Popen:
        return subprocess.Popen([rig.BINARY, 'trace', '--all', '--output', 'json', *args], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=rig.clean_env())

    def test_killed_at_any_moment(self):
        """kill -9 while it loads, attaches, drains: a bit later each time."""
        cgroup = self.cgroup()
        load = cgroup.start('procs', 1_000_000, 2)
        try:
            for i in range(KILLS):
                process = self.start('--otlp-file', self.folder / f'{i}.jsonl')
                time.sleep(i * STEP_SECONDS)
                process.kill()
                process.wait()
        finally:
            load.kill()
            load.wait()
        self.assert_nothing_left()

    def cycle(self, number):
        """From the start until it watches, and stopped then. One family is a third of the time; now and then all."""
        families = FAMILIES[number % len(FAMILIES)] if number % 20 else 'all'
        with rig.Run(self.folder / str(number), 'trace', '--all', '--quiet', '--families', families) as run:
            pass
        left = sorted(path.name for path in run.folder.iterdir())
        for path in (run.out, run.err):
            path.unlink()
        return run.code, left

    def test_cycles(self):
        """Start and stop, 200 times."""
        memory = kernel_memory()
        with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
            ends = list(pool.map(self.cycle, range(CYCLES)))
        self.assertEqual([end for end in ends if end != (0, ['stderr', 'stdout'])], [])
        self.assert_nothing_left()
        self.assertLess(kernel_memory() - memory, KERNEL_MEMORY)

    def test_cycles_in_one_process(self):
        """The same within a process: descriptors and memory are those of the first times."""
        if not COST.exists():
            self.skipTest(f'{COST} is not built: make test-programs')
        told = subprocess.run([COST, '--cycles', '30'], stdout=subprocess.PIPE, check=True).stdout.splitlines()
        cycles = [json.loads(line) for line in told]
        self.assertEqual({cycle['descriptors'] for cycle in cycles}, {cycles[0]['descriptors']})
        self.assertLess(cycles[-1]['resident'] - cycles[9]['resident'], 256 << 10, cycles)
        self.assert_nothing_left()

    def test_what_stays_is_found(self):
        """The control: a map that is pinned outlives its process, and is found until it is unpinned."""
        mount, pin = self.folder / 'bpf', self.folder / 'bpf' / 'it'
        mount.mkdir()
        if subprocess.run(['mount', '-t', 'bpf', 'bpf', mount], check=False, stderr=subprocess.DEVNULL).returncode:
            self.skipTest('no bpf file system can be mounted here')
        try:
            with rig.Run(self.folder / 'run', 'trace', '--all', '--quiet') as run:
                ours = {number for path in pathlib.Path(f'/proc/{run.process.pid}/fdinfo').iterdir()
                        for kind, number in HELD.findall(path.read_text(encoding='ascii')) if kind == 'map'}
                number = min(ours, key=int)
                subprocess.run(['bpftool', 'map', 'pin', 'id', number, pin], check=True)
                run.process.kill()
                run.process.wait()
            time.sleep(1)
            self.assertIn(('map', int(number)), there() - self.before - held())
            pin.unlink()
        finally:
            subprocess.run(['umount', mount], check=True)
        self.assert_nothing_left()


if __name__ == '__main__':
    unittest.main()
