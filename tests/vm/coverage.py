#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What was shown to be exact, where: the tests of rungs record it, docs/coverage.md is made of it.

    tests/vm/coverage.py [--check]    writes docs/coverage.md from the records of the last run of the layer vm; --check
                                      only says in what the two differ
"""

import json
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parents[2]
RECORDS = ROOT / 'build' / 'coverage'
DOCUMENT = ROOT / 'docs' / 'coverage.md'
RUNGS = {'T': 'tp_btf', 'R': 'raw_tp', 'F': 'fentry', 'K': 'kprobe'}
LIBRARY_RUNGS = {'M': 'uprobe_multi', 'U': 'uprobe'}
HEAD = """# What was tried where

Written by `make coverage` from a run of the tests; do not edit.

Each letter is a rung by which a feature gave exactly the events, bytes, results and metrics of a load whose
numbers are known, on that kernel: **T** tp_btf, **R** raw_tp, **F** fentry and fexit, **K** kprobe and kretprobe; at
functions of libraries **M** uprobe_multi, **U** perf events. A number in its place is the reason why there is none;
`·`: podtrace has no program for that rung; `-`: it was not asked for on that machine. `I` is an iterator. All by the ring buffer; *perf* was tried by a perf buffer too.
"""


def record(kernel: str, words: str, asked: str, features: dict, arch='amd64'):
    """features: {(family, feature): a feature of a summary}, all of which gave what they had to."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    families = '+'.join(sorted({family for family, _ in features}))
    name = re.sub(r'\W+', '_', f'{kernel} {arch} {words} {families} {asked}')
    rows = [[family, feature, of['state'], of['rung'], of['reason']] for (family, feature), of in features.items()]
    with open(RECORDS / f'{name}.json', 'w', encoding='utf-8') as out:
        json.dump({'kernel': kernel, 'arch': arch, 'words': words, 'asked': asked, 'rows': rows}, out)


def registry() -> dict:
    """{(family, feature): its rungs}"""
    out, family_of = {}, {}
    for line in (ROOT / 'bpf' / 'registry.def').read_text(encoding='utf-8').splitlines():
        if match := re.match(r'FEATURE\((\w+), (\w+),', line):
            family_of[match[2]] = match[1]
            out[match[1], match[2]] = set()
        elif match := re.match(r'PROG(?:_COPIED)?\((\w+), (\w+),', line):
            out[family_of[match[1]], match[1]].add(match[2])
    return out


def release(kernel) -> tuple:
    return tuple(int(n) for n in re.findall(r'\d+', kernel)), kernel


def document() -> str:
    known, cells, perf, notes = registry(), {}, set(), []
    for path in sorted(RECORDS.glob('*.json')):
        of = json.loads(path.read_text(encoding='utf-8'))
        machine = (*release(of['kernel']), of['arch'], of['words'])
        if of['asked'] == 'perf buffer':
            perf.add(machine)
        for family, feature, state, rung, reason in of['rows']:
            cell = cells.setdefault(machine, {}).setdefault((family, feature), {})
            if state != 'off':
                cell[rung] = True
            if of['asked'] in (*RUNGS.values(), *LIBRARY_RUNGS.values()) and (state == 'off' or rung != of['asked']):
                cell.setdefault(of['asked'], reason)
    out = [HEAD]
    for family in dict.fromkeys(family for family, _ in known):
        features = [feature for of, feature in known if of == family]
        out.append(f'\n## {family}\n\n| kernel | {" | ".join(features)} |\n|---|{"---|" * len(features)}\n')
        for machine in sorted(cells):
            row = [cells[machine].get((family, feature)) for feature in features]
            if any(row):
                shown = [show(cell, known[family, feature], notes) for cell, feature in zip(row, features)]
                out.append(f'| {label(machine, machine in perf)} | {" | ".join(shown)} |\n')
    if notes:
        out.append('\n## Reasons\n\n')
    out.extend(f'{n}. {note}\n' for n, note in enumerate(notes, 1))
    return ''.join(out)


def label(machine, perf) -> str:
    _, kernel, arch, words = machine
    return ', '.join([f'{kernel} {arch}', *([f'`{words}`'] if words else []), *(['*perf*'] if perf else [])])


def show(cell, rungs, notes) -> str:
    if cell is None:
        return '·'
    if 'iter' in rungs:
        return 'I' if cell.get('iter') else note(next(iter(cell.values()), ''), notes)
    return ' '.join('·' if rung not in rungs else
                    letter if cell.get(rung) is True else
                    note(cell[rung], notes) if rung in cell else '-'
                    for letter, rung in (LIBRARY_RUNGS if rungs & {*LIBRARY_RUNGS.values()} else RUNGS).items())


def note(reason, notes) -> str:
    reason = reason or 'not said'
    if reason not in notes:
        notes.append(reason)
    return str(notes.index(reason) + 1)


def main():
    text = document()
    if sys.argv[1:] != ['--check']:
        DOCUMENT.write_text(text, encoding='utf-8')
    elif not DOCUMENT.exists() or DOCUMENT.read_text(encoding='utf-8') != text:
        have = DOCUMENT.read_text(encoding='utf-8').splitlines() if DOCUMENT.exists() else []
        for line in sorted(set(text.splitlines()) ^ set(have)):
            print('now ' if line in text.splitlines() else 'was ', line)
        sys.exit('docs/coverage.md is not what this run gave: make coverage')


if __name__ == '__main__':
    os.chdir(ROOT)
    main()
