#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills for want of memory on real kernels by each rung, also under confidentiality, and figures of containers from the
files of v2, of v1 and of both: each is what the kernel says itself, to the number."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import coverage  # noqa: E402  pylint: disable=wrong-import-position
import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position
from rig import series  # noqa: E402  pylint: disable=wrong-import-position

N = 3
LIMIT = 16 << 20
ID = 'a' * 64
RUNGS = {'tp_btf': '', 'raw_tp': 'tp_btf'}
LOCKED = 'lockdown=confidentiality'
FILES = ('memory.stat', 'memory.events', 'memory.oom_control', 'memory.max', 'memory.limit_in_bytes', 'cpu.stat',
         'cpuacct.usage_user', 'cpuacct.usage_sys', 'pids.current', 'pids.max')

# Each makes the trees; $all are their roots.
V2 = f"""
base=/sys/fs/cgroup
mount -t cgroup2 cgroup2 $base
for dir in $base $base/top; do
	mkdir -p $dir
	echo '+memory +cpu +pids' >$dir/cgroup.subtree_control
done
mkdir $base/top/{ID} $base/top/other
all=$base
"""
V1 = f"""
base=/sys/fs/cgroup
mount -t tmpfs tmpfs $base
for c in memory pids cpu,cpuacct; do
	mkdir $base/$c
	mount -t cgroup -o $c cgroup $base/$c 2>/dev/null || {{ rmdir $base/$c; continue; }}
	mkdir -p $base/$c/top/{ID} $base/$c/top/other
	all="$all $base/$c"
done
"""
HYBRID = f"""
base=/sys/fs/cgroup
mount -t tmpfs tmpfs $base
mkdir $base/memory $base/unified
mount -t cgroup -o memory cgroup $base/memory
mount -t cgroup2 cgroup2 $base/unified
for dir in $base/unified $base/unified/top; do
	mkdir -p $dir
	echo '+cpu +pids' >$dir/cgroup.subtree_control
done
all="$base/memory $base/unified"
for tree in $all; do
	mkdir -p $tree/top/{ID} $tree/top/other
done
"""
SCRIPT = f"""
inside() {{ # FOLDER COMMAND...: in all trees
	(
		for tree in $all; do echo 0 >$tree/top/$1/cgroup.procs; done
		shift
		exec "$@"
	)
}}

files() {{ # what the container's own say
	for tree in $all; do
		(cd $tree/top/{ID} && grep . {' '.join(FILES)} 2>/dev/null)
	done
}}

for tree in $all; do
	for limit in memory.max memory.limit_in_bytes; do
		for dir in {ID} other; do
			[ ! -e $tree/top/$dir/$limit ] || echo {LIMIT} >$tree/top/$dir/$limit
		done
	done
done

run() {{ # NAME FORBIDDEN
	: >/out/$1.log
	files >/out/$1.before
	podtrace trace --cgroup /top/{ID} --families sched,memory --output json --otlp-file /out/$1.otlp \\
		${{2:+--forbid $2}} >/out/$1.lines 2>/out/$1.log &
	pid=$!
	until grep -q 'watches by' /out/$1.log; do
		kill -0 $pid || return
		sleep 0.1
	done
	inside {ID} workload hog 4
	if [ -n "$oom" ]; then
		for i in $(seq {N}); do inside {ID} workload hog 64; done
		inside other workload hog 64
		inside {ID} workload rest 60 &
		kill -9 $! # for another reason
		wait $!
	fi
	sleep 2.5 # the kernel adds up what CPUs counted every two
	files >/out/$1.after
	kill $pid
	wait $pid || echo "$1: podtrace: exit code $?"
}}
"""


def keyed(text) -> dict:
    """{'memory.stat pgfault': 12, 'pids.max': 'max'} of what grep found."""
    out = {}
    for line in text.decode().splitlines():
        file, _, rest = line.partition(':')
        key, _, value = rest.rpartition(' ')
        out[f'{file} {key}'.strip()] = int(value) if value.isdigit() else value
    return out


class Memory(unittest.TestCase):
    maxDiff = 4000

    def check(self, kernel, append='', rungs=RUNGS, arch='amd64', trees=V2, memory=True):
        try:
            machine = Machine(kernel, append, arch=arch)
            machine.add_program('/bin/workload', rig.HERE / 'workload.c')
            machine.add_podtrace()
        except Unavailable as why:
            self.skipTest(str(why))
        runs = ''.join(f"run '{name}' '{RUNGS[name]}'\n" for name in rungs)
        result = machine.run(trees + f'oom={"yes" if memory else ""}\n' + SCRIPT + runs)
        self.assertEqual(result.code, 0, result.log)
        for name in rungs:
            with self.subTest(kernel=kernel, rung=name, append=append):
                *lines, last = map(json.loads, result.files[f'{name}.lines'].splitlines())
                summary = last['summary']
                feature, = (of for of in summary['features'] if of['family'] == 'memory')
                self.assertEqual((summary['lost'], summary['unaccounted']), (0, 0))
                self.assertEqual(feature['rung'], name, feature['reason'])
                metrics = self.exported(result.files[f'{name}.otlp'])
                self.figures(keyed(result.files[f'{name}.before']), keyed(result.files[f'{name}.after']), metrics, memory)
                if memory:
                    self.kills(lines, metrics, summary['events']['memory_oom_kill'], append == LOCKED, kernel)
                coverage.record(kernel, append, name, {('memory', feature['feature']): feature}, arch)

    def kills(self, lines, metrics, ledger, locked, kernel):
        kills = [line for line in lines if line['event'] == 'podtrace.memory.oom_kill']
        self.assertEqual([line['process.executable.name'] for line in kills], ['workload'] * N)
        self.assertEqual(metrics['podtrace.memory.oom_kills'], {series({}): N})
        self.assertEqual((ledger['filtered'], ledger['unseen']), (1, 0))
        for line in kills:
            self.assertEqual(line.get('podtrace.memory.limit'), None if locked else LIMIT)
            self.assertGreater(line['podtrace.memory.virtual'], 64 << 20)
            if locked and kernel in ('5.10', '6.1'):  # before 6.2 only the helper can read it
                self.assertEqual(line['podtrace.memory.anon'], 0)
            else:
                self.assertLessEqual(line['podtrace.memory.anon'], LIMIT)
                self.assertGreater(line['podtrace.memory.anon'], LIMIT * 0.8)

    def figures(self, before, after, metrics, memory):
        def grown(*keys):
            key, = (key for key in keys if key in after)
            return after[key] - before[key]

        def told(name, **attributes):
            return metrics[name][series({key.replace('_', '.'): value for key, value in attributes.items()})]

        for mode, v2, v1 in (('user', 'user_usec', 'usage_user'), ('system', 'system_usec', 'usage_sys')):
            ns = grown(f'cpu.stat {v2}') * 1000 if f'cpu.stat {v2}' in after else grown(f'cpuacct.{v1}')
            self.assertAlmostEqual(told('container.cpu.time', cpu_mode=mode), ns / 1e9, 9)
        self.assertEqual(told('podtrace.tasks'), after['pids.current'])
        self.assertEqual(after['pids.max'], 'max')
        self.assertNotIn('podtrace.tasks.limit', metrics)
        if not memory:
            self.assertNotIn('container.memory.usage', metrics)
            return
        total = 'total_' if 'memory.stat total_pgfault' in after else ''
        major = grown(f'memory.stat {total}pgmajfault')
        minor = grown(f'memory.stat {total}pgfault') - major
        self.assertGreater(minor, (4 << 20) // 4096)
        self.assertEqual(metrics['container.paging.faults'], {series({'system.paging.fault.type': 'minor'}): minor,
                                                              series({'system.paging.fault.type': 'major'}): major})
        killed = {'podtrace.memory.event': 'oom_kill'}
        self.assertEqual(grown('memory.events oom_kill', 'memory.oom_control oom_kill'), N)
        self.assertEqual(metrics['podtrace.memory.events'][series(killed)], N)
        self.assertEqual(metrics['podtrace.memory.limit'], {series({'podtrace.memory.limit.type': 'max'}): LIMIT})

    def exported(self, bytes_):
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes_)
            file.flush()
            return rig.Export.of_file(file.name).metrics()

    def test_5_10(self):
        self.check('5.10')

    def test_5_10_locked(self):
        self.check('5.10', LOCKED, ['tp_btf'])

    def test_6_1(self):
        self.check('6.1')

    def test_6_1_locked(self):
        self.check('6.1', LOCKED, ['tp_btf'])

    def test_6_1_v1(self):
        self.check('6.1', trees=V1)

    def test_6_1_hybrid(self):
        self.check('6.1', trees=HYBRID)

    def test_6_12(self):
        self.check('6.12')

    def test_6_12_v1(self):
        """It has no memory controller for v1."""
        self.check('6.12', rungs=['tp_btf'], trees=V1, memory=False)

    def test_6_12_locked(self):
        self.check('6.12', LOCKED, ['tp_btf'])

    def test_6_18(self):
        self.check('6.18')

    def test_7_3(self):
        self.check('7.3')

    def test_7_3_locked(self):
        self.check('7.3', LOCKED, ['tp_btf'])

    def test_arm64(self):
        self.check('6.12', arch='arm64', rungs=['tp_btf'])


if __name__ == '__main__':
    unittest.main()
