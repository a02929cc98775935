// SPDX-License-Identifier: Apache-2.0
#include "otel/frame.h"

#include <string.h>

static const char schema_field[] = "\x1a\x27" FRAME_SCHEMA_URL; /* field 3, 39 bytes */
#define SCHEMA_FIELD_N (sizeof(schema_field) - 1)
_Static_assert(sizeof(FRAME_SCHEMA_URL) - 1 == 0x27, "length byte of schema_field");

#define SHELL (1 + FRAME_LEN_MAX) /* tag and length */

/* Bytes are put before pos; full: something did not fit, pos does not move any more. */
struct back {
	u8 *mem;
	size_t pos;
	bool full;
};

size_t frame_varint(u8 *dst, u64 v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		dst[n++] = (u8)(v | 0x80);
	dst[n++] = (u8)v;
	return n;
}

static void put(struct back *f, const void *p, size_t n)
{
	if (n > f->pos)
		f->full = true;
	if (f->full || !n)
		return;
	f->pos -= n;
	memcpy(f->mem + f->pos, p, n);
}

/* Make what stands before `end` one field. */
static void wrap(struct back *f, u8 tag, size_t end)
{
	u8 head[SHELL] = { tag };

	put(f, head, 1 + frame_varint(head + 1, end - f->pos));
}

#define DIGIT_BITS 7
#define DIGITS	   (1u << DIGIT_BITS)
#define PASSES	   ((12 + FRAME_KEY_SCOPE_BITS + FRAME_KEY_DESC_BITS) / DIGIT_BITS)
_Static_assert(PASSES *DIGIT_BITS == 12 + FRAME_KEY_SCOPE_BITS + FRAME_KEY_DESC_BITS,
	       "the digits are the whole group");

static u32 digit(u64 key, u32 pass)
{
	return (u32)(key >> (32 + pass * DIGIT_BITS)) % DIGITS;
}

/* musl's qsort costs four times the rest of a request; a few groups are one or two passes. */
void frame_sort(struct frame_piece *v, struct frame_piece *scratch, size_t n)
{
	struct frame_piece *from = v, *to = scratch, *swap;
	u32 at[PASSES][DIGITS] = { 0 };

	for (size_t i = 0; i < n; i++) {
		for (u32 p = 0; p < PASSES; p++)
			at[p][digit(v[i].key, p)]++;
	}
	for (u32 p = 0; p < PASSES && n; p++) {
		u32 sum = 0;

		if (at[p][digit(v[0].key, p)] == n)
			continue;
		for (u32 d = 0; d < DIGITS; d++) {
			u32 here = at[p][d];

			at[p][d] = sum;
			sum += here;
		}
		for (size_t i = 0; i < n; i++)
			to[at[p][digit(from[i].key, p)]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	if (from != v)
		memcpy(v, from, n * sizeof(*v));
}

size_t frame_cost(const struct book *b, u64 key, size_t n, struct frame_new is_new)
{
	size_t cost = SHELL + n;

	if (is_new.resource)
		cost += 2 * SHELL + book_resource_field(b, frame_key_resource(key)).n +
			SCHEMA_FIELD_N;
	if (is_new.scope)
		cost += SHELL + book_scope_field(b, frame_key_scope(key)).n + SCHEMA_FIELD_N;
	if (is_new.metric) {
		const struct book_metric *m = book_metric(b, frame_key_desc(key));

		cost += 2 * SHELL + m->head.n + m->tail.n;
	}
	return cost;
}

/* Pieces before v[n] of one metric; returns how many are left before them. */
static size_t put_metric(struct back *f, const struct book *b, const struct frame_piece *v,
			 size_t n, const u8 *store)
{
	u64 group = v[n - 1].key >> 32;
	const struct book_metric *m = book_metric(b, frame_key_desc(v[n - 1].key));
	size_t end = f->pos;

	put(f, m->tail.p, m->tail.n);
	for (; n && v[n - 1].key >> 32 == group; n--) {
		size_t point_end = f->pos;

		put(f, store + v[n - 1].off, v[n - 1].n);
		wrap(f, FRAME_TAG(1, FRAME_LEN), point_end);
	}
	wrap(f, m->tag, end);
	put(f, m->head.p, m->head.n);
	return n;
}

static bool same_scope(u64 a, u64 b)
{
	return a >> (32 + FRAME_KEY_DESC_BITS) == b >> (32 + FRAME_KEY_DESC_BITS);
}

static size_t put_scope(struct back *f, const struct book *b, const struct frame_piece *v, size_t n,
			const u8 *store, bool points)
{
	u64 key = v[n - 1].key;
	struct str scope = book_scope_field(b, frame_key_scope(key));

	put(f, schema_field, SCHEMA_FIELD_N);
	while (n && same_scope(v[n - 1].key, key)) {
		size_t end = f->pos;

		if (points) {
			n = put_metric(f, b, v, n, store);
		} else {
			n--;
			put(f, store + v[n].off, v[n].n);
		}
		wrap(f, FRAME_TAG(2, FRAME_LEN), end);
	}
	put(f, scope.p, scope.n);
	return n;
}

static size_t put_resource(struct back *f, const struct book *b, const struct frame_piece *v,
			   size_t n, const u8 *store, bool points)
{
	u32 slot = frame_key_resource(v[n - 1].key);
	struct str resource = book_resource_field(b, slot);

	put(f, schema_field, SCHEMA_FIELD_N);
	while (n && frame_key_resource(v[n - 1].key) == slot) {
		size_t end = f->pos;

		n = put_scope(f, b, v, n, store, points);
		wrap(f, FRAME_TAG(2, FRAME_LEN), end);
	}
	put(f, resource.p, resource.n);
	return n;
}

struct str frame_build(const struct book *b, const struct frame_piece *v, size_t n, const u8 *store,
		       bool points, u8 *mem, size_t cap)
{
	struct back f = { .mem = mem, .pos = cap };

	while (n) {
		size_t end = f.pos;

		n = put_resource(&f, b, v, n, store, points);
		wrap(&f, FRAME_TAG(1, FRAME_LEN), end);
	}
	if (f.full)
		return (struct str){ NULL, 0 };
	return (struct str){ (char *)mem + f.pos, cap - f.pos };
}
