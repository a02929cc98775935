/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs of podtrace are measured against: nothing, and one look-up in a hash. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} table SEC(".maps");

/* The hook is chosen when they are loaded or attached. */
#define PAIR(kind, passes)                                                                         \
	SEC("?" #kind)                                                                             \
	int empty_##kind(__u64 *ctx)                                                               \
	{                                                                                          \
		return passes;                                                                     \
	}                                                                                          \
	SEC("?" #kind)                                                                             \
	int lookup_##kind(__u64 *ctx)                                                              \
	{                                                                                          \
		__u64 key = 1;                                                                     \
                                                                                                   \
		bpf_map_lookup_elem(&table, &key);                                                 \
		return passes;                                                                     \
	}

PAIR(raw_tp, 0)
PAIR(fentry, 0)
PAIR(fexit, 0)
PAIR(kprobe, 0)
PAIR(kretprobe, 0)
PAIR(cgroup, 1)

/* So many records of 128 bytes, to be read by user space: run by BPF_PROG_TEST_RUN. */
#define RECORDS 4096

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

SEC("?raw_tp")
int fill(void *ctx)
{
	__u64 record[16] = {};

	for (int i = 0; i < RECORDS; i++)
		bpf_ringbuf_output(&ring, record, sizeof(record), BPF_RB_NO_WAKEUP);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
