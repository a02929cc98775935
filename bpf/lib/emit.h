/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sending a record to user space: choose, stamp, put into the ring, count. */
#ifndef LIB_EMIT_H
#define LIB_EMIT_H

#include "ledger.h"

/* Whether an operation that took so long is one to tell of. */
INLINE bool is_slow(enum wire_family family, __u64 ns)
{
	return ns >= config.slow_us[family] * 1000ull;
}

/*
 * Does anybody want this record streamed? Asked before it is built. If not, it is counted
 * as such: its metrics have been kept. It matters if it failed, or was slow.
 */
INLINE bool streamed(enum wire_kind kind, bool matters)
{
	__u8 stream = config.stream[kind];

	if (stream == STREAM_ALL || (stream == STREAM_FAILED && matters))
		return true;
	count(kind, LEDGER_COUNTED);
	return false;
}

/* Fill the head of a zeroed record. */
INLINE void stamp(struct rec_head *head, enum wire_kind kind, __u32 size, __u64 when_ns,
		  __u64 cgroup)
{
	head->when_ns = when_ns;
	head->cgroup = cgroup;
	head->kind = kind;
	head->size = size;
	head->cpu = bpf_get_smp_processor_id();
}

/* ---- what is left out ---------------------------------------------------------------------- */

/* By its key, so that what belongs together is told together; what belongs to nothing is told. */
INLINE bool sampled_out(const struct rec_head *head, enum wire_kind kind)
{
	__u32 one_in = config.sample[kind];

	return one_in > 1 && (__u32)(head->key * 0x9e3779b97f4a7c15ull >> 32) % one_in;
}

/* Without a lock: of two CPUs that count at the same moment both may find one too many, and where
 * a second begins a few may find room that is not there. What is left out is counted all the same. */
static __noinline int over_cap(__u64 cgroup, __u32 kind, __u64 when_ns)
{
	struct cap_key key = { .cgroup = cgroup, .kind = kind };
	struct cap_cell fresh = { .second = when_ns / 1000000000, .n = 1 };
	struct cap_cell *cell = bpf_map_lookup_elem(&caps, &key);

	if (!cell) {
		bpf_map_update_elem(&caps, &key, &fresh, BPF_ANY);
		return false;
	}
	if (cell->second < fresh.second) {
		cell->second = fresh.second;
		cell->n = 0;
	}
	__sync_fetch_and_add(&cell->n, 1);
	return cell->n > config.cap;
}

/* Counted, then. */
INLINE bool left_out(const struct rec_head *head, enum wire_kind kind)
{
	if (!config.sample[kind])
		return false;
	if (sampled_out(head, kind)) {
		count(kind, LEDGER_SAMPLED);
		return true;
	}
	if (config.cap && over_cap(head->cgroup, kind, head->when_ns)) {
		count(kind, LEDGER_CAPPED);
		return true;
	}
	return false;
}

/* ---- sending -------------------------------------------------------------------------------- */

/*
 * No wake-up per event: the reader comes by on a timer and is woken only when the ring is
 * half full. A new cgroup is the exception: it is rare, and a container that lives 20 ms is
 * in the runtime's list no longer when the timer comes by. `perf_ok` is a constant: programs of
 * iterators cannot write to a perf buffer.
 */
INLINE void send(void *ctx, void *record, __u32 size, enum wire_kind kind, const bool perf_ok)
{
	long err;

	if (left_out(record, kind))
		return;
	if (config.transport == TRANSPORT_RINGBUF) {
		__u64 flags = BPF_RB_NO_WAKEUP;

		if (kind == KIND_cgroup_mkdir ||
		    bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= config.ring_half)
			flags = BPF_RB_FORCE_WAKEUP;
		err = bpf_ringbuf_output(&ring, record, size, flags);
	} else if (perf_ok) {
		err = bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, record, size);
	} else {
		count(kind, LEDGER_COUNTED);
		return;
	}
	count(kind, err ? LEDGER_LOST_RING : LEDGER_SENT);
}

/* A record on the stack, zeroed; REC_SEND sends it. */
#define REC_SEND(ctx, rec, kind, perf_ok) send(ctx, rec, sizeof(*(rec)), kind, perf_ok)

INLINE void scratch_give(struct scratch *s)
{
	__sync_fetch_and_add(&s->busy, -1);
	release_cpu();
}

/*
 * The CPU's scratch buffer, for records with a tail. NULL when a program that this one
 * interrupted has it: counted as lost. Whoever counts it up and then finds more than himself has
 * met somebody, and goes: so never do two have it, though both may go (what tells the old value as
 * well needs 5.12). That does not happen to those who hold the CPU, which keeps a task that is
 * preempted (a tracepoint's program can be since 7.0) from standing in the way of others.
 */
INLINE struct scratch *scratch_take(enum wire_kind kind)
{
	__u32 zero = 0;
	struct scratch *s = bpf_map_lookup_elem(&scratches, &zero);

	if (!s)
		return 0;
	hold_cpu();
	__sync_fetch_and_add(&s->busy, 1);
	if (s->busy != 1) {
		scratch_give(s);
		count(kind, LEDGER_LOST_SCRATCH);
		return 0;
	}
	return s;
}

#endif
