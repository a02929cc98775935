#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The families process and cgroup on real kernels, rung by rung, without and with lockdown: the same load, the same events
to the number, the same paths and directories. What a rung cannot give is said here, row by row."""

import json
import pathlib
import sys
import unittest
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import coverage  # noqa: E402  pylint: disable=wrong-import-position
import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

LONG = 'n' * 60
SCRIPT = r"""
base=/sys/fs/cgroup
mount -t cgroup2 cgroup2 $base
mkdir $base/t $base/home
echo 0 >$base/home/cgroup.procs
mkdir -p /w/short/er /w/%(long)s/in /mnt
mount -t tmpfs tmpfs /mnt

watch() { # NAME ARGUMENT...
	name=$1
	shift
	: >/out/$name.log
	podtrace trace --cgroup /t --families process,cgroup --output json "$@" >/out/$name 2>>/out/$name.log &
	pid=$!
	until grep -q 'watches by' /out/$name.log; do
		kill -0 $pid || return
		sleep 0.1
	done
	load="workload --cgroup $base/t $base/home"
	$load procs 50 4
	$load forks 20
	$load spawn 10
	$load each exit=0 exit=3 signal=9 threads=5 threads=6 group=7 threadexec=9 leader=6 follower=4 >/dev/null
	$load failed /nonexistent /mnt /etc >/dev/null
	for cwd in /w/short/er /w/%(long)s/in /mnt; do
		$load exec $cwd 0 /bin/busybox true >/dev/null
	done
	mkdir $base/t/a $base/t/a/b
	rmdir $base/t/a/b $base/t/a
	kill $pid
	wait $pid || echo "$name: exit code $?"
}

"""
FORKS = 50 + 20 + 10 + 9 + 3 + 3
WANT = {'process.fork': FORKS, 'process.exec': 50 + 10 + 9 + 1 + 3, 'process.exec_failed': 3, 'process.exit': FORKS,
        'cgroup.mkdir': 2}
FEATURE = {'process.fork': 'fork', 'process.exec': 'exec', 'process.exec_failed': 'exec_failed', 'process.exit': 'exit',
           'cgroup.mkdir': 'mkdir'}
ALL, NO_LONG, NONE = {'/w/short/er', f'/w/{LONG}/in', '/mnt'}, {'/w/short/er'}, set()

RUNGS = {'tp_btf': '', 'raw_tp': 'tp_btf', 'fentry': 'tp_btf,raw_tp', 'kprobe': 'tp_btf,raw_tp,fentry'}


def same(rung, **others) -> dict:
    """{feature: rung}, '' is off."""
    return {**dict.fromkeys(FEATURE.values(), rung), **others}


# What each rung becomes, and which directories it knows.
PLAIN = {'tp_btf': (same('tp_btf'), ALL), 'raw_tp': (same('raw_tp'), ALL), 'fentry': (same('fentry'), ALL),
         'kprobe': (same('kprobe', exec_failed=''), ALL)}
# a typed pointer to the current task can be had since 5.11
OLD = {**PLAIN, 'tp_btf': (same('tp_btf', exec_failed='raw_tp'), ALL),
       'fentry': (same('fentry', exec='kprobe', fork='kprobe', exec_failed=''), ALL)}
# no trampolines there before 6.4
NO_FENTRY = {**PLAIN, 'fentry': (same('kprobe', exec_failed=''), ALL)}
# the rungs below are tried, and refused but for fentry
LOCKED = {'tp_btf': (same('tp_btf'), NO_LONG), 'raw_tp': (same('fentry', mkdir=''), NO_LONG)}
OLD_LOCKED = {'tp_btf': (same('tp_btf', exec_failed=''), NONE)}


class Ladder(unittest.TestCase):
    def boot(self, kernel, rungs, append, arch):
        try:
            machine = Machine(kernel, append, arch=arch)
            machine.add_program('/bin/workload', rig.HERE / 'workload.c')
            machine.add_podtrace()
        except Unavailable as why:
            self.skipTest(str(why))
        runs = (f'watch {name}' + (f' --forbid {RUNGS[name]}\n' if RUNGS[name] else '\n') for name in rungs)
        result = machine.run(SCRIPT % {'long': LONG} + ''.join(runs) + 'cat /proc/sys/kernel/tainted >/out/tainted')
        self.assertEqual((result.code, result.log), (0, ''))
        self.assertEqual(result.files['tainted'], b'0\n', 'something made the kernel warn (512)')
        return {name: list(map(json.loads, result.files[name].splitlines())) for name in rungs}

    def check(self, kernel, rungs, append='', arch='amd64'):
        for name, (*lines, last) in self.boot(kernel, rungs, append, arch).items():
            with self.subTest(kernel=kernel, rung=name, append=append):
                by, cwds = rungs[name]
                summary = last['summary']
                self.assertEqual({of['feature']: of['rung'] for of in summary['features']}, by)
                self.assertEqual((summary['lost'], summary['unaccounted']), (0, 0))
                got = Counter(line['event'].removeprefix('podtrace.') for line in lines)
                for event, n in WANT.items():
                    # what is preempted while it runs misses others, and the kernel counts them
                    unseen = summary['events'][event.replace('.', '_')]['unseen']
                    self.assertIn(got[event], range(n - unseen, n + 1) if by[FEATURE[event]] else [0], event)
                self.assertEqual({line.get('process.working_directory') for line in lines
                                  if line.get('process.executable.name') == 'busybox' and 'exec' in line['event']}
                                 - {None}, cwds)
                self.check_cgroups(lines, by['mkdir'], append)
                coverage.record(kernel, append, name,
                                {(of['family'], of['feature']): of for of in summary['features']}, arch)

    def check_cgroups(self, lines, rung, append):
        paths = [line['podtrace.cgroup.path'] for line in lines if line['event'] == 'podtrace.cgroup.mkdir']
        if 'confidentiality' in append:
            self.assertEqual(set(paths) - {''}, set())
        elif rung:
            self.assertEqual(paths, ['/t/a', '/t/a/b'])

    def test_5_10(self):
        self.check('5.10', OLD)

    def test_5_10_locked(self):
        self.check('5.10', OLD_LOCKED, 'lockdown=confidentiality')

    def test_6_1(self):
        self.check('6.1', PLAIN)

    def test_6_1_locked(self):
        self.check('6.1', LOCKED, 'lockdown=confidentiality')

    def test_6_12(self):
        self.check('6.12', PLAIN, 'lockdown=integrity')

    def test_6_12_locked(self):
        self.check('6.12', LOCKED, 'lockdown=confidentiality')

    def test_6_18(self):
        self.check('6.18', PLAIN)

    def test_7_3(self):
        self.check('7.3', PLAIN)

    def test_arm64(self):
        self.check('6.1', NO_FENTRY, arch='arm64')
        self.check('6.12', PLAIN, arch='arm64')


if __name__ == '__main__':
    unittest.main()
