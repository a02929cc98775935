/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps that all families share. maps.bpf.c creates them, the families reuse them
 * (src/capture/maps.c); sizes are set there from the node's size and the memory
 * budget, the numbers here are the smallest.
 */
#ifndef LIB_MAPS_H
#define LIB_MAPS_H

#include "prog.h"
#include "../wire/config.h"

/* What user space tells the programs, constant while they run. The verifier knows the
 * values and drops what is switched off. */
const volatile struct config config SEC(".rodata.config");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

/* Instead of ring on kernels without ring buffers (before 5.8). */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} perf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ledger_page);
} ledger SEC(".maps");

/* cgroup id → 1: wanted, with everything below it. Written by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u32);
} targets SEC(".maps");

struct verdict {
	__u32 generation; /* of the targets it was made from */
	__u32 wanted;
};

/* Remembers the answer per cgroup, so that an unwanted event costs one look-up instead of a
 * walk through the ancestors. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct verdict);
} verdicts SEC(".maps");

/* cgroup id → that of the one above it. Only on v1, and only of those that own sockets: there
 * a socket has just the id of its cgroup to be judged by. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} parents SEC(".maps");

/* Generation of the targets: user space counts it up after each change. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} generation SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct meter_key);
	__type(value, struct meter_cell);
} meters SEC(".maps");

struct cap_key {
	__u64 cgroup;
	__u32 kind;
	__u32 rsvd;
};

struct cap_cell {
	__u64 second; /* of bpf_ktime_get_boot_ns */
	__u64 n;
};

/* How many records a cgroup has had of a kind in this second. The oldest makes room, and begins
 * anew if it comes again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct cap_key);
	__type(value, struct cap_cell);
} caps SEC(".maps");

/* Room to build a record that is too large for the stack. */
struct scratch {
	volatile __u64 busy;
	/* The verifier wants room behind any masked offset. A CPU's value has at most 32 KiB. */
	__u8 record[REC_SIZE_MAX + 8192];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

#endif
