/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells of meters that user space counts, because only it has read what they are about. They are
 * like the kernel's: per cgroup and dimension, since the start, collected into the same series.
 */
#ifndef FOLD_TALLY_H
#define FOLD_TALLY_H

#include "kinds.h"

#define TALLY_MAX 4096 /* cells; the oldest makes room: its series goes on from there */

struct tally;

struct tally *tally_new(void);		/* NULL and errno */
void tally_free(struct tally *t);	/* NULL is fine */

/* Count one. The key's rsvd bytes, if any, are zero. */
void tally_add(struct tally *t, const struct meter_key *key);
/* Sort ns into the meter's buckets of (lower, upper]. */
void tally_time(struct tally *t, const struct meter_key *key, u64 ns);

typedef void (*tally_fn)(void *ctx, const struct meter_key *key, const struct meter_cell *cell);
void tally_walk(const struct tally *t, tally_fn fn, void *ctx);
void tally_forget(struct tally *t, const struct meter_key *key);

#endif
