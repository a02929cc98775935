#!/usr/bin/env python3
"""2,000 programs and 2,000 connections in one cgroup: exactly 2,000 of each, in counters, in spans and in lines, on
every rung of the ladder. What other cgroups do never crosses the ring."""

import time
import unittest

import rig
from rig import Export, series

N = 2000
ASK, ANSWER = 3, 5
PROCS, TCP = ('procs', N, 4), ('tcp', N, ASK, ANSWER, 4)
RUNGS = {
    'tp_btf': [],
    'raw_tp': ['--forbid', 'tp_btf'],
    'perf buffer': ['--forbid', 'ringbuf'],
    'raw_tp and perf buffer': ['--forbid', 'tp_btf,ringbuf'],
}

CLIENT, SERVER = {'podtrace.tcp.role': 'client'}, {'podtrace.tcp.role': 'server'}
SENT, RECEIVED = {'network.io.direction': 'transmit'}, {'network.io.direction': 'receive'}

# What N connections of the workload do. The listener adds one LISTEN and one CLOSE.
STATES = {'syn_sent': N, 'syn_received': N, 'established': 2 * N, 'fin_wait_1': N, 'fin_wait_2': N, 'close_wait': N,
          'last_ack': N, 'closed': 2 * N + 1, 'listen': 1}
# Those it stays in for a time that is known: a request for a connection has no owner yet.
STAYS = {'syn_sent': N, 'established': 2 * N, 'fin_wait_1': N, 'fin_wait_2': N, 'close_wait': N, 'last_ack': N, 'listen': 1}


def points(*pairs) -> dict:
    return {series(key): value for key, value in pairs}


# Each metric of the two families, to the last point. Durations: how many were measured.
METRICS = {
    'podtrace.process.starts': points(({}, N)),
    'podtrace.process.forks': points(({}, N)),
    'podtrace.process.duration': points(({'podtrace.process.exit.result': 'ok'}, N)),
    'podtrace.tcp.connections': points((CLIENT, N), (SERVER, N)),
    'podtrace.tcp.connect.duration': points((CLIENT, N)),
    'podtrace.tcp.accept.wait': points(({}, N)),
    'podtrace.tcp.connection.duration': points((CLIENT, N), (SERVER, N)),
    'podtrace.tcp.rtt': points((CLIENT, N), (SERVER, N)),
    'podtrace.tcp.io': points((CLIENT | SENT, N * ASK), (CLIENT | RECEIVED, N * ANSWER),
                              (SERVER | SENT, N * ANSWER), (SERVER | RECEIVED, N * ASK)),
    # the last receive of a connection is of its end
    'podtrace.tcp.calls': points((SENT, 2 * N), (RECEIVED, 3 * N)),
    'podtrace.tcp.call.io': points((SENT, N * (ASK + ANSWER)), (RECEIVED, N * (ASK + ANSWER))),
    'podtrace.tcp.call.duration': points((SENT, 2 * N), (RECEIVED, 3 * N)),
    'podtrace.tcp.state.changes': points(*(({'network.connection.state': state}, n) for state, n in STATES.items())),
    'podtrace.tcp.state.duration': points(*(({'network.connection.state': state}, n) for state, n in STAYS.items())),
}

CALLS = 'tcp_send', 'tcp_receive'
# Of each kind: seen in the cgroup (that is: not filtered), and whether the agent streams it. Of others: nothing.
EVENTS = {'process_exec': (N, True), 'process_exec_failed': (0, True), 'process_fork': (N, False),
          'process_exit': (N, True), 'tcp_connect': (N, False), 'tcp_accept': (N, False),
          'tcp_state': (sum(STATES.values()), False), 'tcp_close': (2 * N, True), 'tcp_retransmit': (0, False),
          'tcp_reset': (0, False), 'tcp_send': (2 * N, False), 'tcp_receive': (3 * N, False), 'tcp_listen_drop': (0, True)}
# What the load opens and closes beside its connections, and what it does not speak: tests of their own count it.
OTHERS = ('syscall_call', 'file_op', 'dns_packet', 'dns_lookup', 'lock_futex', 'http_head', 'http_close', 'http_request')
EVENTS = {kind: EVENTS.get(kind, (0, True)) for kind in rig.KINDS if kind not in OTHERS}
# The live view shows all of these.
LINES = {'process.exec': N, 'process.fork': N, 'process.exit': N, 'tcp.connect': N, 'tcp.accept': N,
         'tcp.connection': 2 * N}


class Exact(rig.Case):
    def assert_metrics(self, export, want=None):
        got = {name: values for name, values in export.metrics().items()
               if name.startswith(('podtrace.process.', 'podtrace.tcp.'))}
        self.assertEqual(got, want or METRICS)

    def assert_spans(self, export, procs=N, connections=N):
        programs = export.spans('workload')
        ends = export.spans('tcp.connection')
        self.assertEqual(len(export.spans()), len(programs) + len(ends))
        self.assertEqual((len(programs), len(ends)), (procs, 2 * connections))
        # each once: no process and no end of a connection twice
        self.assertEqual(len({(of['process.pid'], of['process.creation.time']) for _, of in programs}), procs)
        self.assertEqual(len({(of['podtrace.tcp.role'], of['network.local.port'], of['network.peer.port'])
                              for _, of in ends}), 2 * connections)
        self.assertEqual(len({span['trace_id'] for span, _ in export.spans()}), procs + 2 * connections)
        for role, bytes_ in (('client', (ASK, ANSWER)), ('server', (ANSWER, ASK))):
            of_role = [of for _, of in ends if of['podtrace.tcp.role'] == role]
            self.assertEqual([(of['podtrace.tcp.sent'], of['podtrace.tcp.received']) for of in of_role],
                             [bytes_] * connections)

    def assert_events(self, run):
        """The ledger, read by its summary."""
        got = {kind: (n['seen'] - n['filtered'], n['counted'], n['sent'], n['delivered'])
               for kind, n in run.events.items() if kind not in OTHERS}
        self.assertEqual(got, {kind: (n, 0, n, n) if streamed else (n, n, 0, 0)
                               for kind, (n, streamed) in EVENTS.items()})

    def assert_outcomes(self, export, run=None):
        """The ledger once more, as the collector has it."""
        got = {kind: of for kind, of in export.outcomes().items() if kind not in OTHERS}
        for of_kind in got.values():
            of_kind.pop('filtered', None)  # what the machine did meanwhile
        want = {kind: {'sent' if streamed else 'counted': n} for kind, (n, streamed) in EVENTS.items() if n}
        self.assertEqual({kind: of for kind, of in got.items() if of}, want)
        if run:
            self.assertEqual({kind: n['filtered'] for kind, n in run.events.items() if n['filtered']},
                             {kind: of['filtered'] for kind, of in export.outcomes().items() if 'filtered' in of})

    def test_at_the_collector(self):
        """Counters, spans and the ledger at a real Collector, rung by rung."""
        rig.needs_collector()
        for name, rung in RUNGS.items():
            with self.subTest(name):
                cgroup = self.cgroup(name)
                with rig.collector.Collector(self.folder / name) as peer:
                    with self.quiet(cgroup, '--otlp-endpoint', peer.url, *rung) as run:
                        cgroup.run_together(PROCS, TCP)
                    export = Export.of_collector(peer)
                self.assertEqual({f['rung'] for f in run.summary['features']} - {'iter', 'cgroup'},
                                 {'raw_tp' if 'raw_tp' in name else 'tp_btf'})
                self.assertEqual(run.summary['transport'], 'perf buffer' if 'perf' in name else 'ring buffer')
                self.assert_lossless(run)
                self.assert_events(run)
                self.assert_exported(run)
                self.assertEqual(run.lines, [])
                self.assert_metrics(export)
                self.assert_spans(export)
                self.assert_outcomes(export, run)
                self.assertEqual(export.logs(), [])
                self.assert_valid(export)

    def test_the_agent(self):
        """The agent itself; its numbers come by OTLP only."""
        with self.collector() as peer:
            cgroup = self.cgroup()
            with self.podtrace('agent', '--cgroup', cgroup.path, '--otlp-endpoint', peer.url,
                               env={'OTEL_METRIC_EXPORT_INTERVAL': '200'}) as run:
                cgroup.run_together(PROCS, TCP)
            export = Export.of_collector(peer)
        self.assertEqual(run.code, 0, run.log)
        self.assertEqual(run.out.read_bytes(), b'')
        self.assertGreater(len(peer.lines('metrics')), 2)
        self.assert_metrics(export)
        self.assert_spans(export)
        self.assert_outcomes(export)
        self.assert_valid(export)

    def test_live_lines(self):
        """A line for each event, rung by rung."""
        for name, rung in RUNGS.items():
            with self.subTest(name):
                cgroup = self.cgroup(name)
                with self.trace(cgroup, *rung) as run:
                    cgroup.run_together(PROCS, TCP)
                self.assert_lossless(run)
                # a file that takes long to close is told too, on a busy machine
                self.assertEqual({event: n for event, n in run.by_event().items() if event != 'file.operation'}, LINES)
                for role in ('client', 'server'):
                    self.assertEqual(sum(line['podtrace.tcp.role'] == role for line in run.of('tcp.connection')), N)

    def test_ipv6_and_mapped(self):
        cgroup = self.cgroup()
        with self.trace(cgroup) as run:
            for family in (6, 46):
                cgroup.run('tcp', 100, 1, 1, family)
        self.assert_lossless(run)
        kinds = [line['network.type'] for line in run.of('tcp.connection')]
        self.assertEqual((kinds.count('ipv6'), kinds.count('ipv4')), (200, 200))

    def test_ways_to_make_a_process(self):
        """fork without exec, and vfork: both are forks, and only one of them starts a program."""
        cgroup = self.cgroup()
        with self.trace(cgroup) as run:
            cgroup.run('forks', 150)
            cgroup.run('spawn', 70)
        self.assert_lossless(run)
        self.assertEqual(dict(run.by_event()), {'process.fork': 220, 'process.exec': 70, 'process.exit': 220})

    def test_one_less_is_seen(self):
        """The negative control of all the numbers here: one connection and one program less do not pass."""
        cgroup, path = self.cgroup(), self.folder / 'otlp.jsonl'
        with self.quiet(cgroup, '--otlp-file', path) as run:
            cgroup.run_together(('procs', N - 1, 4), ('tcp', N - 1, ASK, ANSWER, 4))
        export = Export.of_file(path)
        self.assert_spans(export, N - 1, N - 1)
        for check in (lambda: self.assert_spans(export), lambda: self.assert_metrics(export),
                      lambda: self.assert_outcomes(export), lambda: self.assert_events(run)):
            with self.assertRaises(AssertionError):
                check()


class Targets(rig.Case):
    def test_noise_in_another_cgroup(self):
        """The same load next door at the same time: all of it filtered, nothing delivered, nothing in the metrics."""
        wanted, other, path = self.cgroup('wanted'), self.cgroup('wanted-not'), self.folder / 'otlp.jsonl'
        with self.trace(wanted, '--otlp-file', path) as run:
            noise = [other.start(*PROCS), other.start(*TCP)]
            wanted.run_together(('procs', 20, 4), ('tcp', 20, ASK, ANSWER, 4))
            self.assertEqual([process.wait() for process in noise], [0, 0])
        self.assert_lossless(run)
        delivered = {kind: n['delivered'] for kind, n in run.events.items() if n['delivered']}
        self.assertEqual(delivered, {'process_exec': 20, 'process_fork': 20, 'process_exit': 20, 'tcp_connect': 20,
                                     'tcp_accept': 20, 'tcp_close': 40})
        # the rest of the machine is filtered too, so these are bounds; the test below has the exact numbers
        for kind, (n, _) in EVENTS.items():
            self.assertGreaterEqual(run.events[kind]['filtered'], 0 if kind in CALLS else n, kind)
        export = Export.of_file(path)
        self.assertEqual(export.metrics()['podtrace.process.starts'], points(({}, 20)))
        self.assertEqual(export.metrics()['podtrace.tcp.connections'], points((CLIENT, 20), (SERVER, 20)))
        self.assertEqual(len(export.spans()), 60)

    def test_filtered_to_the_number(self):
        """What is filtered is what the neighbour did, never less. More is what others on this machine did meanwhile: then
        once more, until nobody else made a connection. Calls of others are turned away before it is known what they are."""
        wanted, other = self.cgroup('wanted'), self.cgroup('other')
        want = {kind: n for kind, (n, _) in EVENTS.items() if kind.startswith('tcp') and kind not in CALLS}
        for _ in range(15):
            with self.trace(wanted, '--families', 'tcp') as run:
                other.run(*TCP)
            self.assert_lossless(run)
            self.assertEqual(run.lines, [])
            filtered = {kind: run.events[kind]['filtered'] for kind in want}
            self.assertEqual({kind: filtered[kind] for kind in want if filtered[kind] < want[kind]}, {})
            if filtered == want:
                return
            time.sleep(1)
        self.skipTest(f'other programs here make connections all the time: {filtered}')

    def test_the_other_as_target(self):
        """The negative control: with the neighbour as the target its noise is what is delivered."""
        wanted, other = self.cgroup('wanted'), self.cgroup('other')
        with self.trace(other) as run:
            noise = [other.start('procs', 50, 4)]
            wanted.run('procs', 20, 4)
            self.assertEqual([process.wait() for process in noise], [0])
        self.assert_lossless(run)
        self.assertEqual(dict(run.by_event()), {'process.fork': 50, 'process.exec': 50, 'process.exit': 50})

    def test_below_and_several(self):
        """A target means all below it too, several targets are a list, a relative path is one of the tree."""
        pod, other, third = self.cgroup('pod'), self.cgroup('other'), self.cgroup('third')
        container = self.keep(pod.child('container'))
        deep = container
        for depth in range(12):
            deep = self.keep(deep.child(f'level{depth}'))
        relative = third.path.removeprefix(rig.v2_root() + '/')
        with self.podtrace('trace', '--cgroup', f'{pod.path},{relative}', '--families', 'process,cgroup',
                           '--output', 'json') as run:
            for cgroup, n in ((pod, 1), (container, 10), (deep, 100), (third, 1000), (other, 5000)):
                if n < 5000:
                    cgroup.run('forks', n)
                else:
                    cgroup.run('forks', 7)
        self.assert_lossless(run)
        self.assertEqual(dict(run.by_event()), {'process.fork': 1111, 'process.exit': 1111})

    def test_a_cgroup_made_later(self):
        """A container that starts below the target while podtrace watches."""
        pod = self.cgroup('pod')
        with self.trace(pod) as run:
            for i in range(5):
                container = self.keep(pod.child(f'c{i}'))
                container.run('procs', 10, 2)
                container.remove()
        self.assert_lossless(run)
        self.assertEqual(dict(run.by_event()), {'cgroup.mkdir': 5, 'process.fork': 50, 'process.exec': 50,
                                                'process.exit': 50})

    def test_families(self):
        """What is left out is not loaded: not even seen."""
        cgroup = self.cgroup()
        for family, lines in (('process', {'process.fork': 10, 'process.exec': 10, 'process.exit': 10}),
                              ('tcp', {'tcp.connect': 10, 'tcp.accept': 10, 'tcp.connection': 20})):
            with self.trace(cgroup, '--families', family) as run:
                cgroup.run_together(('procs', 10, 2), ('tcp', 10, 1, 1, 4))
            self.assert_lossless(run)
            self.assertEqual(dict(run.by_event()), lines)
            self.assertEqual([kind for kind, n in run.events.items() if n['seen'] and not kind.startswith(family)], [])


if __name__ == '__main__':
    unittest.main()
