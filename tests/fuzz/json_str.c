// SPDX-License-Identifier: Apache-2.0
/* links: */
/*
 * base/buf: the result is the inside of a valid JSON string in valid UTF-8 without controls;
 * read back by a small decoder it is the input with its bad bytes replaced. Printable ASCII
 * goes through unchanged, and a buffer too small by one byte holds nothing of it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static u32 hex4(const char *p)
{
	u32 v = 0;

	for (int i = 0; i < 4; i++) {
		const char *digits = "0123456789abcdef";
		const char *at = p[i] ? strchr(digits, p[i]) : NULL;

		CHECK(at);
		v = v << 4 | (u32)(at - digits);
	}
	return v;
}

/* Undoes the escapes by RFC 8259; aborts on what it does not allow. */
static void unescape(struct buf *out, struct str in)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

	for (size_t i = 0; i < in.n; i++) {
		const char *at;

		CHECK((u8)in.p[i] >= 0x20 && in.p[i] != '"' && in.p[i] != 0x7f);
		if (in.p[i] != '\\') {
			buf_char(out, in.p[i]);
			continue;
		}
		CHECK(++i < in.n);
		if (in.p[i] == 'u') {
			u32 c;

			CHECK(in.n - i > 4);
			c = hex4(in.p + i + 1);
			CHECK(c < 0xa0);
			if (c >= 0x80)
				buf_char(out, '\xc2');
			buf_char(out, (char)c);
			i += 4;
			continue;
		}
		at = in.p[i] ? strchr(from, in.p[i]) : NULL;
		CHECK(at);
		buf_char(out, to[at - from]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = { (const char *)data, size };
	struct buf json, back, tight;
	char *clean = malloc(3 * size + 1);
	size_t n = str_copy_utf8(clean, 3 * size + 1, s, NULL);

	buf_init(&json, 6 * size);
	buf_init(&back, 6 * size);
	buf_json_str(&json, s);
	CHECK(json.err == 0);
	CHECK(str_is_utf8(buf_view(&json)));
	unescape(&back, buf_view(&json));
	CHECK(str_eq(buf_view(&back), (struct str){ clean, n }));

	if (json.n) {
		buf_init(&tight, json.n - 1);
		buf_json_str(&tight, s);
		CHECK(tight.err == -ENOSPC && tight.n == 0);
		buf_free(&tight);
	}
	buf_free(&json);
	buf_free(&back);
	free(clean);
	return 0;
}
