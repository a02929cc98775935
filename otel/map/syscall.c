/* SPDX-License-Identifier: Apache-2.0 */
/* System calls. The semantic conventions have no names for them: ours. */
#include "base/errname.h"
#include "base/syscall_name.h"
#include "otel/map/map.h"

void map_syscall(struct attrs *ret, unsigned nr, int err)
{
	attr_str(ret, "podtrace.syscall.name",
		 str_of(nr == SYSCALL_COMPAT ? "_COMPAT" : syscall_name(nr)));
	if (err)
		attr_str(ret, "error.type", str_of(errname(err)));
}

void otlp_syscall_call(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	struct attrs *a = &ret->note.attrs;

	map_syscall(a, ev->syscall_call.nr, ev->syscall_call.err);
	if (ev->pid)
		attr_int(a, "process.pid", ev->pid);
	if (ev->comm.n)
		attr_str(a, "thread.name", ev->comm);
}
