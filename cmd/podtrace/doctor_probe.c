/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything is tried for real: maps are made, programs are loaded and attached, a cgroup is
 * looked up, and all of it goes away again. A probe adds one row per feature.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "cmd/podtrace/doctor.h"
#include "enrich/names.h"
#include "fold/hold.h"
#include "fold/series.h"
#include "select/follow.h"

struct doctor_feature *doctor_feature(struct checkup *c, const char *group, const char *name,
				      const char *needs)
{
	struct doctor *d = &c->report;
	struct doctor_feature *f = &d->features[d->features_n];

	if (d->features_n < DOCTOR_FEATURES_MAX)
		d->features_n++;
	*f = (struct doctor_feature){ .group = group,
				      .name = name,
				      .needs = needs,
				      .rung = "",
				      .without = "",
				      .state = "on" };
	return f;
}

void doctor_blame(struct doctor_feature *f, const char *reason, const char *fix)
{
	str_copy(f->reason, sizeof(f->reason), str_of(reason));
	str_copy(f->fix, sizeof(f->fix), str_of(fix));
}

struct doctor_table *doctor_table(struct checkup *c, bool kernel, const char *type)
{
	struct doctor *d = &c->report;
	struct doctor_table *t = &d->tables[d->tables_n];

	if (d->tables_n == DOCTOR_TABLES_MAX) {
		d->tables_more++;
		return NULL;
	}
	d->tables_n++;
	*t = (struct doctor_table){ .kernel = kernel, .type = type };
	return t;
}

void doctor_bill(struct checkup *c, const char *type, const char *name, u64 entries, u64 bytes)
{
	struct doctor_table *t = c->o->memory ? doctor_table(c, false, type) : NULL;

	if (!t)
		return;
	str_copy(t->name, sizeof(t->name), str_of(name));
	t->entries = entries;
	t->bytes = bytes;
}

/* ---- the kernel side ---------------------------------------------------------------------- */

#define NEEDS_BPF "BPF PERFMON"
#define NEEDS_NET NEEDS_BPF " NET_ADMIN" /* to attach to a cgroup what sees its packets */

static bool holds(const struct checkup *c, const char *cap)
{
	return privilege_has(&c->privilege, (u32)cap_find(str_of(cap)));
}

static bool is_net(const struct doctor_feature *f)
{
	return !strcmp(f->needs, NEEDS_NET);
}

/* Refused for want of a privilege, or although it is there: then somebody else refuses. */
static void explain(const struct checkup *c, struct doctor_feature *f, bool verified)
{
	const struct node_privilege *p = &c->privilege;
	bool all = holds(c, "SYS_ADMIN") || (holds(c, "BPF") && holds(c, "PERFMON"));

	if ((f->err != EPERM && f->err != EACCES) || !p->caps_known)
		return;
	if (!all || (is_net(f) && !holds(c, "NET_ADMIN")))
		doctor_blame(f,
		      f->err == EPERM ? "not permitted (EPERM): lacks capabilities"
				      : "not permitted (EACCES): lacks capabilities",
		      is_net(f) ? "sudo, or securityContext: {runAsUser: 0, capabilities: {add: "
				  "[BPF, PERFMON, NET_ADMIN]}}"
				: "sudo, or securityContext: {runAsUser: 0, capabilities: {add: "
				  "[BPF, PERFMON]}}");
	else if (f->err == EACCES && !verified && c->lsm.selinux == SELINUX_ENFORCING)
		doctor_blame(f,
			     "denied by SELinux (EACCES): this process's type may not do this with "
			     "class bpf or perf_event",
			     "seLinuxOptions: {type: spc_t}, or a policy that allows this type all of "
			     "class bpf (and, for kprobes, of perf_event)");
	else if (f->err == EPERM)
		doctor_blame(f,
		      "not permitted (EPERM), though the capabilities are held: by seccomp, "
		      "lockdown or a security module",
		      "see lockdown, lsm and seccomp above; seccompProfile: {type: Unconfined} "
		      "where the runtime is old");
}

static const char *needs_of(const struct feature *feature)
{
	for (size_t i = 0; i < progs_n; i++)
		if (&features[progs[i].feature] == feature)
			return progs[i].rung == RUNG_cgroup ? NEEDS_NET : NEEDS_BPF;
	return NEEDS_BPF;
}

static void add_features(struct checkup *c, const struct capture *capture)
{
	static const char *const states[] = {
		[FEATURE_ON] = "on",
		[FEATURE_REDUCED] = "reduced",
		[FEATURE_OFF] = "off",
	};
	const struct feature_status *status;
	size_t n = capture_features(capture, &status);

	for (size_t i = 0; i < n; i++) {
		const struct feature_status *s = &status[i];
		struct doctor_feature *f =
			doctor_feature(c, families[s->feature->family].name, s->feature->name,
				       needs_of(s->feature));

		f->state = states[s->state];
		f->rung = s->state == FEATURE_OFF ? "" : rung_name(s->rung);
		f->without = s->feature->without;
		f->err = s->err;
		doctor_blame(f, s->reason, s->fix);
		explain(c, f, s->verified);
	}
}

static void add_transport(struct checkup *c, const struct capture *capture)
{
	struct doctor_feature *f = doctor_feature(c, "transport", "ring", "BPF");
	const char *transport = capture_transport(capture);

	f->err = capture_ring_err(capture);
	f->without = "events do not reach podtrace";
	if (!strcmp(transport, "none")) {
		f->state = "off";
		doctor_blame(f, "no map can be made", "");
		explain(c, f, false);
		return;
	}
	f->rung = transport;
	if (!strcmp(transport, "ring buffer"))
		return;
	f->state = "reduced";
	f->needs = NEEDS_BPF;
	doctor_blame(f,
	      f->err ? "the kernel has no ring buffer: each CPU has its own, more is lost"
		     : "forbidden by --forbid",
	      f->err ? "" : "forbid less");
}

static void on_map(void *ctx, const struct capture_map *map)
{
	struct doctor_table *t = doctor_table(ctx, true, map->type);

	if (!t)
		return;
	snprintf(t->name, sizeof(t->name), "%s%s%s", map->family, map->family[0] ? "/" : "",
		 map->name);
	t->entries = map->entries;
	t->bytes = map->bytes;
}

static void on_record(void *ctx, const void *record, size_t size)
{
	/* with a filter and no target there is none */
}

static int probe_capture(struct checkup *c)
{
	struct capture_config config = {
		.diagnose = true,
		.cgroup_tree = c->cgroup_tree,
		.filter = true,
		.args_max = ARGS_MAX,
		.record = on_record,
	};
	int code = kernel_options(c->o, &config);
	struct capture *capture;
	struct loop *loop;
	char err[512];

	if (code)
		return code;
	for (size_t i = 1; i < KIND_END; i++)
		config.stream[i] = STREAM_ALL; /* nothing is left out of the programs */
	loop = loop_new();
	if (!loop)
		return fail(EXIT_RUN, "cannot set up the event loop: %s", strerror(errno));
	if (capture_new(&capture, loop, &config, err, sizeof(err))) {
		loop_free(loop);
		return fail(EXIT_RUN, "%s", err);
	}
	add_features(c, capture);
	add_transport(c, capture);
	if (c->o->memory)
		capture_maps(capture, on_map, c);
	capture_stop(capture);
	capture_free(capture);
	loop_free(loop);
	return EXIT_OK;
}

/* ---- the user side ------------------------------------------------------------------------ */

/* New cgroups tell their names (the feature cgroup/mkdir): only older ones are looked for. */
static bool names_are_told(const struct doctor *d)
{
	for (size_t i = 0; i < d->features_n; i++)
		if (!strcmp(d->features[i].group, "cgroup") &&
		    !strcmp(d->features[i].name, "mkdir"))
			return d->features[i].rung[0];
	return false;
}

static void judge_identity(struct checkup *c, const struct enrich_stats *s)
{
	struct doctor_feature *f = doctor_feature(c, "identity", "containers", "DAC_READ_SEARCH");

	f->rung = s->cgroup_by_handle ? "file handle" : "tree walk";
	if (!s->cgroup_by_handle || s->cgroup_partial)
		f->state = "reduced";
	if (!s->cgroup_by_handle && !node_has_proc(&c->roots)) {
		char why[NO_PROC_MAX];

		doctor_blame(f, no_proc(c->o, why), FIX_PROC);
	} else if (!s->cgroup_by_handle) {
		bool held = privilege_has(&c->privilege, (u32)cap_find(STR("DAC_READ_SEARCH")));

		f->err = held ? 0 : EPERM;
		doctor_blame(f,
		      names_are_told(&c->report)
			      ? "cgroups older than podtrace are found by walking the tree, five "
				"times a "
				"second at most: what goes in between stays without a name"
			      : "cgroups are found by walking the tree: containers that live for "
				"less "
				"than a second stay without a name",
		      held ? ""
			   : "sudo, or securityContext: {runAsUser: 0, capabilities: {add: "
			     "[DAC_READ_SEARCH]}}");
	}
	if (s->cgroup_partial)
		doctor_blame(f,
		      "only a part of the cgroup tree is mounted: what is outside stays without a "
		      "name",
		      FIX_CGROUP);
}

static int probe_identity(struct checkup *c)
{
	struct enrich_config config = pipe_options(c->o, NULL, &c->host).enrich;
	struct enrich_stats stats;
	struct enrich *enrich;
	char why[512] = "";
	int err;

	config.cgroup_base = c->o->cgroup_base;
	config.proc_base = c->o->proc_base;
	err = enrich_new(&enrich, &config, why, sizeof(why));
	if (err) {
		struct doctor_feature *f = doctor_feature(c, "identity", "containers", "DAC_READ_SEARCH");

		f->state = "off";
		f->err = -err;
		f->without = "events and metrics have no container, pod or service";
		doctor_blame(f, why, FIX_CGROUP);
		config.cgroup_base = NULL;
		if (enrich_new(&enrich, &config, why, sizeof(why)))
			return EXIT_OK; /* no bill, then */
	}
	enrich_stats(enrich, &stats);
	if (!err)
		judge_identity(c, &stats);
	doctor_bill(c, "table", "cgroups and processes", config.cgroups_max + config.processes_max,
		    stats.bytes);
	enrich_free(enrich);
	return EXIT_OK;
}

/* The tables that are not part of a feature: as agent makes them. */
static int bill_pipe(struct checkup *c)
{
	static const struct follow_config nobody;
	struct series *series = c->o->memory ? series_new(0) : NULL;
	struct follow *follow = c->o->memory ? follow_new(&nobody) : NULL;
	struct series_stats cells = { 0 };
	struct follow_stats targets = { 0 };

	if (series)
		series_stats(series, &cells);
	if (follow)
		follow_stats(follow, &targets);
	series_free(series);
	follow_free(follow);
	doctor_bill(c, "table", "metric series", SERIES_CELLS_MAX + SERIES_MAX, cells.bytes);
	doctor_bill(c, "table", "targets by name", FOLLOW_MAX, targets.bytes);
	doctor_bill(c, "table", "names of containers and pods",
		    NAMES_CONTAINERS_MAX + NAMES_PODS_MAX, NAMES_BYTES_MAX);
	doctor_bill(c, "queue", "events that wait for names", 0, HOLD_BYTES_MAX);
	for (int s = 0; s < SIGNAL_COUNT; s++) {
		char name[sizeof(((struct doctor_table *)NULL)->name)];

		snprintf(name, sizeof(name), "queue of %s", otel_signal_name((enum otel_signal)s));
		doctor_bill(c, "queue", name, 0, c->o->queue_bytes);
	}
	doctor_bill(c, "table", "resources", OTEL_RESOURCES_MAX, OTEL_RESOURCE_BYTES_MAX);
	return EXIT_OK;
}

/* In the order of the report. */
static int (*const probes[])(struct checkup *) = { probe_capture, probe_identity, doctor_names,
						       bill_pipe };

int doctor_probe(struct checkup *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		int code = probes[i](c);

		if (code)
			return code;
	}
	return EXIT_OK;
}
