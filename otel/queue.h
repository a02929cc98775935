/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded ring of encoded items, first in, first out, in one mapping that is reserved at
 * once and only touched as far as it is used: an empty queue starts again at its first page,
 * and one that was long gives its pages back.
 */
#ifndef OTEL_QUEUE_H
#define OTEL_QUEUE_H

#include "base/types.h"

struct queue_item {
	u32 n;			/* bytes after this header */
	u16 resource, scope;	/* slots of the book */
	u64 at_ns;		/* boot time of its arrival */
};

struct queue {
	u8 *mem;	/* NULL: no queue */
	size_t cap;
	size_t head, tail;	/* offsets of the first item and of the free room */
	size_t high;		/* bytes touched since pages were given back */
	u64 items;
};

int queue_init(struct queue *q, size_t cap);	/* 0 or -errno */
void queue_free(struct queue *q);		/* leaves it as zero-initialised */

/* false: no room. item->n bytes at p are copied. */
bool queue_push(struct queue *q, const struct queue_item *item, const void *p);

/*
 * The item at *cursor, and the cursor to the next; start with queue_start, end after q->items.
 * The bytes stand at q->mem + the returned offset until queue_pop.
 */
size_t queue_start(const struct queue *q);
const struct queue_item *queue_next(const struct queue *q, size_t *cursor, u32 *ret_off);
/* Forget the first `items` items, whose end is the cursor. */
void queue_pop(struct queue *q, u64 items, size_t cursor);

#endif
