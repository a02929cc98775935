// SPDX-License-Identifier: Apache-2.0
#include "otel/map/image.h"

#define DIGEST_HEX_MIN 32 /* of the grammar; sha256 has 64 */
#define TAG_MAX	       128

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) || (s.p[i] | 0x20) > 'f')
			return false;
	return s.n > 0;
}

/* Index of the last c, or s.n. */
static size_t find_last(struct str s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.n;
}

/* "sha256:0123...": the algorithm may have parts, as in "sha256+b64u". */
static bool is_digest(struct str s)
{
	size_t colon = str_find(s, ':');
	struct str hex = str_slice(s, colon + 1, s.n);

	for (size_t i = 0; i < colon; i++)
		if (!is_alnum(s.p[i]) && str_find(STR("+._-"), s.p[i]) == 4)
			return false;
	return colon > 0 && hex.n >= DIGEST_HEX_MIN && is_hex(hex);
}

/* By the grammar "sha256:0123..." is the name sha256 with a tag; nobody means that. */
static bool is_id(struct str s)
{
	return (s.n == 64 && is_hex(s)) || (str_starts(s, STR("sha")) && is_digest(s));
}

static bool is_tag(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '_' &&
		    (i == 0 || (s.p[i] != '.' && s.p[i] != '-')))
			return false;
	return s.n > 0 && s.n <= TAG_MAX;
}

/* The kubelet's dockershim wrote "docker://sha256:..." and "docker-pullable://NAME@DIGEST". */
static struct str without_scheme(struct str s)
{
	size_t colon = str_find(s, ':');

	for (size_t i = 0; i < colon; i++)
		if (s.p[i] != '-' && (s.p[i] < 'a' || s.p[i] > 'z'))
			return s;
	return str_starts(str_slice(s, colon, s.n), STR("://")) ? str_slice(s, colon + 3, s.n) : s;
}

static void split_reference(struct str s, struct image *ret)
{
	size_t at = str_find(s, '@'), slash, colon;
	struct str rest = str_slice(s, 0, at), last;

	ret->name = s;
	if (at < s.n) {
		if (!at || !is_digest(str_slice(s, at + 1, s.n)))
			return;
		ret->digest = str_slice(s, at + 1, s.n);
	}
	ret->name = rest;
	slash = find_last(rest, '/');
	last = slash < rest.n ? str_slice(rest, slash + 1, rest.n) : rest;
	colon = find_last(last, ':');
	if (colon == 0 || colon == last.n || !is_tag(str_slice(last, colon + 1, last.n)))
		return;
	ret->tag = str_slice(last, colon + 1, last.n);
	ret->name = str_slice(rest, 0, rest.n - ret->tag.n - 1);
}

void image_split(struct str text, struct image *ret)
{
	struct str s = without_scheme(str_trim(text));

	*ret = (struct image){ .whole = s };
	if (is_id(s))
		ret->id = s;
	else
		split_reference(s, ret);
}
