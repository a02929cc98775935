/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for one foreign message: pieces are handed out one after another and given back all
 * together, with a limit that holds whatever the message says. Few bytes on the wire can ask
 * for a hundred times as many unpacked (an empty submessage has two).
 */
#ifndef ASK_ARENA_H
#define ASK_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include "base/str.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;	/* the newest first */
	size_t bytes;			/* taken from the system, never more than max */
	size_t max;
	bool full;			/* a piece was refused */
};

#define ARENA(limit) ((struct arena){ .max = (limit) })
void *arena_alloc(struct arena *a, size_t n);	/* 16-byte aligned; NULL: over the limit */
/* A message in the arena, NULL and -EBADMSG (not of that type) or -EMSGSIZE (over the limit). */
void *arena_unpack(struct arena *a, const ProtobufCMessageDescriptor *type, struct str message,
		   int *ret_err);
void arena_free(struct arena *a, bool wipe);	/* wipe: zeroed before it is given back */

#endif
