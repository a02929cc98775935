// SPDX-License-Identifier: Apache-2.0
/* links: */
/*
 * base/str: the copy is always valid UTF-8 (by a decoder of its own kind, not the table of
 * str.c), never longer than its room, the same as the input where that was valid and fitted,
 * and a cut copy is what a wider one begins with. First two bytes: the room.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes to code points and looks at those: overlong, surrogate, too large. */
static bool valid(const uint8_t *p, size_t n)
{
	static const u32 least[] = { 0, 0x80, 0x800, 0x10000 };
	size_t i = 0;

	while (i < n) {
		size_t more = p[i] < 0x80	      ? 0
			      : (p[i] & 0xe0) == 0xc0 ? 1
			      : (p[i] & 0xf0) == 0xe0 ? 2
			      : (p[i] & 0xf8) == 0xf0 ? 3
						      : 9;
		u32 c;

		if (more == 9 || more >= n - i)
			return false;
		c = more ? p[i] & (0x3fu >> more) : p[i];
		for (size_t k = 1; k <= more; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (p[i + k] & 0x3f);
		}
		if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
		i += more + 1;
	}
	return true;
}

static void check_copy(struct str s, size_t cap)
{
	char *dst = malloc(cap), *wide = malloc(3 * s.n + 1);
	bool good = str_is_utf8(s), fixed;
	size_t n = str_copy_utf8(dst, cap, s, &fixed);
	size_t all = str_copy_utf8(wide, 3 * s.n + 1, s, NULL);

	CHECK(good == valid((const uint8_t *)s.p, s.n));
	CHECK(n < cap && dst[n] == '\0');
	CHECK(valid((const uint8_t *)dst, n));
	CHECK(n <= all && memcmp(dst, wide, n) == 0);
	CHECK(n == all || cap - 1 - n < 4); /* cut only where the next character does not fit */
	CHECK(fixed == !(good && n == s.n));
	CHECK(!good || memcmp(dst, s.p, n) == 0);
	free(dst);
	free(wide);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s, part, rest;
	size_t cap, joined = 0, parts = 0;

	if (size < 2)
		return 0;
	cap = 1 + (data[0] | (data[1] & 3u) << 8);
	s = (struct str){ (const char *)data + 2, size - 2 };
	check_copy(s, cap);

	rest = s; /* the parts of a cut and their separators are the whole again */
	while (str_cut(&rest, ',', &part)) {
		CHECK(part.n == 0 || memchr(part.p, ',', part.n) == NULL);
		joined += part.n;
		parts++;
	}
	CHECK(joined + parts - 1 == s.n);
	part = str_trim(s);
	CHECK(part.n <= s.n && str_eq(str_trim(part), part));
	return 0;
}
