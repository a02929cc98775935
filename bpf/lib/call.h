/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System calls under way, by thread: when they began and what they are about. The family call
 * writes them down; the programs at the end of calls (sys_exit), of whatever family, ask for them.
 * So a descriptor is looked up once, not by each family, and what other cgroups do is turned away
 * once, before anybody knows what it is: there is no note, and nothing is counted.
 */
#ifndef LIB_CALL_H
#define LIB_CALL_H

#include "maps.h"
#include "../wire/call.h"

#define CALL_NUMBERS 512 /* a mask */

enum call_about { CALL_OTHER, CALL_FILE, CALL_TCP, CALL_UDP };

struct call {
	__u64 when_ns; /* bpf_ktime_get_boot_ns */
	__u64 cgroup;  /* of the task, wanted */
	__u64 object;  /* struct file * of CALL_FILE, struct sock * of CALL_TCP and CALL_UDP */
	__u32 open;    /* bit per enum wire_family: has not yet seen its end */
	__u16 nr;
	__u8 about; /* enum call_about: of its first argument, if that is a descriptor */
	__u8 into;  /* of splice: the descriptor it writes to, the other one is a pipe's */
};

/* Nobody takes a note out but the end of its thread: the next call is written over it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32); /* tid */
	__type(value, struct call);
} calls SEC(".maps");

/*
 * The call that ends now, once for each family; 0: nobody wants it, it is older than podtrace, or
 * its beginning was not seen. Valid until the program ends.
 */
INLINE struct call *call_ended(enum wire_family family, long nr)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &tid);

	if (!call || call->nr != nr || !(call->open & 1u << family))
		return 0;
	call->open &= ~(1u << family);
	return call;
}

#endif
