/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters and exact histograms kept in the kernel, per cgroup and dimension. */
#ifndef LIB_METER_H
#define LIB_METER_H

#include "ledger.h"

#define BOUNDS(name, ...) static const __u64 bounds_##name[METER_SLOTS - 1] = { __VA_ARGS__ };
#include "../wire/bounds.def"

static const struct meter_cell meter_zero;

INLINE struct meter_cell *meter_cell(const struct meter_key *key, enum wire_kind kind)
{
	struct meter_cell *cell = bpf_map_lookup_elem(&meters, key);

	if (cell)
		return cell;
	bpf_map_update_elem(&meters, key, &meter_zero, BPF_NOEXIST);
	cell = bpf_map_lookup_elem(&meters, key);
	if (!cell)
		count(kind, LEDGER_LOST_METER);
	return cell;
}

#define METER_KEY(meter_, cgroup_, dim_, err_)                                                     \
	(&(struct meter_key){ .cgroup = cgroup_, .meter = meter_, .dim = dim_, .err = err_ })

/* Count n. kind is who asks, for the ledger. Not inlined: called from many places. */
static __noinline int meter_add(enum wire_kind kind, const struct meter_key *key, __u64 n)
{
	struct meter_cell *cell;

	if (!n)
		return 0;
	cell = meter_cell(key, kind);
	if (cell)
		__sync_fetch_and_add(&cell->sum, n);
	return 0;
}

/* Sort ns into a bucket of (lower, upper] and add it to the sum. */
static __noinline int meter_time(enum wire_kind kind, const struct meter_key *key, __u64 ns,
				 const __u64 bounds[METER_SLOTS - 1])
{
	struct meter_cell *cell = meter_cell(key, kind);
	__u32 slot = 0;

	if (!cell)
		return 0;
	/* The sign of the difference: of comparisons the verifier of 6.1 follows all 2^13 ways,
	 * until it gives up. */
	NO_UNROLL
	for (int i = 0; i < METER_SLOTS - 1; i++)
		slot += (bounds[i] - ns) >> 63;
	if (slot < METER_SLOTS)
		__sync_fetch_and_add(&cell->slots[slot], 1);
	__sync_fetch_and_add(&cell->sum, ns);
	return 0;
}

#endif
