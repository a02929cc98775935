#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each BPF program costs in instructions of the processor, in machines whose clock counts them: exact, so that a
change of the code shows and the weather does not. instructions.json holds the figures that were agreed to.

    make figures                       writes what is measured now into instructions.json: say why in the commit
    tests/bench/figures.py             compares only, and ends with 1 if something costs more
"""
import concurrent.futures
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / 'vm'))

import costs  # noqa: E402  pylint: disable=wrong-import-position
import machine  # noqa: E402  pylint: disable=wrong-import-position

FILE = HERE / 'instructions.json'
COST = ROOT / 'build' / 'bench' / 'cost'
KERNELS = ('5.10', '6.1', '6.12')  # of tests/vm/machines.lock; half a minute of a processor each
RISE = 1.05  # more than this is refused
GRAIN = 3  # ... and more instructions than this: a handful is another day's compiler
JUMP = 1.20  # of the verifier's instructions: shown
NONE = {'dispatch': {}, 'cost': {}, 'verified': {}, 'refused': {}}
VERIFIED_MAX = 250_000  # a quarter of what the verifier looks at before it gives up
TIMEOUT = 600

SCRIPT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /sys/fs/cgroup/bench /dev/shm
cost --rounds 2 --loops 2 --cgroup /sys/fs/cgroup/bench >/out/lines && cost --verify >>/out/lines
"""


def measure(kernel: str) -> dict:
    """The figures of one kernel."""
    computer = machine.Machine(kernel, append='nokaslr', counting=True)
    computer.add('/bin/cost', COST)
    result = computer.run(SCRIPT, timeout=TIMEOUT)
    if result.code:
        raise AssertionError(f'cost on {kernel} ended with {result.code}: {result.log}')
    return digest(costs.Costs(result.files['lines'].decode().splitlines(), min))


def digest(found: costs.Costs) -> dict:
    return {
        'dispatch': {way: {'empty': round(empty), 'lookup': round(lookup)}
                     for way, (empty, lookup, _) in found.dispatch.items()},
        'cost': {name: {case: round(row.cost[case]) for case in costs.CASES if not other(row, case)}
                 for name, row in found.rows.items()},
        'verified': found.verified,
        'refused': found.refused,
    }


def other(row: costs.Row, case: str) -> bool:
    """What is no event is neither wanted nor streamed."""
    return row.trigger == costs.NOTHING and case != 'counted'


def emulator() -> str:
    command = [machine.ARCHES['amd64'].qemu, '--version']
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[3]


def measure_all() -> dict:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return {'emulator': emulator(), 'kernels': dict(zip(KERNELS, pool.map(measure, KERNELS)))}


def read() -> dict:
    return json.loads(FILE.read_text(encoding='utf-8'))


def write(figures: dict):
    FILE.write_text(json.dumps(figures, indent='\t', sort_keys=True) + '\n', encoding='utf-8')


# ---- comparing --------------------------------------------------------------------------------------------------

def flat(figures: dict) -> dict:
    """{(name, case): instructions} of one kernel."""
    out = {(f'an empty {way}', case): n for way, of in figures['dispatch'].items() for case, n in of.items()}
    out.update({(name, case): n for name, of in figures['cost'].items() for case, n in of.items()})
    return out


def rises(agreed: dict, now: dict) -> list:
    """What costs more than was agreed to, is new, or is gone: a line each."""
    before, after = flat(agreed), flat(now)
    lines = [f'{name}, {case}: has no figure' for name, case in sorted(after.keys() - before.keys())]
    lines += [f'{name}, {case}: is measured no more' for name, case in sorted(before.keys() - after.keys())]
    for name, case in sorted(before.keys() & after.keys()):
        old, new = before[name, case], after[name, case]
        if new > old * RISE and new > old + GRAIN:
            lines.append(f'{name}, {case}: {new} instructions instead of {old}, {new / old - 1:+.1%}')
    for name in sorted(now['refused'].keys() - agreed['refused'].keys()):
        lines.append(f"{name}: refused here, and was not: {now['refused'][name]}")
    return lines


def falls(agreed: dict, now: dict) -> list:
    """What has become so much cheaper that the figures should say so."""
    before, after = flat(agreed), flat(now)
    return [f'{name}, {case}: {after[name, case]} instructions instead of {before[name, case]}'
            for name, case in sorted(before.keys() & after.keys())
            if after[name, case] * RISE < before[name, case] - GRAIN]


def jumps(agreed: dict, now: dict) -> list:
    """Programs of which the verifier has to look at much more than before."""
    before, after = agreed['verified'], now['verified']
    return [f'{name}: the verifier looks at {after[name]} instructions instead of {before[name]}'
            for name in sorted(before.keys() & after.keys()) if after[name] > before[name] * JUMP]


def main():
    now, agreed, bad = measure_all(), read(), 0
    for kernel in KERNELS:
        for tell, of in (('more', rises), ('less', falls), ('jump', jumps)):
            for line in of(agreed['kernels'].get(kernel, NONE), now['kernels'][kernel]):
                print(f'{tell}  {kernel}  {line}')
                bad += tell == 'more'
    if '--write' in sys.argv[1:]:
        write(now)
        return 0
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
