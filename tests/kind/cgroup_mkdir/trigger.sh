#!/bin/sh
# Makes one cgroup below the one it runs in, and takes it away again.
# pick: ."event" == "podtrace.cgroup.mkdir" and (."podtrace.cgroup.path" | endswith("/podtrace-kind"))
tree=/sys/fs/cgroup
[ -e "$tree/cgroup.procs" ] || tree=$tree/unified
own=$tree$(sed -n 's/^0:://p' /proc/self/cgroup)
mkdir "$own/podtrace-kind" && rmdir "$own/podtrace-kind"
