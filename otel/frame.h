/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts encoded items into one ExportXServiceRequest: the length-delimited shells around them
 * (resource, scope, and for points the Metric), written by hand because the pieces inside are
 * bytes already. The three signals have the same field numbers here (opentelemetry-proto
 * 1.11.0, trace.proto, logs.proto, metrics.proto):
 *
 *   request    { 1: resource_x }
 *   resource_x { 1: resource, 2: scope_x, 3: schema_url }
 *   scope_x    { 1: scope, 2: item or metric, 3: schema_url }
 *
 * A request is written from its end to its start, so that every length is known when it is
 * put before its contents: one pass, shortest lengths, nothing moved.
 */
#ifndef OTEL_FRAME_H
#define OTEL_FRAME_H

#include "otel/book.h"

#define FRAME_SCHEMA_URL "https://opentelemetry.io/schemas/1.44.0"

/* Wire types (protobuf encoding); a tag of field 1..15 is one byte. */
#define FRAME_VARINT 0
#define FRAME_LEN 2
#define FRAME_TAG(field, type) ((field) << 3 | (type))
/* Bytes of a length, at most: our messages are below 2^32. */
#define FRAME_LEN_MAX 5

/* The varint of v, forward; returns its bytes. dst has room for 10, or 5 if v < 2^32. */
size_t frame_varint(u8 *dst, u64 v);

/* An encoded item and where it belongs: sorted by key, a request is grouped. */
struct frame_piece {
	u64 key;
	u32 off, n;	/* bytes in the store that frame_build is given */
};

#define FRAME_KEY_DESC_BITS 10
#define FRAME_KEY_SCOPE_BITS 6
/* Slots of the book; seq keeps the order within a group. desc is 0 but for points. */
static inline u64 frame_key(u32 resource, u32 scope, u32 desc, u32 seq)
{
	return ((u64)resource << (FRAME_KEY_SCOPE_BITS + FRAME_KEY_DESC_BITS) |
		(u64)scope << FRAME_KEY_DESC_BITS | desc)
		       << 32 |
	       seq;
}

static inline u32 frame_key_resource(u64 key)
{
	return (u32)(key >> (32 + FRAME_KEY_DESC_BITS + FRAME_KEY_SCOPE_BITS));
}

static inline u32 frame_key_scope(u64 key)
{
	return (u32)(key >> (32 + FRAME_KEY_DESC_BITS)) & ((1u << FRAME_KEY_SCOPE_BITS) - 1);
}

static inline u32 frame_key_desc(u64 key)
{
	return (u32)(key >> 32) & ((1u << FRAME_KEY_DESC_BITS) - 1);
}

/* v in the order of its groups. Within one the order stays, so seq has to rise in v. scratch
 * holds n pieces too. */
void frame_sort(struct frame_piece *v, struct frame_piece *scratch, size_t n);

/*
 * What a request grows by at most with one more item of n bytes; resource, scope, metric: is
 * it the first of its group in this request? The sum over the items bounds the request.
 */
struct frame_new {
	bool resource, scope, metric;
};
size_t frame_cost(const struct book *b, u64 key, size_t n, struct frame_new is_new);

/*
 * The request of n > 0 sorted pieces, at the end of mem (cap bytes). Returns the view, or an
 * empty one when cap is too small. points: pieces are data points.
 */
struct str frame_build(const struct book *b, const struct frame_piece *v, size_t n,
		       const u8 *store, bool points, u8 *mem, size_t cap);

#endif
