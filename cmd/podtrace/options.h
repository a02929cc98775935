/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user asked for: the command, its arguments, and every option, expanded from
 * commands.def and options.def. Filled once by options_parse, const afterwards.
 *
 * A value comes from the flag, else from the environment, else from the default; a flag given
 * twice: the last counts, but a LIST gathers them all. An empty variable is one not set.
 * Abbreviated flags are refused: a new option must never change what an old script means.
 *
 * What to watch: --all, or targets. Names (namespace, pod, selector, container) are joined by
 * "and"; places (container id, process, cgroup) stand beside them, joined by "or". A flag of
 * either sort replaces PODTRACE_ALL and all variables that would add to what it names; variables
 * that narrow it count.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "base/buf.h"
#include "base/types.h"

enum command {
#define COMMAND(ID, ...) COMMAND_##ID,
#include "cmd/podtrace/commands.def"
	COMMAND_COUNT
};

/* The commands column of options.def. */
enum command_mask {
#define COMMAND(ID, ...) FOR_##ID = 1u << COMMAND_##ID,
#include "cmd/podtrace/commands.def"
	FOR_LIVE = FOR_TRACE | FOR_AGENT | FOR_CAPTURE, /* have a kernel side */
	FOR_EXPORT = FOR_LIVE | FOR_REPLAY,
	FOR_KERNEL = FOR_LIVE | FOR_DOCTOR,		/* load programs */
	FOR_RUN = FOR_KERNEL | FOR_REPLAY,
	FOR_ALL = (1u << COMMAND_COUNT) - 1,
};

enum option {
#define OPT(id, ...) OPTION_##id,
#include "cmd/podtrace/options.def"
	OPTION_COUNT
};

enum option_type {
	OPTION_BOOL,
	OPTION_DURATION,
	OPTION_SIZE,
	OPTION_INT,
	OPTION_FRACTION,
	OPTION_TEXT,
	OPTION_CHOICE,
	OPTION_LIST,
};

/* Items in order, joined by commas, none empty, none twice; where the row names choices, as
 * it writes them. Walk them so:
 *	struct str rest = option_items(&o->cgroup), item;
 *	while (str_cut(&rest, ',', &item)) ... */
#define OPTION_LIST_BYTES 4096
struct option_list {
	char text[OPTION_LIST_BYTES];
};

/* What a row of TYPE is in struct options, and what it holds when it is not set. */
#define OPTION_FIELD_BOOL bool			/* false */
#define OPTION_FIELD_DURATION u64		/* ns; 0 */
#define OPTION_FIELD_SIZE u64			/* bytes; 0 */
#define OPTION_FIELD_INT u64			/* 0 */
#define OPTION_FIELD_FRACTION double		/* 0 */
#define OPTION_FIELD_TEXT const char *		/* NULL; of argv or the environment, not a copy */
#define OPTION_FIELD_CHOICE int			/* -1; else the index of the choice */
#define OPTION_FIELD_LIST struct option_list	/* no items */

/* Indices of choices. tests/unit/options.c holds them against the rows. log_level and
 * log_format are the enums of base/log.h. */
enum output { OUTPUT_TEXT, OUTPUT_JSON };
enum compression { COMPRESSION_NONE, COMPRESSION_GZIP };
enum exporter { EXPORTER_OTLP, EXPORTER_NONE };
enum sampler {
	SAMPLER_ALWAYS_ON,
	SAMPLER_ALWAYS_OFF,
	SAMPLER_RATIO,
	SAMPLER_PARENT_ALWAYS_ON,
	SAMPLER_PARENT_ALWAYS_OFF,
	SAMPLER_PARENT_RATIO,
};

enum option_source { FROM_DEFAULT, FROM_ENV, FROM_FLAG };

#define OPTIONS_ARGS_MAX 64
struct options {
	enum command command;
	bool command_given;			/* named, not the default one */
	size_t args_n;
	const char *args[OPTIONS_ARGS_MAX];	/* of argv: PODs, FILE, COMMAND */
	u8 source[OPTION_COUNT];		/* enum option_source */
#define OPT(id, TYPE, ...) OPTION_FIELD_##TYPE id;
#include "cmd/podtrace/options.def"
};

/* What to tell the user: one line each, without "podtrace: " and line feed, values cut and
 * escaped, never those of TEXT options (they can hold secrets). */
#define OPTIONS_LINE_MAX 512
#define OPTIONS_WARNINGS_MAX 16
struct options_report {
	char error[OPTIONS_LINE_MAX];		/* "" if there is none */
	char warnings[OPTIONS_WARNINGS_MAX][OPTIONS_LINE_MAX];
	size_t warnings_n;
	size_t warnings_more;			/* that had no room */
};

/*
 * argv as main got it; env as environ. 0, or -EINVAL with report->error set (exit code 2).
 * Warnings are possible in both cases; log them after log_setup. With --help what follows it
 * is not looked at: print options_help and stop. --version becomes the command VERSION.
 */
int options_parse(struct options *o, int argc, char *const *argv, char *const *env,
		  struct options_report *report);

/* The help o asks for, by --help or the help command: of one command, or of all. */
void options_help(const struct options *o, struct buf *ret);

/* Items of a list, for str_cut; a NULL view if there are none. */
struct str option_items(const struct option_list *list);
bool option_has(const struct option_list *list, struct str item);

/* What the value came by, to be named when it is wrong: "--proc-base" or its variable; the flag
 * if it is the default. Stays. */
const char *option_used(const struct options *o, enum option option);

/* ---- the tables, for the parser, the help and tools/gendocs.c --------------------------- */

struct option_row {
	const char *id;
	const char *flag; /* NULL: none */
	const char *env;  /* NULL: none */
	const char *preset;
	const char *arg;
	const char *help;
	u64 min, max;
	size_t offset; /* of its field in struct options */
	u32 commands;
	enum option_type type;
	char letter; /* 0: none */
};

struct command_row {
	const char *name, *synopsis, *summary, *description;
	size_t args_min, args_max;
};

/* A heading, or (title NULL) a row: the order of the help. */
struct option_layout {
	const char *title;
	enum option option;
};

extern const struct option_row option_rows[OPTION_COUNT];
extern const struct command_row command_rows[COMMAND_COUNT];
extern const struct option_layout option_layout[];
extern const size_t option_layout_n;

/* The choices of a CHOICE or a limited LIST, for str_cut at '|'; a NULL view for others. */
struct str option_choices(const struct option_row *row);
/* What the help calls the value, or NULL of a BOOL. */
const char *option_value_name(const struct option_row *row);
/* "4KiB to 1GiB", "one of text, json": what is allowed; "" if anything is. */
void option_limits(const struct option_row *row, struct buf *ret);

#endif
