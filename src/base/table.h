/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of fixed-size keys and values with a hard cap, allocated once. When it is
 * full the least recently used entry makes room, and the owner is told (to count it and to
 * release what the value holds). Keys are hashed with SipHash-1-3 under a random seed, so
 * that a hostile process cannot choose colliding pids or paths. Single-threaded.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/types.h"

struct table;

/* Called for an entry that is about to go because of table_add on a full table, table_del
 * or table_free; evicted tells the first case from the others. Must not touch the table.
 * May be NULL. */
typedef void (*table_drop_fn)(void *ctx, const void *key, void *value, bool evicted);

/* cap entries of key_size + value_size bytes; keys and values are 8-byte aligned, keys are
 * compared as bytes (zero their padding), value_size may be 0 (a set). Pages of entries never
 * used cost no memory. NULL and errno (ENOMEM, EINVAL) on failure. */
struct table *table_new(size_t cap, size_t key_size, size_t value_size, table_drop_fn drop,
			void *ctx);
void table_free(struct table *t);	/* NULL is fine */

/* The value, marked as used just now, or NULL. Valid until the entry is dropped. */
void *table_get(struct table *t, const void *key);
/* Same, without marking it used. */
void *table_peek(const struct table *t, const void *key);
/* The value of key, added zeroed if it was not there (*ret_new, may be NULL, tells). Never
 * fails: a full table drops its oldest entry. */
void *table_add(struct table *t, const void *key, bool *ret_new);
bool table_del(struct table *t, const void *key);	/* false: was not there */

/* Walk from the least to the most recently used. Start with *pos = 0; false at the end.
 * The entry just returned may be deleted during the walk; nothing else may be deleted,
 * nothing added, nothing marked used (peek, do not get). */
bool table_next(const struct table *t, size_t *pos, const void **ret_key, void **ret_value);

size_t table_len(const struct table *t);
size_t table_cap(const struct table *t);
size_t table_bytes(const struct table *t);	/* allocated, for the memory bill */
u64 table_evictions(const struct table *t);

/* The hash itself: SipHash-1-3 (Aumasson, Bernstein 2012), 64 bits, any n. */
u64 table_siphash13(const u64 seed[static 2], const void *key, size_t n);

#endif
