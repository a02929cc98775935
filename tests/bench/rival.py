# SPDX-License-Identifier: Apache-2.0
"""bpftrace (BPFTRACE names another than that of PATH) and podtrace on the same events, at the same time: what the programs
of each take, as the kernel's statistics tell it. The way to a program is left out, which is longer for bpftrace's: its
tracepoints are perf events."""

import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'e2e'))

import rig  # noqa: E402  pylint: disable=wrong-import-position

ROUNDS, EVENTS = 9, 60
WAIT_SECONDS = 30
STATS = pathlib.Path('/proc/sys/kernel/bpf_stats_enabled')

# what becomes of an event: what bpftrace does for that, and podtrace's program for the same
WAYS = {
    'counted': ('tracepoint:sched:sched_process_fork { @[cgroup] = count(); }', 'process_fork_btf'),
    'streamed': ('tracepoint:sched:sched_process_exec { printf("%d %s %s\\n", pid, comm, str(args->filename)); }',
                 'process_exec_btf'),
}


class Unavailable(Exception):
    """Why there is nobody to compare with."""


def command(script) -> list:
    """bpftrace, with a tracefs of its own: it cannot do without."""
    name = os.environ.get('BPFTRACE') or shutil.which('bpftrace')
    if not name:
        raise Unavailable('no bpftrace here: apt-get install bpftrace')
    mounts = 'mount -t tracefs t /sys/kernel/tracing; mkdir -p /sys/kernel/debug; mount -t debugfs d /sys/kernel/debug'
    return ['unshare', '-m', 'sh', '-c', f'{mounts}; exec "$0" -e "$1"', name, script]


def programs() -> dict:
    """{id: what bpftool tells of it}"""
    told = subprocess.run(['bpftool', '-j', 'prog', 'show'], capture_output=True, check=True)
    return {program['id']: program for program in json.loads(told.stdout)}


@contextlib.contextmanager
def statistics_on():
    before = STATS.read_text(encoding='ascii')
    STATS.write_text('1', encoding='ascii')
    try:
        yield
    finally:
        STATS.write_text(before, encoding='ascii')


def wait_for(name, known) -> int:
    """The id of a program that was not there before."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        for ident, program in programs().items():
            if ident not in known and name.startswith(program.get('name', '?')):
                return ident
        time.sleep(0.1)
    raise Unavailable(f'bpftrace does not attach to {name} within {WAIT_SECONDS} s')


def per_run(ident, before, after) -> float:
    runs = after[ident].get('run_cnt', 0) - before[ident].get('run_cnt', 0)
    return (after[ident].get('run_time_ns', 0) - before[ident].get('run_time_ns', 0)) / runs


def compare(way) -> dict:
    """Nanoseconds of each, and the ratio of each round."""
    script, program = WAYS[way]
    hook = script.partition(' ')[0].rpartition(':')[2]
    known = programs()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix='podtrace-bench-'))
        process = subprocess.Popen(command(script), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        rival = wait_for(hook, known)
        known = programs()
        stack.enter_context(rig.Run(folder, 'agent', '--otlp-file', f'{folder}/otlp.jsonl'))
        ours = wait_for(program, known)
        stack.enter_context(statistics_on())
        rounds = []
        for _ in range(ROUNDS):
            before = programs()
            subprocess.run([rig.workload(), 'procs', str(EVENTS), '1'], check=True)
            after = programs()
            rounds.append([per_run(ident, before, after) for ident in (ours, rival)])
    return {'script': script, 'program': program,
            'podtrace': statistics.median(one for one, _ in rounds),
            'bpftrace': statistics.median(other for _, other in rounds),
            'ratios': sorted(one / other for one, other in rounds)}


def compare_all() -> dict:
    return {way: compare(way) for way in WAYS}
