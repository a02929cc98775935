// SPDX-License-Identifier: Apache-2.0
#include "otel/book.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "otel/frame.h"
#include "otel/otel.h"

#define SLOT_BITS 12
#define SLOT_MASK ((1 << SLOT_BITS) - 1)
_Static_assert(OTEL_RESOURCES_MAX == 1 << SLOT_BITS, "a number is generation and slot");
_Static_assert(OTEL_SCOPES_MAX == 64, "scopes of a resource are bits of a u64");

#define DESC_HASH 2048 /* slots of the address table: half full at most */
_Static_assert(DESC_HASH >= 2 * OTEL_DESCS_MAX, "open addressing wants room");

struct resource {
	char *field; /* owned; NULL: the slot is free */
	u32 n;
	u32 refs; /* queued items */
	u32 generation;
	bool dropped;	  /* its number is not valid any more, queued items keep it */
	u64 used;	  /* of book.clock */
	u64 mark, scopes; /* of the request being put together */
};

struct book {
	char *version;
	struct resource resource[OTEL_RESOURCES_MAX];
	u32 resources; /* slots ever used: the rest is free */
	size_t resource_bytes;
	u64 clock, mark;
	struct {
		const char *name;
		struct str field;
	} scope[OTEL_SCOPES_MAX];
	u32 scopes;
	struct book_metric metric[OTEL_DESCS_MAX];
	const struct metric_desc *desc[OTEL_DESCS_MAX];
	u32 descs;
	u16 desc_hash[DESC_HASH]; /* 1 + slot, 0: free */
};

struct book *book_new(const char *version)
{
	struct book *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->version = strdup(version ? version : "");
	if (!b->version) {
		free(b);
		return NULL;
	}
	return b;
}

void book_free(struct book *b)
{
	if (!b)
		return;
	for (u32 i = 0; i < b->resources; i++)
		free(b->resource[i].field);
	for (u32 i = 0; i < b->scopes; i++)
		free((char *)b->scope[i].field.p);
	for (u32 i = 0; i < b->descs; i++)
		free((char *)b->metric[i].head.p);
	free(b->version);
	free(b);
}

/* The bytes as field 1 of the message around them, in memory of its own. */
static char *field_of(struct str bytes, u32 *ret_n)
{
	u8 head[1 + FRAME_LEN_MAX] = { FRAME_TAG(1, FRAME_LEN) };
	size_t n = 1 + frame_varint(head + 1, bytes.n);
	char *p = malloc(n + bytes.n);

	if (!p)
		return NULL;
	memcpy(p, head, n);
	if (bytes.n)
		memcpy(p + n, bytes.p, bytes.n);
	*ret_n = (u32)(n + bytes.n);
	return p;
}

static void forget(struct book *b, struct resource *r)
{
	assert(r->refs == 0);
	b->resource_bytes -= r->n;
	free(r->field);
	*r = (struct resource){ .generation = r->generation + 1 };
}

static struct resource *least_used(struct book *b)
{
	struct resource *best = NULL;

	for (u32 i = 0; i < b->resources; i++) {
		struct resource *r = &b->resource[i];

		if (r->field && !r->refs && (!best || r->used < best->used))
			best = r;
	}
	return best;
}

/* A free slot and room for n bytes, forgetting old ones for it. NULL: all are in use. */
static struct resource *make_room(struct book *b, size_t n)
{
	for (;;) {
		struct resource *r = NULL, *old;

		for (u32 i = 0; i < b->resources && !r; i++) {
			if (!b->resource[i].field)
				r = &b->resource[i];
		}
		if (!r && b->resources < OTEL_RESOURCES_MAX)
			r = &b->resource[b->resources];
		if (r && b->resource_bytes + n <= OTEL_RESOURCE_BYTES_MAX)
			return r;
		old = least_used(b);
		if (!old)
			return NULL;
		forget(b, old);
	}
}

int book_resource(struct book *b, struct str bytes)
{
	u32 n;
	char *field = field_of(bytes, &n);
	struct resource *r = field ? make_room(b, n) : NULL;
	u32 slot;

	if (!r) {
		free(field);
		return field ? -ENOSPC : -ENOMEM;
	}
	slot = (u32)(r - b->resource);
	if (slot == b->resources)
		b->resources++;
	r->field = field;
	r->n = n;
	r->used = ++b->clock;
	r->generation &= (1u << (31 - SLOT_BITS)) - 1;
	b->resource_bytes += n;
	return (int)(r->generation << SLOT_BITS | slot);
}

static struct resource *find(const struct book *b, int resource)
{
	const struct resource *r = &b->resource[resource & SLOT_MASK];

	if (resource < 0 || !r->field || r->dropped || r->generation != (u32)resource >> SLOT_BITS)
		return NULL;
	return (struct resource *)r;
}

bool book_resource_known(const struct book *b, int resource)
{
	return find(b, resource);
}

void book_resource_drop(struct book *b, int resource)
{
	struct resource *r = find(b, resource);

	if (!r)
		return;
	r->dropped = true;
	if (!r->refs)
		forget(b, r);
}

int book_ref(struct book *b, int resource)
{
	struct resource *r = find(b, resource);

	if (!r)
		return -ENOENT;
	r->refs++;
	r->used = ++b->clock;
	return resource & SLOT_MASK;
}

void book_ref_slot(struct book *b, int slot)
{
	assert(b->resource[slot].refs);
	b->resource[slot].refs++;
}

void book_unref(struct book *b, int slot)
{
	struct resource *r = &b->resource[slot];

	assert(r->refs);
	if (--r->refs == 0 && r->dropped)
		forget(b, r);
}

int book_scope(struct book *b, struct encoder *e, const char *name)
{
	char *field;
	u32 n;

	/* By address first: names are literals, and nearly always the same few. */
	for (u32 i = 0; i < b->scopes; i++) {
		if (b->scope[i].name == name)
			return (int)i;
	}
	for (u32 i = 0; i < b->scopes; i++) {
		if (!strcmp(b->scope[i].name, name))
			return (int)i;
	}
	if (b->scopes == OTEL_SCOPES_MAX)
		return -ENOSPC;
	field = field_of(encode_scope(e, name, b->version), &n);
	if (!field)
		return -ENOMEM;
	b->scope[b->scopes].name = name;
	b->scope[b->scopes].field = (struct str){ field, n };
	return (int)b->scopes++;
}

static int desc_add(struct book *b, struct encoder *e, const struct metric_desc *d)
{
	/* Fields 2 and 3 of Sum and Histogram: CUMULATIVE (2), is_monotonic. */
	static const char monotonic[] = { FRAME_TAG(2, FRAME_VARINT), 2, FRAME_TAG(3, FRAME_VARINT),
					  1 };
	static const struct {
		u8 tag;
		u8 tail;
	} types[] = {
		[METRIC_COUNTER] = { FRAME_TAG(7, FRAME_LEN), 4 },
		[METRIC_UPDOWN] = { FRAME_TAG(7, FRAME_LEN), 2 },
		[METRIC_GAUGE] = { FRAME_TAG(5, FRAME_LEN), 0 },
		[METRIC_HISTOGRAM] = { FRAME_TAG(9, FRAME_LEN), 2 },
	};
	struct book_metric *m = &b->metric[b->descs];
	struct str bytes;
	char *p;

	if (b->descs == OTEL_DESCS_MAX)
		return -ENOSPC;
	bytes = encode_metric(e, d);
	p = malloc(bytes.n + 1);
	if (!p)
		return -ENOMEM;
	memcpy(p, bytes.p, bytes.n);
	m->head = (struct str){ p, bytes.n };
	m->tag = types[d->type].tag;
	m->tail = (struct str){ monotonic, types[d->type].tail };
	b->desc[b->descs] = d;
	return (int)b->descs++;
}

int book_desc(struct book *b, struct encoder *e, const struct metric_desc *d)
{
	/* Addresses of a table's rows differ in the middle bits. */
	u32 h = (u32)(((u64)(uintptr_t)d * 0x9e3779b97f4a7c15ull) >> 53);
	int slot;

	_Static_assert(DESC_HASH == 1 << (64 - 53), "h is a slot");
	for (; b->desc_hash[h]; h = (h + 1) % DESC_HASH) {
		if (b->desc[b->desc_hash[h] - 1] == d)
			return b->desc_hash[h] - 1;
	}
	slot = desc_add(b, e, d);
	if (slot >= 0)
		b->desc_hash[h] = (u16)(slot + 1);
	return slot;
}

struct str book_resource_field(const struct book *b, u32 slot)
{
	return (struct str){ b->resource[slot].field, b->resource[slot].n };
}

struct str book_scope_field(const struct book *b, u32 slot)
{
	return b->scope[slot].field;
}

const struct book_metric *book_metric(const struct book *b, u32 slot)
{
	return &b->metric[slot];
}

void book_mark_reset(struct book *b)
{
	b->mark++;
}

bool book_mark_resource(struct book *b, u32 slot)
{
	struct resource *r = &b->resource[slot];

	if (r->mark == b->mark)
		return false;
	r->mark = b->mark;
	r->scopes = 0;
	return true;
}

bool book_mark_scope(struct book *b, u32 slot, u32 scope)
{
	u64 bit = 1ull << scope;

	if (b->resource[slot].scopes & bit)
		return false;
	b->resource[slot].scopes |= bit;
	return true;
}
