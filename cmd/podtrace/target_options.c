// SPDX-License-Identifier: Apache-2.0
/* From options to the containers that are asked for by name or id. */
#include <string.h>

#include "cmd/podtrace/run.h"

int target_options(const struct options *o, struct target **ret)
{
	struct str pods[OPTIONS_ARGS_MAX + 1];
	struct target_text text = {
		.namespaces = option_items(&o->namespace),
		.containers = option_items(&o->container),
		.container_ids = option_items(&o->container_id),
		.selector = str_of(o->selector),
		.pods = pods,
	};
	char err[TARGET_ERROR_MAX];
	int r;

	*ret = NULL;
	/* Only trace takes pods as arguments: those of capture are a file. */
	for (size_t i = 0; o->command == COMMAND_TRACE && i < o->args_n; i++)
		pods[text.pods_n++] = str_of(o->args[i]);
	pods[text.pods_n] = option_items(&o->pod);
	text.pods_n += pods[text.pods_n].p != NULL;
	r = target_new(ret, &text, err, sizeof(err));
	if (r < 0)
		return fail(EXIT_USAGE, "%s", err[0] ? err : strerror(-r));
	if (!*ret || (target_is_broad(*ret) ? o->all || o->allow_broad : !o->all))
		return EXIT_OK;
	r = target_is_broad(*ret);
	target_free(*ret);
	*ret = NULL;
	return fail(EXIT_USAGE, "%s",
		    r ? "these targets mean the whole node but for some: name what to watch, or "
			"write --all as well (or set PODTRACE_ALLOW_BROAD_CGROUP=1)"
		      : "--all: the whole node and what is named exclude each other: write one of "
			"them; with --all, names can only exclude (-n '!kube-system')");
}
