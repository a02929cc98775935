/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encoded data points of one metrics collection, grouped for requests once it is complete.
 * Each point holds a reference to its resource until the collection is emptied.
 */
#ifndef OTEL_COLLECTION_H
#define OTEL_COLLECTION_H

#include "base/buf.h"
#include "otel/frame.h"

struct collection {
	struct buf store;		/* the points' bytes */
	struct frame_piece *v;
	size_t n, cap;
};

void collection_init(struct collection *c, size_t max_bytes);
void collection_free(struct collection *c, struct book *b);

/* 0, -ENOSPC (over max_bytes) or -ENOMEM. The caller's reference to the resource becomes the
 * collection's on success. */
int collection_add(struct collection *c, u32 resource, u32 scope, u32 desc, struct str bytes);
void collection_sort(struct collection *c);
void collection_empty(struct collection *c, struct book *b);	/* memory stays */

#endif
