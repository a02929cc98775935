/* SPDX-License-Identifier: Apache-2.0 */
#include "report/live.h"

void live_memory_oom_kill(const struct event *ev, struct buf *out)
{
	const struct ev_memory_oom_kill *kill = &ev->memory_oom_kill;

	buf_cstr(out, "killed, out of memory: ");
	live_bytes(out, kill->anon + kill->file + kill->shmem);
	buf_cstr(out, " in use");
	if (kill->limit) {
		buf_cstr(out, ", its cgroup ");
		live_bytes(out, kill->used);
		buf_cstr(out, " of ");
		live_bytes(out, kill->limit);
	}
	if (kill->score_adj)
		buf_printf(out, ", oom_score_adj %d", kill->score_adj);
	if (kill->by_pid != ev->pid)
		buf_printf(out, ", asked for by %u", kill->by_pid);
}
