/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of what leaves the house: every attribute is one of semantic conventions 1.44 with
 * its type, or begins with "podtrace."; each is there once. Kept in a header because each test is
 * one file.
 */
#ifndef TEST_SEMCONV_H
#define TEST_SEMCONV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "otel/model.h"

#define SEMCONV "tests/collector/semconv-1.44.0.txt"

static struct buf semconv;

static inline int semconv_load(void **state)
{
	FILE *f = fopen(SEMCONV, "r");
	char text[4096];
	size_t n;

	(void)state;
	buf_init(&semconv, 1 << 20);
	while (f && (n = fread(text, 1, sizeof(text), f)) > 0)
		buf_add(&semconv, text, n);
	return f && !fclose(f) && semconv.n ? 0 : -1;
}

static inline int semconv_unload(void **state)
{
	(void)state;
	buf_free(&semconv);
	return 0;
}

/* "string", "int", "enum a b c": what the list says of a key, templates with their <key> too;
 * empty if it has no such name. */
static inline struct str semconv_type(const char *key)
{
	struct str rest = buf_view(&semconv), line, word, name, whole = str_of(key);

	while (str_cut(&rest, '\n', &line)) {
		if (!str_cut(&line, ' ', &word) || !str_eq(word, STR("a")))
			continue;
		str_cut(&line, ' ', &name);
		if (str_eq(name, whole))
			return line;
		if (str_starts(line, STR("template[")) && whole.n > name.n + 1 &&
		    str_starts(whole, name) && key[name.n] == '.')
			return str_slice(line, strlen("template["), line.n - 1);
	}
	return STR("");
}

/* These enums are open, and what the kernel can say is more than they have. */
static inline bool is_open(const char *key)
{
	return !strcmp(key, "error.type") || !strcmp(key, "network.connection.state") ||
	       !strcmp(key, "telemetry.sdk.language");
}

static inline bool is_member(struct str members, struct str value)
{
	struct str word;

	while (str_cut(&members, ' ', &word))
		if (str_eq(word, value))
			return true;
	return false;
}

static inline const char *wrong(const struct attr *a)
{
	static const char *const types[] = { [ATTR_STR] = "string",
					     [ATTR_INT] = "int",
					     [ATTR_DOUBLE] = "double",
					     [ATTR_BOOL] = "boolean",
					     [ATTR_STRS] = "string[]" };
	struct str type;

	if (str_starts(str_of(a->key), STR("podtrace.")))
		return NULL;
	type = semconv_type(a->key);
	if (!type.n)
		return "is no name of semantic conventions 1.44 and does not begin with podtrace.";
	if (!str_starts(type, STR("enum ")))
		return str_eq(type, str_of(types[a->type])) ? NULL : "has another type";
	if (a->type != ATTR_STR)
		return "has another type";
	return is_open(a->key) || is_member(type, a->s) ? NULL : "has no such value";
}

static inline void check_attrs(const char *where, const struct attrs *attrs)
{
	assert_int_equal(attrs->dropped, 0);
	for (size_t i = 0; i < attrs->n; i++) {
		const struct attr *a = &attrs->v[i];

		if (wrong(a))
			fail_msg("%s: %s %s", where, a->key, wrong(a));
		for (size_t k = 0; k < i; k++)
			if (!strcmp(attrs->v[k].key, a->key))
				fail_msg("%s: %s twice", where, a->key);
	}
}

static inline const struct attr *find(const struct attrs *attrs, const char *key)
{
	for (size_t i = 0; i < attrs->n; i++)
		if (!strcmp(attrs->v[i].key, key))
			return &attrs->v[i];
	return NULL;
}

static inline void assert_str(const struct attrs *attrs, const char *key, const char *want)
{
	const struct attr *a = find(attrs, key);

	if (!a || a->type != ATTR_STR || !str_eq(a->s, str_of(want)))
		fail_msg("%s: not \"%s\" but \"%.*s\"", key, want, a ? (int)a->s.n : 0,
			 a ? a->s.p : "");
}

#endif
