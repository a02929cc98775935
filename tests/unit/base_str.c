// SPDX-License-Identifier: Apache-2.0
/* links: */
/* base/str: comparing, cutting, copying, UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static void assert_str(struct str got, const char *want)
{
	assert_int_equal(got.n, strlen(want));
	if (got.n)
		assert_memory_equal(got.p, want, got.n);
}

static void views(void **state)
{
	static const char fixed[4] = { 'a', 'b', 'c', 'd' }; /* no NUL */

	(void)state;
	assert_str(str_of("abc"), "abc");
	assert_str(str_of(""), "");
	assert_null(str_of(NULL).p);
	assert_int_equal(str_of(NULL).n, 0);
	assert_str(str_ofn(fixed, sizeof(fixed)), "abcd");
	assert_str(str_ofn("ab\0c", 4), "ab");
	assert_str(str_ofn(NULL, 4), "");
	assert_int_equal(STR("a\0b").n, 3);
}

static void comparing(void **state)
{
	struct str none = { NULL, 0 };

	(void)state;
	assert_true(str_eq(none, none));
	assert_true(str_eq(none, STR("")));
	assert_true(str_eq(STR("a\0b"), STR("a\0b")));
	assert_false(str_eq(STR("a\0b"), STR("a\0c")));
	assert_false(str_eq(STR("ab"), STR("abc")));
	assert_false(str_eq(STR("ab"), STR("aB")));
	assert_true(str_eqi(STR("aZ-9"), STR("Az-9")));
	assert_false(str_eqi(STR("@"), STR("`"))); /* 0x40 and 0x60: one bit apart, no letters */
	assert_false(str_eqi(STR("["), STR("{")));
	assert_false(str_eqi(STR("\xc3\x84"), STR("\xc3\xa4"))); /* ASCII only */
	assert_true(str_eqi(none, STR("")));
	assert_true(str_starts(STR("abc"), STR("ab")));
	assert_true(str_starts(STR("abc"), STR("abc")));
	assert_true(str_starts(STR("abc"), none));
	assert_true(str_starts(none, none));
	assert_false(str_starts(STR("abc"), STR("bc")));
	assert_false(str_starts(STR("ab"), STR("abc")));
	assert_true(str_ends(STR("abc"), STR("bc")));
	assert_true(str_ends(STR("abc"), none));
	assert_false(str_ends(STR("abc"), STR("ab")));
	assert_false(str_ends(STR("bc"), STR("abc")));
}

static void slicing(void **state)
{
	struct str none = { NULL, 0 };

	(void)state;
	assert_str(str_slice(STR("abcd"), 1, 3), "bc");
	assert_str(str_slice(STR("abcd"), 0, SIZE_MAX), "abcd");
	assert_str(str_slice(STR("abcd"), 9, SIZE_MAX), "");
	assert_str(str_slice(STR("abcd"), 3, 1), "");
	assert_null(str_slice(none, 0, 4).p);
	assert_str(str_trim(STR(" \t\r\n\v\fa b ")), "a b");
	assert_str(str_trim(STR(" \t ")), "");
	assert_str(str_trim(STR("\xc2\xa0x")), "\xc2\xa0x"); /* NBSP is not ASCII */
	assert_str(str_trim(none), "");
	assert_int_equal(str_find(STR("abcb"), 'b'), 1);
	assert_int_equal(str_find(STR("abcb"), 'x'), 4);
	assert_int_equal(str_find(STR("a\0b"), '\0'), 1);
	assert_int_equal(str_find(none, 'x'), 0);
}

static void cutting(void **state)
{
	struct str rest = STR("a,,b"), part;

	(void)state;
	assert_true(str_cut(&rest, ',', &part));
	assert_str(part, "a");
	assert_true(str_cut(&rest, ',', &part));
	assert_str(part, "");
	assert_true(str_cut(&rest, ',', &part));
	assert_str(part, "b");
	assert_null(rest.p);
	part = STR("kept");
	assert_false(str_cut(&rest, ',', &part));
	assert_str(part, "kept");

	rest = STR("a,"); /* a separator at the end: an empty part follows */
	assert_true(str_cut(&rest, ',', &part));
	assert_str(part, "a");
	assert_true(str_cut(&rest, ',', &part));
	assert_str(part, "");
	assert_false(str_cut(&rest, ',', &part));

	rest = STR("");
	assert_true(str_cut(&rest, ',', &part));
	assert_str(part, "");
	assert_false(str_cut(&rest, ',', &part));
}

static void copying(void **state)
{
	char dst[5];

	(void)state;
	memset(dst, 'x', sizeof(dst));
	assert_int_equal(str_copy(dst, sizeof(dst), STR("abcd")), 4);
	assert_string_equal(dst, "abcd");
	assert_int_equal(str_copy(dst, sizeof(dst), STR("efghi")), 4);
	assert_string_equal(dst, "efgh");
	assert_int_equal(str_copy(dst, 1, STR("zz")), 0);
	assert_memory_equal(dst, "\0fgh", 5); /* nothing beyond cap was touched */
	assert_int_equal(str_copy(dst, sizeof(dst), (struct str){ NULL, 0 }), 0);
	assert_string_equal(dst, "");
}

/* Table 3-7 of Unicode 15: each row's ends, and each neighbour outside. */
static void utf8_table(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
		{ "\x7f", 1 },
		{ "\x80", 0 },
		{ "\xbf", 0 },
		{ "\xc0\x80", 0 }, /* overlong NUL */
		{ "\xc1\xbf", 0 },
		{ "\xc2\x80", 2 },
		{ "\xdf\xbf", 2 },
		{ "\xc2\x7f", 0 },
		{ "\xc2\xc0", 0 },
		{ "\xe0\xa0\x80", 3 },
		{ "\xe0\x9f\xbf", 0 }, /* overlong */
		{ "\xe1\x80\x80", 3 },
		{ "\xec\xbf\xbf", 3 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xed\xa0\x80", 0 }, /* surrogate */
		{ "\xee\x80\x80", 3 },
		{ "\xef\xbf\xbf", 3 },
		{ "\xe1\x80\x7f", 0 },
		{ "\xe1\x80\xc0", 0 },
		{ "\xf0\x90\x80\x80", 4 },
		{ "\xf0\x8f\xbf\xbf", 0 }, /* overlong */
		{ "\xf3\xbf\xbf\xbf", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\xf4\x90\x80\x80", 0 }, /* above U+10FFFF */
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xff", 0 },
	};

	(void)state;
	assert_int_equal(str_utf8_len((struct str){ NULL, 0 }), 0);
	assert_int_equal(str_utf8_len(STR("\0")), 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct str s = str_of(rows[i].text);

		assert_int_equal(str_utf8_len(s), rows[i].len);
		assert_int_equal(str_is_utf8(s), rows[i].len == s.n);
		for (size_t cut = 1; rows[i].len && cut < s.n; cut++)
			assert_int_equal(str_utf8_len(str_slice(s, 0, cut)), 0);
	}
	assert_true(str_is_utf8((struct str){ NULL, 0 }));
	assert_true(str_is_utf8(STR("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x9d")));
	assert_false(str_is_utf8(STR("a\xc3")));
}

static void utf8_copy(void **state)
{
	char dst[16];
	bool fixed = true;

	(void)state;
	assert_int_equal(str_copy_utf8(dst, sizeof(dst), STR("a\xc3\xa4"), &fixed), 3);
	assert_string_equal(dst, "a\xc3\xa4");
	assert_false(fixed);

	/* One replacement per bad byte, the good ones around it stay. */
	assert_int_equal(str_copy_utf8(dst, sizeof(dst),
				       STR("a\xff\xfe"
					   "b"),
				       &fixed),
			 8);
	assert_string_equal(dst, "a\xef\xbf\xbd\xef\xbf\xbd"
				 "b");
	assert_true(fixed);

	/* Cut falls between characters: 2 of the 3 bytes of the euro sign would fit. */
	assert_int_equal(str_copy_utf8(dst, 4, STR("a\xe2\x82\xac"), &fixed), 1);
	assert_string_equal(dst, "a");
	assert_true(fixed);
	assert_int_equal(str_copy_utf8(dst, 5, STR("a\xe2\x82\xac"), &fixed), 4);
	assert_false(fixed);

	/* The replacement, too, is cut whole. */
	assert_int_equal(str_copy_utf8(dst, 3, STR("\xff"), &fixed), 0);
	assert_true(fixed);
	/* After a cut nothing smaller sneaks in. */
	assert_int_equal(str_copy_utf8(dst, 3,
				       STR("\xe2\x82\xac"
					   "a"),
				       NULL),
			 0);
	assert_int_equal(str_copy_utf8(dst, 1, STR(""), &fixed), 0);
	assert_false(fixed);
	assert_string_equal(dst, "");
}

/* Vectors of the FNV authors' page. */
static void fnv(void **state)
{
	(void)state;
	assert_true(str_hash(STR("")) == 0xcbf29ce484222325ull);
	assert_true(str_hash(STR("a")) == 0xaf63dc4c8601ec8cull);
	assert_true(str_hash(STR("foobar")) == 0x85944171f73967e8ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views),     cmocka_unit_test(comparing),
		cmocka_unit_test(slicing),   cmocka_unit_test(cutting),
		cmocka_unit_test(copying),   cmocka_unit_test(utf8_table),
		cmocka_unit_test(utf8_copy), cmocka_unit_test(fnv),
	};

	return cmocka_run_group_tests_name("base/str", tests, NULL, NULL);
}
