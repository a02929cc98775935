/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* What user space tells the programs before they are loaded: constants in .rodata. */
#ifndef WIRE_CONFIG_H
#define WIRE_CONFIG_H

#include "head.h"

/* What stands in a program for its number among its copies: the loader adds 1, 2 ... to it there
 * (src/capture/copies.c). At most COPY_NUMBERS, which is a mask too. */
#define COPY_MARK 0x434f5059 /* "COPY": no instruction of ours has that for another reason */
#define COPY_NUMBERS 3u

enum transport { TRANSPORT_RINGBUF, TRANSPORT_PERF };
enum stream { STREAM_NONE, STREAM_FAILED, STREAM_ALL };

/*
 * The hierarchy by which tasks are told apart: the v2 tree, or that of a v1 controller (which
 * can share it with others). A container is in all of its node's; they differ in their ids.
 */
enum cgroup_tree {
	CGROUP_TREE_V2,
	CGROUP_TREE_MEMORY,
	CGROUP_TREE_PIDS,
	CGROUP_TREE_CPU,
	CGROUP_TREE_DEVICES,
	CGROUP_TREE_COUNT
};

struct config {
	__u32 transport;	/* enum transport */
	__u32 ring_half;	/* bytes in the ring from which the reader is woken at once */
	__u32 filter;		/* 0: every cgroup is wanted */
	__u32 follow;		/* with filter: a new cgroup is a target until user space says no */
	__u32 args_max;		/* bytes of argv copied, 0: none; at most ARGS_MAX */
	__u32 probe_read;	/* 0: reads of kernel memory by helper are forbidden here */
	__u32 typed_task;	/* only without probe_read: bpf_get_current_task_btf can be had */
	__u32 nsfs_dev;		/* device number of namespace files */
	__u32 cgroup_tree;	/* enum cgroup_tree */
	__u32 guarded;		/* a program is not run on a CPU that runs it: copies see what it misses */
	__u32 preempted;	/* tracepoints can be, so more of them have copies, lib/again.h */
	__u32 calls;		/* CALLS_* (wire/call.h) that are noted when they begin */
	__u32 cap;		/* records a second of a cgroup and kind, 0: any number */
	__u32 self;		/* our pid, initial namespace: its sockets are never reported */
	__u32 page_bytes;
	__u32 slow_us[FAMILY_END]; /* from here on an operation of the family is slow */
	__u32 sample[KIND_END]; /* one key in so many is told of; 0: all are, and never too many */
	__u8 stream[(KIND_END + 3) / 4 * 4]; /* enum stream by kind; rounded up: no padding */
};

#endif
