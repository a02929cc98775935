/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "base/sql.h"

struct lexer {
	const char *p, *end;
	enum sql_dialect dialect;
	char *dst;
	size_t n;
	bool blank;   /* one belongs before whatever comes next */
	bool stopped; /* what follows is not understood, or not there */
};

/* ---- bytes ------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || (u8)c >= 0x80;
}

/* Of a name, behind its first letter. */
static bool is_inner(char c)
{
	return is_letter(c) || is_digit(c) || c == '$';
}

static bool is_blank(char c)
{
	return (u8)c <= ' ' || c == 0x7f;
}

static char at(const struct lexer *l, size_t i)
{
	return (size_t)(l->end - l->p) > i ? l->p[i] : 0;
}

/* ---- what is written --------------------------------------------------------------------- */

static bool ends(const struct lexer *l, const char *with)
{
	size_t n = strlen(with);

	return l->n >= n && !memcmp(l->dst + l->n - n, with, n);
}

/* A token is at least as long as what is written for it, and where a blank is written were some. */
static void put(struct lexer *l, const char *p, size_t n)
{
	if (l->blank && l->n && !ends(l, "(") && *p != ')' && *p != ',')
		l->dst[l->n++] = ' ';
	l->blank = false;
	memmove(l->dst + l->n, p, n);
	l->n += n;
}

/* The sign of a number: it stands behind what no value ends with. */
static void drop_sign(struct lexer *l)
{
	size_t n = l->n;

	if (!ends(l, "-") && !ends(l, "+"))
		return;
	n--;
	while (n && l->dst[n - 1] == ' ')
		n--;
	if (!n || !strchr("(,=<>", l->dst[n - 1]))
		return;
	l->blank = l->dst[n] == ' ';
	l->n = n;
}

/* One more in a list of them, or right behind another, is no news. */
static void put_literal(struct lexer *l)
{
	drop_sign(l);
	if (ends(l, "?,"))
		l->n--;
	else if (!ends(l, "?"))
		put(l, "?", 1);
	l->blank = false;
}

static void put_other(struct lexer *l)
{
	put(l, l->p++, 1);
	if (ends(l, "(?), (?)"))
		l->n -= strlen(", (?)");
	else if (ends(l, "(?),(?)"))
		l->n -= strlen(",(?)");
}

/* What follows cannot be understood, or is missing. */
static void stop(struct lexer *l)
{
	put_literal(l);
	l->p = l->end;
	l->stopped = true;
}

/* ---- tokens ------------------------------------------------------------------------------ */

/* Up to the end of the line, which is a blank itself. */
static void skip_line(struct lexer *l)
{
	while (l->p < l->end && *l->p != '\n' && !(*l->p == '\r' && l->dialect == SQL_POSTGRESQL))
		l->p++;
	l->blank = true;
}

/* PostgreSQL's can hold others; of MySQL's some are no comments at all. */
static void skip_comment(struct lexer *l)
{
	bool nests = l->dialect == SQL_POSTGRESQL;
	const char *p = l->p + 2;
	size_t depth = 1;

	l->blank = true;
	if (!nests && (at(l, 2) == '!' || at(l, 2) == 'M' || at(l, 2) == '+')) {
		stop(l);
		return;
	}
	for (; l->end - p >= 2 && depth; p++) {
		if (p[0] == '*' && p[1] == '/') {
			depth--;
			p++;
		} else if (nests && p[0] == '/' && p[1] == '*') {
			depth++;
			p++;
		}
	}
	if (depth) {
		stop(l);
		return;
	}
	l->p = p;
}

static bool skip_blanks(struct lexer *l)
{
	bool mysql = l->dialect == SQL_MYSQL;

	if (is_blank(*l->p)) {
		l->p++;
		l->blank = true;
	} else if (*l->p == '-' && at(l, 1) == '-' && (!mysql || is_blank(at(l, 2)))) {
		skip_line(l);
	} else if (*l->p == '#' && mysql) {
		skip_line(l);
	} else if (*l->p == '/' && at(l, 1) == '*') {
		skip_comment(l);
	} else {
		return false;
	}
	return true;
}

/* From its opening quote on. Whether a backslash hides a quote from the server is known only of
 * those where it always does. */
static void take_string(struct lexer *l, bool escapes)
{
	const char *p = l->p + 1;
	char quote = *l->p;
	size_t slashes = 0; /* right before p */

	for (; p < l->end; p++) {
		if (*p == '\\') {
			slashes++;
			continue;
		}
		if (*p == quote && slashes % 2 && !escapes)
			break;
		if (*p == quote && !(slashes % 2)) {
			if (l->end - p < 2 || p[1] != quote) {
				l->p = p + 1;
				put_literal(l);
				return;
			}
			p++;
		}
		slashes = 0;
	}
	stop(l);
}

static void take_quoted_name(struct lexer *l)
{
	const char *p = l->p + 1;

	for (; p < l->end && (u8)*p >= ' ' && *p != 0x7f; p++) {
		if (*p != *l->p)
			continue;
		if (l->end - p < 2 || p[1] != *p) {
			put(l, l->p, (size_t)(p + 1 - l->p));
			l->p = p + 1;
			return;
		}
		p++;
	}
	stop(l);
}

/* $1, $$text$$ or $tag$text$tag$. MySQL has the second since 9.0, and names that begin so. */
static void take_dollar(struct lexer *l)
{
	const char *p = l->p + 1, *text;
	size_t n;

	if (l->dialect == SQL_MYSQL) {
		stop(l);
		return;
	}
	if (is_digit(at(l, 1))) {
		while (p < l->end && is_digit(*p))
			p++;
		l->p = p;
		if (p < l->end && is_inner(*p))
			stop(l);
		else
			put_literal(l);
		return;
	}
	while (p < l->end && is_inner(*p) && *p != '$')
		p++;
	n = (size_t)(p + 1 - l->p);
	text = p < l->end && *p == '$' ? memmem(p + 1, (size_t)(l->end - p - 1), l->p, n) : NULL;
	if (!text) {
		stop(l);
		return;
	}
	l->p = text + n;
	put_literal(l);
}

/* What letters behind a number are differs; if it is a dollar, so does what is quoted. */
static void take_number(struct lexer *l)
{
	const char *p = l->p + 1;

	for (; p < l->end; p++) {
		bool sign = (*p == '-' || *p == '+') && (p[-1] | 0x20) == 'e' && l->end - p >= 2 &&
			    is_digit(p[1]);

		if (!is_letter(*p) && !is_digit(*p) && *p != '.' && !sign)
			break;
	}
	l->p = p;
	if (p < l->end && *p == '$')
		stop(l);
	else
		put_literal(l);
}

/* A name or keyword, or the letter before a string. */
static void take_word(struct lexer *l)
{
	bool escapes = l->dialect == SQL_POSTGRESQL && (*l->p | 0x20) == 'e';
	size_t n = 1;

	if (at(l, 1) == '\'' && (escapes || memchr("bnxBNX", *l->p, 6))) {
		l->p++;
		take_string(l, escapes);
		return;
	}
	while (is_inner(at(l, n)))
		n++;
	put(l, l->p, n);
	l->p += n;
}

static void take(struct lexer *l)
{
	char c = *l->p;

	if (skip_blanks(l))
		return;
	if (c == '\'' || (c == '"' && l->dialect == SQL_MYSQL)) {
		take_string(l, false);
	} else if (c == '"' || (c == '`' && l->dialect == SQL_MYSQL)) {
		take_quoted_name(l);
	} else if (c == '$') {
		take_dollar(l);
	} else if (is_digit(c) || (c == '.' && is_digit(at(l, 1)))) {
		take_number(l);
	} else if (is_letter(c)) {
		take_word(l);
	} else if (c == '\\') {
		stop(l);
	} else if (c == '?') {
		l->p++;
		put_literal(l);
	} else {
		put_other(l);
	}
}

/* How much of it is text: up to what is no UTF-8, a NUL, or a control character that is no ASCII.
 * In another character set a quote's byte could be half a letter. */
static size_t text_n(struct str s)
{
	size_t i = 0, n;

	while (i < s.n && s.p[i] && (n = str_utf8_len(str_slice(s, i, s.n))) != 0) {
		if (n == 2 && (u8)s.p[i] == 0xc2 && (u8)s.p[i + 1] < 0xa0)
			break;
		i += n;
	}
	return i;
}

size_t sql_shape(char *dst, struct str statement, enum sql_dialect dialect, bool *ret_whole)
{
	size_t n = text_n(statement);
	struct lexer l = { .p = statement.p, .dialect = dialect, .dst = dst };

	l.end = n ? l.p + n : l.p;
	while (l.p < l.end)
		take(&l);
	*ret_whole = n == statement.n && !l.stopped;
	return l.n;
}

/* ---- summary ----------------------------------------------------------------------------- */

/* A word of a shape, or a name with its parts: s."t". Behind it goes on *rest. */
static bool next_word(struct str *rest, struct str *ret)
{
	const char *p = rest->p, *end = rest->n ? p + rest->n : p;
	char quote = 0;

	while (p < end && !is_letter(*p) && *p != '"' && *p != '`')
		p++;
	ret->p = p;
	for (; p < end && (quote || is_inner(*p) || strchr("\"`.", *p)); p++)
		if (*p == '"' || *p == '`')
			quote = !quote ? *p : *p == quote ? 0 : quote;
	ret->n = (size_t)(p - ret->p);
	*rest = (struct str){ p, (size_t)(end - p) };
	return ret->n;
}

static bool is_one_of(struct str word, const char *const *words)
{
	for (; *words; words++)
		if (str_eqi(word, str_of(*words)))
			return true;
	return false;
}

/* Whether the word right behind what was read is a name, not the beginning of something else. */
static bool name_follows(struct str rest)
{
	rest = str_trim(rest);
	return rest.n && (is_letter(rest.p[0]) || rest.p[0] == '"' || rest.p[0] == '`');
}

size_t sql_summary(char *dst, size_t cap, struct str shape)
{
	static const char *const before[] = { "FROM", "JOIN", "INTO", "TABLE", NULL };
	static const char *const between[] = { "IF", "NOT", "EXISTS", "ONLY", NULL };
	struct str word;
	bool named = false; /* the next word is a name */
	size_t n = 0;

	while (next_word(&shape, &word)) {
		if (named && is_one_of(word, between))
			continue;
		if (named || !n) {
			if (n + 1 + word.n >= cap)
				break;
			if (n)
				dst[n++] = ' ';
			memcpy(dst + n, word.p, word.n);
			n += word.n;
		}
		named = (is_one_of(word, before) ||
			 (n == word.n && str_eqi(word, STR("UPDATE")))) &&
			name_follows(shape);
	}
	dst[n] = 0;
	return n;
}
