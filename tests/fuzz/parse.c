// SPDX-License-Identifier: Apache-2.0
/* links: */
/*
 * base/parse: what is accepted is written and read back as the same value; a value outside
 * its limits is -ERANGE; nothing is stored on failure; an added byte that cannot belong to
 * any form makes it fail.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)
#define MARK 0x5ca1ab1e5ca1ab1eull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_u64(struct str s)
{
	u64 v = MARK, narrow = MARK;
	int err = parse_u64(s, 0, UINT64_MAX, &v);
	char text[32];

	if (err) {
		CHECK((err == -EINVAL || err == -ERANGE) && v == MARK);
		return;
	}
	snprintf(text, sizeof(text), "%" PRI_U64, v);
	CHECK(strtoull(text, NULL, 10) == v && s.n >= strlen(text));
	CHECK(str_ends(s, str_of(text))); /* but for leading zeros, the text is the number */
	CHECK(v == 0 || parse_u64(s, 0, v - 1, &narrow) == -ERANGE);
	CHECK(v == UINT64_MAX || parse_u64(s, v + 1, UINT64_MAX, &narrow) == -ERANGE);
	CHECK(narrow == MARK);
	CHECK(parse_u64(s, v, v, &narrow) == 0 && narrow == v);
}

static void check_s64(struct str s)
{
	s64 v = (s64)MARK, again = 0;
	char text[32];

	if (parse_s64(s, INT64_MIN, INT64_MAX, &v) != 0) {
		CHECK(v == (s64)MARK);
		return;
	}
	snprintf(text, sizeof(text), "%" PRI_S64, v);
	CHECK(parse_s64(str_of(text), v, v, &again) == 0 && again == v);
}

static void check_duration(struct str s)
{
	u64 v = MARK, again = 0;
	int err = parse_duration(s, 0, UINT64_MAX, &v);
	char text[PARSE_TEXT_MAX];

	if (err) {
		CHECK((err == -EINVAL || err == -ERANGE) && v == MARK);
		return;
	}
	format_duration(text, v);
	CHECK(parse_duration(str_of(text), v, v, &again) == 0 && again == v);
	CHECK(v == 0 || parse_duration(s, 0, v - 1, &again) == -ERANGE);
}

static void check_size(struct str s)
{
	u64 v = MARK, again = 0;
	int err = parse_size(s, 0, UINT64_MAX, &v);
	char text[PARSE_TEXT_MAX];

	if (err) {
		CHECK((err == -EINVAL || err == -ERANGE) && v == MARK);
		return;
	}
	format_size(text, v);
	CHECK(parse_size(str_of(text), v, v, &again) == 0 && again == v);
}

static void check_others(struct str s)
{
	double fraction = -1;
	u64 hex = MARK;
	bool yes;

	if (parse_fraction(s, &fraction) == 0)
		CHECK(fraction >= 0 && fraction <= 1);
	else
		CHECK(fraction < 0);
	if (parse_hex(s, &hex) == 0) {
		char text[17];

		snprintf(text, sizeof(text), "%0*" PRI_X64, (int)s.n, hex);
		CHECK(str_eqi(s, str_of(text)));
	}
	if (parse_bool(s, &yes) == 0)
		CHECK(s.n >= 1 && s.n <= 5);
}

/* Any u64 survives both writers. */
static void check_writers(const uint8_t *data, size_t size)
{
	char text[PARSE_TEXT_MAX];
	u64 v = 0, again;

	memcpy(&v, data, size < sizeof(v) ? size : sizeof(v));
	format_duration(text, v);
	CHECK(parse_duration(str_of(text), v, v, &again) == 0);
	format_size(text, v);
	CHECK(parse_size(str_of(text), v, v, &again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = { (const char *)data, size };
	char longer[65];
	double f;
	u64 v;

	check_u64(s);
	check_s64(s);
	check_duration(s);
	check_size(s);
	check_others(s);
	if (size)
		check_writers(data, size);
	if (size < sizeof(longer)) {
		struct str more = { longer, size + 1 };

		if (size)
			memcpy(longer, data, size);
		longer[size] = ' ';
		CHECK(parse_u64(more, 0, UINT64_MAX, &v) == -EINVAL);
		CHECK(parse_duration(more, 0, UINT64_MAX, &v) == -EINVAL);
		CHECK(parse_size(more, 0, UINT64_MAX, &v) == -EINVAL);
		CHECK(parse_fraction(more, &f) == -EINVAL);
	}
	return 0;
}
