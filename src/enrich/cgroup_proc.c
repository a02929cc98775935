// SPDX-License-Identifier: Apache-2.0
/* One pass over the lines: each has a rank, the least one counts. Format: cgroups(7). */
#include "enrich/cgroup_proc.h"

#include "enrich/cgroup_path.h"

/* Controllers that a kubelet or runtime always uses, best first; behind them any other. */
static const struct str controllers[] = { STR("memory"), STR("pids"), STR("name=systemd") };

#define RANK_V2	   0u
#define RANK_OTHER (1 + ARRAY_SIZE(controllers))
#define RANK_PLAIN (1 + RANK_OTHER) /* added for a line that names no container */

struct line {
	struct str controllers, path;
};

/* The next whole line of that form; others are passed over. */
static bool next_line(struct str *rest, struct line *ret)
{
	while (rest->n) {
		size_t end = str_find(*rest, '\n');
		struct str line = str_slice(*rest, 0, end), number;
		bool whole = end < rest->n;

		*rest = str_slice(*rest, end + 1, rest->n);
		if (!whole || !str_cut(&line, ':', &number) ||
		    !str_cut(&line, ':', &ret->controllers) || !line.n || line.p[0] != '/')
			continue;
		if (str_ends(line, STR(" (deleted)")))
			line = str_slice(line, 0, line.n - STR(" (deleted)").n);
		ret->path = line;
		return true;
	}
	return false;
}

/* "cpu,memory" has memory */
static bool has_controller(struct str list, struct str name)
{
	struct str one;

	while (str_cut(&list, ',', &one)) {
		if (str_eq(one, name))
			return true;
	}
	return false;
}

static size_t rank_of(const struct line *l)
{
	struct who who;
	size_t rank = RANK_OTHER;

	if (l->controllers.n == 0)
		rank = RANK_V2;
	for (size_t i = 0; i < ARRAY_SIZE(controllers) && rank == RANK_OTHER; i++) {
		if (has_controller(l->controllers, controllers[i]))
			rank = 1 + i;
	}
	cgroup_path_parse(l->path, &who);
	if (!who.container_id[0] && !who.pod_uid[0])
		rank += RANK_PLAIN;
	return rank;
}

bool cgroup_proc_path(struct str text, struct str *ret, bool *ret_v2)
{
	size_t best = SIZE_MAX;
	struct line l;

	while (next_line(&text, &l)) {
		size_t rank = rank_of(&l);

		if (rank >= best)
			continue;
		best = rank;
		*ret = l.path;
		if (ret_v2)
			*ret_v2 = l.controllers.n == 0;
	}
	return best != SIZE_MAX;
}

bool cgroup_proc_outside_pods(struct str text)
{
	bool any = false;
	struct line l;

	while (next_line(&text, &l)) {
		struct who who;

		cgroup_path_parse(l.path, &who);
		if (who.pod_uid[0])
			return false;
		if (who.container_id[0] && str_starts(l.path, STR("/..")))
			return false;
		any = true;
	}
	return any;
}
