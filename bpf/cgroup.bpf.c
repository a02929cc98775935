/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The cgroup family: every cgroup of the tree as it is made, before a process is in it. So
 * the name of a container is known from its first instruction on, even if it is gone before
 * anybody could look.
 */
#include "lib/again.h"
#include "lib/cgroup.h"
#include "lib/emit.h"
#include "lib/tail.h"
#include "lib/task.h"
#include "wire/cgroup.h"

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

INLINE struct kernfs_node *parent_of(const struct kernfs_node *kn)
{
	void *at;

	/* the barriers: see find_iname() */
	if (bpf_core_field_exists(struct kernfs_node, parent)) {
		at = (void *)kn + bpf_core_field_offset(struct kernfs_node, parent);
		barrier_var(at);
	} else {
		at = (void *)kn + bpf_core_field_offset(struct kernfs_node___v6_15, __parent);
		barrier_var(at);
	}
	return bpf_probe_read_kernel(&at, sizeof(at), at) ? 0 : at;
}

/* The path as the tracepoint has it, for those that are not told: found upwards, written from the
 * root down. Returns its length, 0: not read. */
INLINE long walk_path(struct scratch *s, const struct kernfs_node *kn)
{
	struct kernfs_node **chain = (void *)(s->record + REC_SIZE_MAX), *parent;
	const __u32 begin = sizeof(struct rec_cgroup_mkdir);
	__u32 at = begin, levels = 0;

	NO_UNROLL
	for (int i = 0; i < CGROUP_DEPTH_MAX; i++) {
		parent = parent_of(kn);
		if (!parent) /* the root has no name */
			break;
		chain[i] = (struct kernfs_node *)kn;
		levels++;
		kn = parent;
	}
	NO_UNROLL
	for (int i = 0; i < CGROUP_DEPTH_MAX && levels; i++) {
		const char *name;
		long n;

		levels--;
		name = BPF_CORE_READ(chain[levels & (CGROUP_DEPTH_MAX - 1)], name);
		if (at > begin + CGROUP_PATH_WIRE - 256)
			return 0;
		s->record[at++] = '/';
		n = bpf_probe_read_kernel_str(s->record + at, 255, name);
		if (n <= 0)
			return 0;
		at += n - 1;
	}
	return at - begin;
}

/* told: path is the kernel's; else it is found by walking. */
INLINE void send_mkdir(void *ctx, const struct cgroup *cgrp, const char *path, __u64 cgroup,
		       const bool told, const bool btf)
{
	struct scratch *s = scratch_take(KIND_cgroup_mkdir);
	struct rec_cgroup_mkdir *rec;
	__u64 task, size;
	long n = 0;

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
	if (config.probe_read && told)
		n = bpf_probe_read_kernel_str(s->record + sizeof(*rec), CGROUP_PATH_WIRE, path) - 1;
	else if (config.probe_read)
		n = walk_path(s, GET(btf, cgrp, kn));
	if (n > 0)
		rec->path.len = n;
	else
		rec->head.flags |= REC_UNREAD; /* user space asks for the cgroup at once */
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

INLINE int on_mkdir(void *ctx, const struct cgroup *cgrp, const char *path, const bool told,
		    const bool btf)
{
	__u64 cgroup;

	if (!of_the_tree(cgrp, btf))
		return 0;
	if (config.preempted && again(cgroup_id(cgrp, btf), 0)) /* it is made once */
		return 0;
	if (config.follow)
		let_in(cgrp, &cgroup, btf);
	else if (!concerns(KIND_cgroup_mkdir, cgrp, &cgroup, btf))
		return 0;
	if (streamed(KIND_cgroup_mkdir, false))
		send_mkdir(ctx, cgrp, path, cgroup, told, btf);
	return 0;
}

PROGRAMS(cgroup_mkdir, "cgroup_mkdir", on_mkdir(ctx, cgrp, path, true, btf), struct cgroup *cgrp,
	 const char *path)

/*
 * Beside the tracepoint: the new directory is shown, the last thing before mkdir succeeds. The
 * same function shows directories of sysfs, and again those below a cgroup whose controllers
 * change: a new cgroup is one that is not shown yet and whose hierarchy is its directory's. It is
 * found behind a pointer without a type, so both programs read by helper.
 */
INLINE int on_activate(void *ctx, const struct kernfs_node *kn, const bool btf)
{
	struct cgroup *cgrp = GET(btf, kn, priv);

	if (!(GET(btf, kn, flags) & KERNFS_DIR) || GET(btf, kn, active.counter) != KERNFS_NEW)
		return 0;
	if (!cgrp || BPF_CORE_READ(cgrp, kn) != kn ||
	    BPF_CORE_READ(cgrp, root, kf_root) != GET(btf, kn, dir.root) ||
	    !BPF_CORE_READ(cgrp, level))
		return 0;
	return on_mkdir(ctx, cgrp, 0, false, false);
}

ENTRY_PROGRAMS(cgroup_activate, "kernfs_activate", on_activate(ctx, kn, btf),
	       const struct kernfs_node *kn)
