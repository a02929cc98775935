/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the cells the kernel counts in (per cgroup) to cumulative series (per container):
 * several cgroups add up to one container, a cgroup that goes takes nothing away from the
 * sum. A series begins at the collection before the one that first saw it.
 */
#ifndef FOLD_SERIES_H
#define FOLD_SERIES_H

#include "kinds.h"
#include "who.h"

#define SERIES_CELLS_MAX 16384 /* as many as the kernel's table has */
#define SERIES_MAX 16384

struct series;

struct series_point {
	struct who *who;
	struct meter_key key;	/* cgroup is 0 */
	u64 start_ns;		/* boot ns */
	struct meter_cell cell;	/* since start */
};

struct series_stats {
	size_t cells, series, bytes;
	u64 evicted;		/* series or cells that had to go: their counts are lost */
};

struct series *series_new(u64 now_ns);	/* NULL and errno */
void series_free(struct series *s);	/* NULL is fine */

/* Who asked for is known only where events and cgroups meet: the pipe. */
typedef struct who *(*series_who_fn)(void *ctx, u64 cgroup);

/* Who goes on under another name: what was counted so far was told under the old one, so his
 * series begin anew. Before a collection. */
void series_renamed(struct series *s, bool (*is)(void *ctx, const struct who *who), void *ctx);

/* One collection: begin, every cell of the kernel, then walk. */
void series_begin(struct series *s, u64 now_ns);
void series_add(struct series *s, const struct meter_key *key, const struct meter_cell *cell,
		series_who_fn who, void *ctx);
typedef void (*series_fn)(void *ctx, const struct series_point *point);
void series_walk(const struct series *s, series_fn fn, void *ctx);

typedef void (*series_cell_fn)(void *ctx, const struct meter_key *key);
/* Let go of cells that have been idle (a tenth of an hour, less when there are many): their
 * cgroups may be gone for good. The sums stay; a cell that begins anew goes on from there. */
void series_expire(struct series *s, series_cell_fn fn, void *ctx);

/* Forget who, and tell which cells of the kernel are not needed any more. */
void series_forget(struct series *s, const struct who *who, series_cell_fn fn, void *ctx);

void series_stats(const struct series *s, struct series_stats *ret);

#endif
