#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No program costs more than was agreed to, on any kernel: in instructions of the processor, exact, and in those that the
verifier has to look at."""

import copy
import json
import re
import unittest

import costs
import figures
import machine

REGISTRY = (figures.ROOT / 'bpf' / 'registry.def').read_text(encoding='utf-8')
PROGRAMS = set(re.findall(r'^PROG(?:_COPIED)?\(\w+, \w+, (\w+)', REGISTRY, re.M))
# measured by no trigger, because
UNMEASURED = {
    'process_execveat_fexit': 'it is what process_execve_fexit is',
    'tcp_probe_fexit': 'a probe for a lost tail is rare',
    'tcp_probe_kprobe': 'the same',
    'tcp_probe_kretprobe': 'the same',
    'tcp_connect_asked_v4_kretprobe': 'it runs where a program of a cgroup is asked about connects',
    'tcp_connect_asked_v6_kretprobe': 'the same',
    'tcp_connect_v6_kretprobe': 'it is what tcp_connect_v4_kretprobe is',
    'tcp_answer_v6_fentry': 'it is what tcp_answer_v4_fentry is',
    'tcp_answer_v6_kprobe': 'it is what tcp_answer_v4_kprobe is',
    'tcp_connect_denied_fexit': 'what it does when a connect is denied is measured as tcp_connect_fexit',
    **{f'dns_{hook}': 'it is what dns_sendmsg4 is' for hook in
       ('connect4', 'connect6', 'sendmsg6', 'bind4', 'bind6')},
    'memory_victim_btf': 'it runs when the kernel kills for want of memory, which takes far longer',
    'memory_victim_raw': 'the same',
    'tcp_listeners': 'it runs every ten seconds, once for each open file, and at no event',
}


def setUpModule():
    global NOW  # pylint: disable=global-statement
    if not figures.COST.exists():
        raise unittest.SkipTest(f'{figures.COST} is not built: make test-programs')
    try:
        NOW = figures.measure_all()
    except machine.Unavailable as why:
        raise unittest.SkipTest(str(why)) from why


NOW = {}


def note(line):
    """Told by tests/run.py, though nothing failed."""
    print(f'# note: {line}', flush=True)


class Cost(unittest.TestCase):
    def setUp(self):
        self.agreed = figures.read()

    def each(self):
        return [(kernel, self.agreed['kernels'].get(kernel, figures.NONE), NOW['kernels'][kernel])
                for kernel in figures.KERNELS]

    def test_no_program_costs_more(self):
        if NOW['emulator'].partition('.')[0] != self.agreed['emulator'].partition('.')[0]:
            self.skipTest(f"qemu {NOW['emulator']} may count in another way than {self.agreed['emulator']}: make figures")
        for kernel, agreed, now in self.each():
            for line in figures.falls(agreed, now):
                note(f'{kernel}: {line}: make figures')
            with self.subTest(kernel):
                self.assertEqual(figures.rises(agreed, now), [], 'if it must be so: make figures, and say why in the commit')

    def test_no_program_is_near_the_verifiers_end(self):
        for kernel, agreed, now in self.each():
            for line in figures.jumps(agreed, now):
                note(f'{kernel}: {line}')
            with self.subTest(kernel):
                self.assertEqual({name: n for name, n in now['verified'].items() if n > figures.VERIFIED_MAX}, {})

    def test_every_program_is_measured(self):
        for kernel, _, now in self.each():
            measured = {name.split()[0] for name in now['cost']}
            unseen = PROGRAMS - measured - set(now['refused']) - set(UNMEASURED)
            with self.subTest(kernel):
                self.assertEqual(unseen, set(), 'a trigger in tests/bench/trigger.c is missing')
                self.assertEqual(PROGRAMS - set(now['verified']) - set(now['refused']), set())

    def test_a_look_up_costs(self):
        """The clock counts instructions: an empty program is some, a look-up in a hash more, podtrace's yet more."""
        for _, _, now in self.each():
            empty, lookup = now['dispatch']['raw_tp'].values()
            self.assertTrue(50 < empty < 200 and 80 < lookup - empty < 300, now['dispatch'])
            counted = now['cost']['process_exec_btf spawn']['counted']
            self.assertGreater(counted, lookup)


class Controls(unittest.TestCase):
    """What is to be found is found."""

    def setUp(self):
        self.agreed = figures.read()['kernels']['6.12']
        self.now = copy.deepcopy(self.agreed)
        self.cases = self.now['cost']['process_exec_btf spawn']

    def test_the_same(self):
        for of in (figures.rises, figures.falls, figures.jumps):
            self.assertEqual(of(self.agreed, self.now), [])

    def test_a_rise(self):
        self.cases['counted'] = int(self.cases['counted'] * 1.04)
        self.assertEqual(figures.rises(self.agreed, self.now), [])
        self.cases['counted'] = int(self.cases['counted'] * 1.07)
        self.assertRegex(figures.rises(self.agreed, self.now)[0], r'^process_exec_btf spawn, counted: .*\+1[01]\.')
        self.assertEqual(len(figures.falls(self.now, self.agreed)), 1)

    def test_new_gone_refused(self):
        self.now['cost']['new_btf spawn'] = {'counted': 1}
        del self.cases['streamed']
        self.now['refused']['process_fork_btf'] = 'Permission denied'
        self.assertEqual([line.split(': ')[1] for line in figures.rises(self.agreed, self.now)],
                         ['has no figure', 'is measured no more', 'refused here, and was not'])

    def test_a_jump(self):
        self.now['verified']['process_exec_btf'] = int(self.agreed['verified']['process_exec_btf'] * 1.3)
        self.assertEqual(len(figures.jumps(self.agreed, self.now)), 1)

    def test_a_trigger_that_fires_nothing(self):
        """What ran too seldom is no figure; what did so in one case alone is a fault."""
        def lines(runs):
            yield json.dumps({'dispatch': 'raw_tp', 'without': [300], 'empty': [400], 'lookup': [500], 'inside': [40]})
            for case, ns in (('empty', 50), ('lookup', 150), ('unwanted', 200), ('counted', 270), ('streamed', 380)):
                yield json.dumps({'program': 'p', 'rung': 'tp_btf', 'section': 'tp_btf/x', 'trigger': 't', 'events': 100,
                                  'case': case, 'runs': [runs[case]], 'ns': [ns]})

        often = dict.fromkeys(('empty', 'lookup', *costs.CASES), 100)
        row = costs.Costs(lines(often)).rows['p t']
        self.assertEqual((row.empty, row.lookup, row.cost['unwanted']), (110, 210, 260))
        self.assertEqual([row.ratio(case) for case in costs.CASES], [260 / 210, 3, 4])
        self.assertEqual(costs.Costs(lines(dict.fromkeys(often, 99))).rows, {})
        with self.assertRaisesRegex(ValueError, 'p t: runs in the cases'):
            costs.Costs(lines({**often, 'counted': 99}))


if __name__ == '__main__':
    unittest.main()
