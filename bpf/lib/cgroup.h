/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose is it: the cgroup of a task or a socket, and whether anybody wants it. */
#ifndef LIB_CGROUP_H
#define LIB_CGROUP_H

#include "ledger.h"

#define CGROUP_DEPTH_MAX 32 /* levels looked at; kubelet's deepest is 6, kind's about 12 */

INLINE struct cgroup *task_cgroup(const struct task_struct *task, const bool btf)
{
	struct css_set *set = GET(btf, task, cgroups);

	return set ? GET(btf, set, dfl_cgrp) : 0;
}

/* The cgroup of who made the socket; children of a listener inherit the listener's. */
INLINE struct cgroup *sock_cgroup(const struct sock *sk, const bool btf)
{
	struct sock_cgroup_data___v5_14 *old;
	__u64 val;

	if (bpf_core_field_exists(struct sock_cgroup_data, cgroup))
		return GET(btf, sk, sk_cgrp_data.cgroup);
	old = (void *)__builtin_preserve_access_index(&sk->sk_cgrp_data);
	val = BPF_CORE_READ(old, val);
	return val & 1 ? 0 : (struct cgroup *)val;
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

/* Is this cgroup, or one above it, a target? Without a filter everything is. */
INLINE bool wanted(const struct cgroup *cgrp, __u64 id, const bool btf)
{
	__u32 zero = 0, *now;
	struct verdict *old, new;

	if (!config.filter)
		return true;
	now = bpf_map_lookup_elem(&generation, &zero);
	if (!now)
		return false;
	old = bpf_map_lookup_elem(&verdicts, &id);
	if (old && old->generation == *now)
		return old->wanted;
	new.generation = *now;
	new.wanted = targeted(cgrp, btf);
	bpf_map_update_elem(&verdicts, &id, &new, BPF_ANY);
	return new.wanted;
}

/*
 * The first thing a program asks. Counts the event as seen, and as filtered when nobody
 * wants it; *ret_id is its cgroup.
 */
INLINE bool concerns(enum wire_kind kind, const struct cgroup *cgrp, __u64 *ret_id, const bool btf)
{
	*ret_id = cgroup_id(cgrp, btf);
	count(kind, LEDGER_SEEN);
	if (wanted(cgrp, *ret_id, btf))
		return true;
	count(kind, LEDGER_FILTERED);
	return false;
}

#endif
