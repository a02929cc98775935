// SPDX-License-Identifier: Apache-2.0
/* links: src/fold/hold.c */
/* The waiting room: order, whose turn it is, and what happens when it is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fold/hold.h"

struct out {
	size_t n;
	u32 last[8];
	struct who *who;
	bool process;
};

static void on_out(void *ctx, const void *record, size_t size, struct who *who,
		   const struct process *process)
{
	struct out *o = ctx;

	assert_true(size >= sizeof(u32));
	assert_int_equal((uintptr_t)record % _Alignof(u64), 0);
	memcpy(&o->last[o->n++ % 8], record, sizeof(u32));
	o->who = who;
	o->process = process;
}

static void put(struct hold *h, u32 number, struct who *who)
{
	hold_put(h, &number, sizeof(number), who, NULL);
}

static bool only(void *ctx, struct who *who)
{
	return who == ctx;
}

static void test_order(void **state)
{
	struct who a = { 0 }, b = { 0 };
	struct out o = { 0 };
	struct hold *h = hold_new(on_out, &o);
	struct process process = { .pid = 7 };
	struct hold_stats s;
	u32 five = 5;

	(void)state;
	put(h, 1, &a);
	put(h, 2, &b);
	put(h, 3, &a);
	assert_int_equal(a.held, 2);
	hold_release(h, only, &a);
	assert_int_equal(o.n, 2);
	assert_int_equal(o.last[0], 1);
	assert_int_equal(o.last[1], 3);
	assert_int_equal(a.held, 0);
	put(h, 4, &a);
	hold_release_who(h, &b);
	assert_int_equal(o.last[2], 2);
	hold_release_who(h, &b); /* nothing left */
	assert_int_equal(o.n, 3);
	hold_put(h, &five, sizeof(five), &b, &process);
	hold_release(h, NULL, NULL);
	assert_int_equal(o.last[3], 4);
	assert_int_equal(o.last[4], 5);
	assert_true(o.process);
	hold_stats(h, &s);
	assert_true(!s.events && !s.bytes && s.held == 5 && !s.pushed_out);
	put(h, 6, &b);
	hold_free(h); /* what is in it is freed with it */
	hold_free(NULL);
	assert_int_equal(o.n, 5);
}

/* The oldest go as they are; nothing is lost, and it is counted. */
static void test_full(void **state)
{
	static u64 record[REC_SIZE_MAX / sizeof(u64)];
	struct who a = { 0 };
	struct out o = { 0 };
	struct hold *h = hold_new(on_out, &o);
	struct hold_stats s;
	size_t n = 2000;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		memcpy(record, &i, sizeof(u32));
		hold_put(h, record, sizeof(record), &a, NULL);
	}
	hold_stats(h, &s);
	assert_true(s.bytes <= HOLD_BYTES_MAX);
	assert_true(s.events > 100 && s.events < 150);
	assert_int_equal(s.pushed_out, n - s.events);
	assert_int_equal(o.n, n - s.events);
	assert_int_equal(o.last[(o.n - 1) % 8], o.n - 1);
	hold_release(h, NULL, NULL);
	assert_int_equal(o.n, n);
	assert_int_equal(a.held, 0);
	hold_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order),
					    cmocka_unit_test(test_full) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
