/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose is it: the cgroup of a task or a socket, and whether anybody wants it. */
#ifndef LIB_CGROUP_H
#define LIB_CGROUP_H

#include "ledger.h"

#define CGROUP_DEPTH_MAX 32 /* levels looked at; kubelet's deepest is 6, kind's about 12 */

INLINE bool on_v1(void)
{
	return config.cgroup_tree != CGROUP_TREE_V2;
}

/* The place of the tree's controller in css_set.subsys. */
INLINE __u32 controller(void)
{
	switch (config.cgroup_tree) {
	case CGROUP_TREE_MEMORY:
		return bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	case CGROUP_TREE_PIDS:
		return bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	case CGROUP_TREE_CPU:
		return bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id);
	default:
		return bpf_core_enum_value(enum cgroup_subsys_id, devices_cgrp_id);
	}
}

INLINE struct cgroup *task_cgroup(const struct task_struct *task, const bool btf)
{
	struct css_set *set = GET(btf, task, cgroups);
	struct cgroup_subsys_state *css, **at;

	if (!set)
		return 0;
	if (!on_v1())
		return GET(btf, set, dfl_cgrp);
	at = (void *)set + bpf_core_field_offset(struct css_set, subsys);
	at += controller();
	if (btf)
		css = *at;
	else if (bpf_probe_read_kernel(&css, sizeof(css), at))
		return 0;
	return css ? GET(btf, css, cgroup) : 0;
}

INLINE __u64 cgroup_id(const struct cgroup *cgrp, const bool btf)
{
	struct kernfs_node *kn;

	if (!cgrp)
		return 0;
	kn = GET(btf, cgrp, kn);
	return kn ? GET(btf, kn, id) : 0;
}

/* A process could hide behind more levels than are looked at: such a one is shown. */
INLINE bool targeted(const struct cgroup *cgrp, const bool btf)
{
	NO_UNROLL
	for (int i = 0; i < CGROUP_DEPTH_MAX && cgrp; i++) {
		__u64 id = cgroup_id(cgrp, btf);
		struct cgroup_subsys_state *parent;

		if (bpf_map_lookup_elem(&targets, &id))
			return true;
		parent = GET(btf, cgrp, self.parent);
		if (!parent)
			return false;
		cgrp = GET(btf, parent, cgroup);
	}
	return cgrp;
}

/*
 * The same by id alone, of a cgroup whose parents were kept (lib/sock_cgroup.h). Global, so
 * that the verifier looks at it once.
 */
__noinline int descends(__u64 id)
{
	if (!on_v1())
		return false;
	NO_UNROLL
	for (int i = 0; i < CGROUP_DEPTH_MAX; i++) {
		__u64 *parent;

		if (bpf_map_lookup_elem(&targets, &id))
			return true;
		parent = bpf_map_lookup_elem(&parents, &id);
		if (!parent)
			return false;
		id = *parent;
	}
	return true;
}

/* The verdict on a cgroup, if it is of the targets there are now; else what a new one begins with. */
INLINE bool verdict_known(__u64 id, struct verdict *ret)
{
	__u32 zero = 0, *now = bpf_map_lookup_elem(&generation, &zero);
	struct verdict *old = bpf_map_lookup_elem(&verdicts, &id);

	ret->generation = now ? *now : 0;
	ret->wanted = old ? old->wanted : 0;
	return old && old->generation == ret->generation;
}

INLINE void verdict_keep(__u64 id, const struct verdict *verdict)
{
	bpf_map_update_elem(&verdicts, &id, verdict, BPF_ANY);
}

/* Is this cgroup, or one above it, a target? Without a filter everything is. NULL (v1): only
 * its id is known, 0: not even that. */
INLINE bool wanted(const struct cgroup *cgrp, __u64 id, const bool btf)
{
	struct verdict verdict;

	if (!config.filter)
		return true;
	if (verdict_known(id, &verdict))
		return verdict.wanted;
	verdict.wanted = cgrp || !on_v1() ? targeted(cgrp, btf) : descends(id);
	verdict_keep(id, &verdict);
	return verdict.wanted;
}

/* Counts the event as seen, and as filtered when nobody wants it. */
INLINE bool counted(enum wire_kind kind, bool is_wanted)
{
	struct ledger_cell *cell = ledger_cell(kind);

	if (!cell)
		return false;
	cell_count(cell, LEDGER_SEEN);
	if (!is_wanted)
		cell_count(cell, LEDGER_FILTERED);
	return is_wanted;
}

/* The first thing a program asks; *ret_id is the event's cgroup. */
INLINE bool concerns(enum wire_kind kind, const struct cgroup *cgrp, __u64 *ret_id, const bool btf)
{
	*ret_id = cgroup_id(cgrp, btf);
	return counted(kind, wanted(cgrp, *ret_id, btf));
}

#endif
