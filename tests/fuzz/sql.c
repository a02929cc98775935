// SPDX-License-Identifier: Apache-2.0
/*
 * Statements: any bytes, and ones that are made of code and literals, cut anywhere. A shape is text, no longer
 * than its statement, the same in its place and of itself, and has no quotes but those of names; of
 * a literal that was put in nothing is left.
 *
 * First byte: 1 MySQL, 2 made of pieces. Second: where it is cut, in percent; all from 100 on. A piece: which (u8),
 * bytes (u8), and these, the content of a literal.
 */
#include <stdint.h>
#include <string.h>

#include "base/sql.h"
#include "tests/fuzz/text.h"

#define STATEMENT_MAX 4096
#define SECRET "S3CRET"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char statement[STATEMENT_MAX];
static size_t statement_n;

static void add(const char *p, size_t n)
{
	if (statement_n + n > sizeof(statement))
		return;
	memcpy(statement + statement_n, p, n);
	statement_n += n;
}

static void add_text(const char *text)
{
	add(text, strlen(text));
}

/* ---- literals, quoted as somebody would who knows how -------------------------------------------- */

/* The secret, then content, in which what ends the literal is escaped. */
static void add_quoted(const char *open, struct str content, char quote, const char *escapes, const char *close)
{
	add_text(open);
	add_text(SECRET);
	for (size_t i = 0; i < content.n; i++) {
		if (strchr(escapes, content.p[i]) && content.p[i])
			add(content.p[i] == quote ? &quote : "\\", 1);
		add(content.p + i, 1);
	}
	add_text(SECRET);
	add_text(close);
}

/* Content that cannot end it. */
static void add_plain(const char *open, struct str content, const char *without, const char *close)
{
	add_text(open);
	add_text(SECRET);
	for (size_t i = 0; i < content.n; i++)
		if (content.p[i] && !strchr(without, content.p[i]))
			add(content.p + i, 1);
	add_text(SECRET);
	add_text(close);
}

static void add_number(struct str content)
{
	add_text("0x");
	for (size_t i = 0; i < content.n; i++)
		add(&"0123456789abcdef"[(u8)content.p[i] & 15], 1);
	add_text(SECRET);
}

/* Code, of which no piece opens a literal. */
static const char *const code[] = {
	"SELECT ", " FROM t ", ",", "(", ")", " WHERE a = ", " IN (", " E ", " x ", "\n", "-1", " - ", "/", " * ", "?", "+", " AS b ",
	";", "1", " 2.5e-3 ", " N", "::", " a$b", ".", "=", "<", ">", "|", "@", "%", "[", "]", "~", " e", "--\n", "-- c\n",
	"/**/", "/* c */", " caf\xc3\xa9 ",
};

static void add_piece(unsigned which, struct str content, enum sql_dialect dialect)
{
	bool mysql = dialect == SQL_MYSQL;

	switch (which % 12) {
	case 0:
		add_quoted("'", content, '\'', "'\\", "'");
		break;
	case 1:
		add_quoted(mysql ? "\"" : " E'", content, mysql ? '"' : '\'', mysql ? "\"\\" : "'\\", mysql ? "\"" : "'");
		break;
	case 2:
		add_plain(" X'", content, "'\\", "'");
		break;
	case 3:
		add_plain(mysql ? "\n# " : " $q$", content, mysql ? "\n" : "$", mysql ? "\n" : "$q$");
		break;
	case 4:
		add_plain(" -- ", content, "\r\n", "\n");
		break;
	case 5:
		add_plain(" /* ", content, "*/", " */");
		break;
	case 6:
		add_text(" ");
		add_number(content);
		add_text(" ");
		break;
	case 7:
		add_text(mysql ? "`n'\"`" : "\"n'`\"");
		break;
	default:
		add_text(code[(which / 12 + content.n) % (sizeof(code) / sizeof(*code))]);
	}
}

static void make(struct str in, enum sql_dialect dialect)
{
	statement_n = 0;
	while (in.n >= 2) {
		struct str content = str_slice(in, 2, 2 + (size_t)(u8)in.p[1]);

		add_piece((u8)in.p[0], content, dialect);
		in = str_slice(in, 2 + content.n, in.n);
	}
}

/* ---- checks ---------------------------------------------------------------------------------- */

/* Quotes stand around names alone. */
static void check_quotes(struct str shape, enum sql_dialect dialect)
{
	char of_names = dialect == SQL_MYSQL ? '`' : '"';
	bool inside = false;

	for (size_t i = 0; i < shape.n; i++) {
		inside ^= shape.p[i] == of_names;
		CHECK(inside || shape.p[i] != '\'');
		CHECK(inside || dialect != SQL_MYSQL || shape.p[i] != '"');
	}
	CHECK(!inside);
}

static struct str check(struct str s, enum sql_dialect dialect)
{
	static char shape[STATEMENT_MAX], again[STATEMENT_MAX], summary[256];
	struct str ret = { shape, 0 };
	bool whole, same;
	size_t n;

	ret.n = sql_shape(shape, s, dialect, &whole);
	CHECK(ret.n <= s.n && str_is_utf8(ret));
	for (size_t i = 0; i < ret.n; i++) {
		CHECK((u8)shape[i] >= ' ' && shape[i] != 0x7f);
		CHECK((u8)shape[i] != 0xc2 || (u8)shape[i + 1] >= 0xa0);
	}
	check_quotes(ret, dialect);
	if (s.n)
		memcpy(again, s.p, s.n);
	CHECK(sql_shape(again, (struct str){ again, s.n }, dialect, &same) == ret.n && same == whole);
	CHECK(!memcmp(again, shape, ret.n));
	n = sql_summary(summary, sizeof(summary), ret);
	CHECK(n < sizeof(summary) && strlen(summary) == n && str_is_utf8((struct str){ summary, n }));
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum sql_dialect dialect;
	struct str in, shape;

	if (size < 2 || size > STATEMENT_MAX)
		return 0;
	dialect = data[0] & 1 ? SQL_MYSQL : SQL_POSTGRESQL;
	in = (struct str){ (const char *)data + 2, size - 2 };
	if (!(data[0] & 2)) {
		check(in, dialect);
		return 0;
	}
	make(in, dialect);
	if (data[1] < 100)
		statement_n = statement_n * data[1] / 100;
	shape = check((struct str){ statement, statement_n }, dialect);
	CHECK(!memmem(shape.p, shape.n, SECRET, strlen(SECRET)));
	return 0;
}
