/* SPDX-License-Identifier: Apache-2.0 */
#include "otel/map/map.h"

/* Kubernetes has no event for the kill of a process that is not a container's first. */
void otlp_memory_oom_kill(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_memory_oom_kill *kill = &ev->memory_oom_kill;
	struct attrs *a = &ret->note.attrs;

	map_process(a, ev, config, &ret->room);
	attr_str(a, "process.executable.name", ev->comm);
	attr_int(a, "process.real_user.id", kill->uid);
	attr_int(a, "podtrace.memory.anon", (s64)kill->anon);
	attr_int(a, "podtrace.memory.file", (s64)kill->file);
	attr_int(a, "podtrace.memory.shmem", (s64)kill->shmem);
	attr_int(a, "podtrace.memory.swap", (s64)kill->swap);
	attr_int(a, "podtrace.memory.page_tables", (s64)kill->pgtables);
	attr_int(a, "podtrace.memory.virtual", (s64)kill->total_vm);
	if (kill->limit) {
		attr_int(a, "podtrace.memory.limit", (s64)kill->limit);
		attr_int(a, "podtrace.memory.used", (s64)kill->used);
	}
	attr_int(a, "podtrace.memory.oom_score_adj", kill->score_adj);
	attr_int(a, "podtrace.memory.asked_by.pid", kill->by_pid);
	ret->has_note = true;
	ret->note.severity = NOTE_ERROR;
}
