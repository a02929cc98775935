/* SPDX-License-Identifier: Apache-2.0 */
/* From options to what the kernel side is to be: shared by all commands that have one. */
#include <stdio.h>
#include <string.h>
#include "base/parse.h"
#include "cmd/podtrace/run.h"

#define SAMPLE_MAX 1000000

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

static int bad_sample(const struct options *o, struct str item, const char *why)
{
	return fail(EXIT_USAGE, "%s: \"%.*s\": %s", option_used(o, OPTION_sample), (int)item.n, item.p,
		    why);
}

static bool is_of_one(struct str item)
{
	return memchr(item.p, '=', item.n);
}

/* "10" is for all that can be thinned, "tcp=10" for one. */
static int sample_item(const struct options *o, struct str item, u32 sample[FAMILY_END])
{
	struct str rest = item, name;
	u32 whose = families_thinned();
	u64 one_in;

	if (is_of_one(item)) {
		int family;

		str_cut(&rest, '=', &name);
		family = family_find(name);
		if (family < 0)
			return bad_sample(o, item, "there is no such family");
		if (!(whose >> family & 1))
			return bad_sample(o, item, "all of this family's events are needed, for its "
						   "metrics or for names");
		whose = 1u << family;
	}
	if (parse_u64(rest, 1, SAMPLE_MAX, &one_in))
		return bad_sample(o, item, "write N or FAMILY=N, N from 1 to 1000000");
	for (int f = 0; f < FAMILY_END; f++)
		if (whose >> f & 1)
			sample[f] = (u32)one_in;
	return EXIT_OK;
}

static int sample(const struct options *o, struct capture_config *config, bool of_one)
{
	struct str rest = option_items(&o->sample), item;
	int code = EXIT_OK;

	while (!code && str_cut(&rest, ',', &item))
		if (is_of_one(item) == of_one)
			code = sample_item(o, item, config->sample);
	return code;
}

int kernel_options(const struct options *o, struct capture_config *config)
{
	config->families = family_bits(o);
	config->btf = o->btf;
	config->cgroup_base = o->cgroup_base;
	config->metadata_only = o->metadata_only;
	config->ring_bytes = o->ring_bytes;
	config->cap = (u32)o->event_cap;
	if (forbid(o, config) || sample(o, config, false))
		return EXIT_USAGE;
	return sample(o, config, true);
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
