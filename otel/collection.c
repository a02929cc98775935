// SPDX-License-Identifier: Apache-2.0
#include "otel/collection.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST 256 /* points of the first allocation */

void collection_init(struct collection *c, size_t max_bytes)
{
	*c = (struct collection){ 0 };
	buf_init(&c->store, max_bytes);
}

void collection_empty(struct collection *c, struct book *b)
{
	for (size_t i = 0; i < c->n; i++)
		book_unref(b, (int)frame_key_resource(c->v[i].key));
	c->n = 0;
	buf_reset(&c->store);
}

void collection_free(struct collection *c, struct book *b)
{
	collection_empty(c, b);
	free(c->v);
	c->v = NULL;
	c->cap = 0;
	buf_free(&c->store);
}

static int grow(struct collection *c)
{
	size_t cap = c->cap ? 2 * c->cap : FIRST;
	struct frame_piece *v;

	/* The index may take as much as the points. Its second half is for sorting. */
	if (cap > FIRST && cap > c->store.max / (2 * sizeof(*v)))
		return -ENOSPC;
	v = realloc(c->v, 2 * cap * sizeof(*v));
	if (!v)
		return -ENOMEM;
	c->v = v;
	c->cap = cap;
	return 0;
}

int collection_add(struct collection *c, u32 resource, u32 scope, u32 desc, struct str bytes)
{
	size_t off = c->store.n;
	int bad = c->n == c->cap ? grow(c) : 0;

	if (bad)
		return bad;
	buf_str(&c->store, bytes);
	bad = c->store.err;
	if (bad) {
		c->store.err = 0; /* a smaller one may fit */
		return bad;
	}
	c->v[c->n] = (struct frame_piece){
		.key = frame_key(resource, scope, desc, (u32)c->n),
		.off = (u32)off,
		.n = (u32)bytes.n,
	};
	c->n++;
	return 0;
}

void collection_sort(struct collection *c)
{
	frame_sort(c->v, c->v + c->cap, c->n);
}
