// SPDX-License-Identifier: Apache-2.0
/* links: src/fold/sample.c libs: */
/* fold/sample: the ratio is kept, and by the last 7 bytes of the trace id alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/random.h"
#include "fold/sample.h"

#define MANY 200000

static bool keep(double ratio, u64 low56)
{
	struct sampling s = { ratio };
	u8 id[16] = { 0 };

	for (int i = 15; i >= 9; i--, low56 >>= 8)
		id[i] = (u8)low56;
	return sample_keep(&s, id);
}

static void test_all_and_none(void **state)
{
	static const u64 edges[] = { 0, 1, 1ull << 55, (1ull << 56) - 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		assert_true(keep(1, edges[i]));
		assert_false(keep(0, edges[i]));
	}
}

/* Below ratio * 2^56, to the last id. */
static void test_edges(void **state)
{
	static const struct {
		double ratio;
		u64 first_dropped;
	} rows[] = {
		{ 0.5, 1ull << 55 },
		{ 0.25, 1ull << 54 },
		{ 0.75, 3ull << 54 },
		{ 1.0 / 1024, 1ull << 46 },
		{ 1 - 1.0 / 1024, 1023ull << 46 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(keep(rows[i].ratio, 0));
		assert_true(keep(rows[i].ratio, rows[i].first_dropped - 1));
		assert_false(keep(rows[i].ratio, rows[i].first_dropped));
		assert_false(keep(rows[i].ratio, (1ull << 56) - 1));
	}
}

/* Of ids that are spread evenly exactly so many, of random ones about so many: five standard
 * deviations, so that one run in three million fails by chance. */
static void test_ratio(void **state)
{
	static const double ratios[] = { 0.001, 0.01, 0.1, 0.5, 0.9, 0.999 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ratios); i++) {
		struct sampling s = { ratios[i] };
		double want = ratios[i] * MANY, variance = want * (1 - ratios[i]);
		s64 even = 0, random = 0;

		for (u64 n = 0; n < MANY; n++) {
			u8 id[16];

			even += keep(ratios[i], n * ((1ull << 56) / MANY));
			random_bytes(id, sizeof(id));
			random += sample_keep(&s, id);
		}
		assert_in_range(even, (s64)want - 1, (s64)want + 1);
		assert_true(((double)random - want) * ((double)random - want) <= 25 * variance);
	}
}

/* All agents decide alike: the first 9 bytes do not count, more is kept of a larger ratio. */
static void test_consistent(void **state)
{
	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct sampling less = { 0.1 }, more = { 0.2 };
		u8 id[16], other[16];

		random_bytes(id, sizeof(id));
		random_bytes(other, sizeof(other));
		memcpy(other + 9, id + 9, 7);
		assert_int_equal(sample_keep(&less, id), sample_keep(&less, other));
		assert_true(!sample_keep(&less, id) || sample_keep(&more, id));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_and_none),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_ratio),
		cmocka_unit_test(test_consistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
