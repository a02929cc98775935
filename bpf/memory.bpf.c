/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The memory family: who the kernel killed for want of memory. The victim gets its SIGKILL, then it
 * is marked (mm/oom_kill.c, __oom_kill_process), both by the task that asked for memory and under
 * the victim's lock, so on one CPU without a break. The mark alone is also that of a task that is
 * ending anyhow, and tells only a pid before 6.9; the signal alone can have another reason. Both
 * together are what memory.events counts as oom_kill. The rest are figures (src/figures.def).
 */
#include "lib/cgroup.h"
#include "lib/emit.h"
#include "lib/meter.h"
#include "lib/task.h"
#include "wire/memory.h"

#define SIGKILL 9
#define SEND_SIG_PRIV ((void *)1) /* by the kernel itself */

#define UNLIMITED (1ull << 62) /* bytes; the kernel's is LONG_MAX in whole pages */

enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES };

/* Who was killed last on this CPU, not sent yet. */
struct killed {
	__u64 by; /* task; 0: it was sent */
	__u32 wanted;
	__u32 rsvd;
	struct rec_memory_oom_kill rec;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct killed);
} killed SEC(".maps");

INLINE struct killed *killed_last(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&killed, &zero);
}

/*
 * The index must be a number where it is written: the loader counts in the kernel's steps. The old
 * shape by helper: its array's type has a name that 5.10's verifier does not look behind.
 */
#define MM_BYTES(btf, mm, which)                                                                   \
	({                                                                                         \
		struct mm_struct___v6_1 *_old = (void *)(mm);                                      \
		__s64 _pages = 0;                                                                  \
		if (bpf_core_field_exists((mm)->rss_stat[0].count))                                \
			_pages = GET(btf, mm, rss_stat[which].count);                              \
		else if (config.probe_read)                                                        \
			_pages = GET(false, _old, rss_stat.count[which].counter);                  \
		/* not exact: it may be below 0 */                                                 \
		_pages > 0 ? _pages * config.page_bytes : 0;                                       \
	})

INLINE void fill_sizes(struct rec_memory_oom_kill *rec, const struct mm_struct *mm, const bool btf)
{
	rec->total_vm = GET(btf, mm, total_vm) * config.page_bytes;
	rec->anon = MM_BYTES(btf, mm, MM_ANONPAGES);
	rec->file = MM_BYTES(btf, mm, MM_FILEPAGES);
	rec->shmem = MM_BYTES(btf, mm, MM_SHMEMPAGES);
	rec->swap = MM_BYTES(btf, mm, MM_SWAPENTS);
	rec->pgtables = GET(btf, mm, pgtables_bytes.counter);
}

/*
 * The tightest limit of those on the victim's cgroup, its own or one above it, and what was used
 * below that. By helper: from a controller's state to what the controller makes of it there is no
 * typed way.
 */
INLINE void fill_limit(struct rec_memory_oom_kill *rec, const struct task_struct *task,
		       const bool btf)
{
	struct css_set *set = GET(btf, task, cgroups);
	struct cgroup_subsys_state *css, **at;

	if (!config.probe_read || !set ||
	    !bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return;
	at = (void *)set + bpf_core_field_offset(struct css_set, subsys);
	at += bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	if (bpf_probe_read_kernel(&css, sizeof(css), at))
		return;
	NO_UNROLL
	for (int i = 0; i < CGROUP_DEPTH_MAX && css; i++) {
		struct mem_cgroup *memcg = (void *)css - bpf_core_field_offset(struct mem_cgroup, css);
		__u64 limit = GET(false, memcg, memory.max) * config.page_bytes;

		if (limit < UNLIMITED && (!rec->limit || limit < rec->limit)) {
			rec->limit = limit;
			rec->used = GET(false, memcg, memory.usage.counter) * config.page_bytes;
		}
		css = GET(false, css, parent);
	}
}

INLINE void fill(struct rec_memory_oom_kill *rec, struct task_struct *task, const bool btf)
{
	struct signal_struct *sig = GET(btf, task, signal);
	struct mm_struct *mm = GET(btf, task, mm);
	__u32 gid;

	rec->head.pid = GET(btf, task, tgid);
	rec->head.tid = GET(btf, task, pid);
	rec->head.key = task_start(task, btf);
	rec->by_pid = bpf_get_current_pid_tgid() >> 32;
	task_user(task, &rec->uid, &gid, btf);
	task_comm(rec->comm, task, btf);
	if (sig)
		rec->score_adj = GET(btf, sig, oom_score_adj);
	if (mm)
		fill_sizes(rec, mm, btf);
	fill_limit(rec, task, btf);
}

INLINE int on_signal(void *ctx, int sig, void *info, struct task_struct *task, const bool btf)
{
	struct killed *k;
	struct cgroup *cgrp;
	__u64 cgroup;

	if (sig != SIGKILL || info != SEND_SIG_PRIV)
		return 0;
	k = killed_last();
	if (!k)
		return 0;
	cgrp = task_cgroup(task, btf);
	cgroup = cgroup_id(cgrp, btf);
	__builtin_memset(&k->rec, 0, sizeof(k->rec));
	stamp(&k->rec.head, KIND_memory_oom_kill, sizeof(k->rec), bpf_ktime_get_boot_ns(), cgroup);
	fill(&k->rec, task, btf);
	k->wanted = wanted(cgrp, cgroup, btf);
	k->by = bpf_get_current_task();
	return 0;
}

/* The task; before 6.9, and where that was not taken over (72ba14deb40a), its pid. */
INLINE __u32 marked(struct task_struct *arg, const bool btf)
{
	if (bpf_core_field_exists(struct trace_event_raw_mark_victim, uid))
		return GET(btf, arg, pid);
	return (__u64)arg;
}

INLINE int on_mark(void *ctx, struct task_struct *arg, const bool btf)
{
	struct killed *k = killed_last();

	if (!k || k->by != bpf_get_current_task() || k->rec.head.tid != marked(arg, btf))
		return 0;
	k->by = 0;
	if (!counted(KIND_memory_oom_kill, k->wanted))
		return 0;
	meter_add(KIND_memory_oom_kill,
		  METER_KEY(METER_memory_oom_kills, k->rec.head.cgroup, 0, 0), 1);
	if (streamed(KIND_memory_oom_kill, true))
		REC_SEND(ctx, &k->rec, KIND_memory_oom_kill, true);
	return 0;
}

PROGRAMS(memory_signal, "signal_generate", on_signal(ctx, sig, info, task, btf), int sig, void *info,
	 struct task_struct *task)
PROGRAMS(memory_victim, "mark_victim", on_mark(ctx, arg, btf), struct task_struct *arg)
