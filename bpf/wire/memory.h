/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Records of the memory family. */
#ifndef WIRE_MEMORY_H
#define WIRE_MEMORY_H

#include "head.h"

/* head: the victim, as it was when it was killed; tid is the thread that stood for it. */
struct rec_memory_oom_kill {
	struct rec_head head;
	__u64 total_vm;		/* bytes, all of these */
	__u64 anon;
	__u64 file;
	__u64 shmem;
	__u64 swap;
	__u64 pgtables;
	__u64 limit;		/* the tightest of those on its cgroup, 0: none, or unknown */
	__u64 used;		/* below that limit */
	__u32 uid;
	__s32 score_adj;	/* /proc/PID/oom_score_adj */
	__u32 by_pid;		/* who asked for memory that was not there */
	__u32 rsvd;
	__u8 comm[COMM_LEN];
};

#endif
