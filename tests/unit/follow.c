// SPDX-License-Identifier: Apache-2.0
/* links: src/select/follow.c */
/* Which cgroups are in the kernel's filter, as names become known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "select/follow.h"

#define CGROUPS 8

static struct {
	enum target_match is[CGROUPS];
	bool gone[CGROUPS], late[CGROUPS], watched[CGROUPS], full;
	size_t asked, changes;
} world;

static int on_watch(void *ctx, u64 cgroup, bool on)
{
	(void)ctx;
	if (on && world.full)
		return -E2BIG;
	world.watched[cgroup] = on;
	world.changes++;
	return 0;
}

static enum target_match on_ask(void *ctx, u64 cgroup)
{
	(void)ctx;
	world.asked++;
	return world.is[cgroup];
}

static bool on_waits(void *ctx, u64 cgroup)
{
	(void)ctx;
	return !world.late[cgroup];
}

static bool on_exists(void *ctx, u64 cgroup)
{
	(void)ctx;
	return !world.gone[cgroup];
}

static struct follow *start(void)
{
	static const struct follow_config config = { on_watch, on_ask, on_waits, on_exists, NULL };

	memset(&world, 0, sizeof(world));
	return follow_new(&config);
}

/* 1: there before us and wanted; 2: new and wanted; 3: new and not; 4: there, and not. */
static void test_decide(void **state)
{
	struct follow *f = start();
	struct follow_stats s;

	(void)state;
	for (u64 i = 1; i <= 4; i++)
		world.is[i] = TARGET_LATER;
	world.watched[2] = world.watched[3] = true; /* by the kernel side */
	follow_met(f, 1, false);
	follow_met(f, 2, true);
	follow_met(f, 3, true);
	follow_met(f, 4, false);
	follow_decide(f);
	follow_stats(f, &s);
	assert_true(s.undecided == 4 && !s.wanted && !world.changes);
	world.is[1] = world.is[2] = TARGET_YES;
	world.is[3] = world.is[4] = TARGET_NO;
	follow_decide(f);
	follow_stats(f, &s);
	assert_true(!s.undecided && s.wanted == 2);
	assert_true(world.watched[1] && world.watched[2] && !world.watched[3] && !world.watched[4]);
	assert_int_equal(world.changes, 2);
	world.asked = 0;
	follow_decide(f); /* what is decided is not asked for again */
	assert_int_equal(world.asked, 0);
	world.gone[1] = true;
	follow_sweep(f);
	assert_false(world.watched[1]);
	assert_true(world.watched[2]);
	follow_stats(f, &s);
	assert_int_equal(s.wanted, 1);
	world.changes = 0;
	follow_free(f); /* the kernel side may be gone already */
	follow_free(NULL);
	assert_int_equal(world.changes, 0);
}

/* Its name does not come in time: out of the filter, and in again when it comes at last. */
static void test_late(void **state)
{
	struct follow *f = start();
	struct follow_stats s;

	(void)state;
	world.is[1] = TARGET_LATER;
	world.watched[1] = world.late[1] = true;
	follow_met(f, 1, true);
	follow_decide(f);
	assert_false(world.watched[1]);
	follow_decide(f);
	assert_int_equal(world.changes, 1);
	world.is[1] = TARGET_YES;
	follow_decide(f);
	assert_true(world.watched[1]);
	follow_stats(f, &s);
	assert_true(s.wanted == 1 && !s.undecided);
	follow_free(f);
}

/* What a decision was made from changed: those that are wanted are asked for again, and no cgroup
 * is put into the filter twice. 1 stays, 2 leaves, 3 is not known again yet. */
static void test_reconsider(void **state)
{
	struct follow *f = start();
	struct follow_stats s;

	(void)state;
	for (u64 i = 1; i <= 3; i++) {
		world.is[i] = TARGET_YES;
		follow_met(f, i, false);
	}
	follow_decide(f);
	assert_int_equal(world.changes, 3);
	world.is[2] = TARGET_NO;
	world.is[3] = TARGET_LATER;
	follow_decide(f); /* the control: nobody asks by itself */
	assert_true(world.watched[2] && world.changes == 3);
	follow_reconsider(f);
	follow_stats(f, &s);
	assert_true(s.wanted == 1 && s.undecided == 1);
	assert_true(world.watched[1] && !world.watched[2] && world.watched[3]);
	assert_int_equal(world.changes, 4);
	world.is[2] = world.is[3] = TARGET_YES;
	follow_met(f, 2, false); /* it was forgotten: met again */
	follow_decide(f);
	follow_stats(f, &s);
	assert_true(s.wanted == 3 && !s.undecided && world.watched[2]);
	assert_int_equal(world.changes, 5);
	follow_free(f);
}

static void test_full(void **state)
{
	struct follow *f = start();
	struct follow_stats s;

	(void)state;
	world.full = true;
	world.is[1] = TARGET_YES;
	follow_met(f, 1, false);
	follow_decide(f);
	follow_stats(f, &s);
	assert_true(!s.wanted && !s.undecided && s.refused == 1);
	follow_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_decide),
					    cmocka_unit_test(test_late),
					    cmocka_unit_test(test_reconsider),
					    cmocka_unit_test(test_full) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
