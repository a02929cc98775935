/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters and exact histograms kept in the kernel, per cgroup and dimension. */
#ifndef LIB_METER_H
#define LIB_METER_H

#include "ledger.h"

#define BOUNDS(name, ...)                                                                          \
	static const __u64 bounds_##name[] = { __VA_ARGS__ };                                      \
	_Static_assert(sizeof(bounds_##name) == (METER_SLOTS - 1) * sizeof(__u64), "see meter_time");
#define USER_BOUNDS(name, ...)
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

/* Count n. kind is who asks, for the ledger. Not inlined: called from many places. Not every family
 * has counters. */
static __noinline __attribute__((unused)) int meter_add(enum wire_kind kind, const struct meter_key *key, __u64 n)
{
	struct meter_cell *cell;

	if (!n)
		return 0;
	cell = meter_cell(key, kind);
	if (cell)
		__sync_fetch_and_add(&cell->sum, n);
	return 0;
}

/*
 * One step of a search by halves: n, or 0 if ns is not above the bound. By the sign of the
 * difference, because of comparisons the verifier follows all ways (6.1 until it gives up). The
 * barrier keeps the sum a sum: of an "or" those of 5.10 and 6.1 know nothing.
 */
#define STEP(bound, ns, n)                                                                         \
	({                                                                                         \
		__u64 _above = ((bound) - (ns)) >> 63;                                             \
		barrier_var(_above);                                                               \
		_above * (n);                                                                      \
	})

/* Sort ns into a bucket of (lower, upper] and add it to the sum. Not every family has times. */
__attribute__((unused)) static __noinline int meter_time(enum wire_kind kind,
							 const struct meter_key *key, __u64 ns,
							 const __u64 bounds[METER_SLOTS - 1])
{
	struct meter_cell *cell = meter_cell(key, kind);
	__u64 slot;

	if (!cell)
		return 0;
	_Static_assert(METER_SLOTS == 16, "four steps, and all bounds there are");
	slot = STEP(bounds[7], ns, 8);
	slot += STEP(bounds[slot + 3], ns, 4);
	slot += STEP(bounds[slot + 1], ns, 2);
	slot += STEP(bounds[slot], ns, 1);
	__sync_fetch_and_add(&cell->slots[slot & (METER_SLOTS - 1)], 1);
	__sync_fetch_and_add(&cell->sum, ns);
	return 0;
}

#endif
