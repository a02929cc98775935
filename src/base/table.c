// SPDX-License-Identifier: Apache-2.0
/*
 * Chains and the use order are linked by u32 index, 1-based, so that 0 means none and a
 * calloc'ed table is an empty one. Entries never used stay untouched (and unbacked) pages:
 * slots are handed out from a high-water mark, returned ones are kept in a chain.
 */
#include "base/table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define TABLE_CAP_MAX (1u << 30) /* so that buckets and indices stay u32 */
#define WALK_END      SIZE_MAX

/* Followed by the key, padded to 8 bytes, and the value, padded to 8 bytes. */
struct entry {
	u32 chain; /* next in the bucket, or next free */
	u32 older, newer;
	u32 hash;
};

struct table {
	table_drop_fn drop;
	void *ctx;
	u64 seed[2];
	u64 evictions;
	size_t bytes, len, cap, key_size, value_size;
	size_t value_at, stride; /* of the value in an entry; of an entry */
	u8 *entries;
	u32 mask;	    /* buckets - 1 */
	u32 used;	    /* high-water mark of slots */
	u32 free;	    /* first returned slot */
	u32 oldest, newest; /* ends of the use order */
	bool dropping;	    /* inside drop: the table must be left alone */
	u32 buckets[];
};

static u64 rotate(u64 x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(u64 v[static 4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static u64 load_le64(const u8 *p, size_t n)
{
	u64 x = 0;

	for (size_t i = 0; i < n; i++)
		x |= (u64)p[i] << (8 * i);
	return x;
}

/* One round a word, three at the end. */
u64 table_siphash13(const u64 seed[static 2], const void *key, size_t n)
{
	u64 v[4] = {
		seed[0] ^ 0x736f6d6570736575ull,
		seed[1] ^ 0x646f72616e646f6dull,
		seed[0] ^ 0x6c7967656e657261ull,
		seed[1] ^ 0x7465646279746573ull,
	};
	const u8 *p = key;
	u64 last = (u64)n << 56;

	for (; n >= 8; p += 8, n -= 8) {
		u64 word = load_le64(p, 8);

		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	last |= load_le64(p, n);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct entry *entry_of(const struct table *t, u32 i)
{
	return (struct entry *)(t->entries + (size_t)(i - 1) * t->stride);
}

static void *key_of(struct entry *e)
{
	return e + 1;
}

static void *value_of(const struct table *t, struct entry *e)
{
	return (u8 *)e + t->value_at;
}

static size_t round8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

struct table *table_new(size_t cap, size_t key_size, size_t value_size, table_drop_fn drop,
			void *ctx)
{
	size_t value_at, stride, entries_at, bytes, buckets = 1;
	struct table *t;

	if (cap == 0 || cap > TABLE_CAP_MAX || key_size == 0 || key_size > UINT32_MAX ||
	    value_size > UINT32_MAX) {
		errno = EINVAL;
		return NULL;
	}
	while (buckets < cap)
		buckets *= 2;
	value_at = sizeof(struct entry) + round8(key_size);
	stride = value_at + round8(value_size);
	entries_at = round8(sizeof(*t) + buckets * sizeof(t->buckets[0]));
	if (__builtin_mul_overflow(cap, stride, &bytes) ||
	    __builtin_add_overflow(bytes, entries_at, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	t = calloc(1, bytes);
	if (!t)
		return NULL;
	random_bytes(t->seed, sizeof(t->seed));
	t->drop = drop;
	t->ctx = ctx;
	t->bytes = bytes;
	t->cap = cap;
	t->key_size = key_size;
	t->value_size = value_size;
	t->value_at = value_at;
	t->stride = stride;
	t->entries = (u8 *)t + entries_at;
	t->mask = (u32)(buckets - 1);
	return t;
}

static void tell_owner(struct table *t, struct entry *e, bool evicted)
{
	if (!t->drop)
		return;
	t->dropping = true;
	t->drop(t->ctx, key_of(e), value_of(t, e), evicted);
	t->dropping = false;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	assert(!t->dropping);
	for (u32 i = t->oldest; i; i = entry_of(t, i)->newer)
		tell_owner(t, entry_of(t, i), false);
	free(t);
}

static u32 find(const struct table *t, const void *key, u32 hash)
{
	u32 i = t->buckets[hash & t->mask];

	while (i) {
		struct entry *e = entry_of(t, i);

		if (e->hash == hash && memcmp(key_of(e), key, t->key_size) == 0)
			break;
		i = e->chain;
	}
	return i;
}

static u32 hash_of(const struct table *t, const void *key)
{
	return (u32)table_siphash13(t->seed, key, t->key_size);
}

static void order_unlink(struct table *t, struct entry *e)
{
	if (e->older)
		entry_of(t, e->older)->newer = e->newer;
	else
		t->oldest = e->newer;
	if (e->newer)
		entry_of(t, e->newer)->older = e->older;
	else
		t->newest = e->older;
}

static void order_append(struct table *t, u32 i)
{
	struct entry *e = entry_of(t, i);

	e->older = t->newest;
	e->newer = 0;
	if (t->newest)
		entry_of(t, t->newest)->newer = i;
	else
		t->oldest = i;
	t->newest = i;
}

static void touch(struct table *t, u32 i)
{
	if (t->newest == i)
		return;
	order_unlink(t, entry_of(t, i));
	order_append(t, i);
}

static void drop_entry(struct table *t, u32 i, bool evicted)
{
	struct entry *e = entry_of(t, i);
	u32 *link = &t->buckets[e->hash & t->mask];

	tell_owner(t, e, evicted);
	while (*link != i)
		link = &entry_of(t, *link)->chain;
	*link = e->chain;
	order_unlink(t, e);
	e->chain = t->free;
	t->free = i;
	t->len--;
}

void *table_get(struct table *t, const void *key)
{
	u32 i = find(t, key, hash_of(t, key));

	if (!i)
		return NULL;
	touch(t, i);
	return value_of(t, entry_of(t, i));
}

void *table_peek(const struct table *t, const void *key)
{
	u32 i = find(t, key, hash_of(t, key));

	return i ? value_of(t, entry_of(t, i)) : NULL;
}

/* A slot in no chain and no order; a full table gives up its oldest entry for it. */
static u32 take_slot(struct table *t)
{
	u32 i;

	if (t->len == t->cap) {
		t->evictions++;
		drop_entry(t, t->oldest, true);
	}
	i = t->free;
	if (i)
		t->free = entry_of(t, i)->chain;
	else
		i = ++t->used;
	t->len++;
	return i;
}

void *table_add(struct table *t, const void *key, bool *ret_new)
{
	u32 hash = hash_of(t, key);
	u32 i = find(t, key, hash);
	struct entry *e;

	assert(!t->dropping);
	if (ret_new)
		*ret_new = !i;
	if (i) {
		touch(t, i);
		return value_of(t, entry_of(t, i));
	}
	i = take_slot(t);
	e = entry_of(t, i);
	e->hash = hash;
	e->chain = t->buckets[hash & t->mask];
	t->buckets[hash & t->mask] = i;
	order_append(t, i);
	memcpy(key_of(e), key, t->key_size);
	memset(value_of(t, e), 0, t->value_size);
	return value_of(t, e);
}

bool table_del(struct table *t, const void *key)
{
	u32 i = find(t, key, hash_of(t, key));

	assert(!t->dropping);
	if (i)
		drop_entry(t, i, false);
	return i != 0;
}

bool table_next(const struct table *t, size_t *pos, const void **ret_key, void **ret_value)
{
	struct entry *e;

	if (*pos == WALK_END || t->len == 0)
		return false;
	e = entry_of(t, *pos ? (u32)*pos : t->oldest);
	*pos = e->newer ? e->newer : WALK_END;
	*ret_key = key_of(e);
	*ret_value = value_of(t, e);
	return true;
}

size_t table_len(const struct table *t)
{
	return t->len;
}

size_t table_cap(const struct table *t)
{
	return t->cap;
}

size_t table_bytes(const struct table *t)
{
	return t->bytes;
}

u64 table_evictions(const struct table *t)
{
	return t->evictions;
}
