// SPDX-License-Identifier: Apache-2.0
/* Views of bytes: comparing, cutting, and copying with UTF-8 made good. No allocation. */
#include "base/str.h"

#include <assert.h>
#include <string.h>

struct str str_of(const char *s)
{
	return (struct str){ s, s ? strlen(s) : 0 };
}

struct str str_ofn(const char *s, size_t cap)
{
	return (struct str){ s, s ? strnlen(s, cap) : 0 };
}

bool str_eq(struct str a, struct str b)
{
	/* memcmp of NULL is undefined even for 0 bytes. */
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eqi(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	}
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_slice(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_slice(s, s.n - suffix.n, s.n), suffix);
}

static bool ascii_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
	size_t from = 0, to = s.n;

	while (from < to && ascii_blank(s.p[from]))
		from++;
	while (to > from && ascii_blank(s.p[to - 1]))
		to--;
	return str_slice(s, from, to);
}

struct str str_slice(struct str s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from > to)
		from = to;
	/* NULL + 0 is undefined in C, so the empty view stays as it is. */
	return (struct str){ s.p ? s.p + from : NULL, to - from };
}

size_t str_find(struct str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

bool str_cut(struct str *rest, char sep, struct str *ret_part)
{
	size_t at;

	if (!rest->p)
		return false;
	at = str_find(*rest, sep);
	*ret_part = str_slice(*rest, 0, at);
	if (at == rest->n)
		*rest = (struct str){ NULL, 0 };
	else
		*rest = str_slice(*rest, at + 1, rest->n);
	return true;
}

size_t str_copy(char *dst, size_t cap, struct str s)
{
	size_t n;

	assert(cap > 0);
	n = s.n < cap - 1 ? s.n : cap - 1;
	if (n)
		memcpy(dst, s.p, n);
	dst[n] = '\0';
	return n;
}

size_t str_utf8_len(struct str s)
{
	const u8 *p = (const u8 *)s.p;
	u8 lo = 0x80, hi = 0xbf; /* the range of the second byte, table 3-7 */
	size_t n;

	if (s.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		lo = 0xa0; /* else overlong */
	else if (p[0] == 0xed)
		hi = 0x9f; /* else a surrogate */
	else if (p[0] == 0xf0)
		lo = 0x90; /* else overlong */
	else if (p[0] == 0xf4)
		hi = 0x8f; /* else above U+10FFFF */
	if (s.n < n || p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	}
	return n;
}

size_t str_copy_utf8(char *dst, size_t cap, struct str s, bool *ret_fixed)
{
	bool fixed = false;
	size_t in = 0, out = 0;

	assert(cap > 0);
	while (in < s.n) {
		size_t n = str_utf8_len(str_slice(s, in, s.n));
		const char *from = n ? s.p + in : STR_UTF8_REPLACEMENT;
		size_t len = n ? n : sizeof(STR_UTF8_REPLACEMENT) - 1;

		if (n == 0)
			fixed = true;
		if (out + len > cap - 1) {
			fixed = true;
			break;
		}
		memcpy(dst + out, from, len);
		out += len;
		in += n ? n : 1;
	}
	dst[out] = '\0';
	if (ret_fixed)
		*ret_fixed = fixed;
	return out;
}

bool str_is_utf8(struct str s)
{
	size_t in = 0;

	while (in < s.n) {
		size_t n = str_utf8_len(str_slice(s, in, s.n));

		if (n == 0)
			return false;
		in += n;
	}
	return true;
}

u64 str_hash(struct str s)
{
	u64 h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < s.n; i++) {
		h ^= (u8)s.p[i];
		h *= 0x100000001b3ull;
	}
	return h;
}
