/* SPDX-License-Identifier: Apache-2.0 */
/* What every text of ours must be, whatever bytes it was made of: UTF-8 that no terminal obeys;
 * and JSON that is whole. */
#ifndef TESTS_FUZZ_TEXT_H
#define TESTS_FUZZ_TEXT_H

#include <stdlib.h>

#include "base/str.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)

/* No C0, DEL, C1; line feeds only if many lines are allowed, one at the end always. */
static inline void check_text(struct str s, bool many)
{
	CHECK(s.n > 0 && s.p[s.n - 1] == '\n');
	CHECK(str_is_utf8(s));
	for (size_t i = 0; i + 1 < s.n; i++) {
		u8 c = (u8)s.p[i];

		CHECK((c >= 0x20 || (many && c == '\n')) && c != 0x7f);
		CHECK(c != 0xc2 || (u8)s.p[i + 1] >= 0xa0);
	}
}

static inline void skip_hex(struct str *s)
{
	for (int i = 0; i < 4; i++) {
		CHECK(s->n && str_find(STR("0123456789abcdefABCDEF"), s->p[0]) < 22);
		*s = str_slice(*s, 1, s->n);
	}
}

/* Behind an opening quote, to behind the closing one. */
static inline void skip_json_str(struct str *s)
{
	for (;;) {
		char c = s->n ? s->p[0] : '\0';

		CHECK(s->n);
		*s = str_slice(*s, 1, s->n);
		if (c == '"')
			return;
		if (c != '\\')
			continue;
		CHECK(s->n);
		c = s->p[0];
		CHECK(str_find(STR("\"\\/bfnrtu"), c) < 9);
		*s = str_slice(*s, 1, s->n);
		if (c == 'u')
			skip_hex(s);
	}
}

/* One object on one line; brackets match, strings end, no comma stands before a bracket. */
static inline void check_json(struct str s)
{
	char open[32], last = '{';
	size_t depth = 0;

	check_text(s, false);
	CHECK(s.p[0] == '{');
	s.n--;
	while (s.n) {
		char c = s.p[0];

		s = str_slice(s, 1, s.n);
		if (c == '"') {
			skip_json_str(&s);
		} else if (c == '{' || c == '[') {
			CHECK(depth < sizeof(open));
			open[depth++] = c == '{' ? '}' : ']';
		} else if (c == '}' || c == ']') {
			CHECK(depth && open[--depth] == c && last != ',' && last != ':');
			CHECK(depth || !s.n);
		} else {
			CHECK(str_find(STR("0123456789+-.e,:truefalsn"), c) < 25);
		}
		last = c;
	}
	CHECK(!depth);
}

#endif
