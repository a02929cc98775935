// SPDX-License-Identifier: Apache-2.0
/* links: */
/* base/buf: growth, the limit to the byte, sticky errors, JSON strings. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

/* An allocation of SIZE_MAX / 2 is to return NULL here, as without ASan. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void assert_buf(const struct buf *b, const char *want)
{
	assert_int_equal(b->err, 0);
	assert_int_equal(b->n, strlen(want));
	if (b->n)
		assert_memory_equal(b->p, want, b->n);
}

static void appending(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	assert_null(b.p);
	assert_buf(&b, "");
	buf_str(&b, STR("ab"));
	buf_cstr(&b, "cd");
	buf_char(&b, 'e');
	buf_add(&b, NULL, 0);
	buf_str(&b, (struct str){ NULL, 0 });
	buf_printf(&b, "-%d%s", 42, "!");
	memcpy(buf_room(&b, 2), "xy", 2);
	assert_buf(&b, "abcde-42!xy");
	assert_true(str_eq(buf_view(&b), STR("abcde-42!xy")));
	buf_reset(&b);
	assert_buf(&b, "");
	assert_non_null(b.p);
	buf_cstr(&b, "again");
	assert_buf(&b, "again");
	buf_free(&b);
	assert_null(b.p);
	assert_int_equal(b.max, 64);
	buf_cstr(&b, "usable");
	assert_buf(&b, "usable");
	buf_free(&b);
	buf_free(&b);
}

static void growing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1u << 20);
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%05d", i);
	assert_int_equal(b.err, 0);
	assert_int_equal(b.n, 50000);
	assert_true(b.cap >= b.n && b.cap < 4 * b.n);
	for (int i = 0; i < 10000; i++) {
		struct str part = str_slice(buf_view(&b), (size_t)i * 5, (size_t)i * 5 + 5);
		char want[16];

		snprintf(want, sizeof(want), "%05d", i);
		assert_memory_equal(part.p, want, 5);
	}
	buf_free(&b);
}

/* The limit is reached to the byte, by add and by printf, and never passed. */
static void limit(void **state)
{
	struct buf b;

	(void)state;
	for (size_t max = 0; max < 700; max += 7) {
		char text[800];

		memset(text, 'x', sizeof(text));
		buf_init(&b, max);
		buf_printf(&b, "%.*s", (int)max, text);
		assert_int_equal(b.err, 0);
		assert_int_equal(b.n, max);
		buf_printf(&b, "%s", ""); /* nothing fits in nothing */
		assert_int_equal(b.err, 0);
		buf_printf(&b, "y");
		assert_int_equal(b.err, -ENOSPC);
		assert_int_equal(b.n, max);
		assert_true(b.cap <= max);
		buf_free(&b);

		buf_init(&b, max);
		buf_add(&b, text, max + 1); /* whole or not at all */
		assert_int_equal(b.err, -ENOSPC);
		assert_int_equal(b.n, 0);
		buf_free(&b);
	}
}

static void sticky(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	buf_cstr(&b, "abc");
	buf_cstr(&b, "de");
	assert_int_equal(b.err, -ENOSPC);
	buf_char(&b, 'd'); /* would fit, but comes after the error */
	buf_printf(&b, "d");
	buf_json_str(&b, STR("d"));
	assert_null(buf_room(&b, 0));
	assert_null(buf_room(&b, 1));
	assert_int_equal(b.n, 3);
	buf_reset(&b);
	buf_cstr(&b, "abcd");
	assert_buf(&b, "abcd");
	buf_free(&b);
}

static void huge(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_char(&b, 'a');
	assert_null(buf_room(&b, SIZE_MAX)); /* n + 1 would wrap */
	assert_int_equal(b.err, -ENOSPC);
	buf_reset(&b);
	buf_char(&b, 'a');
	assert_null(buf_room(&b, SIZE_MAX - 1)); /* cap + 1 would wrap */
	assert_int_equal(b.err, -ENOMEM);
	assert_int_equal(b.n, 1);
	buf_reset(&b);
	assert_null(buf_room(&b, SIZE_MAX / 2 - 8));
	assert_int_equal(b.err, -ENOMEM);
	buf_free(&b);

	b = (struct buf){ 0 }; /* all zero: limit 0 */
	assert_non_null(buf_room(&b, 0));
	buf_char(&b, 'a');
	assert_int_equal(b.err, -ENOSPC);
	buf_free(&b);
}

static void fixed(void **state)
{
	char mem[6];
	struct buf b;

	(void)state;
	buf_fixed(&b, mem, sizeof(mem));
	buf_printf(&b, "%s", "abcde");
	assert_buf(&b, "abcde");
	assert_ptr_equal(b.p, mem);
	buf_char(&b, 'f');
	assert_int_equal(b.err, -ENOSPC);
	buf_fixed(&b, mem, 1);
	buf_char(&b, 'f');
	assert_int_equal(b.err, -ENOSPC);
}

static void json(void **state)
{
	static const struct {
		struct str in;
		const char *out;
	} rows[] = {
		{ { "", 0 }, "" },
		{ { "plain", 5 }, "plain" },
		{ { "a\"b\\c", 5 }, "a\\\"b\\\\c" },
		{ { "\b\f\n\r\t", 5 }, "\\b\\f\\n\\r\\t" },
		{ { "\0\x01\x1f", 3 }, "\\u0000\\u0001\\u001f" },
		{ { "/", 1 }, "/" },
		{ { "\x7f", 1 }, "\\u007f" },
		{ { "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", 8 }, "\\u0080\\u009b\\u009f\xc2\xa0" },
		{ { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x9d", 9 },
		  "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x9d" },
		{ { "a\xff"
		    "b",
		    3 },
		  "a\xef\xbf\xbd"
		  "b" },
		{ { "\xed\xa0\x80", 3 }, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ { "x\xe2\x82", 3 }, "x\xef\xbf\xbd\xef\xbf\xbd" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 256);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_reset(&b);
		buf_json_str(&b, rows[i].in);
		assert_buf(&b, rows[i].out);
	}
	buf_free(&b);

	buf_init(&b, 4);
	buf_char(&b, '"');
	buf_json_str(&b, STR("ab\n")); /* 5 bytes with the quote: not at all */
	assert_int_equal(b.err, -ENOSPC);
	assert_int_equal(b.n, 1);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appending), cmocka_unit_test(growing), cmocka_unit_test(limit),
		cmocka_unit_test(sticky),    cmocka_unit_test(huge),	cmocka_unit_test(fixed),
		cmocka_unit_test(json),
	};

	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
