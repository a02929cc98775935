/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the option parser share with each other, and with nobody else. */
#ifndef OPTIONS_INTERNAL_H
#define OPTIONS_INTERNAL_H

#include "cmd/podtrace/options.h"

/* One run of options_parse. */
struct parser {
	struct options *o;
	struct options_report *report;
	char *const *argv;
	int argc;
	int at; /* next word of argv */
};

/* Who brought a value: for messages, and for what wins. */
struct origin {
	const char *dashes; /* "--", "-", or "" of a variable */
	struct str name;
	enum option_source source;
};

#define OPTION_VALUE_SHOWN 48 /* bytes of a wrong value that are shown */
struct quoted {
	char text[6 * OPTION_VALUE_SHOWN + 8];
};

/* The value in double quotes, escaped as in JSON, cut. Not for TEXT: it can hold a token. */
struct quoted option_quote(struct str value);

/* The value (a C string, for TEXT) into its field of o; a LIST is added to. 0, -EINVAL (not
 * of that type), -ERANGE (outside min..max), -E2BIG (TEXT, LIST). */
int option_read(const struct option_row *row, struct str value, struct options *o);

/* Why value was refused with err, and what to write instead. */
void option_explain(const struct option_row *row, struct str value, int err, struct buf *text);

/* Set report->error; returns -EINVAL. */
int parser_fail(struct parser *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
void parser_warn(struct parser *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Read value into the row's field. 0, also for a bad value of an OTEL_ variable, which is
 * warned about and ignored; else -EINVAL after parser_fail. */
int parser_set(struct parser *p, const struct option_row *row, const struct origin *from,
	       struct str value);

/* Whether this run's command takes the row. */
bool parser_takes(const struct parser *p, const struct option_row *row);

/* The row of a flag without "--", of a letter; NULL: there is none. */
const struct option_row *parser_flag(struct str name);
const struct option_row *parser_letter(char letter);

/* Is there a flag in argv that says what to watch? (Its word, wherever it stands: the value of
 * another option that looks like one is taken for it.) */
bool parser_names_target(const struct parser *p);
/* --all, names and places: what excludes, narrows and defaults what. 0, or -EINVAL after
 * parser_fail. */
int parser_targets(struct parser *p);

/* Fill what no flag has set, and warn about PODTRACE_ variables nobody knows. */
int parser_environment(struct parser *p, char *const *env);

/* The known name that was probably meant, or NULL. */
const char *near_flag(struct str name, u32 commands); /* without "--", of those commands */
const char *near_command(struct str name);
const char *near_variable(struct str name); /* PODTRACE_* */

#endif
