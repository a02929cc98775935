// SPDX-License-Identifier: Apache-2.0
/* links: libs: */
/* base/percent: each byte value in each way to write it, and what is none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/percent.h"

static void test_take(void **state)
{
	char text[8];

	(void)state;
	for (int c = 0; c < 256; c++) {
		struct str s;

		for (int upper = 0; upper < 2; upper++) {
			snprintf(text, sizeof(text), upper ? "%%%02Xx" : "%%%02xx", (unsigned)c);
			s = str_of(text);
			assert_int_equal(percent_take(&s), c);
			assert_true(str_eq(s, STR("x")));
		}
		text[0] = (char)c;
		text[1] = 'x';
		s = (struct str){ text, 2 };
		if (c == '%')
			continue;
		assert_int_equal(percent_take(&s), c);
		assert_true(str_eq(s, STR("x")));
	}
}

static void test_refuse(void **state)
{
	static const char *const bad[] = { "%", "%4", "%g1", "%1g", "%-1", "%%41", "% 1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct str s = str_of(bad[i]);

		assert_int_equal(percent_take(&s), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
