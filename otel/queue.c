// SPDX-License-Identifier: Apache-2.0
#include "otel/queue.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGN	   8u
#define WRAP	   UINT32_MAX	/* n of a header that says: go on at the start */
#define KEEP_BYTES (256u << 10) /* pages an empty queue keeps */

static size_t need(u32 n)
{
	return (sizeof(struct queue_item) + n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

int queue_init(struct queue *q, size_t cap)
{
	void *mem = mmap(NULL, cap, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return -errno;
	*q = (struct queue){ .mem = mem, .cap = cap & ~(size_t)(ALIGN - 1) };
	return 0;
}

void queue_free(struct queue *q)
{
	if (q->mem)
		munmap(q->mem, q->cap);
	*q = (struct queue){ 0 };
}

/* Where size bytes go; SIZE_MAX: nowhere. */
static size_t place(struct queue *q, size_t size)
{
	if (q->items && q->tail <= q->head)
		return size <= q->head - q->tail ? q->tail : SIZE_MAX;
	if (size <= q->cap - q->tail)
		return q->tail;
	if (size > q->head)
		return SIZE_MAX;
	if (q->cap - q->tail >= sizeof(struct queue_item))
		((struct queue_item *)(q->mem + q->tail))->n = WRAP;
	return 0;
}

bool queue_push(struct queue *q, const struct queue_item *item, const void *p)
{
	size_t size = need(item->n);
	size_t at = item->n < WRAP - 64 ? place(q, size) : SIZE_MAX;

	if (at == SIZE_MAX)
		return false;
	memcpy(q->mem + at, item, sizeof(*item));
	memcpy(q->mem + at + sizeof(*item), p, item->n);
	q->tail = at + size;
	if (q->tail > q->high)
		q->high = q->tail;
	q->items++;
	return true;
}

size_t queue_start(const struct queue *q)
{
	return q->head;
}

const struct queue_item *queue_next(const struct queue *q, size_t *cursor, u32 *ret_off)
{
	const struct queue_item *item;
	size_t at = *cursor;

	if (q->cap - at < sizeof(*item) || ((struct queue_item *)(q->mem + at))->n == WRAP)
		at = 0;
	item = (const struct queue_item *)(q->mem + at);
	*ret_off = (u32)(at + sizeof(*item));
	*cursor = at + need(item->n);
	return item;
}

void queue_pop(struct queue *q, u64 items, size_t cursor)
{
	assert(items <= q->items);
	q->items -= items;
	q->head = cursor;
	if (q->items)
		return;
	q->head = q->tail = 0;
	if (q->high > 4 * KEEP_BYTES) {
		/* A failure costs memory, not data. */
		(void)madvise(q->mem + KEEP_BYTES, q->cap - KEEP_BYTES, MADV_DONTNEED);
		q->high = 0;
	}
}
