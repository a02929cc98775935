/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "capture/internal.h"
#include "tests/bench/cost.h"
#include "../bpf/wire/process.h"

#define LOG_STATS 4 /* BPF_LOG_STATS: no more than the last lines */
#define LOG_BYTES 4096

/* Everything is switched on, so that the verifier drops nothing: as a capture has it. */
static void largest(struct config *ret)
{
	struct capture_config config = {
		.families = ~0u, .filter = true, .args_max = ARGS_MAX, .ring_bytes = 1 << 20
	};
	struct watch w;

	for (int k = 1; k < KIND_END; k++)
		config.stream[k] = STREAM_ALL;
	watch_open(&w, &config);
	watch_config(&w, ret);
	watch_close(&w);
}

/* ---- loading -------------------------------------------------------------------------------- */

/* What the verifier said of a program. */
struct verdict {
	const struct prog *prog;
	int err;
	char log[LOG_BYTES];
};

static int choose(struct bpf_object *o, struct verdict *v)
{
	struct bpf_program *p = bpf_object__find_program_by_name(o, v->prog->name);
	int err = p ? bpf_program__set_autoload(p, true) : -ENOENT;

	v->log[0] = '\0';
	if (!err)
		err = bpf_program__set_log_buf(p, v->log, sizeof(v->log));
	return err ? err : bpf_program__set_log_level(p, LOG_STATS);
}

/* Programs of one family. */
static int load(struct verdict *v, size_t n, const struct config *wire)
{
	struct bpf_object *o =
		object_open(families[features[v->prog->feature].family].name, NULL, NULL);
	struct bpf_map *rodata = o ? bpf_object__find_map_by_name(o, ".rodata.config") : NULL;
	int err = o ? 0 : -errno;

	if (!err)
		err = rodata ? bpf_map__set_initial_value(rodata, wire, sizeof(*wire)) : -ENOENT;
	for (size_t i = 0; i < n && !err; i++)
		err = choose(o, &v[i]);
	if (!err)
		err = bpf_object__load(o);
	bpf_object__close(o);
	return err;
}

/* An object takes most of the time, and one refused program all others of it along: by halves. */
static void find(struct verdict *v, size_t n, const struct config *wire)
{
	int err = load(v, n, wire);

	if (err && n > 1) {
		find(v, n / 2, wire);
		find(v + n / 2, n - n / 2, wire);
	} else {
		v->err = err;
	}
}

/* ---- all ------------------------------------------------------------------------------------ */

static void tell(const struct verdict *v)
{
	const char *processed = strstr(v->log, "processed ");

	printf("{\"verified\":\"%s\",\"rung\":\"%s\",", v->prog->name, rung_name(v->prog->rung));
	if (v->err || !processed)
		printf("\"error\":\"%s\"}\n", strerror(v->err ? -v->err : ENODATA));
	else
		printf("\"insns\":%lu}\n", strtoul(processed + strlen("processed "), NULL, 10));
}

/* A rung's programs stand together: if one of them is refused, its neighbours are likely to be. */
static size_t collect(enum wire_family family, struct verdict *ret)
{
	size_t n = 0;

	for (int rung = 0; rung < RUNG_COUNT; rung++)
		for (size_t i = 0; i < progs_n; i++)
			if (features[progs[i].feature].family == family &&
			    progs[i].rung == (enum rung)rung)
				ret[n++] = (struct verdict){ .prog = &progs[i] };
	return n;
}

void verify_all(void)
{
	static struct verdict verdicts[PROGS_MAX];
	struct config wire;

	largest(&wire);
	for (int family = 0; family < FAMILY_END; family++) {
		size_t n = collect((enum wire_family)family, verdicts);

		if (n)
			find(verdicts, n, &wire);
		for (size_t i = 0; i < n; i++)
			tell(&verdicts[i]);
	}
}
