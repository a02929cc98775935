/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waiting room: events of containers whose name is not known yet, in the order in which
 * they came. A container is told by the kernel before its first instruction, by the runtime a
 * few milliseconds later; what happens in between is kept here, so that it leaves with its
 * name. Bounded by HOLD_BYTES_MAX: what does not fit lets the oldest go as they are.
 */
#ifndef FOLD_HOLD_H
#define FOLD_HOLD_H

#include "event.h"

#define HOLD_BYTES_MAX (2u << 20)

struct hold;

struct hold_stats {
	size_t events, bytes;	/* now */
	u64 held;		/* ever */
	u64 pushed_out;		/* left without waiting longer: no room */
};

/* An event on its way out: the record as the kernel wrote it, whose it is, and its process as
 * it was then (NULL: none known). Valid during the call. */
typedef void (*hold_fn)(void *ctx, const void *record, size_t size, struct who *who,
			const struct process *process);

struct hold *hold_new(hold_fn fn, void *ctx);	/* NULL and errno */
void hold_free(struct hold *h);			/* what is held is dropped; NULL is fine */

/* Keep it; who->held counts it. Calls fn for what must make room, and for the event itself
 * when there is no memory for it. */
void hold_put(struct hold *h, const void *record, size_t size, struct who *who,
	      const struct process *process);

/* Let go, in order, those for whose who `ready` says true; of NULL: all. fn must not hold. */
typedef bool (*hold_ready_fn)(void *ctx, struct who *who);
void hold_release(struct hold *h, hold_ready_fn ready, void *ctx);
/* All of one who. */
void hold_release_who(struct hold *h, const struct who *who);

void hold_stats(const struct hold *h, struct hold_stats *ret);

#endif
