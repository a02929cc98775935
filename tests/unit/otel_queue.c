// SPDX-License-Identifier: Apache-2.0
/* links: otel/queue.c */
/* otel/queue: against a model that cannot be wrong, with items of all sizes, wrapping often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "otel/queue.h"

#define CAP	4096
#define MODEL	1024
#define LONGEST (CAP / 3)

struct model {
	u32 n[MODEL]; /* sizes; the bytes of item i are all (u8)i */
	u64 head, tail;
	u64 refused;
};

static void push(struct queue *q, struct model *m, u32 n)
{
	struct queue_item item = { .n = n, .resource = (u16)m->tail, .at_ns = m->tail };
	static u8 bytes[CAP * 2];

	memset(bytes, (int)m->tail, n);
	if (queue_push(q, &item, bytes)) {
		m->n[m->tail++ % MODEL] = n;
		return;
	}
	m->refused++;
	/* Only when it is nearly full: a gap at the end is at most as long as the longest item. */
	for (u64 i = m->head, used = 0; i <= m->tail; i++) {
		if (i == m->tail)
			assert_true(used + n + LONGEST + 2 * 24 > CAP);
		else
			used += m->n[i % MODEL] + 24;
	}
}

static void pop(struct queue *q, struct model *m, u64 items)
{
	size_t cursor = queue_start(q);

	for (u64 i = 0; i < items; i++, m->head++) {
		u32 off;
		const struct queue_item *item = queue_next(q, &cursor, &off);

		assert_int_equal(item->n, m->n[m->head % MODEL]);
		assert_int_equal(item->at_ns, m->head);
		assert_int_equal(item->resource, (u16)m->head);
		for (u32 k = 0; k < item->n; k++)
			assert_int_equal(q->mem[off + k], (u8)m->head);
	}
	queue_pop(q, items, cursor);
}

static void test_random(void **state)
{
	struct queue q = { 0 };
	struct model m = { 0 };

	(void)state;
	assert_int_equal(queue_init(&q, CAP), 0);
	for (int i = 0; i < 200000; i++) {
		if (random() % 5 < 3)
			push(&q, &m, (u32)random() % (random() % 10 ? 60 : LONGEST));
		else if (q.items)
			pop(&q, &m,
			    1 + (u64)random() % (random() % 50 && q.items > 3 ? 3 : q.items));
		assert_int_equal(q.items, m.tail - m.head);
	}
	assert_true(m.refused > 100 && m.tail > 10000);
	queue_free(&q);
	assert_null(q.mem);
}

static void test_edges(void **state)
{
	struct queue q = { 0 };
	struct queue_item item = { .n = CAP - sizeof(item) };
	static u8 bytes[CAP];

	(void)state;
	assert_int_equal(queue_init(&q, CAP), 0);
	/* Exactly everything, and one byte more. */
	assert_true(queue_push(&q, &item, bytes));
	item.n = 0;
	assert_false(queue_push(&q, &item, bytes));
	queue_pop(&q, 1, CAP);
	assert_int_equal(q.items, 0);
	item.n = CAP - sizeof(item) + 1;
	assert_false(queue_push(&q, &item, bytes));
	item.n = UINT32_MAX;
	assert_false(queue_push(&q, &item, bytes));
	/* Empty items have an order too. */
	item.n = 0;
	for (size_t i = 0; i < CAP / sizeof(item); i++)
		assert_true(queue_push(&q, &item, bytes));
	assert_false(queue_push(&q, &item, bytes));
	queue_free(&q);
	queue_free(&q);
}

static void test_pages_go_back(void **state)
{
	struct queue q = { 0 };
	struct queue_item item = { .n = 1 << 20 };
	u8 *big = calloc(1, item.n);
	size_t cursor;
	u32 off;

	(void)state;
	assert_int_equal(queue_init(&q, 8 << 20), 0);
	memset(big, 1, item.n);
	for (int i = 0; i < 4; i++)
		assert_true(queue_push(&q, &item, big));
	cursor = queue_start(&q);
	for (int i = 0; i < 4; i++)
		queue_next(&q, &cursor, &off);
	assert_int_equal(q.mem[3 << 20], 1);
	queue_pop(&q, 4, cursor);
	/* What was given back reads as zero. */
	assert_int_equal(q.mem[3 << 20], 0);
	queue_free(&q);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_pages_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
