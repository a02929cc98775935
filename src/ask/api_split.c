// SPDX-License-Identifier: Apache-2.0
#include "ask/api_split.h"

#include <errno.h>
#include <string.h>

#define KEPT_MAX (256u << 10) /* of the buffer between objects: one huge pod does not stay */

void api_split_init(struct api_split *s)
{
	*s = (struct api_split){ .list = false };
	/* yyjson wants some bytes behind the text. */
	buf_init(&s->object, API_OBJECT_MAX + 64);
	buf_init(&s->rest, API_REST_MAX);
}

void api_split_free(struct api_split *s)
{
	buf_free(&s->object);
	buf_free(&s->rest);
}

void api_split_start(struct api_split *s, bool list)
{
	struct api_split next = {
		.list = list,
		.object = s->object,
		.rest = s->rest,
		.too_large = s->too_large,
	};

	*s = next;
	buf_reset(&s->object);
	buf_reset(&s->rest);
}

/* Are we where an object may begin? */
static bool between(const struct api_split *s)
{
	return !s->inside && (s->list ? s->value && s->depth == 2 : s->depth == 0);
}

static int keep(struct api_split *s, const char *p, size_t n)
{
	struct buf *b = s->inside ? &s->object : &s->rest;

	s->bytes += n;
	if (s->bytes > API_BODY_MAX)
		return -EFBIG;
	if (s->skipping)
		return 0;
	if (s->inside && s->object.n + n > API_OBJECT_MAX) {
		s->skipping = true;
		buf_free(&s->object);
		return 0;
	}
	buf_add(b, p, n);
	return b->err == -ENOSPC ? -EBADMSG : b->err;
}

/* The last byte of an object was kept. */
static int complete(struct api_split *s, api_split_fn fn, void *ctx)
{
	int ret = 0;

	s->inside = false;
	if (s->skipping)
		s->too_large++;
	else
		ret = fn(ctx, &s->object);
	s->skipping = false;
	buf_reset(&s->object);
	if (s->object.cap > KEPT_MAX)
		buf_free(&s->object);
	if (!s->list)
		s->bytes = 0;
	return ret;
}

/* A byte inside a string. Of a list's own keys, the beginning is remembered. */
static void in_string(struct api_split *s, char c)
{
	if (s->escaped)
		s->escaped = false;
	else if (c == '\\')
		s->escaped = true;
	else if (c == '"')
		s->quoted = false;
	if (s->quoted && s->depth == 1 && s->key_n < sizeof(s->key))
		s->key[s->key_n++] = c;
}

static int in_structure(struct api_split *s, char c)
{
	switch (c) {
	case '"':
		s->quoted = true;
		if (s->depth == 1)
			s->key_n = 0;
		return 0;
	case ':':
		if (s->depth == 1)
			s->items = str_eq((struct str){ s->key, s->key_n }, STR("items"));
		return 0;
	case ',':
		if (s->depth == 1)
			s->items = false;
		return 0;
	case '{':
	case '[':
		if (s->list && s->depth == 1 && s->items && c == '[')
			s->value = true;
		return ++s->depth > API_DEPTH_MAX ? -EBADMSG : 0;
	case '}':
	case ']':
		if (!s->depth)
			return -EBADMSG;
		if (--s->depth == 1)
			s->value = false;
		return 0;
	default:
		return 0;
	}
}

enum look {
	LOOK_SKIP,
	LOOK_BEGIN,
	LOOK_END,
	LOOK_BAD,
};

/* What a byte between objects is. */
static enum look look(const struct api_split *s, char c)
{
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return LOOK_SKIP;
	case ',':
		return s->list ? LOOK_SKIP : LOOK_BAD;
	case ']':
		return s->list ? LOOK_END : LOOK_BAD;
	case '{':
		return LOOK_BEGIN;
	default:
		return LOOK_BAD;
	}
}

int api_split_feed(struct api_split *s, struct str bytes, api_split_fn fn, void *ctx)
{
	size_t from = 0; /* bytes before it are kept, or nobody's */
	int ret = 0;

	for (size_t i = 0; i < bytes.n && !ret; i++) {
		enum look what = between(s) ? look(s, bytes.p[i]) : LOOK_END;

		if (what == LOOK_BAD)
			return -EBADMSG;
		if (what != LOOK_END) {
			ret = keep(s, bytes.p + from, i - from);
			s->inside = what == LOOK_BEGIN;
			from = i + (what == LOOK_SKIP);
			if (ret || what == LOOK_SKIP)
				continue;
		}
		if (s->quoted)
			in_string(s, bytes.p[i]);
		else
			ret = in_structure(s, bytes.p[i]);
		if (!ret && s->inside && s->depth == (s->list ? 2u : 0u)) {
			ret = keep(s, bytes.p + from, i + 1 - from);
			from = i + 1;
			if (!ret)
				ret = complete(s, fn, ctx);
		}
	}
	return ret ? ret : keep(s, bytes.p + from, bytes.n - from);
}
