// SPDX-License-Identifier: Apache-2.0
/* The known name nearest to a mistyped one. */
#include "cmd/podtrace/options_internal.h"

#define NEAR_NAME_MAX 48 /* bytes; a longer name is compared by its beginning */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, changes and swaps of neighbours from a to b, '_' and '-' alike
 * (optimal string alignment). */
static size_t distance(struct str a, struct str b)
{
	size_t rows[3][NEAR_NAME_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	a = str_slice(a, 0, NEAR_NAME_MAX);
	b = str_slice(b, 0, NEAR_NAME_MAX);
	for (size_t k = 0; k <= b.n; k++)
		last[k] = k;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t k = 1; k <= b.n; k++) {
			char x = a.p[i - 1] == '_' ? '-' : a.p[i - 1];
			char y = b.p[k - 1] == '_' ? '-' : b.p[k - 1];

			row[k] = least(last[k] + 1, row[k - 1] + 1);
			row[k] = least(row[k], last[k - 1] + (x != y));
			if (i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] && a.p[i - 2] == b.p[k - 1])
				row[k] = least(row[k], before[k - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[b.n];
}

struct nearest {
	const char *name;
	size_t distance;
};

static void offer(struct nearest *best, struct str wanted, const char *name, size_t skip)
{
	struct str known = str_of(name + skip);
	size_t d = distance(wanted, known);

	/* A beginning of it is an abbreviation, which getopt_long has taught people. */
	if (wanted.n >= 2 && str_starts(known, wanted))
		d = 1;
	if (d <= 1 + wanted.n / 4 && d < wanted.n && (!best->name || d < best->distance))
		*best = (struct nearest){ name, d };
}

const char *near_flag(struct str name, u32 commands)
{
	struct nearest best = { NULL, 0 };

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (option_rows[i].flag && option_rows[i].commands & commands)
			offer(&best, name, option_rows[i].flag, 0);
	}
	return best.name;
}

const char *near_command(struct str name)
{
	struct nearest best = { NULL, 0 };

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		offer(&best, name, command_rows[i].name, 0);
	return best.name;
}

const char *near_variable(struct str name)
{
	const struct str ours = STR("PODTRACE_");
	struct nearest best = { NULL, 0 };

	/* What all of them begin with says nothing about which one is meant. */
	name = str_slice(name, ours.n, name.n);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (str_starts(str_of(option_rows[i].env), ours))
			offer(&best, name, option_rows[i].env, ours.n);
	}
	return best.name;
}
