#!/bin/sh
# One process that is killed at the limit of a cgroup of its own, v2 or v1, and the podtrace that watches it.
# pick: ."event" == "podtrace.memory.oom_kill"
base=/sys/fs/cgroup
if [ -d $base/memory ]; then
	dir=$base/memory/oom-trigger limit=memory.limit_in_bytes
else
	dir=$base/oom-trigger limit=memory.max
fi
mkdir -p $dir
echo 16777216 >$dir/$limit
sh -c "echo 0 >$dir/cgroup.procs; exec python3 -c 'bytearray(64 << 20)'"
rmdir $dir
