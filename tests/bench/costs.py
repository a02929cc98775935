# SPDX-License-Identifier: Apache-2.0
"""What `cost` prints, as costs per event.

The kernel takes the time of each run of a program ("inside"). That has its clock in it, and leaves out how it comes to a
program and back. A loop of system calls tells both together: what an empty program at their end adds, and what the
statistics tell of it there. So

    cost = time inside + (what the empty program adds in the loop - time inside it in the loop)

for any program, also for the empty one on the same hook, which may be colder there than in a loop.
"""
import collections
import json
import statistics

CASES = ('unwanted', 'counted', 'streamed')
MARKS = {'unwanted': 1.3, 'counted': 3.0, 'streamed': 4.0}  # DESIGN 6: times an empty program (unwanted: and a look-up)
NOTHING = 'other call'  # the trigger of what is no event at all: it has one case only


class Row:
    """One program with one trigger: its cost in each case, in nanoseconds or instructions."""

    def __init__(self, program, rung, section, trigger):
        self.program, self.rung, self.trigger = program, rung, trigger
        self.way = section.lstrip('?').partition('/')[0]
        self.hook = section.partition('/')[2]
        self.empty = self.lookup = 0.0
        self.cost = {}

    @property
    def name(self):
        return f'{self.program} {self.trigger}'

    def ratio(self, case):
        return self.cost[case] / (self.lookup if case == 'unwanted' else self.empty)


class Costs:
    """A run of `cost`. pick: which of several rounds counts: the smallest where a clock counts instructions and all that
    can happen is something more, the median on a machine that is never quiet."""

    def __init__(self, lines, pick=statistics.median):
        self.rows = {}  # name: Row
        self.refused = {}  # program: why
        self.verified = {}  # program: instructions
        self.dispatch = {}  # way of attaching: (cost of an empty program in a loop, with a look-up, around: see above)
        cases = collections.defaultdict(dict)
        for line in lines:
            said = json.loads(line)
            if 'dispatch' in said:
                self._dispatch(said, pick)
            elif 'verified' in said:
                self._verified(said)
            elif 'error' in said:
                self.refused[said['program']] = said['error']
            else:
                self._round(said, cases, pick)
        for name, row in self.rows.items():
            self._fill(row, cases[name])

    def _round(self, said, cases, pick):
        """One program, one trigger, one case. Of the programs of a feature a trigger may wake only some: those of the others
        are asleep, with it, and must be awake with another."""
        row = Row(*(said[key] for key in ('program', 'rung', 'section', 'trigger')))
        happened = [ns for ns, runs in zip(said['ns'], said['runs']) if runs >= said['events']]
        if happened:
            self.rows.setdefault(row.name, row)
            cases[row.name][said['case']] = pick(happened)

    def _dispatch(self, said, pick):
        if 'error' in said:
            return  # no such hooks here: then no program has one
        without, empty, lookup, inside = (pick(said[key]) for key in ('without', 'empty', 'lookup', 'inside'))
        self.dispatch[said['dispatch']] = empty - without, lookup - without, empty - without - inside

    def _verified(self, said):
        if 'insns' in said:
            self.verified[said['verified']] = said['insns']
        else:
            self.refused[said['verified']] = said['error']

    def _fill(self, row, case):
        if len(case) != len(CASES) + 2:
            raise ValueError(f'{row.name}: runs in the cases {sorted(case)} only')
        # The trap into a library costs far more than any program, and the way to a cgroup's program is the socket's:
        # it is left out of an empty program too, so that the ratio of the two is of what is ours.
        around = 0 if row.way.startswith(('uprobe', 'uretprobe', 'cgroup')) else (
            self.dispatch['raw_tp' if row.way == 'tp_btf' else row.way][2])
        row.empty, row.lookup = case['empty'] + around, case['lookup'] + around
        row.cost = {name: case[name] + around for name in CASES}
