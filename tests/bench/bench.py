#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make bench`: what podtrace costs on this machine and in machines that count instructions, against the marks.

    tests/bench/bench.py [PART...]     without names: all of them, and docs/performance.md is written anew

All figures go to build/bench/bench.json, those of parts that were not asked for stay as they were.
"""
import datetime
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile

import costs
import figures
import report
import rival
import running
from running import rig

ROOT = figures.ROOT
BENCH = ROOT / 'build' / 'bench'
OUT = BENCH / 'bench.json'
DOCS = ROOT / 'docs' / 'performance.md'
ORDERS = (0, 1, 2)  # which case of a program is attached first, where caches are coldest


def say(text):
    print(f'  BENCH   {text}', file=sys.stderr, flush=True)


def lines(*command) -> list:
    return subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


def spread(values) -> dict:
    values = sorted(values)
    return {'median': statistics.median(values), 'low': values[0], 'high': values[-1]}


# ---- the parts --------------------------------------------------------------------------------------------------

def programs() -> dict:
    """Each program's cost, natively: the ratios of several runs."""
    folder = rig.Cgroup(f'{rig.v2_root()}/podtrace-bench-cost-{os.getpid()}')
    try:
        runs = [costs.Costs(lines(figures.COST, '--order', order, '--cgroup', folder.path)) for order in ORDERS]
    finally:
        folder.remove()
    out = {'empty': spread(run.dispatch['raw_tp'][0] for run in runs), 'rows': {}, 'refused': runs[0].refused}
    for name, first in runs[0].rows.items():
        rows = [run.rows[name] for run in runs if name in run.rows]
        out['rows'][name] = {
            'program': first.program, 'rung': first.rung, 'hook': first.hook, 'trigger': first.trigger,
            'lookup': spread(row.lookup for row in rows),
            'ns': {case: spread(row.cost[case] for row in rows) for case in costs.CASES},
            'ratio': {case: spread(row.ratio(case) for row in rows) for case in costs.CASES},
        }
    return out


def instructions() -> dict:
    """The same in machines that count: as they are now, beside what was agreed to."""
    return {'now': figures.measure_all(), 'agreed': figures.read()}


def drain() -> dict:
    """How much the user side takes in."""
    with tempfile.TemporaryDirectory(prefix='podtrace-bench-') as folder, running.Containers(10) as containers:
        file = pathlib.Path(folder, 'file.tap')
        with rig.Run(f'{folder}/run', 'capture', '--cgroup', containers.made[1].path, file) as run:
            for cgroup in containers.folders:
                cgroup.run('procs', 200, 2)
                cgroup.run('tcp', 400, 100, 1000, 4)
        if run.code:
            raise AssertionError(run.log)
        said = json.loads(lines(BENCH / 'drain', file)[0])
    return {'records': said['records'], 'bytes a record': said['bytes'] / said['records'],
            **{way: spread(said[way]) for way in ('ring', 'decode', 'pipe')}}


def spans() -> dict:
    """How much the exporter puts out."""
    said = json.loads(lines(BENCH / 'spans')[0])
    stages = ('encode', 'frame', 'gzip')
    total = [sum(said[stage][i] for stage in stages) for i in range(len(said['encode']))]
    return {'bytes': said['bytes'], 'gzipped': said['gzipped'],
            **{stage: spread(said[stage]) for stage in stages}, 'a second': spread(1e9 / ns for ns in total)}


def start() -> dict:
    return {name: spread(seconds) for name, seconds in running.starts().items()}


def memory() -> dict:
    return running.resting_and_at_work()


def sizes() -> dict:
    with tempfile.TemporaryDirectory(prefix='podtrace-bench-') as folder:
        image = f'{folder}/image.tar'
        subprocess.run([ROOT / 'images' / 'oci.sh', rig.BINARY, 'amd64', 'bench', image], check=True,
                       stdout=subprocess.DEVNULL)
        return {'binary': os.path.getsize(rig.BINARY), 'image': os.path.getsize(image)}


def rivals() -> dict:
    try:
        return {way: {**of, 'ratios': spread(of['ratios'])} for way, of in rival.compare_all().items()}
    except rival.Unavailable as why:
        return {'none': str(why)}


PARTS = {'programs': programs, 'instructions': instructions, 'drain': drain, 'spans': spans, 'start': start,
         'memory': memory, 'sizes': sizes, 'rivals': rivals}


# ---- all --------------------------------------------------------------------------------------------------------

def here() -> dict:
    """What it was measured on."""
    cpu = next((line.partition(':')[2].strip() for line in open('/proc/cpuinfo', encoding='utf-8')
                if line.startswith('model name')), platform.machine())
    return {'cpu': cpu, 'cpus': os.cpu_count(), 'kernel': re.match(r'[\d.]*\d', platform.release())[0],
            'load': os.getloadavg()[0], 'date': datetime.date.today().isoformat(),
            'version': rig.once('version').stdout.split()[1]}


def main(names):
    for name in names:
        if name not in PARTS:
            print(f'bench.py: "{name}" is no part: choose of {", ".join(PARTS)}', file=sys.stderr)
            return 2
    rig.needs_root()
    found = json.loads(OUT.read_text(encoding='utf-8')) if OUT.exists() else {}
    found['here'] = here()
    for name, measure in PARTS.items():
        if not names or name in names:
            say(name)
            found[name] = measure()
            OUT.write_text(json.dumps(found, indent=1), encoding='utf-8')
    print(report.text(found))
    if not names:
        DOCS.write_text(report.markdown(found), encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
