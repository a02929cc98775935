/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose is a packet: the cgroup of its socket, by helpers alone (programs of cgroups). */
#ifndef LIB_SKB_CGROUP_H
#define LIB_SKB_CGROUP_H

#include "cgroup.h"

/* As targeted() of lib/cgroup.h; from the root down, which is level 0. */
INLINE bool skb_targeted(struct __sk_buff *skb)
{
	NO_UNROLL
	for (int i = 0; i < CGROUP_DEPTH_MAX; i++) {
		__u64 id = bpf_skb_ancestor_cgroup_id(skb, i);

		if (!id)
			return false;
		if (bpf_map_lookup_elem(&targets, &id))
			return true;
	}
	return true;
}

/* As wanted(); *ret_id is the socket's cgroup. */
INLINE bool skb_wanted(struct __sk_buff *skb, __u64 *ret_id)
{
	struct verdict verdict;

	*ret_id = bpf_skb_cgroup_id(skb);
	if (!config.filter)
		return true;
	if (verdict_known(*ret_id, &verdict))
		return verdict.wanted;
	verdict.wanted = skb_targeted(skb);
	verdict_keep(*ret_id, &verdict);
	return verdict.wanted;
}

#endif
