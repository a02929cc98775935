/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures of containers, from the files of their cgroups (FIGURE in registry.def). Each
 * container that is known is read once in a round, a few of them each turn, so that however
 * many there are no turn is long. Files of cgroups never block. One descriptor for each tree is
 * kept open, and one more while a container is read.
 *
 * Counters count since a container was made, if we were told of that, else since we first
 * looked: what it did before is in no other metric of ours either. One that begins anew under
 * its old path goes on from the sum. A container that is gone has no figures.
 */
#ifndef GAUGE_H
#define GAUGE_H

#include "kinds.h"
#include "who.h"

#define GAUGE_MAX 16384		/* containers; as many as cgroups are known */
#define GAUGE_TURN_NS (5 * NSEC_PER_MSEC) /* the longest turn, but for one container */
#define GAUGE_ALL_NS (200 * NSEC_PER_MSEC)
#define GAUGE_FILE_MAX 16384	/* bytes of a file that are looked at */

struct gauge;

struct gauge_stats {
	size_t containers, bytes;
	u64 refused;		/* over GAUGE_MAX, or no memory for them */
};

/* base: where cgroups are mounted (enrich/cgroup.h). of: families, bits; figures of others are left
 * out. NULL and errno; ENODEV: no cgroups there. */
struct gauge *gauge_new(const char *base, u32 of);
void gauge_free(struct gauge *g);	/* NULL is fine */

/* A container was met: path is that of its own directory, from the root of the tree. made_ns: when
 * it was made, 0: before we looked. Said again it is the same container, made again if so told. */
void gauge_add(struct gauge *g, struct who *who, u64 cgroup, struct str path, u64 made_ns);
void gauge_forget(struct gauge *g, const struct who *who);

/* Who goes on under another name begins anew (fold/series.h). */
void gauge_renamed(struct gauge *g, bool (*is)(void *ctx, const struct who *who), void *ctx);

/* Some of the round that takes round_ns, if a turn comes each turn_ns; round_ns 0: all of it, at the
 * start and at the end, within GAUGE_ALL_NS. fn is told the cgroup of each that is still there; it
 * must not call back. */
typedef void (*gauge_alive_fn)(void *ctx, u64 cgroup);
void gauge_turn(struct gauge *g, u64 turn_ns, u64 round_ns, gauge_alive_fn fn, void *ctx);

/* All that have figures, as they were read last. */
typedef void (*gauge_fn)(void *ctx, struct who *who, const struct reading_set *set);
void gauge_walk(const struct gauge *g, gauge_fn fn, void *ctx);

/* What a family's figures lack in this cgroup. A limit that is not set lacks nothing. */
struct gauge_lack {
	size_t wanted, missing;	/* readings */
	int err;		/* errno of the first file that cannot be read; 0 */
	char files[160];	/* their names: "memory.peak, cpu.pressure" */
};
void gauge_try(struct gauge *g, struct str path, enum wire_family family, struct gauge_lack *ret);

void gauge_stats(const struct gauge *g, struct gauge_stats *ret);

#endif
