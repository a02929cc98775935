// SPDX-License-Identifier: Apache-2.0
#include "ask/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Small answers take little; large chunks are mapped and go back to the system at once. */
#define CHUNK_MIN (4u << 10)
#define CHUNK_MAX (256u << 10)
#define ALIGN	  16u

struct arena_chunk {
	struct arena_chunk *next;
	size_t n, used; /* bytes behind this head */
	_Alignas(ALIGN) char bytes[];
};

static struct arena_chunk *add_chunk(struct arena *a, size_t n)
{
	size_t room = a->chunks ? a->chunks->n * 2 : CHUNK_MIN, bytes;
	struct arena_chunk *c;

	room = room < CHUNK_MAX ? room : CHUNK_MAX;
	room = room > n ? room : n;
	bytes = sizeof(*c) + room;
	if (bytes > a->max - a->bytes) {
		room = n;
		bytes = sizeof(*c) + n;
	}
	c = bytes <= a->max - a->bytes ? malloc(bytes) : NULL;
	if (!c) {
		a->full = true;
		return NULL;
	}
	*c = (struct arena_chunk){ .next = a->chunks, .n = room };
	a->chunks = c;
	a->bytes += bytes;
	return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->chunks;
	void *p;

	/* No size of ours comes near: a length that wraps is refused with the others. */
	if (n > a->max) {
		a->full = true;
		return NULL;
	}
	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!c || n > c->n - c->used)
		c = add_chunk(a, n);
	if (!c)
		return NULL;
	p = c->bytes + c->used;
	c->used += n;
	return p;
}

static void *on_alloc(void *ctx, size_t n)
{
	return arena_alloc(ctx, n);
}

static void on_free(void *ctx, void *p)
{
	(void)ctx;
	(void)p;
}

void *arena_unpack(struct arena *a, const ProtobufCMessageDescriptor *type, struct str message,
		   int *ret_err)
{
	ProtobufCAllocator pieces = { .alloc = on_alloc, .free = on_free, .allocator_data = a };
	void *m = protobuf_c_message_unpack(type, &pieces, message.n, (const u8 *)message.p);

	*ret_err = m ? 0 : a->full ? -EMSGSIZE : -EBADMSG;
	return m;
}

void arena_free(struct arena *a, bool wipe)
{
	while (a->chunks) {
		struct arena_chunk *c = a->chunks;

		a->chunks = c->next;
		if (wipe)
			explicit_bzero(c->bytes, c->used);
		free(c);
	}
	a->bytes = 0;
}
