/* SPDX-License-Identifier: Apache-2.0 */
/* From options to what the kernel side is to be: shared by all commands that have one. */
#include <stdio.h>
#include <string.h>
#include "cmd/podtrace/run.h"

/* The parser lets only names of families and "all" through: what is no name is "all". */
static u32 family_bits(const struct options *o)
{
	struct str rest = option_items(&o->families), item;
	u32 bits = 0;

	while (str_cut(&rest, ',', &item)) {
		int f = family_find(item);

		bits |= f >= 0 ? 1u << f : (1u << FAMILY_END) - 1;
	}
	return bits;
}

static int not_used(const struct options *o, struct str item)
{
	char rungs[128] = "";

	for (int i = 0; i < RUNG_COUNT; i++) {
		size_t n = strlen(rungs);

		snprintf(rungs + n, sizeof(rungs) - n, "%s, ", rung_name((enum rung)i));
	}
	return fail(EXIT_USAGE, "%s: \"%.*s\" is not something podtrace uses: write some of %s"
		    "ringbuf, probe_read, copies",
		    o->source[OPTION_forbid] == FROM_ENV ? "PODTRACE_FORBID" : "--forbid",
		    (int)item.n, item.p, rungs);
}

static int forbid(const struct options *o, struct capture_config *config)
{
	struct str rest = option_items(&o->forbid), item;

	while (str_cut(&rest, ',', &item)) {
		int rung = rung_find(item);

		if (rung >= 0)
			config->forbidden |= 1u << rung;
		else if (str_eq(item, STR("ringbuf")))
			config->forbid_ringbuf = true;
		else if (str_eq(item, STR("probe_read")))
			config->forbid_reads = true;
		else if (str_eq(item, STR("copies")))
			config->forbid_copies = true;
		else
			return not_used(o, item);
	}
	return EXIT_OK;
}

int kernel_options(const struct options *o, struct capture_config *config)
{
	config->families = family_bits(o);
	config->btf = o->btf;
	config->cgroup_base = o->cgroup_base;
	config->ring_bytes = o->ring_bytes;
	return forbid(o, config);
}

struct node_roots roots_of(const struct options *o)
{
	return (struct node_roots){
		.proc = o->proc_base, .sys = "/sys", .cgroup = o->cgroup_base, .root = ""
	};
}

const char *no_proc(const struct options *o, char dst[static NO_PROC_MAX])
{
	bool given = o->source[OPTION_proc_base] != FROM_DEFAULT;

	snprintf(dst, NO_PROC_MAX, "%.120s%s%s%s is no proc file system", o->proc_base,
		 given ? " (" : "", given ? option_used(o, OPTION_proc_base) : "",
		 given ? ")" : "");
	return dst;
}
