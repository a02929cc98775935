// SPDX-License-Identifier: Apache-2.0
/*
 * kubectl's label selectors (apimachinery pkg/labels/selector.go, v1.31): requirements joined
 * by commas, all of which must hold.
 *
 *	key  !key  key=v  key==v  key!=v  key in (v,w)  key notin (v,w)  key>5  key<5
 *
 * Blanks may stand anywhere between; "key=" and "()" mean the empty value; keys and values are
 * held against what labels can be. Quotes are not part of it.
 */
#include <errno.h>

#include "base/parse.h"
#include "select/target_internal.h"

#define PART_MAX   63 /* bytes of a value, and of a key behind its slash */
#define PREFIX_MAX 253

enum token_kind { END, WORD, COMMA, OPEN, CLOSE, EQUAL, UNEQUAL, NOT, ABOVE, BELOW };

struct token {
	enum token_kind kind;
	struct str text;
};

struct scan {
	struct target_parse *p;
	struct str rest;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct token next_token(struct scan *s)
{
	static const struct {
		struct str text;
		enum token_kind kind;
	} symbols[] = {
		{ { "==", 2 }, EQUAL }, { { "!=", 2 }, UNEQUAL }, { { "=", 1 }, EQUAL },
		{ { "!", 1 }, NOT },	{ { "(", 1 }, OPEN },	  { { ")", 1 }, CLOSE },
		{ { ",", 1 }, COMMA },	{ { ">", 1 }, ABOVE },	  { { "<", 1 }, BELOW },
	};
	struct token t = { END, { NULL, 0 } };
	size_t n = 0;

	while (s->rest.n && is_blank(s->rest.p[0]))
		s->rest = str_slice(s->rest, 1, s->rest.n);
	if (!s->rest.n)
		return t;
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		if (!str_starts(s->rest, symbols[i].text))
			continue;
		t = (struct token){ symbols[i].kind, symbols[i].text };
		s->rest = str_slice(s->rest, t.text.n, s->rest.n);
		return t;
	}
	while (n < s->rest.n && !is_blank(s->rest.p[n]) &&
	       str_find(STR("=!(),><"), s->rest.p[n]) == 7)
		n++;
	t = (struct token){ WORD, str_slice(s->rest, 0, n) };
	s->rest = str_slice(s->rest, n, s->rest.n);
	return t;
}

static struct token peek(const struct scan *s)
{
	struct scan copy = *s;

	return next_token(&copy);
}

static int refuse(struct scan *s, struct token found, const char *wanted)
{
	if (found.kind == END)
		return target_fail(s->p, OF_SELECTOR, found.text, "the selector ends too early: %s",
				   wanted);
	return target_fail(s->p, OF_SELECTOR, found.text, "out of place: %s", wanted);
}

/* ---- what labels can be ------------------------------------------------------------------- */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A value that is not empty, or a key's name. */
static bool is_part(struct str s)
{
	if (!s.n || s.n > PART_MAX || !is_alnum(s.p[0]) || !is_alnum(s.p[s.n - 1]))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' && s.p[i] != '.')
			return false;
	}
	return true;
}

static int check_key(struct scan *s, struct str key)
{
	struct str name = key, prefix = { NULL, 0 };
	size_t slash = str_find(key, '/');

	if (slash < key.n) {
		prefix = str_slice(key, 0, slash);
		name = str_slice(key, slash + 1, key.n);
	}
	if (prefix.p && (!prefix.n || target_name_wrong(prefix, PREFIX_MAX, true, false)))
		return target_fail(s->p, OF_SELECTOR, key,
				   "is no label's key: before its slash stands a domain's name, "
				   "lower-case, of at most %d bytes",
				   PREFIX_MAX);
	if (!is_part(name))
		return target_fail(s->p, OF_SELECTOR, key,
				   "is no label's key: write NAME or DOMAIN/NAME, NAME of 1 to %d "
				   "letters, digits, -, _ and ., a letter or digit at both ends",
				   PART_MAX);
	return 0;
}

static int add_value(struct scan *s, struct item *requirement, struct str value)
{
	struct item *item;

	if (value.n && !is_part(value))
		return target_fail(s->p, OF_SELECTOR, value,
				   "is no label's value: at most %d letters, digits, -, _ and ., a "
				   "letter or digit at both ends",
				   PART_MAX);
	item = target_add(s->p, OF_SELECTOR);
	if (!item)
		return target_too_many(s->p);
	item->name = value;
	requirement->values++;
	return 0;
}

/* ---- the grammar -------------------------------------------------------------------------- */

/* Of =, ==, !=, >, <. Nothing before the comma or the end is the empty value. */
static int parse_value(struct scan *s, struct item *requirement)
{
	struct token t = peek(s);
	bool number = requirement->op == LABEL_ABOVE || requirement->op == LABEL_BELOW;

	if (t.kind == WORD)
		next_token(s);
	else if (t.kind != END && t.kind != COMMA)
		return refuse(s, t, "a label's value is expected");
	if (number && parse_s64(t.kind == WORD ? t.text : STR(""), INT64_MIN, INT64_MAX,
				&requirement->number) < 0)
		return refuse(s, t, "> and < compare whole numbers");
	return add_value(s, requirement, t.kind == WORD ? t.text : STR(""));
}

/* Of in and notin; what is empty between two commas is the empty value. */
static int parse_values(struct scan *s, struct item *requirement)
{
	struct token t = next_token(s);
	int err = 0;

	if (t.kind != OPEN)
		return refuse(s, t, "( is expected behind in and notin");
	while (!err) {
		struct str value = STR("");

		t = next_token(s);
		if (t.kind == WORD) {
			value = t.text;
			t = next_token(s);
		}
		err = add_value(s, requirement, value);
		if (!err && t.kind == CLOSE)
			return 0;
		if (!err && t.kind != COMMA)
			return refuse(s, t, ", or ) is expected in a list of values");
	}
	return err;
}

static int parse_operator(struct scan *s, struct item *requirement)
{
	struct token t = next_token(s);
	bool in = t.kind == WORD && str_eq(t.text, STR("in"));
	bool notin = t.kind == WORD && str_eq(t.text, STR("notin"));

	if (in || notin) {
		requirement->op = in ? LABEL_IN : LABEL_NOT_IN;
		return parse_values(s, requirement);
	}
	if (t.kind != EQUAL && t.kind != UNEQUAL && t.kind != ABOVE && t.kind != BELOW)
		return refuse(s, t, "=, ==, !=, in, notin, > or < is expected behind a key");
	requirement->op = t.kind == EQUAL     ? LABEL_IN
			  : t.kind == UNEQUAL ? LABEL_NOT_IN
			  : t.kind == ABOVE   ? LABEL_ABOVE
					      : LABEL_BELOW;
	return parse_value(s, requirement);
}

static int parse_requirement(struct scan *s)
{
	struct token t = next_token(s);
	bool missing = t.kind == NOT;
	struct item *requirement;
	enum token_kind next;
	int err;

	if (missing)
		t = next_token(s);
	if (t.kind != WORD)
		return refuse(s, t, "a label's key or ! is expected");
	err = check_key(s, t.text);
	if (err)
		return err;
	requirement = target_add(s->p, OF_SELECTOR);
	if (!requirement)
		return target_too_many(s->p);
	requirement->name = t.text;
	requirement->op = missing ? LABEL_MISSING : LABEL_EXISTS;
	next = peek(s).kind;
	if (missing || next == END || next == COMMA)
		return 0;
	return parse_operator(s, requirement);
}

int target_parse_selector(struct target_parse *p, struct str text)
{
	struct scan s = { p, text };
	struct token t;
	int err;

	do {
		err = parse_requirement(&s);
		if (err)
			return err;
		t = next_token(&s);
	} while (t.kind == COMMA);
	return t.kind == END ? 0 : refuse(&s, t, "a comma or the end is expected");
}
