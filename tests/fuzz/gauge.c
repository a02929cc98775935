// SPDX-License-Identifier: Apache-2.0
/* links: src/gauge/number.c */
/* Any bytes as a file of a cgroup, and any key: a number that is found stands there. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "gauge/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The number's digits, behind zeros or not, are in the text. */
static bool has_digits(struct str text, u64 value)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRI_U64, value);

	return memmem(text.p, text.n, digits, (size_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "", "pgfault", "some total", "full total", "max" };
	struct str text = { (const char *)data, size }, key;
	u64 value;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (gauge_number(text, str_of(keys[i]), &value))
			assert(value < GAUGE_NUMBER_MAX && has_digits(text, value));
	/* the first line as the key */
	if (str_cut(&text, '\n', &key) && text.p && gauge_number(text, key, &value))
		assert(value < GAUGE_NUMBER_MAX && has_digits(text, value));
	return 0;
}
