/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroups: what identity is made from. Not exported by themselves. */
#include "otel/map/map.h"

void otlp_cgroup_mkdir(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	attr_str(&ret->note.attrs, "podtrace.cgroup.path", ev->cgroup_mkdir.path);
	if (ev->pid)
		attr_int(&ret->note.attrs, "process.pid", ev->pid);
}
