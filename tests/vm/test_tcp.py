#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Connections on real kernels, by each rung of the ladder: the same load gives the same records, metrics and ledger, to
the number. What a rung cannot see is written down here, and nothing else may be missing."""

import datetime
import json
import pathlib
import sys
import tempfile
import unittest
from collections import Counter

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[0] / 'e2e'), str(HERE.parents[1] / 'tools')]

import btf_image  # noqa: E402  pylint: disable=wrong-import-position
import coverage  # noqa: E402  pylint: disable=wrong-import-position
import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable, rows  # noqa: E402  pylint: disable=wrong-import-position

N = 2
TIMEOUT = 300  # of the script: it takes 60 s on an idle host
RUNGS = {'tp_btf': '', 'raw_tp': 'tp_btf', 'fentry': 'tp_btf,raw_tp', 'kprobe': 'tp_btf,raw_tp,fentry',
         'perf buffer': 'ringbuf', 'no reads': 'probe_read'}

SCRIPT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/load /sys/fs/cgroup/other
%(first)s

run() { # NAME FORBIDDEN
	: >/out/$1.log
	podtrace trace --cgroup /load --families tcp --output json --otlp-file /out/$1.otlp ${2:+--forbid $2} \\
		>/out/$1.lines 2>/out/$1.log &
	pid=$!
	until grep -q 'watches by' /out/$1.log; do
		kill -0 $pid || return
		sleep 0.1
	done
	for mode in %(modes)s; do
		turns=%(n)d
		case $mode in lost|unheard) turns=1 ;; esac # they wait for seconds
		traffic /sys/fs/cgroup/load $mode $turns >>/out/$1.told || echo "$1: $mode: exit code $?"
		sleep 0.05
	done
	traffic /sys/fs/cgroup/other served %(n)d >/out/$1.elsewhere || echo "$1: elsewhere: exit code $?"
	kill $pid
	wait $pid || echo "$1: podtrace: exit code $?"
}
"""

V4, V6, NOWHERE = '127.0.0.1', '::1', '0.0.0.0'


def pair(address=V4, there=0, back=0, error=(None, None)) -> list:
    """What is told of a connection, both ends watched: bytes there and back, how each end ended."""
    return [('connect', 'client', address, None), ('accept', 'server', address, None),
            ('connection', 'client', address, (there, back, error[0])),
            ('connection', 'server', address, (back, there, error[1]))]


def failed(error, address=V4) -> list:
    return [('connect.failed', 'client', address, error)]


def reset(direction, role, state) -> list:
    return [('reset', role, V4, (direction, state))]


UNROUTABLE = failed('ENETUNREACH', '203.0.113.9') * 2 + failed('ENETUNREACH', '2001:db8::9')

# What one turn of each load is told as. Retransmits come on top: how many, the load itself says.
LOADS = {
    'served': pair(V4, 3, 5) * 2 + pair(V6, 3, 5),
    'refused': (failed('ECONNREFUSED') + reset('receive', 'client', 'syn_sent')) * 4 +
    (failed('ECONNREFUSED', V6) + [('reset', 'client', V6, ('receive', 'syn_sent'))]) * 2,
    'unroutable': UNROUTABLE,
    'portless': pair() + failed('EADDRNOTAVAIL'),
    'odd': failed('EAFNOSUPPORT', NOWHERE),
    'short': failed('EINVAL'),
    'forbidden': failed('EPERM'),
    'locked': failed('EACCES'),
    'mistaken': [],
    'aborted': pair(error=(None, 'ECONNRESET')) + reset('receive', 'server', 'established') +
    reset('transmit', 'unknown', 'closed'),
    'unread': pair(there=1, error=('ECONNRESET', None)) + reset('receive', 'client', 'established') +
    reset('transmit', 'unknown', 'closed'),
    'given-up': pair() * 2 + failed('ECONNABORTED'),
    'fast': pair(there=5) + UNROUTABLE,
    'mptcp': pair(there=3, back=5),
    'lost': pair(there=14),
    'unheard': pair(),
}
# Landlock is asked about TCP since 6.7.
LACKS = {'5.10': {'locked', 'mptcp'}, '6.1': {'locked'}}

# Rungs by feature, where they are not what is asked for.
LISTENERS = {'listen_drop': 'iter'}
# Of 5.10: what the entry of a system call gets is not in its BTF.
OLD_FENTRY = {'accept': 'kprobe'}
# Each rung that is asked for is used.
ALL = {name: (name, {}) for name in ('tp_btf', 'raw_tp', 'fentry', 'kprobe')}
LOCKED = 'lockdown=confidentiality'
# No typed way leads from a descriptor to its socket.
BLIND = {'accept': 'fentry'}


def told(line) -> tuple:
    """A line without what differs from run to run."""
    event = line['event'].removeprefix('podtrace.tcp.')
    detail = line.get('error.type')
    if event == 'connection':
        detail = (line['podtrace.tcp.sent'], line['podtrace.tcp.received'], detail)
    elif event == 'reset':
        detail = (line['network.io.direction'], line['network.connection.state'])
    elif event == 'retransmit':
        return event, line['podtrace.tcp.segment']
    return event, line.get('podtrace.tcp.role'), line.get('network.peer.address'), detail


def moment(line) -> float:
    return datetime.datetime.fromisoformat(line['time'].replace('Z', '+00:00')).timestamp()


class Result:
    """One rung's."""

    def __init__(self, files, name):
        self.name = name
        read = {what: files.get(f'{name}.{what}', b'')
                for what in ('lines', 'log', 'told', 'elsewhere', 'otlp', 'debug')}
        if not read['lines']:
            raise AssertionError(f'{name}: {read["log"].decode()}')
        *self.lines, last = map(json.loads, read['lines'].splitlines())
        self.summary = last['summary']
        # calls that send and receive have a test of their own: test_udp.py
        self.features = {of['feature']: of for of in self.summary['features']
                         if of['family'] == 'tcp' and of['feature'] != 'send_receive'}
        self.rungs = {name: None if of['state'] == 'off' else of['rung'] for name, of in self.features.items()}
        self.loads = list(map(json.loads, read['told'].splitlines()))
        self.elsewhere = json.loads(read['elsewhere'])
        self.debug = read['debug'].decode()
        with tempfile.TemporaryDirectory(prefix='podtrace-vm-') as folder:
            path = pathlib.Path(folder, 'otlp')
            path.write_bytes(read['otlp'])
            self.metrics = rig.Export.of_file(path).metrics()

    def during(self, load) -> Counter:
        return Counter(told(line) for line in self.lines if load['begin'] <= moment(line) <= load['end'] + 0.04 and
                       line['event'] != 'podtrace.tcp.listen_drop')

    def drops(self, mode) -> int:
        load, = (load for load in self.loads if load['mode'] == mode)
        return sum(line['podtrace.tcp.listen.drops'] for line in self.lines
                   if line['event'] == 'podtrace.tcp.listen_drop' and load['begin'] <= moment(line) <= load['end'])

    def metric(self, name) -> dict:
        """{attributes' values: number}"""
        return {tuple(value for _, value in key): number
                for key, number in self.metrics.get(f'podtrace.tcp.{name}', {}).items()}


class Rungs(unittest.TestCase):
    maxDiff = None

    def machine(self, kernel, append='', arch='amd64'):
        try:
            machine = Machine(kernel, append, arch=arch)
            machine.add_program('/bin/traffic', HERE / 'traffic.c')
            machine.add_podtrace()
        except Unavailable as why:
            self.skipTest(str(why))
        return machine

    def results(self, machine, names, modes, first=''):
        runs = '\n'.join(f"run '{name.replace(' ', '_')}' {RUNGS[name]}" for name in names)
        result = machine.run(SCRIPT % {'modes': ' '.join(modes), 'n': N, 'first': first} + runs, TIMEOUT)
        self.assertEqual((result.code, result.log), (0, ''))
        return {name: Result(result.files, name.replace(' ', '_')) for name in names}

    def wanted(self, load) -> Counter:
        """What a load is to be told as."""
        if load['missing']:
            return Counter()
        again = {('retransmit', segment): load[segment] for segment in ('data', 'syn', 'synack') if load[segment]}
        return Counter(LOADS[load['mode']] * load['turns']) + Counter(again)

    def differences(self, result) -> dict:
        """{load: what is told and should not be, what is not and should be}"""
        out = {}
        for load in result.loads:
            got, wanted = result.during(load), self.wanted(load)
            if got != wanted:
                out[load['mode']] = (dict(got - wanted), dict(wanted - got))
        return out

    def assert_told(self, kernel, result):
        with self.subTest(kernel=kernel, rung=result.name):
            self.assertEqual(self.differences(result), {})
            self.assertEqual({load['mode'] for load in result.loads if load['missing']}, LACKS.get(kernel, set()))
            self.assertEqual(result.during(result.elsewhere), Counter())
            self.assertGreater(result.summary['events']['tcp_connect']['filtered'], 0)

    def assert_noticed(self, result):
        """A line less, of each kind, or one twice."""
        whole = result.lines
        first = {told(line)[0]: n for n, line in reversed(list(enumerate(whole)))}
        first.pop('listen_drop')  # has its own count
        self.assertEqual(set(first), {'connect', 'connect.failed', 'accept', 'connection', 'reset', 'retransmit'})
        for kind, n in first.items():
            for result.lines in (whole[:n] + whole[n + 1:], [*whole, whole[n]]):
                with self.subTest(control=kind):
                    self.assertEqual(len(self.differences(result)), 1)
        result.lines = whole

    def assert_added_up(self, kernel, result):
        """Nothing lost; metrics are what the lines are, and retransmits what the sockets say."""
        with self.subTest(kernel=kernel, rung=result.name):
            self.assertEqual((result.summary['lost'], result.summary['unaccounted']), (0, 0))
            lines = Counter(told(line) for line in result.lines)
            ends = [(of[1], of[3]) for of in lines.elements() if of[0] == 'connect.failed']
            made = {('client',): sum(n for of, n in lines.items() if of[0] == 'connect'),
                    ('server',): sum(n for of, n in lines.items() if of[:2] == ('connection', 'server'))}
            self.assertEqual(result.metric('connections'),
                             made | dict(Counter((error, role) for role, error in ends)))
            again = {(segment,): sum(load[segment] for load in result.loads) for segment in ('data', 'syn', 'synack')}
            self.assertEqual(result.metric('retransmits'), again)
            self.assertEqual(result.drops('given-up'), N)
            self.assertEqual(result.metric('resets'), {
                (direction,): sum(n for of, n in lines.items() if of[0] == 'reset' and of[3][0] == direction)
                for direction in ('receive', 'transmit')})

    def assert_rungs(self, kernel, result, asked, lower):
        self.assertEqual(result.rungs, {feature: LISTENERS.get(feature) or lower.get(feature, asked)
                                        for feature in result.rungs}, (kernel, result.name))
        for feature in lower:
            self.assertRegex(result.features[feature]['reason'],
                             'refused by the verifier: |reads kernel memory by helper|needs a BPF helper')

    def interrupted(self, kernel, result) -> bool:
        """Whether it misses something and says so. While a kprobe's program runs on a CPU no other does: what a timer
        does meanwhile is seen by none. The kernel counts it; 5.10 does not. A host that is busy makes it likely."""
        unseen = sum(kind['unseen'] for kind in result.summary['events'].values())
        return bool(self.differences(result)) and (kernel == '5.10' or unseen > 0)

    def assert_same(self, kernel, result, best):
        """The numbers that no line has."""
        with self.subTest(kernel=kernel, rung=result.name):
            for name in ('state.changes', 'state.duration', 'accept.wait', 'connection.duration', 'rtt', 'io'):
                self.assertEqual(result.metric(name), best.metric(name), name)
            for kind in ('tcp_state', 'tcp_close', 'tcp_accept', 'tcp_reset'):
                # what is preempted while it runs misses others, and the kernel counts them: here, none that matter
                self.assertEqual({**result.summary['events'][kind], 'unseen': 0},
                                 {**best.summary['events'][kind], 'unseen': 0}, kind)

    def check(self, kernel, rungs, append='', arch='amd64'):
        """rungs: {name of RUNGS: (the rung that is to be used, features that use a lower one)}"""
        results = self.results(self.machine(kernel, append, arch), rungs, LOADS)
        for turn in range(2):
            if 'kprobe' in results and self.interrupted(kernel, results['kprobe']):
                print(f'# note: {kernel} {arch}: a kprobe was interrupted, turn {turn + 1}')
                results.update(self.results(self.machine(kernel, append, arch), ['kprobe'], LOADS))
        for name, result in results.items():
            self.assertEqual([load['mode'] for load in result.loads], list(LOADS))
            self.assert_rungs(kernel, result, *rungs[name])
            self.assert_told(kernel, result)
            self.assert_added_up(kernel, result)
            self.assert_same(kernel, result, results['tp_btf'])
            coverage.record(kernel, append, name, {('tcp', of): row for of, row in result.features.items()}, arch)
        self.assert_noticed(results['tp_btf'])

    def test_5_10(self):
        self.check('5.10', {'tp_btf': ('tp_btf', {}), 'raw_tp': ('raw_tp', {}), 'fentry': ('fentry', OLD_FENTRY),
                            'kprobe': ('kprobe', {})})

    def test_6_1(self):
        self.check('6.1', {'tp_btf': ('tp_btf', {}), 'raw_tp': ('raw_tp', {}), 'fentry': ('fentry', {}),
                           'kprobe': ('kprobe', {}), 'no reads': ('tp_btf', BLIND)})

    def test_6_12(self):
        self.check('6.12', {'tp_btf': ('tp_btf', {}), 'raw_tp': ('raw_tp', {}), 'fentry': ('fentry', {}),
                            'kprobe': ('kprobe', {}), 'perf buffer': ('tp_btf', {})})

    def test_6_18(self):
        self.check('6.18', ALL)

    def test_7_3(self):
        self.check('7.3', ALL)

    def test_arm64(self):
        """No trampolines for fentry before 6.4."""
        self.check('6.1', {**ALL, 'fentry': ('kprobe', {})}, arch='arm64')
        self.check('6.12', ALL, arch='arm64')

    def test_5_10_locked(self):
        """Whose a socket is has no type there that a typed load could follow: off, and each feature says why."""
        result = self.machine('5.10', LOCKED).run('podtrace doctor --families tcp --output json >/out/doctor; true')
        rows = {of['feature']: of for of in json.loads(result.files['doctor'])['doctor']['features']
                if of['family'] == 'tcp'}
        self.assertEqual({(of['state'], bool(of['reason'])) for of in rows.values()}, {('off', True)})
        coverage.record('5.10', LOCKED, 'tp_btf', {('tcp', of): row for of, row in rows.items()})

    def test_6_1_locked(self):
        self.check('6.1', {'tp_btf': ('tp_btf', BLIND), 'fentry': ('fentry', {})}, LOCKED)

    def test_7_3_locked(self):
        self.check('7.3', {'tp_btf': ('tp_btf', BLIND), 'fentry': ('fentry', {})}, LOCKED)

    def test_6_12_locked(self):
        self.check('6.12', {'tp_btf': ('tp_btf', BLIND), 'fentry': ('fentry', {})}, LOCKED)

    def test_missing(self):
        """A tracepoint and a function that the kernel does not have: known before anything is loaded, and only the
        features that need them go down a rung, or are off."""
        machine = self.machine('6.12')
        whole = btf_image.read(machine.kernel).btf
        names = {'btf_trace_tcp_retransmit_synack': 'tracepoint', 'tcp_v6_send_reset': 'function'}
        for name in names:
            self.assertEqual(whole.count(b'\0%s\0' % name.encode()), 1, name)
            whole = whole.replace(b'\0%s\0' % name.encode(), b'\0%s\0' % name[::-1].encode())
        machine.add('/btf', whole)
        best, lower = self.results(machine, ('tp_btf', 'fentry'), ('unheard', 'aborted'), """
mount --bind /btf /sys/kernel/btf/vmlinux
sed 's/ tcp_v6_send_reset$/ gone/' /proc/kallsyms >/tmp/kallsyms
mount --bind /tmp/kallsyms /proc/kallsyms
podtrace trace --all --duration 0.1s --families tcp --log-level debug --forbid tp_btf,raw_tp \\
	>/dev/null 2>/out/fentry.debug
""").values()
        self.assert_told('6.12', best)
        unseen = Counter(reset('transmit', 'unknown', 'closed') * N)
        self.assertEqual(self.differences(lower), {'aborted': ({}, dict(unseen))})
        self.assertIn('tcp_answer_v6_fentry has no target', lower.debug)
        self.assertNotIn('is refused', lower.debug)
        self.assertEqual({name: rung for name, rung in best.rungs.items() if rung != 'tp_btf'},
                         LISTENERS | {'retransmit_synack': 'fentry'})
        self.assertEqual(best.features['retransmit_synack']['reason'],
                         'the kernel has no tracepoint tcp_retransmit_synack')
        self.assertEqual({name: rung for name, rung in lower.rungs.items() if rung != 'fentry'},
                         LISTENERS | {'reset_sent': None})
        self.assertEqual(lower.features['reset_sent']['reason'], 'the kernel has no function tcp_v6_send_reset')


if __name__ == '__main__':
    unittest.main()
