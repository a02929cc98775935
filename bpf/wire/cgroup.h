/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Records of the cgroup family. */
#ifndef WIRE_CGROUP_H
#define WIRE_CGROUP_H

#include "head.h"

#define CGROUP_PATH_WIRE 1024 /* the kernel's own buffer for it (TRACE_CGROUP_PATH_LEN) */

/* head.cgroup: the new one's id. head.pid: who made it. */
struct rec_cgroup_mkdir {
	struct rec_head head;
	__u8 comm[COMM_LEN];
	__u32 level;		/* 1: below the root */
	struct rec_text path;	/* from the root of the tree: "/kubepods/..." */
};

#endif
