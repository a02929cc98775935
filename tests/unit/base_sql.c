// SPDX-License-Identifier: Apache-2.0
/* base/sql: the shape of statements, and that nothing of what stands in them is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/sql.h"

#define S(bytes) ((struct str){ bytes, sizeof(bytes) - 1 })

struct row {
	struct str statement;
	const char *shape;
	bool cut; /* the shape ends before the statement */
};

static char text[4096];

/* Of a copy of exactly these bytes, into exactly as many, so that the sanitizer sees one too much; then in its place. */
static bool shape(struct str s, enum sql_dialect dialect)
{
	char *from = malloc(s.n + !s.n), *to = malloc(s.n + !s.n);
	bool whole, again;
	size_t n, n2;

	if (s.n)
		memcpy(from, s.p, s.n);
	n = sql_shape(to, (struct str){ from, s.n }, dialect, &whole);
	memcpy(text, to, n);
	text[n] = 0;
	n2 = sql_shape(from, (struct str){ from, s.n }, dialect, &again);
	assert_int_equal(n2, n);
	assert_memory_equal(from, to, n);
	n2 = sql_shape(from, (struct str){ from, n }, dialect, &again);
	assert_int_equal(n2, n);
	assert_memory_equal(from, to, n);
	assert_true(again);
	free(from);
	free(to);
	return whole;
}

static void check(const struct row *rows, size_t n, enum sql_dialect dialect)
{
	for (size_t i = 0; i < n; i++) {
		bool whole = shape(rows[i].statement, dialect);

		assert_string_equal(text, rows[i].shape);
		assert_int_equal(whole, !rows[i].cut);
	}
}

static const struct row both[] = {
	{ S(""), "", false },
	{ S(" \t\n "), "", false },
	{ S("SELECT 1"), "SELECT ?", false },
	{ S("select\n\t a ,b  from t ;"), "select a,b from t ;", false },
	{ S("SELECT a1, _b FROM t2 WHERE c3 = 42"), "SELECT a1, _b FROM t2 WHERE c3 = ?", false },
	{ S("SELECT 'a'"), "SELECT ?", false },
	{ S("SELECT 'it''s', 'x'"), "SELECT ?", false },
	{ S("SELECT ''"), "SELECT ?", false },
	{ S("SELECT 'a\\\\', b"), "SELECT ?, b", false },
	{ S("SELECT 'a\\n', b"), "SELECT ?, b", false },
	{ S("SELECT 'a -- b', 'c /* d'"), "SELECT ?", false },
	{ S("SELECT X'4D', x'00', N'n', b'01'"), "SELECT ?", false },
	{ S("SELECT 1.5, .5, 1e5, 1.5E-10, 0x1F, 0b11, 1_000"), "SELECT ?", false },
	{ S("SELECT -1, +2, a-1, a - 1, a=-1, (-1)"), "SELECT -?, a-?, a - ?, a=?, (?)", false },
	{ S("SELECT * FROM t WHERE a IN (1, 2,3 ,'x')"), "SELECT * FROM t WHERE a IN (?)", false },
	{ S("SELECT * FROM t WHERE a IN ( 1 )"), "SELECT * FROM t WHERE a IN (?)", false },
	{ S("INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'),(3,'z')"), "INSERT INTO t (a, b) VALUES (?)", false },
	{ S("INSERT INTO t VALUES (1, DEFAULT), (2, NULL)"), "INSERT INTO t VALUES (?, DEFAULT), (?, NULL)", false },
	{ S("SELECT a -- it's a comment\nFROM t"), "SELECT a FROM t", false },
	{ S("SELECT a/* it's one */FROM t"), "SELECT a FROM t", false },
	{ S("SELECT 1 -- 'open"), "SELECT ?", false },
	{ S("SELECT /**/ 1 /***/"), "SELECT ?", false },
	{ S("/* traceparent='00-aa' */ SELECT 1"), "SELECT ?", false },
	{ S("SELECT ?"), "SELECT ?", false },
	{ S("WHERE a = ? AND b IN (?, ?)"), "WHERE a = ? AND b IN (?)", false },
	{ S("SELECT t.c FROM s.t"), "SELECT t.c FROM s.t", false },
	{ S("SELECT DATE '2026-01-01'"), "SELECT DATE ?", false },
	{ S("SELECT 'a' 'b'"), "SELECT ?", false },
	{ S("SELECT caf\xc3\xa9 FROM t"), "SELECT caf\xc3\xa9 FROM t", false },
	{ S("SELECT 'caf\xc3\xa9'"), "SELECT ?", false },
	/* what has no end */
	{ S("SELECT 'secret"), "SELECT ?", true },
	{ S("SELECT 'secret''"), "SELECT ?", true },
	{ S("SELECT a /* secret"), "SELECT a ?", true },
	{ S("SELECT a /*/ secret"), "SELECT a ?", true },
	{ S("SELECT 'a', 'secret"), "SELECT ?", true },
	/* what can be read in two ways */
	{ S("SELECT 'a\\', secret, 'b'"), "SELECT ?", true },
	{ S("SELECT 'a\\\\\\', secret, 'b'"), "SELECT ?", true },
	{ S("SELECT \\N, secret"), "SELECT ?", true },
	/* no text */
	{ S("SELECT 'a\xe9', secret"), "SELECT ?", true },
	{ S("SELECT a\xff secret"), "SELECT a", true },
	{ S("SELECT a\xc2\x85 secret"), "SELECT a", true },
	{ S("SELECT a\xc3"), "SELECT a", true },
	{ S("SELECT a\0 secret"), "SELECT a", true },
	{ S("SELECT 1\x01\x1b[31m"), "SELECT ? [?", false },
};

static void test_both(void **state)
{
	(void)state;
	check(both, ARRAY_SIZE(both), SQL_POSTGRESQL);
	check(both, ARRAY_SIZE(both), SQL_MYSQL);
}

static void test_postgresql(void **state)
{
	static const struct row rows[] = {
		{ S("SELECT \"Name\", \"a\"\"b\" FROM \"s\".\"t\""), "SELECT \"Name\", \"a\"\"b\" FROM \"s\".\"t\"", false },
		{ S("SELECT \"it's\", 'x'"), "SELECT \"it's\", ?", false },
		{ S("SELECT \"open, 'secret'"), "SELECT ?", true },
		{ S("SELECT \"a\nb\", secret"), "SELECT ?", true },
		{ S("SELECT E'it\\'s', b"), "SELECT ?, b", false },
		{ S("SELECT e'\\\\', b"), "SELECT ?, b", false },
		{ S("SELECT E'secret\\"), "SELECT ?", true },
		{ S("SELECT type'x', name'y'"), "SELECT type?, name?", false },
		{ S("SELECT $1, $23::int"), "SELECT ?::int", false },
		{ S("SELECT $$it's$$, b"), "SELECT ?, b", false },
		{ S("SELECT $tag$a $$ b $ta$ c$tag$, d"), "SELECT ?, d", false },
		{ S("SELECT $\xc3\xa9$x$\xc3\xa9$, d"), "SELECT ?, d", false },
		{ S("SELECT $tag$secret $tagg$"), "SELECT ?", true },
		{ S("SELECT $ta"), "SELECT ?", true },
		{ S("SELECT a$b$, 'x'"), "SELECT a$b$, ?", false },
		{ S("SELECT $ secret"), "SELECT ?", true },
		{ S("SELECT 1$a$ secret"), "SELECT ?", true },
		{ S("SELECT $1$a$ secret"), "SELECT ?", true },
		{ S("SELECT $1a secret"), "SELECT ?", true },
		{ S("SELECT a/* 1 /* 'x' */ 2 */, b"), "SELECT a, b", false },
		{ S("SELECT a/* 1 /* 'x' */ secret"), "SELECT a ?", true },
		{ S("SELECT a--b\rFROM t"), "SELECT a FROM t", false },
		{ S("SELECT a--b\n, c"), "SELECT a, c", false },
		{ S("SELECT a # b, c ->> 'k', d #> '{a,b}'"), "SELECT a # b, c ->> ?, d #> ?", false },
		{ S("SELECT U&'\\0061', b"), "SELECT U&?, b", false },
		{ S("SELECT a ? 'k'"), "SELECT a ?", false },
		{ S("SELECT a FROM t LIMIT 10 OFFSET 20"), "SELECT a FROM t LIMIT ? OFFSET ?", false },
		{ S("COPY t FROM STDIN"), "COPY t FROM STDIN", false },
	};

	(void)state;
	check(rows, ARRAY_SIZE(rows), SQL_POSTGRESQL);
}

static void test_mysql(void **state)
{
	static const struct row rows[] = {
		{ S("SELECT `a b`, `c``d` FROM `s`.`t`"), "SELECT `a b`, `c``d` FROM `s`.`t`", false },
		{ S("SELECT `it's`, 'x'"), "SELECT `it's`, ?", false },
		{ S("SELECT `open, 'secret'"), "SELECT ?", true },
		{ S("SELECT \"a\", \"it's\", \"a\"\"b\""), "SELECT ?", false },
		{ S("SELECT \"secret"), "SELECT ?", true },
		{ S("SELECT \"a\\\", secret, \""), "SELECT ?", true },
		{ S("SELECT 'say \"x\"', b"), "SELECT ?, b", false },
		{ S("SELECT 1 # it's\n, b"), "SELECT ?, b", false },
		{ S("SELECT 1 -- it's\n, b"), "SELECT ?, b", false },
		{ S("SELECT a --\n, b"), "SELECT a, b", false },
		{ S("SELECT 5--1, b"), "SELECT ?--?, b", false },
		{ S("SELECT a--'x\ny', b"), "SELECT a--?, b", false },
		{ S("SELECT a -- b\rsecret'\n, c"), "SELECT a, c", false },
		{ S("SELECT a /* 1 /* 2 */, b"), "SELECT a, b", false },
		{ S("SELECT /*!50000 'secret' */ 1"), "SELECT ?", true },
		{ S("SELECT /*M! 'secret' */ 1"), "SELECT ?", true },
		{ S("SELECT /*+ SET_VAR(a = 'secret') */ 1"), "SELECT ?", true },
		{ S("SELECT _utf8mb4'x', b"), "SELECT _utf8mb4?, b", false },
		{ S("SELECT @a, @@session.b, 'u'@'h'"), "SELECT @a, @@session.b, ?@?", false },
		{ S("SELECT $$secret$$"), "SELECT ?", true },
		{ S("SELECT e'x', b"), "SELECT e?, b", false },
		{ S("INSERT INTO t SET a = 1, b = 'x'"), "INSERT INTO t SET a = ?, b = ?", false },
	};

	(void)state;
	check(rows, ARRAY_SIZE(rows), SQL_MYSQL);
}

/* Cut anywhere: of what stands in it not a letter is left. */
static void test_cut_anywhere(void **state)
{
	static const struct str statement = STR(
		"SELECT 'SSSS', E'S\\'S', $x$SS$x$, 0x55 /* SS */ FROM \"t\" WHERE a='SS''SS' -- SS\n");

	(void)state;
	for (size_t n = 0; n <= statement.n; n++) {
		shape(str_slice(statement, 0, n), SQL_POSTGRESQL);
		assert_null(strstr(text, "SS"));
		assert_null(strchr(text, '\''));
	}
	assert_string_equal(text, "SELECT ? FROM \"t\" WHERE a=?");
}

static void test_summary(void **state)
{
	static const struct {
		const char *shape, *summary;
	} rows[] = {
		{ "", "" },
		{ "?", "" },
		{ "SELECT ?", "SELECT" },
		{ "SELECT a, b FROM t WHERE c = ?", "SELECT t" },
		{ "select a from s.\"T t\" join u on x = y", "select s.\"T t\" u" },
		{ "SELECT * FROM (SELECT * FROM `inner`) x", "SELECT `inner`" },
		{ "INSERT INTO t (a) VALUES (?)", "INSERT t" },
		{ "UPDATE t SET a = ?", "UPDATE t" },
		{ "UPDATE ONLY t SET a = ?", "UPDATE t" },
		{ "SELECT a FROM t FOR UPDATE", "SELECT t" },
		{ "INSERT INTO t VALUES (?) ON CONFLICT DO UPDATE SET a = ?", "INSERT t" },
		{ "DELETE FROM t", "DELETE t" },
		{ "CREATE TABLE IF NOT EXISTS t (a int)", "CREATE t" },
		{ "BEGIN", "BEGIN" },
		{ "SELECT EXTRACT(EPOCH FROM ?)", "SELECT" },
	};
	char all[32], few[9];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(sql_summary(all, sizeof(all), str_of(rows[i].shape)), strlen(rows[i].summary));
		assert_string_equal(all, rows[i].summary);
	}
	assert_int_equal(sql_summary(few, sizeof(few), STR("SELECT FROM t JOIN u")), 8);
	assert_string_equal(few, "SELECT t");
	assert_int_equal(sql_summary(few, sizeof(few), STR("SELECT FROM tt")), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both),	       cmocka_unit_test(test_postgresql),
		cmocka_unit_test(test_mysql),	       cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_summary),
	};

	return cmocka_run_group_tests_name("base/sql", tests, NULL, NULL);
}
