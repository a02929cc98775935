# SPDX-License-Identifier: Apache-2.0
"""What was found, for a terminal and as docs/performance.md: the same sections, each with one table."""

import dataclasses

import costs

MIB = 1 << 20


@dataclasses.dataclass
class Section:
    title: str
    words: str
    head: tuple
    rows: list


# ---- numbers ----------------------------------------------------------------------------------------------------

def ratio(of) -> str:
    return f"{of['median']:.2f} ({of['low']:.2f} to {of['high']:.2f})"


def millions(of) -> str:
    return f"{of['median'] / 1e6:.1f} M/s ({of['low'] / 1e6:.1f} to {of['high'] / 1e6:.1f})"


def seconds(of) -> str:
    return f"{of['median']:.2f} s ({of['low']:.2f} to {of['high']:.2f})"


def mib(n) -> str:
    return f'{n / MIB:.1f} MiB'


def verdict(hit) -> str:
    return 'hit' if hit else '**missed**'


# ---- sections ---------------------------------------------------------------------------------------------------

def of_programs(found) -> list:
    """The marks of DESIGN 6 that are about programs: how many of the best rung keep them."""
    rows = [row for row in found['programs']['rows'].values() if row['rung'] == 'tp_btf' and row['trigger'] != costs.NOTHING]
    names = {'unwanted': 'times an empty program with a look-up', 'counted': 'times an empty program',
             'streamed': 'times an empty program'}
    out = []
    for case, mark in costs.MARKS.items():
        got = sorted(row['ratio'][case]['median'] for row in rows)
        within = sum(one <= mark for one in got)
        out.append((f'{case} event, {names[case]}', f'{got[0]:.2f} to {got[-1]:.2f}', f'≤ {mark}',
                    f'{verdict(within == len(got))}: {within} of {len(got)} programs within'))
    return out


# part, what, value for a person, number, mark, "at most" or "at least"
MARKS = (
    ('drain', 'records out of the ring, per core', lambda p: millions(p['ring']), lambda p: p['ring']['median'], 2e6, '≥'),
    ('drain', 'records decoded and enriched, per core', lambda p: millions(p['pipe']), lambda p: p['pipe']['median'], 1e6, '≥'),
    ('start', 'start to first event', lambda p: seconds(p['first event']), lambda p: p['first event']['median'], 0.5, '≤'),
    ('start', 'start to all attached', lambda p: seconds(p['attached']), lambda p: p['attached']['median'], 1.5, '≤'),
    ('memory', 'resident, idle with 100 containers', lambda p: mib(p['idle']), lambda p: p['idle'], 6 * MIB, '≤'),
    ('memory', 'resident at work', lambda p: f"{mib(p['at work'])} at {p['connections a second']:.0f} connections a second",
     lambda p: p['at work'], 16 * MIB, '≤'),
    ('memory', 'peak, times resident at work', lambda p: f"{p['peak'] / p['at work']:.2f}", lambda p: p['peak'] / p['at work'],
     1.2, '≤'),
    ('memory', 'BPF maps', lambda p: mib(p['maps at work']), lambda p: p['maps at work'], 8 * MIB, '≤'),
    ('sizes', 'binary', lambda p: f"{p['binary'] / 1e6:.2f} MB", lambda p: p['binary'], 2e6, '≤'),
    ('sizes', 'image', lambda p: f"{p['image'] / 1e6:.2f} MB", lambda p: p['image'], 2.5e6, '≤'),
)


def mark_text(mark) -> str:
    if mark >= MIB and mark % MIB == 0:
        return mib(mark)
    return f'{mark / 1e6:g} M' if mark >= 1e5 else f'{mark:g}'


def marks(found) -> Section:
    rows = of_programs(found) if 'programs' in found else []
    for part, what, tell, number, mark, side in MARKS:
        if part in found:
            got = number(found[part])
            hit = got <= mark if side == '≤' else got >= mark
            rows.append((what, tell(found[part]), f'{side} {mark_text(mark)}', verdict(hit)))
    return Section('Marks', 'Median, and the smallest and largest of several runs where there are several.',
                   ('what', 'measured', 'mark', ''), rows)


def native(found) -> Section:
    part = found['programs']
    rows = []
    for row in part['rows'].values():
        cells = [ratio(row['ratio'][case]) + (' *' if row['ratio'][case]['median'] > costs.MARKS[case] else '')
                 for case in costs.CASES]
        if row['trigger'] == costs.NOTHING:
            cells = ['', ratio(row['ratio']['counted']), '']
        rows.append((row['program'], row['trigger'], *cells))
    words = f"""Each BPF program on this machine's own kernel, as a multiple of an empty program on the same hook, or of one
with a hash look-up for events of a cgroup that nobody asked for. An empty program adds {part['empty']['median']:.0f} ns to a
system call. A star: above the mark ({', '.join(f'{case} {mark:g}' for case, mark in costs.MARKS.items())}). "{costs.NOTHING}" is
what every system call pays on whose end a program sits."""
    return Section('Programs, natively', words, ('program', 'event', *costs.CASES), rows)


def counted(found) -> Section:
    kernels = found['instructions']['now']['kernels']
    names = sorted({name for of in kernels.values() for name in of['cost']})
    rows = [('an empty program', *(str(of['dispatch']['raw_tp']['empty']) for of in kernels.values())),
            ('a program with a look-up', *(str(of['dispatch']['raw_tp']['lookup']) for of in kernels.values()))]
    for name in names:
        cells = []
        for of in kernels.values():
            cost = of['cost'].get(name)
            cells.append(' / '.join(str(cost[case]) for case in costs.CASES if case in cost) if cost else 'refused')
        rows.append((name, *cells))
    words = """The same in instructions of the processor for each event, unwanted / counted / streamed, in machines whose clock
counts them. Two starts of a machine differ by less than 0.1 %. `make test` compares these with tests/bench/instructions.json."""
    return Section('Programs, in instructions', words, ('program and event', *kernels), rows)


def verified(found) -> Section:
    kernels = found['instructions']['now']['kernels']
    names = sorted({name for of in kernels.values() for name in of['verified']})
    rows = [(name, *(str(of['verified'].get(name, 'refused')) for of in kernels.values())) for name in names]
    return Section('The verifier', 'Instructions that the verifier goes through, everything switched on. It gives up at '
                   '1,000,000; none of ours may need a quarter of that.', ('program', *kernels), rows)


def user_side(found) -> Section:
    drain, spans, memory = found.get('drain'), found.get('spans'), found.get('memory')
    rows = []
    if drain:
        rows += [('records of 128 bytes out of the ring', millions(drain['ring'])),
                 (f"records of {drain['bytes a record']:.0f} bytes decoded", millions(drain['decode'])),
                 ('... and enriched, folded', millions(drain['pipe']))]
    if spans:
        rows += [(f"span of {spans['bytes']} bytes: {stage}", f"{spans[stage]['median']:.0f} ns") for stage in
                 ('encode', 'frame', 'gzip')]
        rows.append(('spans encoded, framed and gzipped', millions(spans['a second'])))
    if memory:
        rows += [(f'resident {when}: {", ".join(of)}', ', '.join(mib(n) for n in of.values()))
                 for when, of in (('idle', memory['idle parts']), ('at work', memory['parts at work']))]
        rows += [('BPF maps idle, at work', f"{mib(memory['maps idle'])}, {mib(memory['maps at work'])}"),
                 ('processor at work', f"{memory['cpu']:.2f} of a core"), ('events lost at work', str(memory['lost']))]
    return Section('User side', 'In CPU time of one core; the release\'s objects and flags.', ('what', ''), rows)


def against(found) -> Section:
    rows = [(way, of['program'], f"`{of['script']}`", ratio(of['ratios'])) for way, of in found['rivals'].items()
            if isinstance(of, dict)]
    words = found['rivals'].get('none') or """bpftrace on the same events at the same time; podtrace's time as a multiple of its. The way
to a program is left out, and that to bpftrace's is longer (a perf event)."""
    return Section('Others', words, ('event', 'podtrace', 'bpftrace', 'ratio'), rows)


SECTIONS = (('', marks), ('programs', native), ('instructions', counted), ('instructions', verified), ('', user_side),
            ('rivals', against))


def sections(found) -> list:
    return [make(found) for part, make in SECTIONS if not part or part in found]


# ---- renderings -------------------------------------------------------------------------------------------------

def text(found) -> str:
    out = []
    for section in sections(found):
        table = [section.head, *section.rows]
        widths = [max(len(plain(row[i])) for row in table) for i in range(len(section.head))]
        out.append(f'\n{section.title}')
        out += ['  ' + '  '.join(plain(cell).ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table]
    return '\n'.join(out)


def plain(cell) -> str:
    return cell.replace('**', '').replace('`', '')


HOW = """
## How it is measured

A program's cost is what it adds to an event. The kernel itself takes the time of each run (`BPF_ENABLE_STATS`); that has
its clock in it and leaves out how it comes to the program and back. A tight loop of system calls, with an empty program at their
end and without, tells what one adds together, and the statistics tell how much of that is inside. So

    cost = time inside + (what an empty program adds in the loop - time inside it there)

also for the empty program and the look-up on the same hook, which the others are compared with. All are attached at once:
empty, look-up, and podtrace's three times, with a filter for another cgroup, with nothing streamed, with everything streamed. So
the same events go through all of them, and what else the machine does hits all alike. The order changes from run to run,
because who comes first meets cold caches. Events come from triggers that make them many times over (tests/bench/trigger.c).

BPF_PROG_TEST_RUN would be simpler; it knows no tp_btf programs, and without a real socket or task a program takes other ways.

In the machines the processor is emulated with one instruction a nanosecond (`-icount`). What a clock reads there is the number of
instructions between, the same at each start; it knows nothing of caches, of locks that wait, of instructions that take long.
So these figures say whether a change of the code made it do more; the native ones say what it is worth.
"""


def markdown(found) -> str:
    here = found['here']
    out = ['<!-- SPDX-License-Identifier: Apache-2.0; written by make bench -->', '# What podtrace costs', '',
           f"Measured on {here['date']}: {here['cpus']} processors of {here['cpu']}, Linux "
           f"{here['kernel']}, other work on them (load {here['load']:.0f}). Ratios and instructions mean something on another "
           'machine as well; times do not. Why what is missed is missed stands in docs/decisions.md.']
    for section in sections(found):
        out += ['', f'## {section.title}', '', section.words, '', '| ' + ' | '.join(section.head) + ' |',
                '|' + ' --- |' * len(section.head)]
        out += ['| ' + ' | '.join(cell.replace('|', '\\|') for cell in row) + ' |' for row in section.rows]
    return '\n'.join(out) + '\n' + HOW
