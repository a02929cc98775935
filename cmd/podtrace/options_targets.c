// SPDX-License-Identifier: Apache-2.0
/*
 * What is to be watched: the options that say so, taken together. The words of names and
 * selectors themselves are read by src/select/target.h.
 *
 * They come in two sorts. Names (namespace, pod, selector, container) are joined: each narrows
 * the others. Places (container ids, processes, cgroups) stand beside them: each adds. So each
 * variable counts for itself, but none makes wider what flags ask for.
 */
#include <assert.h>
#include <string.h>

#include "base/parse.h"
#include "cmd/podtrace/options_internal.h"

#define PID_LIMIT (1u << 22) /* PID_MAX_LIMIT of 64-bit kernels */

static const enum option names[] = { OPTION_namespace, OPTION_pod, OPTION_selector,
				     OPTION_container };
static const enum option places[] = { OPTION_container_id, OPTION_pid, OPTION_cgroup };

static bool is_target(const struct option_row *row)
{
	enum option option = (enum option)(row - option_rows);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i] == option)
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (places[i] == option)
			return true;
	}
	return false;
}

bool parser_names_target(const struct parser *p)
{
	for (int i = 1; i < p->argc && strcmp(p->argv[i], "--") != 0; i++) {
		struct str word = str_of(p->argv[i]), name;
		const struct option_row *row;

		if (str_starts(word, STR("--"))) {
			word = str_slice(word, 2, word.n);
			str_cut(&word, '=', &name);
			row = parser_flag(name);
			if (row && is_target(row))
				return true;
			continue;
		}
		for (size_t k = 1; k < word.n && word.p[0] == '-'; k++) {
			row = parser_letter(word.p[k]);
			if (row && is_target(row))
				return true;
			if (!row || row->type != OPTION_BOOL)
				break;
		}
	}
	return false;
}

/* ---- together ----------------------------------------------------------------------------- */

/* The first of them that comes from there, or NULL. */
static const struct option_row *any(const struct options *o, const enum option *list, size_t n,
				    enum option_source source)
{
	for (size_t i = 0; i < n; i++) {
		if (o->source[list[i]] == source)
			return &option_rows[list[i]];
	}
	return NULL;
}

/* As if they had not been there. */
static void drop_variables(struct options *o, const enum option *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct option_row *row = &option_rows[list[i]];
		void *field = (char *)o + row->offset;

		if (o->source[list[i]] != FROM_ENV)
			continue;
		assert(row->type == OPTION_LIST || row->type == OPTION_TEXT);
		if (row->type == OPTION_LIST)
			memset(field, 0, sizeof(struct option_list));
		else
			*(const char **)field = NULL;
		o->source[list[i]] = FROM_DEFAULT;
	}
}

static int check_pids(struct parser *p)
{
	struct str rest = option_items(&p->o->pid), item;
	u64 pid;

	while (str_cut(&rest, ',', &item)) {
		if (parse_u64(item, 1, PID_LIMIT, &pid) < 0)
			return parser_fail(
				p, "%s: %s is no process id: write whole numbers from 1 to %u",
				p->o->source[OPTION_pid] == FROM_ENV ? "PODTRACE_PID" : "--pid",
				option_quote(item).text, PID_LIMIT);
	}
	return 0;
}

static int refuse_both(struct parser *p, const char *dashes, const char *other)
{
	return parser_fail(p,
			   "--all: the whole node and %s%s exclude each other: write one of them",
			   dashes, other);
}

/* Nothing is left of what came from variables and would add to what flags name. */
static void keep_narrow(struct options *o, bool named, bool placed)
{
	if (named || placed) {
		drop_variables(o, places, ARRAY_SIZE(places));
		if (o->source[OPTION_all] == FROM_ENV)
			o->all = false;
	}
	if (placed && !named)
		drop_variables(o, names, ARRAY_SIZE(names));
}

int parser_targets(struct parser *p)
{
	struct options *o = p->o;
	bool pods = o->command == COMMAND_TRACE && o->args_n;
	const struct option_row *name = any(o, names, ARRAY_SIZE(names), FROM_FLAG);
	const struct option_row *place = any(o, places, ARRAY_SIZE(places), FROM_FLAG);
	/* ids, like names, may exclude */
	const struct option_row *directory = any(o, places + 1, ARRAY_SIZE(places) - 1, FROM_FLAG);
	const struct option_row *variable;

	if (!(FOR_LIVE & 1u << o->command))
		return 0;
	if (o->all && o->source[OPTION_all] == FROM_FLAG) {
		if (directory)
			return refuse_both(p, "--", directory->flag);
		drop_variables(o, names, ARRAY_SIZE(names));
		drop_variables(o, places, ARRAY_SIZE(places));
		return 0; /* names may only exclude: who reads them knows (target_options) */
	}
	keep_narrow(o, pods || name, place);
	variable = any(o, names, ARRAY_SIZE(names), FROM_ENV);
	if (!variable)
		variable = any(o, places, ARRAY_SIZE(places), FROM_ENV);
	if (o->all && variable)
		return refuse_both(p, "--", variable->flag);
	if (pods || name || place || variable)
		return check_pids(p);
	if (o->command == COMMAND_AGENT && o->source[OPTION_all] == FROM_DEFAULT)
		o->all = true;
	if (!o->all)
		return parser_fail(p,
				   "nothing to watch: write --all for the whole node, --namespace "
				   "NAMESPACE, %s or --cgroup DIRECTORY",
				   o->command == COMMAND_TRACE ? "PODs" : "--pod POD");
	return 0;
}
