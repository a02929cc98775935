// SPDX-License-Identifier: Apache-2.0
/* The growing byte buffer: doubles up to its limit, keeps its first error. */
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 256 /* bytes of the first allocation, so that a short text takes one */

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_fixed(struct buf *b, void *mem, size_t size)
{
	assert(size > 0);
	*b = (struct buf){ .p = mem, .cap = size - 1, .max = size - 1 };
}

void buf_free(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->err = 0;
}

/* Makes room for `more` bytes at p + n, or sets err. Afterwards p is not NULL. */
static bool buf_grow(struct buf *b, size_t more)
{
	size_t want, cap;
	char *p;

	if (b->err)
		return false;
	if (more > b->max - b->n) {
		b->err = -ENOSPC;
		return false;
	}
	want = b->n + more;
	if (b->p && want <= b->cap)
		return true;
	cap = b->cap > BUF_FIRST / 2 ? b->cap : BUF_FIRST / 2;
	do {
		cap = cap <= b->max / 2 ? cap * 2 : b->max;
	} while (cap < want);
	p = cap < SIZE_MAX ? realloc(b->p, cap + 1) : NULL;
	if (!p) {
		b->err = -ENOMEM;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void *buf_room(struct buf *b, size_t n)
{
	if (!buf_grow(b, n))
		return NULL;
	b->n += n;
	return b->p + (b->n - n);
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	void *room = n ? buf_room(b, n) : NULL;

	if (room)
		memcpy(room, p, n);
}

void buf_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

void buf_cstr(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	if (!buf_grow(b, 0))
		return;
	va_copy(again, ap);
	n = vsnprintf(b->p + b->n, b->cap - b->n + 1, fmt, ap);
	if (n < 0) {
		b->err = -EINVAL;
	} else if ((size_t)n <= b->cap - b->n) {
		b->n += (size_t)n;
	} else if (buf_grow(b, (size_t)n)) {
		vsnprintf(b->p + b->n, b->cap - b->n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

/* The escape of the control or special character c (up to U+009F), or 0 if it needs none. */
static size_t json_escape(char dst[static 6], u32 c)
{
	static const char short_for[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	static const char digits[] = "0123456789abcdef";

	if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
		return 0;
	dst[0] = '\\';
	for (size_t i = 0; i + 1 < sizeof(short_for); i += 2) {
		if (c == (u8)short_for[i]) {
			dst[1] = short_for[i + 1];
			return 2;
		}
	}
	memcpy(dst + 1, "u00", 3);
	dst[4] = digits[c >> 4];
	dst[5] = digits[c & 15];
	return 6;
}

/*
 * What stands in JSON for the first character of s: bytes into dst, or 0 when it stands for
 * itself. *ret_used: bytes of s it covers.
 */
static size_t json_step(char dst[static 6], struct str s, size_t *ret_used)
{
	const u8 *p = (const u8 *)s.p;

	*ret_used = str_utf8_len(s);
	if (*ret_used == 0) {
		*ret_used = 1;
		memcpy(dst, STR_UTF8_REPLACEMENT, 3);
		return 3;
	}
	if (*ret_used == 1)
		return json_escape(dst, p[0]);
	if (p[0] == 0xc2 && p[1] < 0xa0) /* C1 */
		return json_escape(dst, p[1]);
	return 0;
}

void buf_json_str(struct buf *b, struct str s)
{
	size_t plain = 0; /* start of the bytes that are copied as they are */
	size_t start = b->n;

	for (size_t at = 0; at < s.n && !b->err;) {
		char text[6];
		size_t used, n;

		n = json_step(text, str_slice(s, at, s.n), &used);
		if (n) {
			buf_str(b, str_slice(s, plain, at));
			buf_add(b, text, n);
			plain = at + used;
		}
		at += used;
	}
	buf_str(b, str_slice(s, plain, s.n));
	if (b->err)
		b->n = start; /* whole or not at all */
}
