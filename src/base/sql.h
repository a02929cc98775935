/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of an SQL statement: what it does, without what it does it with. A literal is what
 * somebody's data stands in, so none may pass, whatever the statement is, however it was cut and
 * whatever its author tried:
 *
 *	strings in each way of quoting, numbers, bit strings, parameters	?
 *	comments, which can hold anything, blanks and line ends			one blank
 *	?, ?, ? and (?), (?)							?, (?)
 *
 * Keywords, operators, names and quoted names stay as they are. Names are not data: what somebody
 * quotes as a name ("..." in PostgreSQL, `...` in MySQL) is shown.
 *
 * Where a literal ends can depend on what the statement does not tell: the server's settings
 * (standard_conforming_strings, NO_BACKSLASH_ESCAPES), its version (comments that MySQL executes,
 * numbers with letters behind them), its character set. There the shape ends, with ?.
 *
 * Sources: PostgreSQL's documentation, 4.1 Lexical Structure, and src/backend/parser/scan.l; MySQL's
 * manual, 9 Language Structure, and sql/sql_lex.cc.
 */
#ifndef BASE_SQL_H
#define BASE_SQL_H

#include "base/str.h"

enum sql_dialect { SQL_POSTGRESQL, SQL_MYSQL };

/*
 * Write the shape of a statement to dst, which has room for as many bytes as the statement, or is where
 * it is; no NUL is added. Returns its length, which is never more. The shape is valid UTF-8 without
 * control characters. *ret_whole: nothing of what was given is missing at its end.
 */
size_t sql_shape(char *dst, struct str statement, enum sql_dialect dialect, bool *ret_whole);

/*
 * What a shape is about, for people and as a name of low cardinality: its first word and the names
 * behind FROM, JOIN, INTO, UPDATE and TABLE, in their order: "SELECT orders customers". Cut between
 * words to cap bytes, NUL included. Returns its length; 0: it has no words.
 */
size_t sql_summary(char *dst, size_t cap, struct str shape);

#endif
