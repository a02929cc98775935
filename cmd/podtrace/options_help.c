// SPDX-License-Identifier: Apache-2.0
/* --help and the help command: 100 columns of text, all of it from the tables. */
#include "cmd/podtrace/options.h"

#include <string.h>

#define COLUMNS	 100
#define INDENT	 30   /* where the text of an option begins */
#define TEXT_MAX 2048 /* bytes of one option's text, or one description */

/* Words of text, broken so that no line passes COLUMNS; the cursor is at column `at`. */
static void wrap(struct buf *out, struct str text, size_t at, size_t indent)
{
	struct str word;
	bool first = true;

	while (str_cut(&text, ' ', &word)) {
		if (!first && at + 1 + word.n > COLUMNS) {
			buf_printf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			buf_char(out, ' ');
			at++;
		}
		buf_str(out, word);
		at += word.n;
		first = false;
	}
	buf_char(out, '\n');
}

/* "-d, --duration TIME"; a variable that has no flag by its name. */
static void add_names(struct buf *out, const struct option_row *row)
{
	if (!row->flag) {
		buf_cstr(out, row->env);
		return;
	}
	if (row->letter)
		buf_printf(out, "-%c, ", row->letter);
	else
		buf_cstr(out, "    ");
	buf_printf(out, "--%s", row->flag);
	if (option_value_name(row))
		buf_printf(out, " %s", option_value_name(row));
}

/* The help text with what the row knows: limits, default, variable. */
static void add_text(struct buf *out, const struct option_row *row)
{
	const char *between = " [";
	size_t start;

	buf_cstr(out, row->help);
	start = out->n;
	if (row->type != OPTION_TEXT) {
		buf_cstr(out, between);
		option_limits(row, out);
		if (out->n == start + 2)
			out->n = start;
		else
			between = "; ";
	}
	if (row->preset && row->type != OPTION_BOOL) {
		buf_printf(out, "%sdefault %s", between, row->preset);
		between = "; ";
	}
	if (row->flag && row->env) {
		buf_printf(out, "%s%s", between, row->env);
		between = "; ";
	}
	if (between[0] == ';')
		buf_char(out, ']');
}

static void add_option(struct buf *out, const struct option_row *row)
{
	char names[128], text[TEXT_MAX];
	struct buf n, t;

	buf_fixed(&n, names, sizeof(names));
	buf_fixed(&t, text, sizeof(text));
	add_names(&n, row);
	add_text(&t, row);
	buf_cstr(out, "  ");
	buf_str(out, buf_view(&n));
	if (n.n + 2 > INDENT - 2)
		buf_printf(out, "\n%*s", INDENT, "");
	else
		buf_printf(out, "%*s", (int)(INDENT - 2 - n.n), "");
	wrap(out, buf_view(&t), INDENT, INDENT);
}

static void help_command(struct buf *out, enum command which)
{
	const struct command_row *command = &command_rows[which];
	const char *title = NULL;

	buf_printf(out, "Usage: podtrace %s\n\n", command->synopsis);
	wrap(out, str_of(command->description), 0, 0);
	for (size_t i = 0; i < option_layout_n; i++) {
		const struct option_row *row = &option_rows[option_layout[i].option];

		if (option_layout[i].title) {
			title = option_layout[i].title;
			continue;
		}
		if (!(row->commands & 1u << which))
			continue;
		if (title)
			buf_printf(out, "\n%s:\n", title);
		title = NULL; /* once, and only if something stands under it */
		add_option(out, row);
	}
}

static void help_all(struct buf *out)
{
	buf_cstr(out, "Usage: podtrace [COMMAND] [OPTION...]\n\nCommands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command_row *command = &command_rows[i];

		buf_printf(out, "  %-10s", command->name);
		wrap(out, str_of(command->summary), 12, 12);
	}
	buf_printf(out,
		   "\nWithout a command: %s. \"podtrace help COMMAND\" explains one and its "
		   "options.\n",
		   command_rows[0].name);
}

void options_help(const struct options *o, struct buf *ret)
{
	struct str wanted = str_of(o->command == COMMAND_HELP && o->args_n ? o->args[0] : NULL);

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (wanted.n && str_eq(wanted, str_of(command_rows[i].name))) {
			help_command(ret, (enum command)i);
			return;
		}
	}
	if (o->command_given && o->command != COMMAND_HELP)
		help_command(ret, o->command);
	else
		help_all(ret);
}
