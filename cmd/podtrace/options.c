// SPDX-License-Identifier: Apache-2.0
/*
 * The parser of argv. By hand, not getopt_long: that one takes abbreviations, and says what
 * is wrong in its own words on stderr.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cmd/podtrace/options_internal.h"

PRINTF_LIKE(2, 0)
static void say_in(char line[static OPTIONS_LINE_MAX], const char *fmt, va_list ap)
{
	struct buf b;

	buf_fixed(&b, line, OPTIONS_LINE_MAX);
	buf_vprintf(&b, fmt, ap);
	if (b.err) /* cut, which is better than nothing */
		b.n = OPTIONS_LINE_MAX - 1;
	line[b.n] = '\0';
}

int parser_fail(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_in(p->report->error, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

void parser_warn(struct parser *p, const char *fmt, ...)
{
	struct options_report *r = p->report;
	va_list ap;

	if (r->warnings_n == ARRAY_SIZE(r->warnings)) {
		r->warnings_more++;
		return;
	}
	va_start(ap, fmt);
	say_in(r->warnings[r->warnings_n++], fmt, ap);
	va_end(ap);
}

/* The specification of the OTEL_ variables wants bad values to be warned about and ignored. */
static bool is_standard(const struct option_row *row)
{
	return row->env && str_starts(str_of(row->env), STR("OTEL_"));
}

int parser_set(struct parser *p, const struct option_row *row, const struct origin *from,
	       struct str value)
{
	u8 *source = &p->o->source[row - option_rows];
	bool lenient = from->source == FROM_ENV && is_standard(row);
	char why[OPTIONS_LINE_MAX];
	struct buf text;
	int err;

	if (row->type == OPTION_LIST && *source != from->source)
		memset((char *)p->o + row->offset, 0, sizeof(struct option_list));
	/* Of booleans that specification knows only true and false. */
	if (lenient && row->type == OPTION_BOOL && !str_eqi(value, STR("true")) &&
	    !str_eqi(value, STR("false")))
		err = -EINVAL;
	else
		err = option_read(row, value, p->o);
	if (!err) {
		*source = (u8)from->source;
		return 0;
	}
	buf_fixed(&text, why, sizeof(why));
	option_explain(row, value, err, &text);
	why[text.n] = '\0';
	if (!lenient)
		return parser_fail(p, "%s%.*s: %s", from->dashes, (int)from->name.n, from->name.p,
				   why);
	parser_warn(p, "%.*s: %s; going on %s%s", (int)from->name.n, from->name.p, why,
		    row->preset ? "with " : "without it", row->preset ? row->preset : "");
	return 0;
}

static void set_defaults(struct options *o)
{
	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		int err = 0;

		if (row->preset)
			err = option_read(row, str_of(row->preset), o);
		else if (row->type == OPTION_CHOICE)
			*(int *)((char *)o + row->offset) = -1;
		assert(err == 0);
	}
}

/* ---- argv --------------------------------------------------------------------------------- */

bool parser_takes(const struct parser *p, const struct option_row *row)
{
	return row->commands & 1u << p->o->command;
}

const struct option_row *parser_flag(struct str name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (option_rows[i].flag && str_eq(str_of(option_rows[i].flag), name))
			return &option_rows[i];
	}
	return NULL;
}

const struct option_row *parser_letter(char letter)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (option_rows[i].letter && option_rows[i].letter == letter)
			return &option_rows[i];
	}
	return NULL;
}

static int refuse_command(struct parser *p, const struct origin *from, const struct option_row *row)
{
	char who[128];
	const char *between = "";
	struct buf b;

	buf_fixed(&b, who, sizeof(who));
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (!(row->commands & 1u << i))
			continue;
		buf_printf(&b, "%s%s", between, command_rows[i].name);
		between = ", ";
	}
	who[b.n] = '\0';
	return parser_fail(p, "%s%.*s: not an option of \"podtrace %s\": it belongs to %s",
			   from->dashes, (int)from->name.n, from->name.p,
			   command_rows[p->o->command].name, who);
}

static int refuse_unknown(struct parser *p, const struct origin *from)
{
	struct quoted q = option_quote(from->name);
	const char *command = command_rows[p->o->command].name;
	const char *near = near_flag(from->name, 1u << p->o->command);

	if (near)
		return parser_fail(p, "%s%.*s: unknown option: did you mean --%s?", from->dashes,
				   (int)strlen(q.text) - 2, q.text + 1, near);
	return parser_fail(p, "%s%.*s: unknown option: \"podtrace help %s\" lists those there are",
			   from->dashes, (int)strlen(q.text) - 2, q.text + 1, command);
}

/* The value that follows as a word of its own. */
static int next_value(struct parser *p, const struct option_row *row, const struct origin *from,
		      struct str *ret)
{
	struct str next = str_of(p->at < p->argc ? p->argv[p->at] : NULL);

	/* "--otlp-file --quiet" is a forgotten value, not a file of that name. */
	if (!next.p || str_starts(next, STR("--")))
		return parser_fail(p, "%s%.*s: the value is missing: write %s%.*s %s", from->dashes,
				   (int)from->name.n, from->name.p, from->dashes, (int)from->name.n,
				   from->name.p, row->arg);
	p->at++;
	*ret = next;
	return 0;
}

/* --name, --name=value, --name value, --no-name */
static int parse_long(struct parser *p, struct str word)
{
	struct str name, rest = word, value = { NULL, 0 };
	struct origin from = { .dashes = "--", .source = FROM_FLAG };
	const struct option_row *row;

	str_cut(&rest, '=', &name);
	from.name = name;
	row = parser_flag(name);
	if (!row && str_starts(name, STR("no-")) && !rest.p) {
		row = parser_flag(str_slice(name, 3, name.n));
		if (row && row->type != OPTION_BOOL)
			row = NULL;
		value = STR("false");
	} else if (row && row->type == OPTION_BOOL) {
		value = rest.p ? rest : STR("true");
	} else if (row && rest.p) {
		value = rest;
	}
	if (!row)
		return refuse_unknown(p, &from);
	if (!parser_takes(p, row))
		return refuse_command(p, &from, row);
	if (!value.p && next_value(p, row, &from, &value) < 0)
		return -EINVAL;
	return parser_set(p, row, &from, value);
}

/* -q, -qa, -d 20s, -d20s */
static int parse_letters(struct parser *p, struct str letters)
{
	while (letters.n) {
		struct origin from = { "-", str_slice(letters, 0, 1), FROM_FLAG };
		const struct option_row *row = parser_letter(letters.p[0]);
		struct str value = STR("true");

		letters = str_slice(letters, 1, letters.n);
		if (!row)
			return refuse_unknown(p, &from);
		if (!parser_takes(p, row))
			return refuse_command(p, &from, row);
		if (row->type != OPTION_BOOL) {
			value = letters;
			letters.n = 0;
			if (value.n == 0 && next_value(p, row, &from, &value) < 0)
				return -EINVAL;
		}
		if (parser_set(p, row, &from, value) < 0)
			return -EINVAL;
	}
	return 0;
}

static int find_command(struct str name)
{
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (str_eq(name, str_of(command_rows[i].name)))
			return i;
	}
	return -1;
}

/* pods: it may have been meant as one. */
static int refuse_name(struct parser *p, struct str name, bool pods)
{
	const char *near = near_command(name);
	struct quoted q = option_quote(name);
	const char *more = pods ? " For a pod write podtrace -n NAMESPACE POD" : "";

	if (near)
		return parser_fail(p, "%s: unknown command: did you mean \"podtrace %s\"?%s",
				   q.text, near, more);
	return parser_fail(p, "%s: unknown command: \"podtrace help\" lists them%s%s", q.text,
			   pods ? "." : "", more);
}

/*
 * Without "trace" a bare word may be a mistyped command: only who also says where to look means a
 * pod by it, and not by one that stands where a command does and looks like it, for
 * "podtrace agnet -n production" must not trace the pod agnet.
 */
static int check_bare_word(struct parser *p, const char *word, bool only_arguments)
{
	struct str name = str_of(word);
	bool first = p->at == 2; /* of argv, of which it is the one before */

	if (!only_arguments && find_command(name) >= 0)
		return parser_fail(p,
				   "%s: a command comes before its options: write podtrace %s ...; "
				   "a pod of this name stands behind \"podtrace trace\"",
				   option_quote(name).text, word);
	if (!parser_names_target(p) || (first && near_command(name)))
		return refuse_name(p, name, true);
	return 0;
}

static int add_argument(struct parser *p, const char *word, bool only_arguments)
{
	const struct command_row *command = &command_rows[p->o->command];
	int err = p->o->command_given ? 0 : check_bare_word(p, word, only_arguments);

	if (err)
		return err;
	if (p->o->args_n < command->args_max) {
		assert(p->o->args_n < OPTIONS_ARGS_MAX);
		p->o->args[p->o->args_n++] = word;
		return 0;
	}
	return parser_fail(p, "%s: one argument too many: usage: podtrace %s",
			   option_quote(str_of(word)).text, command->synopsis);
}

static int parse_words(struct parser *p)
{
	bool only_arguments = false;

	while (p->at < p->argc && !p->o->help) {
		const char *word = p->argv[p->at++];
		struct str s = str_of(word);
		int err;

		if (only_arguments || s.n < 2 || s.p[0] != '-')
			err = add_argument(p, word, only_arguments);
		else if (str_eq(s, STR("--")))
			err = 0, only_arguments = true;
		else if (s.p[1] == '-')
			err = parse_long(p, str_slice(s, 2, s.n));
		else
			err = parse_letters(p, str_slice(s, 1, s.n));
		if (err)
			return err;
	}
	return 0;
}

static void parse_command(struct parser *p)
{
	struct str first = str_of(p->argc > 1 ? p->argv[1] : NULL);
	int i;

	p->at = 1;
	if (!first.p || str_starts(first, STR("-")))
		return; /* the first of the table */
	i = find_command(first);
	if (i < 0)
		return; /* a pod, or nothing: check_bare_word tells */
	p->at = 2;
	p->o->command = (enum command)i;
	p->o->command_given = true;
}

/* What no single row can say. */
static int check_together(struct parser *p)
{
	struct options *o = p->o;

	if (o->queue_bytes < o->batch_bytes)
		return parser_fail(p,
				   "--queue-size: %" PRI_U64
				   " bytes are less than one batch: write at "
				   "least %" PRI_U64 ", or a smaller --batch-size",
				   o->queue_bytes, o->batch_bytes);
	return parser_targets(p);
}

static int check_arguments(struct parser *p)
{
	const struct command_row *command = &command_rows[p->o->command];

	if (p->o->args_n < command->args_min)
		return parser_fail(p, "%s: an argument is missing: usage: podtrace %s",
				   command->name, command->synopsis);
	if (p->o->command == COMMAND_HELP && p->o->args_n &&
	    find_command(str_of(p->o->args[0])) < 0)
		return refuse_name(p, str_of(p->o->args[0]), false);
	return 0;
}

int options_parse(struct options *o, int argc, char *const *argv, char *const *env,
		  struct options_report *report)
{
	struct parser p = { .o = o, .report = report, .argv = argv, .argc = argc };
	int err;

	memset(report, 0, sizeof(*report));
	set_defaults(o);
	parse_command(&p);
	err = parse_words(&p);
	if (err || o->help)
		return err;
	if (o->version) {
		o->command = COMMAND_VERSION;
		return 0;
	}
	err = check_arguments(&p);
	if (!err)
		err = parser_environment(&p, env);
	if (!err)
		err = check_together(&p);
	return err;
}
