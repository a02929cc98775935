/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose is a socket. On v2 it carries the cgroup of the task that made it. On v1 it carries
 * none, so that is kept beside it: the cgroup of the task that connects, listens or accepts
 * (all of them process context), and of the listener for a child that nobody has accepted yet.
 * What nobody was seen to own belongs to cgroup 0, never to whoever was interrupted.
 */
#ifndef LIB_SOCK_CGROUP_H
#define LIB_SOCK_CGROUP_H

#include "cgroup.h"

/* struct sock * → id of its cgroup, from open to close. Only on v1. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u64);
} sock_cgroups SEC(".maps");

/* ---- v2 ---------------------------------------------------------------------------------- */

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

/* ---- v1 ---------------------------------------------------------------------------------- */

/* A kernel thread works for somebody else. */
INLINE struct cgroup *user_cgroup(const struct task_struct *task)
{
	return BPF_CORE_READ(task, flags) & PF_KTHREAD ? 0 : task_cgroup(task, false);
}

/* Of the current task. Only in process context. */
INLINE struct cgroup *current_cgroup(void)
{
	return user_cgroup((struct task_struct *)bpf_get_current_task());
}

/* Its ancestors, for whoever must judge the id when there is no task any more. A cgroup never
 * gets another parent (cgroup1_rename). */
__noinline int keep_parents(__u64 address)
{
	struct cgroup *cgrp = (struct cgroup *)address;

	if (!on_v1() || !config.filter)
		return 0;
	NO_UNROLL
	for (int i = 0; i < CGROUP_DEPTH_MAX; i++) {
		struct cgroup *above = BPF_CORE_READ(cgrp, self.parent, cgroup);
		__u64 id = cgroup_id(cgrp, false), parent = cgroup_id(above, false);

		if (!parent)
			break;
		/* the look-up is what keeps it from being the oldest */
		if (!bpf_map_lookup_elem(&parents, &id))
			bpf_map_update_elem(&parents, &id, &parent, BPF_ANY);
		cgrp = above;
	}
	return 0;
}

/* The cgroup kept for a socket, 0: not known. */
INLINE __u64 kept_cgroup(const struct sock *sk)
{
	__u64 key = (__u64)sk, *id = bpf_map_lookup_elem(&sock_cgroups, &key);

	return id ? *id : 0;
}

INLINE void forget_cgroup(const struct sock *sk)
{
	__u64 key = (__u64)sk;

	if (on_v1())
		bpf_map_delete_elem(&sock_cgroups, &key);
}

/* 0: not known; then what was kept for an earlier socket at this address goes too. */
INLINE void keep_cgroup_id(const struct sock *sk, __u64 id, enum wire_kind kind)
{
	__u64 key = (__u64)sk;

	if (id && !bpf_map_update_elem(&sock_cgroups, &key, &id, BPF_ANY))
		return;
	if (id)
		count(kind, LEDGER_LOST_STATE);
	bpf_map_delete_elem(&sock_cgroups, &key);
}

INLINE void keep_cgroup_of(const struct sock *sk, const struct task_struct *task,
			   enum wire_kind kind)
{
	struct cgroup *cgrp = user_cgroup(task);

	keep_parents((__u64)cgrp);
	keep_cgroup_id(sk, cgroup_id(cgrp, false), kind);
}

/* The current task opens or takes the socket. Only in process context. */
INLINE void keep_cgroup(const struct sock *sk, enum wire_kind kind)
{
	if (on_v1())
		keep_cgroup_of(sk, (struct task_struct *)bpf_get_current_task(), kind);
}

/* Not known yet: accept will tell. */
INLINE bool is_nobodys(__u64 cgroup)
{
	return on_v1() && !cgroup;
}

/* ---- both -------------------------------------------------------------------------------- */

/* wanted() of a socket (NULL: none); *ret_id is its cgroup. */
INLINE bool sock_wanted(const struct sock *sk, __u64 *ret_id, const bool btf)
{
	struct cgroup *cgrp;

	if (on_v1()) {
		*ret_id = sk ? kept_cgroup(sk) : 0;
		return wanted(0, *ret_id, btf);
	}
	cgrp = sk ? sock_cgroup(sk, btf) : 0;
	/* before 5.15 (8520e224f547) the pointer is a part of a number: it has no type */
	if (btf && bpf_core_field_exists(struct sock_cgroup_data, cgroup)) {
		*ret_id = cgroup_id(cgrp, true);
		return wanted(cgrp, *ret_id, true);
	}
	*ret_id = cgroup_id(cgrp, false);
	return wanted(cgrp, *ret_id, false);
}

/* concerns() of a socket. */
INLINE bool sock_concerns(enum wire_kind kind, const struct sock *sk, __u64 *ret_id, const bool btf)
{
	return counted(kind, sock_wanted(sk, ret_id, btf));
}

/* The same of a socket of which nothing is kept, not yet or no longer: on v1 it is the current
 * task's. Only in process context. */
INLINE bool own_sock_concerns(enum wire_kind kind, const struct sock *sk, __u64 *ret_id,
			      const bool btf)
{
	if (on_v1())
		return concerns(kind, current_cgroup(), ret_id, false);
	return sock_concerns(kind, sk, ret_id, btf);
}

#endif
