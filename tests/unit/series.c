// SPDX-License-Identifier: Apache-2.0
/* links: src/fold/series.c libs: */
/* fold/series: cells of cgroups add up to series of containers, once each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "fold/series.h"

#define SEC NSEC_PER_SEC

static struct who alice, bob;
static struct series *series;
static size_t asked;

static int setup(void **state)
{
	(void)state;
	asked = 0;
	series = series_new(10 * SEC);
	return series ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	series_free(series);
	series = NULL;
	return 0;
}

/* Cgroups below 100 are alice's. */
static struct who *who_of(void *ctx, u64 cgroup)
{
	(void)ctx;
	asked++;
	return cgroup < 100 ? &alice : &bob;
}

static void add(u64 cgroup, u16 dim, u64 sum)
{
	struct meter_key key = { .cgroup = cgroup, .meter = METER_tcp_io, .dim = dim };
	struct meter_cell cell = { .sum = sum, .slots = { [2] = sum * 2 } };

	series_add(series, &key, &cell, who_of, NULL);
}

struct found {
	const struct who *who;
	u16 dim;
	size_t n;
	struct series_point point;
};

static void find(void *ctx, const struct series_point *p)
{
	struct found *f = ctx;

	assert_int_equal(p->key.cgroup, 0);
	if (p->who != f->who || p->key.dim != f->dim)
		return;
	f->n++;
	f->point = *p;
}

/* The one point of who and dim. */
static struct series_point point(const struct who *who, u16 dim)
{
	struct found f = { .who = who, .dim = dim };

	series_walk(series, find, &f);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.point.cell.slots[2], f.point.cell.sum * 2);
	return f.point;
}

static size_t points(void)
{
	struct series_stats stats;

	series_stats(series, &stats);
	return stats.series;
}

/* ---- sums ----------------------------------------------------------------------------------- */

static void test_cgroups_add_up(void **state)
{
	(void)state;
	series_begin(series, 20 * SEC);
	add(1, 0, 5);
	add(2, 0, 7);
	add(2, 1, 100);
	add(101, 0, 1000);
	assert_int_equal(point(&alice, 0).cell.sum, 12);
	assert_int_equal(point(&alice, 1).cell.sum, 100);
	assert_int_equal(point(&bob, 0).cell.sum, 1000);
	assert_int_equal(points(), 3);
	/* cells are totals: the same again adds nothing, more adds the difference */
	series_begin(series, 30 * SEC);
	add(1, 0, 5);
	add(2, 0, 17);
	assert_int_equal(point(&alice, 0).cell.sum, 22);
	/* a cgroup that is gone takes nothing away */
	series_begin(series, 40 * SEC);
	add(1, 0, 6);
	assert_int_equal(point(&alice, 0).cell.sum, 23);
}

/* Who is only asked for what changed, or idle containers would be kept for ever. */
static void test_idle_not_asked(void **state)
{
	(void)state;
	series_begin(series, 20 * SEC);
	add(1, 0, 5);
	assert_int_equal(asked, 1);
	for (int i = 0; i < 10; i++) {
		series_begin(series, (u64)(30 + i) * SEC);
		add(1, 0, 5);
	}
	assert_int_equal(asked, 1);
	add(1, 0, 6);
	assert_int_equal(asked, 2);
}

static void test_start_times(void **state)
{
	(void)state;
	series_begin(series, 20 * SEC);
	add(1, 0, 1);
	/* born between the collection before (here: series_new) and this one */
	assert_int_equal(point(&alice, 0).start_ns, 10 * SEC);
	series_begin(series, 30 * SEC);
	add(1, 0, 2);
	add(1, 1, 1);
	assert_int_equal(point(&alice, 0).start_ns, 10 * SEC);
	assert_int_equal(point(&alice, 1).start_ns, 20 * SEC);
}

/* ---- forgetting ----------------------------------------------------------------------------- */

static u64 gone_cgroups;
static size_t gone;

static void on_gone(void *ctx, const struct meter_key *key)
{
	(void)ctx;
	gone++;
	gone_cgroups += key->cgroup;
}

static void test_forget(void **state)
{
	struct series_stats stats;

	(void)state;
	gone = gone_cgroups = 0;
	series_begin(series, 20 * SEC);
	add(1, 0, 5);
	add(2, 0, 5);
	add(2, 1, 5);
	add(101, 0, 9);
	series_forget(series, &alice, on_gone, NULL);
	assert_int_equal(gone, 3);
	assert_int_equal(gone_cgroups, 5);
	assert_int_equal(points(), 1);
	assert_int_equal(point(&bob, 0).cell.sum, 9);
	series_stats(series, &stats);
	assert_int_equal(stats.cells, 1);
	assert_int_equal(stats.evicted, 0); /* on purpose is not by need */
	/* back again: the kernel's cell was deleted, so it counts from 0, and the start is new */
	series_begin(series, 50 * SEC);
	add(1, 0, 2);
	assert_int_equal(point(&alice, 0).cell.sum, 2);
	assert_int_equal(point(&alice, 0).start_ns, 20 * SEC);
	series_forget(series, &alice, on_gone, NULL);
	series_forget(series, &alice, on_gone, NULL);
	assert_int_equal(gone, 4);
}

/* Asking for who can make enrich forget another (or the cell's own, named anew): the cell that
 * is being added must not be lost or counted twice. */
static struct who *who_forgets(void *ctx, u64 cgroup)
{
	series_forget(series, &alice, on_gone, NULL);
	return &bob;
}

static void test_forget_while_asked(void **state)
{
	struct meter_key key = { .cgroup = 1, .meter = METER_tcp_io };
	struct meter_cell cell = { .sum = 5, .slots = { [2] = 10 } };
	struct series_stats stats;

	(void)state;
	series_begin(series, 20 * SEC);
	add(1, 0, 3);
	series_begin(series, 30 * SEC);
	series_add(series, &key, &cell, who_forgets, NULL);
	series_begin(series, 40 * SEC);
	cell.sum = 6;
	cell.slots[2] = 12;
	series_add(series, &key, &cell, who_forgets, NULL);
	series_stats(series, &stats);
	assert_int_equal(stats.cells, 1);
	/* the cell was deleted with alice (the kernel's too, on_gone), so bob has all of it or
	 * what came after alice; never more than the kernel counted */
	assert_in_range(point(&bob, 0).cell.sum, 3, 6);
}

/* Another who for the same cgroup (its name became known): only what comes from then on. */
static struct who *always_bob(void *ctx, u64 cgroup)
{
	return &bob;
}

static void test_renamed(void **state)
{
	struct meter_key key = { .cgroup = 1, .meter = METER_tcp_io };
	struct meter_cell cell = { .sum = 8, .slots = { [2] = 16 } };

	(void)state;
	series_begin(series, 20 * SEC);
	add(1, 0, 5);
	series_begin(series, 30 * SEC);
	series_add(series, &key, &cell, always_bob, NULL);
	assert_int_equal(point(&alice, 0).cell.sum, 5);
	assert_int_equal(point(&bob, 0).cell.sum, 3);
}

/* A total that is lower than before: the kernel's cell was deleted (live: its container was
 * forgotten; a replay of that does not know) and counts anew. */
static void test_cell_began_anew(void **state)
{
	(void)state;
	series_begin(series, 20 * SEC);
	add(1, 0, 5);
	series_begin(series, 30 * SEC);
	add(1, 0, 2);
	assert_int_equal(point(&alice, 0).cell.sum, 7);
	series_begin(series, 40 * SEC);
	add(1, 0, 3);
	assert_int_equal(point(&alice, 0).cell.sum, 8);
}

/* ---- limits --------------------------------------------------------------------------------- */

static void test_evicted(void **state)
{
	struct series_stats stats;

	(void)state;
	series_begin(series, 20 * SEC);
	for (u64 i = 0; i < SERIES_CELLS_MAX + 100; i++)
		add(1000 + i, (u16)(i % 4), 1);
	series_stats(series, &stats);
	assert_int_equal(stats.cells, SERIES_CELLS_MAX);
	assert_int_equal(stats.series, 4);
	assert_int_equal(stats.evicted, 100);
	assert_true(stats.bytes > 1 << 20 && stats.bytes < 16 << 20);
	/* what was counted before the eviction is in the sums */
	assert_int_equal(point(&bob, 0).cell.sum, (SERIES_CELLS_MAX + 100) / 4);
}

static void test_free_nothing(void **state)
{
	(void)state;
	series_free(NULL);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(test_cgroups_add_up), ROW(test_idle_not_asked), ROW(test_start_times),
		ROW(test_forget),	  ROW(test_forget_while_asked), ROW(test_renamed),
		ROW(test_cell_began_anew),
		ROW(test_evicted),	  ROW(test_free_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
