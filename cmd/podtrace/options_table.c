// SPDX-License-Identifier: Apache-2.0
/* The tables of commands and options as data, and what follows from one row alone. */
#include "cmd/podtrace/options.h"

#include <stdio.h>

#include "base/parse.h"

/* A new family in the registry is a new choice of --families, help and docs included. */
static const char family_choices[] = "all"
#define FAMILY(family, text) "|" #family
#include "bpf/registry.def"
	;
#define FAMILY_CHOICES family_choices

const struct option_row option_rows[OPTION_COUNT] = {
#define OPT(id_, TYPE, flag_, letter_, env_, preset_, min_, max_, arg_, commands_, help_)          \
	[OPTION_##id_] = {                                                                         \
		.id = #id_,                                                                        \
		.flag = flag_,                                                                     \
		.env = env_,                                                                       \
		.preset = preset_,                                                                 \
		.arg = arg_,                                                                       \
		.help = help_,                                                                     \
		.min = min_,                                                                       \
		.max = max_,                                                                       \
		.offset = offsetof(struct options, id_),                                           \
		.commands = commands_,                                                             \
		.type = OPTION_##TYPE,                                                             \
		.letter = letter_,                                                                 \
	},
#include "cmd/podtrace/options.def"
};

const struct command_row command_rows[COMMAND_COUNT] = {
#define COMMAND(ID, name_, args_min_, args_max_, synopsis_, summary_, description_)                \
	[COMMAND_##ID] = {                                                                         \
		.name = name_,                                                                     \
		.synopsis = synopsis_,                                                             \
		.summary = summary_,                                                               \
		.description = description_,                                                       \
		.args_min = args_min_,                                                             \
		.args_max = args_max_,                                                             \
	},
#include "cmd/podtrace/commands.def"
};

const struct option_layout option_layout[] = {
#define GROUP(title_) { .title = title_ },
#define OPT(id, ...)  { .option = OPTION_##id },
#include "cmd/podtrace/options.def"
};
const size_t option_layout_n = ARRAY_SIZE(option_layout);

const char *option_used(const struct options *o, enum option option)
{
	static char flags[OPTION_COUNT][32];
	const struct option_row *row = &option_rows[option];

	if (!row->flag || (row->env && o->source[option] == FROM_ENV))
		return row->env;
	snprintf(flags[option], sizeof(flags[option]), "--%s", row->flag);
	return flags[option];
}

struct str option_choices(const struct option_row *row)
{
	struct str arg = str_of(row->arg);

	/* A CHOICE can have a single one; a LIST without a bar names its items. */
	if (row->type == OPTION_CHOICE || (row->type == OPTION_LIST && str_find(arg, '|') < arg.n))
		return arg;
	return (struct str){ NULL, 0 };
}

const char *option_value_name(const struct option_row *row)
{
	if (!option_choices(row).n)
		return row->arg;
	return row->type == OPTION_LIST ? "LIST" : "WORD";
}

typedef void (*format_fn)(char dst[static PARSE_TEXT_MAX], u64 value);

static void format_int(char dst[static PARSE_TEXT_MAX], u64 value)
{
	struct buf b;

	buf_fixed(&b, dst, PARSE_TEXT_MAX);
	buf_printf(&b, "%" PRI_U64, value);
	dst[b.n] = '\0';
}

void option_limits(const struct option_row *row, struct buf *ret)
{
	static const format_fn formats[] = {
		[OPTION_DURATION] = format_duration,
		[OPTION_SIZE] = format_size,
		[OPTION_INT] = format_int,
		[OPTION_FRACTION] = format_int,
		[OPTION_LIST] = NULL,
	};
	struct str choices = option_choices(row), choice;
	char min[PARSE_TEXT_MAX], max[PARSE_TEXT_MAX];
	const char *between = row->type == OPTION_LIST ? "any of " : "one of ";

	if (formats[row->type]) {
		formats[row->type](min, row->min);
		formats[row->type](max, row->max);
		buf_printf(ret, "%s to %s", min, max);
	}
	while (str_cut(&choices, '|', &choice)) {
		buf_cstr(ret, between);
		buf_str(ret, choice);
		between = ", ";
	}
}
