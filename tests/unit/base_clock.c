// SPDX-License-Identifier: Apache-2.0
/* links: */
/* base/clock and base/random: small, and both talk to the kernel. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"

static u64 now(clockid_t id)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(id, &ts), 0);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

static void boot_clock(void **state)
{
	u64 before = now(CLOCK_BOOTTIME);
	u64 got = clock_boot_ns();
	u64 after = now(CLOCK_BOOTTIME);

	(void)state;
	assert_true(before <= got && got <= after);
}

static void wall_offset(void **state)
{
	u64 before = now(CLOCK_REALTIME);
	u64 wall = clock_wall_ns(clock_boot_ns(), clock_wall_offset_ns());
	u64 after = now(CLOCK_REALTIME);

	(void)state;
	/* 50 ms of slack: the offset is good to microseconds, a busy test machine is not. */
	assert_true(before - 50 * NSEC_PER_MSEC <= wall && wall <= after + 50 * NSEC_PER_MSEC);
	assert_true(clock_wall_ns(1000, -400) == 600);
	assert_true(clock_wall_ns(1000, 400) == 1400);
}

static void text(void **state)
{
	static const struct {
		u64 ns;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000000Z" },
		{ 999, "1970-01-01T00:00:00.000000Z" },
		{ 1000, "1970-01-01T00:00:00.000001Z" },
		{ 1795258560123456789ull, "2026-11-21T10:56:00.123456Z" },
		{ 1709164799999999999ull, "2024-02-28T23:59:59.999999Z" },
		{ 1709164800000000000ull, "2024-02-29T00:00:00.000000Z" },
		{ UINT64_MAX, "2554-07-21T23:34:33.709551Z" },
	};
	char got[CLOCK_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		clock_text(got, rows[i].ns);
		assert_string_equal(got, rows[i].text);
	}
}

static void random_fills(void **state)
{
	enum { MAX = 1500 }; /* more than the pool */
	static u8 a[MAX + 1], seen[MAX];

	(void)state;
	for (size_t n = 0; n <= MAX; n = n < 40 ? n + 1 : n * 2 - 7) {
		memset(seen, 0, sizeof(seen));
		/* Each byte is written: it differs from 0 at least once in 12 fills. */
		for (int i = 0; i < 12; i++) {
			memset(a, 0, sizeof(a));
			random_bytes(a, n);
			for (size_t k = 0; k < n; k++)
				seen[k] |= a[k];
			assert_int_equal(a[n], 0); /* and none beyond */
		}
		for (size_t k = 0; k < n; k++)
			assert_true(seen[k] != 0);
	}
}

/* Ids do not repeat across refills of the pool. */
static void random_differs(void **state)
{
	static u64 ids[20000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		random_bytes(&ids[i], sizeof(ids[i]));
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		size_t end = i + 300 < ARRAY_SIZE(ids) ? i + 300 : ARRAY_SIZE(ids);

		for (size_t k = i + 1; k < end; k++)
			assert_true(ids[i] != ids[k]);
	}
}

static void random_limits(void **state)
{
	u32 hits[7] = { 0 };
	bool high = false;
	u32 low = 0;

	(void)state;
	for (int i = 0; i < 70000; i++) {
		u64 v = random_below(7);

		assert_true(v < 7);
		hits[v]++;
		assert_int_equal(random_below(1), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(hits); i++)
		assert_in_range(hits[i], 9300, 10700); /* 7 sigma */
	for (int i = 0; i < 64; i++) {
		u64 v = random_below((1ull << 63) + 1); /* nearly every second draw is refused */

		assert_true(v <= 1ull << 63);
		high |= v > 1ull << 62;
	}
	assert_true(high);
	/* A remainder alone would hit the lowest third in half of the cases. */
	for (int i = 0; i < 3000; i++)
		low += random_below(3ull << 62) < 1ull << 62;
	assert_in_range(low, 820, 1180); /* 7 sigma around 1000 */
}

static void random_below_zero(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		random_below(0);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boot_clock),
		cmocka_unit_test(wall_offset),
		cmocka_unit_test(text),
		cmocka_unit_test(random_fills),
		cmocka_unit_test(random_differs),
		cmocka_unit_test(random_limits),
		cmocka_unit_test(random_below_zero),
	};

	return cmocka_run_group_tests_name("base/clock, base/random", tests, NULL, NULL);
}
