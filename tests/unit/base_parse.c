// SPDX-License-Identifier: Apache-2.0
/* links: */
/* base/parse: what is taken, what is refused with which error, and the way back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/parse.h"

#define UNTOUCHED 0x5ca1ab1eull

static void unsigned_numbers(void **state)
{
	static const struct {
		const char *text;
		int err;
		u64 value;
	} rows[] = {
		{ "0", 0, 0 },
		{ "7", 0, 7 },
		{ "007", 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "0000000000000000000000000018446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "99999999999999999999999x", -EINVAL, 0 }, /* the form is looked at first */
		{ "", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
	};
	u64 v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		v = UNTOUCHED;
		assert_int_equal(parse_u64(str_of(rows[i].text), 0, UINT64_MAX, &v), rows[i].err);
		assert_true(v == (rows[i].err ? UNTOUCHED : rows[i].value));
	}
	v = UNTOUCHED;
	assert_int_equal(parse_u64(STR("1\0"), 0, 9, &v), -EINVAL);
	assert_int_equal(parse_u64(str_of(NULL), 0, 9, &v), -EINVAL);
	assert_int_equal(parse_u64(STR("4"), 5, 9, &v), -ERANGE);
	assert_int_equal(parse_u64(STR("10"), 5, 9, &v), -ERANGE);
	assert_true(v == UNTOUCHED);
	assert_int_equal(parse_u64(STR("5"), 5, 9, &v), 0);
	assert_int_equal(parse_u64(STR("9"), 5, 9, &v), 0);
	assert_true(v == 9);
}

static void signed_numbers(void **state)
{
	static const struct {
		const char *text;
		int err;
		s64 value;
	} rows[] = {
		{ "-1", 0, -1 },
		{ "-0", 0, 0 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "-9223372036854775809", -ERANGE, 0 },
		{ "-18446744073709551616", -ERANGE, 0 },
		{ "-", -EINVAL, 0 },
		{ "--1", -EINVAL, 0 },
		{ "- 1", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};
	s64 v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		v = (s64)UNTOUCHED;
		assert_int_equal(parse_s64(str_of(rows[i].text), INT64_MIN, INT64_MAX, &v),
				 rows[i].err);
		assert_true(v == (rows[i].err ? (s64)UNTOUCHED : rows[i].value));
	}
	assert_int_equal(parse_s64(STR("-6"), -5, 5, &v), -ERANGE);
	assert_int_equal(parse_s64(STR("6"), -5, 5, &v), -ERANGE);
	assert_int_equal(parse_s64(STR("-5"), -5, 5, &v), 0);
	assert_true(v == -5);
}

static void hex(void **state)
{
	u64 v = UNTOUCHED;

	(void)state;
	assert_int_equal(parse_hex(STR(""), &v), -EINVAL);
	assert_int_equal(parse_hex(STR("0x1"), &v), -EINVAL);
	assert_int_equal(parse_hex(STR("g"), &v), -EINVAL);
	assert_int_equal(parse_hex(STR("@"), &v), -EINVAL);
	assert_int_equal(parse_hex(STR("00000000000000001"), &v), -EINVAL); /* 17 */
	assert_true(v == UNTOUCHED);
	assert_int_equal(parse_hex(STR("0"), &v), 0);
	assert_true(v == 0);
	assert_int_equal(parse_hex(STR("dEaDbEeF"), &v), 0);
	assert_true(v == 0xdeadbeef);
	assert_int_equal(parse_hex(STR("ffffffffffffffff"), &v), 0);
	assert_true(v == UINT64_MAX);
}

static void fractions(void **state)
{
	static const struct {
		const char *text;
		int err;
		double value;
	} rows[] = {
		{ "0", 0, 0 },		 { "1", 0, 1 },
		{ "0.25", 0, 0.25 },	 { ".25", 0, 0.25 },
		{ "1.0", 0, 1 },	 { "1e-3", 0, 0.001 },
		{ "2.5E-1", 0, 0.25 },	 { "0e+9", 0, 0 },
		{ "1.01", -ERANGE, 0 },	 { "2", -ERANGE, 0 },
		{ "1e999", -ERANGE, 0 }, { "", -EINVAL, 0 },
		{ ".", -EINVAL, 0 },	 { "1.", -EINVAL, 0 },
		{ "-0.5", -EINVAL, 0 },	 { "+0.5", -EINVAL, 0 },
		{ "0,5", -EINVAL, 0 },	 { "nan", -EINVAL, 0 },
		{ "inf", -EINVAL, 0 },	 { "0x1p-1", -EINVAL, 0 },
		{ "e-3", -EINVAL, 0 },	 { "1e", -EINVAL, 0 },
		{ "1e-", -EINVAL, 0 },	 { " 0.5", -EINVAL, 0 },
		{ "0.5 ", -EINVAL, 0 },	 { "50%", -EINVAL, 0 },
	};
	char longest[64];
	double v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		v = 42;
		assert_int_equal(parse_fraction(str_of(rows[i].text), &v), rows[i].err);
		assert_true(v == (rows[i].err ? 42 : rows[i].value));
	}
	memset(longest, '0', sizeof(longest));
	assert_int_equal(parse_fraction((struct str){ longest, 63 }, &v), 0);
	assert_int_equal(parse_fraction((struct str){ longest, 64 }, &v), -EINVAL);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int err;
		u64 ns;
	} rows[] = {
		{ "0", 0, 0 },
		{ "0s", 0, 0 },
		{ "1ns", 0, 1 },
		{ "250us", 0, 250000 },
		{ "500ms", 0, 500000000 },
		{ "20s", 0, 20000000000 },
		{ "1m30s", 0, 90000000000 },
		{ "90s", 0, 90000000000 },
		{ "1h", 0, 3600000000000 },
		{ "1h1m1s1ms1us1ns", 0, 3661001001001 },
		{ "1.5s", 0, 1500000000 },
		{ "1.5h", 0, 5400000000000 },
		{ "0.000000001s", 0, 1 },
		{ "0.0000000010s", 0, 1 },
		{ "1.5m0.5s", 0, 90500000000 },
		{ "1.0ns", 0, 1 },
		{ "18446744073709551615ns", 0, UINT64_MAX },
		{ "18446744073709551616ns", -ERANGE, 0 },
		{ "18446744073709551615us", -ERANGE, 0 },
		{ "5124095h34m33s709ms551us615ns", 0, UINT64_MAX },
		{ "5124095h34m33s709ms551us616ns", -ERANGE, 0 },
		{ "18446744073709551616h1s", -ERANGE, 0 },
		{ "18446744073709551616h1x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "20", -EINVAL, 0 }, /* of what? */
		{ "00", -EINVAL, 0 },
		{ "20x", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "+1s", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ " 1s", -EINVAL, 0 },
		{ "1s ", -EINVAL, 0 },
		{ "1S", -EINVAL, 0 },
		{ "1d", -EINVAL, 0 },
		{ "1sec", -EINVAL, 0 },
		{ "30s1m", -EINVAL, 0 }, /* small before large */
		{ "1s1s", -EINVAL, 0 },
		{ "1m30", -EINVAL, 0 },
		{ "1.s", -EINVAL, 0 },
		{ ".5s", -EINVAL, 0 },
		{ "1.5.5s", -EINVAL, 0 },
		{ "0.5ns", -EINVAL, 0 }, /* not exact */
		{ "0.0000000001s", -EINVAL, 0 },
		{ "1h;", -EINVAL, 0 },
	};
	u64 v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		v = UNTOUCHED;
		assert_int_equal(parse_duration(str_of(rows[i].text), 0, UINT64_MAX, &v),
				 rows[i].err);
		assert_true(v == (rows[i].err ? UNTOUCHED : rows[i].ns));
	}
	assert_int_equal(parse_duration(STR("0"), 1, 9, &v), -ERANGE);
	assert_int_equal(parse_duration(STR("10ns"), 1, 9, &v), -ERANGE);
	assert_int_equal(parse_duration(STR("9ns"), 1, 9, &v), 0);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		int err;
		u64 bytes;
	} rows[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "64KiB", 0, 65536 },
		{ "64Ki", 0, 65536 },
		{ "64K", 0, 65536 },
		{ "2MiB", 0, 2u << 20 },
		{ "2Mi", 0, 2u << 20 },
		{ "2M", 0, 2u << 20 },
		{ "1GiB", 0, 1u << 30 },
		{ "3Gi", 0, 3ull << 30 },
		{ "17179869183G", 0, 17179869183ull << 30 },
		{ "17179869184G", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "18446744073709551616KB", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "K", -EINVAL, 0 },
		{ "1k", -EINVAL, 0 },
		{ "1KB", -EINVAL, 0 },
		{ "1B", -EINVAL, 0 },
		{ "1 K", -EINVAL, 0 },
		{ "1.5M", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1K1", -EINVAL, 0 },
		{ "1T", -EINVAL, 0 },
	};
	u64 v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		v = UNTOUCHED;
		assert_int_equal(parse_size(str_of(rows[i].text), 0, UINT64_MAX, &v), rows[i].err);
		assert_true(v == (rows[i].err ? UNTOUCHED : rows[i].bytes));
	}
	assert_int_equal(parse_size(STR("1K"), 1025, 2048, &v), -ERANGE);
	assert_int_equal(parse_size(STR("2049"), 1025, 2048, &v), -ERANGE);
	assert_int_equal(parse_size(STR("2K"), 1025, 2048, &v), 0);
}

static void booleans(void **state)
{
	static const char *const yes[] = { "true", "1", "yes", "on", "TRUE", "On" };
	static const char *const no[] = { "false", "0", "no", "off", "False", "NO" };
	static const char *const bad[] = { "", "t", "y", "2", " true", "true ", "enabled", "00" };
	bool v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		v = false;
		assert_int_equal(parse_bool(str_of(yes[i]), &v), 0);
		assert_true(v);
	}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		v = true;
		assert_int_equal(parse_bool(str_of(no[i]), &v), 0);
		assert_false(v);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		v = true;
		assert_int_equal(parse_bool(str_of(bad[i]), &v), -EINVAL);
		assert_true(v);
	}
}

static void writing(void **state)
{
	static const struct {
		u64 ns;
		const char *text;
	} durations_out[] = {
		{ 0, "0" },
		{ 1, "1ns" },
		{ 1500, "1us500ns" },
		{ 90000000000, "1m30s" },
		{ 86400000000000, "24h" },
		{ 3600000000001, "1h1ns" },
		{ UINT64_MAX, "5124095h34m33s709ms551us615ns" },
	};
	static const struct {
		u64 bytes;
		const char *text;
	} sizes_out[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ 1023, "1023" },
		{ 1024, "1KiB" },
		{ 1025, "1025" },
		{ 65536, "64KiB" },
		{ 4u << 20, "4MiB" },
		{ 1u << 30, "1GiB" },
		{ (1u << 30) + 1024, "1048577KiB" },
		{ 1ull << 40, "1024GiB" },
		{ UINT64_MAX, "18446744073709551615" },
	};
	char text[PARSE_TEXT_MAX];
	u64 v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(durations_out); i++) {
		format_duration(text, durations_out[i].ns);
		assert_string_equal(text, durations_out[i].text);
		assert_int_equal(parse_duration(str_of(text), 0, UINT64_MAX, &v), 0);
		assert_true(v == durations_out[i].ns);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes_out); i++) {
		format_size(text, sizes_out[i].bytes);
		assert_string_equal(text, sizes_out[i].text);
		assert_int_equal(parse_size(str_of(text), 0, UINT64_MAX, &v), 0);
		assert_true(v == sizes_out[i].bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsigned_numbers),
		cmocka_unit_test(signed_numbers),
		cmocka_unit_test(hex),
		cmocka_unit_test(fractions),
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
		cmocka_unit_test(booleans),
		cmocka_unit_test(writing),
	};

	return cmocka_run_group_tests_name("base/parse", tests, NULL, NULL);
}
