#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each way a node can have its cgroups, on real kernels: v1 alone, hybrid with a runtime that knows v2 and with one that
does not, v2 alone. Whatever containers do is told with their names, to the number; what others do is not."""

import json
import os
import pathlib
import sys
import unittest
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'e2e'))

import rig  # noqa: E402  pylint: disable=wrong-import-position
from machine import Machine, Unavailable  # noqa: E402  pylint: disable=wrong-import-position

N = 20
POD = '0f0e0d0c-0b0a-0908-0706-050403020100'
IDS = {name: name * 64 for name in 'abc'}
TCP = {'tcp.connect': N, 'tcp.accept': N, 'tcp.connection': 2 * N}
# of one load: the two workloads themselves are started in there as well
LOAD = {'process.fork': N + 2, 'process.exec': N + 2, 'process.exit': N + 2, **TCP}

# mode: where cgroups are mounted, where containers are made, in which of it they run
MODES = {
    'v1': ('v1', 'memory pids cpu,cpuacct devices'),
    'hybrid, runtime of v1': ('v1 v2', 'memory pids cpu,cpuacct devices'),
    'hybrid': ('v1 v2', 'memory pids cpu,cpuacct devices unified'),
    'v2': ('v2alone', '.'),
}

SCRIPT = r"""
base=/sys/fs/cgroup
pod=kubepods/burstable/pod%(pod)s

for what in %(mounts)s; do
	case $what in
	v1)
		mount -t tmpfs tmpfs $base
		for c in memory pids cpu,cpuacct devices freezer blkio; do
			mkdir $base/$c
			# kernels of our days refuse memory
			mount -t cgroup -o $c cgroup $base/$c 2>/dev/null || rmdir $base/$c
		done ;;
	v2) mkdir $base/unified && mount -t cgroup2 cgroup2 $base/unified ;;
	v2alone) mount -t cgroup2 cgroup2 $base ;;
	esac
done

container() { # ID
	for tree in %(places)s; do
		[ ! -d $base/$tree ] || mkdir -p $base/$tree/$pod/$1
	done
}

enter() { # FOLDER: this process, in all trees that have it
	for tree in %(places)s; do
		[ ! -d $base/$tree ] || echo 0 >$base/$tree/$1/cgroup.procs
	done
}

load() { # ID
	(
		enter $pod/$1
		/bin/workload procs %(n)d 2
		/bin/workload tcp %(n)d 3 5 4
		enter .
	)
}

watch() { # NAME ARGUMENT...
	name=$1
	shift
	: >/out/$name.log
	podtrace trace --families process,tcp,cgroup --output json "$@" >/out/$name 2>/out/$name.log &
	pid=$!
	until grep -q 'watches by' /out/$name.log; do
		kill -0 $pid || return
		sleep 0.1
	done
}

end() {
	kill $pid
	wait $pid || echo "podtrace: exit code $?"
}

container %(a)s
container %(b)s
(enter $pod/%(a)s; exec sleep 1000) &
sleep 0.2

podtrace doctor --output json >/out/doctor
watch tp_btf --cgroup /$pod/%(a)s
load %(a)s & first=$!
load %(b)s
wait $first
end

watch raw_tp --cgroup /$pod --forbid tp_btf
load %(a)s
container %(c)s
load %(c)s
end

watch all --all
load %(a)s & first=$!
load %(b)s
load none 2>/dev/null # there is no such container: the host itself
wait $first
end
"""


class Cgroups(unittest.TestCase):
    def boot(self, kernel, mode, append):
        if not os.path.exists(rig.BINARY):
            self.skipTest('podtrace is not built: make')
        mounts, places = MODES[mode]
        try:
            machine = Machine(kernel, append)
        except Unavailable as why:
            self.skipTest(str(why))
        machine.add('/bin/podtrace', rig.BINARY)
        machine.add('/bin/workload', rig.workload())
        return machine.run(SCRIPT % {**IDS, 'pod': POD, 'n': N, 'mounts': mounts, 'places': places})

    def counted(self, result, name) -> dict:
        """{container: {event: n}} of the lines; "" is the host."""
        *lines, last = map(json.loads, result.files[name].splitlines())
        self.assertEqual((last['summary']['lost'], last['summary']['unaccounted']), (0, 0))
        out = {}
        for line in lines:
            container = line.get('container.id', '')
            if container:
                self.assertEqual(line['k8s.pod.uid'], POD)
            out.setdefault(container, Counter())[line['event'].removeprefix('podtrace.')] += 1
        return out

    def check(self, kernel, mode, tree, append=''):
        result = self.boot(kernel, mode, append)
        self.assertEqual((result.code, result.log), (0, ''))
        doctor = json.loads(result.files['doctor'])['doctor']
        self.assertEqual(doctor['facts']['cgroup_tree']['value'], tree)
        a, b, c = IDS.values()
        self.assertEqual(self.counted(result, 'tp_btf'), {a: LOAD})
        self.assertEqual(self.counted(result, 'raw_tp'), {a: LOAD, c: {**LOAD, 'cgroup.mkdir': 1}})
        everything = self.counted(result, 'all')
        self.assertEqual((everything[a], everything[b]), (LOAD, LOAD))
        self.assertEqual({event: n for event, n in everything[''].items() if event in TCP}, TCP)

    def test_5_10(self):
        self.check_all('5.10', 'memory')

    def test_6_1(self):
        self.check_all('6.1', 'memory')

    def test_6_12(self):
        """It refuses the memory controller for v1."""
        self.check_all('6.12', 'pids')

    def test_no_types(self):
        """By the types that podtrace carries (btf/), which have the controllers' numbers too."""
        for kernel in ('5.10', '6.1'):
            with self.subTest(kernel):
                self.check(kernel, 'v1', 'memory', 'initcall_blacklist=btf_vmlinux_init')

    def check_all(self, kernel, v1):
        for mode, tree in (('v1', v1), ('hybrid, runtime of v1', v1), ('hybrid', 'v2'), ('v2', 'v2')):
            with self.subTest(kernel=kernel, mode=mode):
                self.check(kernel, mode, tree)


if __name__ == '__main__':
    unittest.main()
