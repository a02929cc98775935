/* SPDX-License-Identifier: Apache-2.0 */
/* Waits on futexes. The semantic conventions have no names for them: ours. */
#include <stdio.h>
#include "base/errname.h"
#include "otel/map/map.h"

void map_futex(struct attrs *ret, unsigned op, int err)
{
	static const char *const names[LOCK_OP_END] = { "wait", "lock_pi", "wait_requeue_pi", "waitv" };

	attr_str(ret, "podtrace.futex.operation", str_of(op < LOCK_OP_END ? names[op] : "_OTHER"));
	if (err)
		attr_str(ret, "error.type", str_of(errname(err)));
}

void otlp_lock_futex(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_lock_futex *wait = &ev->lock_futex;
	struct attrs *a = &ret->note.attrs;

	map_futex(a, wait->op, wait->err);
	if (wait->address) {
		snprintf(ret->room.address, sizeof(ret->room.address), "0x%" PRI_X64, wait->address);
		attr_str(a, "podtrace.futex.address", str_of(ret->room.address));
	}
	map_seconds(a, "podtrace.lock.futex.duration", wait->duration_ns);
	if (ev->pid)
		attr_int(a, "process.pid", ev->pid);
	if (ev->tid)
		attr_int(a, "thread.id", ev->tid);
	if (ev->comm.n)
		attr_str(a, "thread.name", ev->comm);
}
