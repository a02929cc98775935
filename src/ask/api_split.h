/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts what the API server sends into objects while it arrives, so that a list of any length
 * costs the memory of its largest pod: the items of a list ({"items": [{}, {}], ...}), or the
 * events of a watch ({} {} ..., a line each, but white space between them does not matter).
 * Only brackets and strings are looked at; each object is still to be read as JSON. Bytes may
 * come in any pieces.
 */
#ifndef ASK_API_SPLIT_H
#define ASK_API_SPLIT_H

#include "ask/api.h"
#include "base/buf.h"

/* etcd keeps objects of 1.5 MiB at most (--max-request-bytes); a larger one is left out. */
#define API_OBJECT_MAX	 (4u << 20)
#define API_REST_MAX	 (64u << 10)	/* a list without its items */
#define API_DEPTH_MAX	 128u		/* brackets in brackets; a pod has about 12 */

struct api_split {
	bool list;		/* items of a list, not a stream of objects */
	struct buf object;	/* what is there of the object that arrives */
	struct buf rest;	/* of a list: all but the items */
	u64 too_large;		/* objects left out */
	/* The rest is its own business. */
	u64 bytes;		/* of this list, or of this object of a stream */
	u32 depth;
	bool quoted, escaped;	/* inside a string; behind its backslash */
	bool inside;		/* an object */
	bool skipping;		/* it is too large */
	bool items, value;	/* the key just read is "items"; its array has begun */
	char key[8];
	size_t key_n;
};

/* An object is whole. The buffer may be overwritten; it is the next one's afterwards. Not 0
 * ends the splitting with that. */
typedef int (*api_split_fn)(void *ctx, struct buf *object);

void api_split_init(struct api_split *s);
void api_split_free(struct api_split *s);
/* Begin anew; too_large counts on. */
void api_split_start(struct api_split *s, bool list);

/* 0; what fn returned; -EBADMSG: neither of the two shapes, or too deep; -EFBIG: over
 * API_BODY_MAX; -ENOMEM. Nothing may be fed after a failure. */
int api_split_feed(struct api_split *s, struct str bytes, api_split_fn fn, void *ctx);

#endif
