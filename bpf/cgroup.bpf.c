/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The cgroup family: every cgroup of the tree as it is made, before a process is in it. So
 * the name of a container is known from its first instruction on, even if it is gone before
 * anybody could look.
 */
#include "lib/cgroup.h"
#include "lib/emit.h"
#include "lib/task.h"
#include "wire/cgroup.h"

#define TAIL_MASK (REC_SIZE_MAX - 1)

/*
 * The v2 tree is the first hierarchy the kernel sets up (cgroup_init). Any task is in that of a
 * v1 controller, so is the current one.
 */
INLINE bool of_the_tree(const struct cgroup *cgrp, const bool btf)
{
	struct cgroup_root *root = GET(btf, cgrp, root);
	struct cgroup *any;

	if (!root)
		return false;
	if (!on_v1())
		return !GET(btf, root, hierarchy_id);
	any = task_cgroup((struct task_struct *)bpf_get_current_task(), false);
	return GET(btf, root, hierarchy_id) == BPF_CORE_READ(any, root, hierarchy_id);
}

INLINE void send_mkdir(void *ctx, const struct cgroup *cgrp, const char *path, __u64 cgroup,
		       const bool btf)
{
	struct scratch *s = scratch_take(KIND_cgroup_mkdir);
	struct rec_cgroup_mkdir *rec;
	__u64 task, size;
	long n;

	if (!s)
		return;
	rec = (struct rec_cgroup_mkdir *)s->record;
	__builtin_memset(rec, 0, sizeof(*rec));
	stamp(&rec->head, KIND_cgroup_mkdir, 0, bpf_ktime_get_boot_ns(), cgroup);
	task = bpf_get_current_pid_tgid();
	rec->head.pid = task >> 32;
	rec->head.tid = (__u32)task;
	current_comm(rec->comm);
	rec->level = GET(btf, cgrp, level);
	rec->path.off = sizeof(*rec);
	n = bpf_probe_read_kernel_str(s->record + sizeof(*rec), CGROUP_PATH_WIRE, path);
	if (n > 0)
		rec->path.len = n - 1;
	else
		rec->head.flags |= REC_UNREAD;
	size = sizeof(*rec) + rec->path.len;
	rec->head.size = size;
	send(ctx, rec, size & TAIL_MASK, KIND_cgroup_mkdir, true);
	scratch_give(s);
}

/*
 * Named targets: whose a new cgroup is, user space knows only milliseconds later. So it is a
 * target from its first instruction on, and user space takes it out again if it is not meant.
 * No verdict can be remembered of it yet: nobody was in it.
 */
INLINE void let_in(const struct cgroup *cgrp, __u64 *ret_id, const bool btf)
{
	__u32 one = 1;

	*ret_id = cgroup_id(cgrp, btf);
	count(KIND_cgroup_mkdir, LEDGER_SEEN);
	/* below another target too: that one may be taken out in a moment */
	if (bpf_map_update_elem(&targets, ret_id, &one, BPF_ANY))
		count(KIND_cgroup_mkdir, LEDGER_LOST_STATE);
}

INLINE int on_mkdir(void *ctx, const struct cgroup *cgrp, const char *path, const bool btf)
{
	__u64 cgroup;

	if (!of_the_tree(cgrp, btf))
		return 0;
	if (config.follow)
		let_in(cgrp, &cgroup, btf);
	else if (!concerns(KIND_cgroup_mkdir, cgrp, &cgroup, btf))
		return 0;
	if (streamed(KIND_cgroup_mkdir, false))
		send_mkdir(ctx, cgrp, path, cgroup, btf);
	return 0;
}

PROGRAMS(cgroup_mkdir, "cgroup_mkdir", on_mkdir(ctx, cgrp, path, btf), struct cgroup *cgrp,
	 const char *path)
