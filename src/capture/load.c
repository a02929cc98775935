/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ladder. For each feature of a family the first rung that this kernel takes: found by
 * trying, never by version. Loading an object is all or nothing, so after a refusal the one
 * feature whose program was refused steps down a rung and the object is opened anew.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/log.h"
#include "capture/internal.h"

/* One try: per feature the first of its rung's rows in progs, -1: none left. */
struct ladder {
	enum wire_family family;
	const struct maps *maps;
	const struct capture_config *config;
	const struct config *wire;
	const struct targets *targets;
	const struct patch *patch;
	struct feature_status *status;
	int choice[FEATURES_MAX];
};

static bool of_family(const struct ladder *l, size_t feature)
{
	return features[feature].family == l->family;
}

static size_t best_choice(size_t feature)
{
	size_t i = 0;

	while (progs[i].feature != feature)
		i++;
	return i;
}

/* One past the rung's last row. */
static size_t rung_end(size_t first)
{
	size_t i = first;

	while (i < progs_n && progs[i].feature == progs[first].feature &&
	       progs[i].rung == progs[first].rung)
		i++;
	return i;
}

/* Whether the family call, loaded before all others, notes what the feature needs. */
static bool calls_begin(struct ladder *l, size_t feature)
{
	struct feature_status *s = &l->status[feature];

	if (!feature_calls(feature))
		return true;
	for (size_t i = 0; i < features_n; i++) {
		const struct feature_status *call = &l->status[i];

		if (features[i].family != FAMILY_call || call->state != FEATURE_OFF)
			continue;
		s->err = call->err;
		snprintf(s->reason, sizeof(s->reason), "%s", call->reason);
		snprintf(s->fix, sizeof(s->fix), "%s", call->fix);
		return false;
	}
	return true;
}

/* Nobody tells the kernel's types. */
static bool is_untyped(const struct ladder *l)
{
	return l->targets->types->source == TYPES_NONE;
}

/* Packets and arguments are the same everywhere; a task's cgroup in a v1 tree is read. */
static bool needs_types(const struct ladder *l, enum rung rung)
{
	return rung != RUNG_cgroup || l->config->cgroup_tree != CGROUP_TREE_V2;
}

/* Whether a rung can be tried; why not stays if it is the first of the feature's that cannot. */
static bool possible(struct ladder *l, size_t first)
{
	struct feature_status *s = &l->status[progs[first].feature];

	if (is_untyped(l) && needs_types(l, progs[first].rung)) {
		say_types(s, l->targets->types); /* whatever else is in the way */
		return false;
	}
	if (l->config->forbidden >> progs[first].rung & 1) {
		if (s->reason[0])
			return false;
		snprintf(s->reason, sizeof(s->reason), "forbidden by --forbid");
		snprintf(s->fix, sizeof(s->fix), "forbid less");
		return false;
	}
	if (l->config->metadata_only && feature_payload(progs[first].feature)) {
		snprintf(s->reason, sizeof(s->reason), "--metadata-only");
		snprintf(s->fix, sizeof(s->fix), "allow it to read what programs send and receive");
		return false;
	}
	if (!calls_begin(l, progs[first].feature))
		return false;
	for (size_t i = first; i < rung_end(first); i++) {
		if (!l->targets->missing[i])
			continue;
		log_debug("capture", "%s: %s has no target: the kernel has no %s",
			  features[progs[i].feature].name, progs[i].name, l->targets->name[i]);
		if (!s->err)
			say_missing(s, l->targets, i);
		return false;
	}
	return true;
}

/* The feature's first rung from row i on that can be tried, or -1. */
static int choice_from(struct ladder *l, size_t feature, size_t i)
{
	while (i < progs_n && progs[i].feature == feature) {
		if (possible(l, i))
			return (int)i;
		i = rung_end(i);
	}
	return -1;
}

static void begin(struct ladder *l)
{
	for (size_t i = 0; i < features_n; i++)
		if (of_family(l, i))
			l->choice[i] = choice_from(l, i, best_choice(i));
}

/*
 * A program was refused: remember why and go one rung down. The first reason stands, unless nothing
 * can be done about it and about this one something can.
 */
static void step_down(struct ladder *l, size_t feature, int err)
{
	struct feature_status *s = &l->status[feature], now = *s;

	log_debug("capture", "%s: %s is refused: %s; going down a rung", features[feature].name,
		  progs[l->choice[feature]].name, strerror(err));
	now.err = err;
	say_refusal(&now, err);
	if (!s->reason[0] || !s->err || (!s->fix[0] && now.fix[0]))
		*s = now;
	l->choice[feature] = choice_from(l, feature, rung_end((size_t)l->choice[feature]));
}

/* Whether the row is of a rung that is chosen. */
static bool chosen(const struct ladder *l, size_t prog)
{
	size_t feature = progs[prog].feature;

	return of_family(l, feature) && l->choice[feature] >= 0 &&
	       progs[l->choice[feature]].rung == progs[prog].rung;
}

static int feature_of(const struct ladder *l, const char *program)
{
	for (size_t i = 0; i < progs_n; i++)
		if (chosen(l, i) && !strcmp(progs[i].name, program))
			return progs[i].feature;
	return -1;
}

/* Switch on the chosen programs, the others stay off ("?" in their section names). */
static int choose(struct ladder *l, struct bpf_object *o)
{
	for (size_t i = 0; i < progs_n; i++) {
		struct bpf_program *p;

		if (!chosen(l, i))
			continue;
		p = bpf_object__find_program_by_name(o, progs[i].name);
		if (!p || bpf_program__set_autoload(p, true))
			return -EINVAL;
	}
	return 0;
}

static int drop(struct bpf_object *o, const char *map)
{
	struct bpf_map *m = bpf_object__find_map_by_name(o, map);

	return m ? bpf_map__set_autocreate(m, false) : 0;
}

/* What copies tell each other by is there only if the family has some (bpf/lib/again.h). */
static int drop_notes(const struct ladder *l, struct bpf_object *o)
{
	bool copied = false;

	if (l->wire->preempted)
		return drop(o, "notes");
	for (size_t i = 0; i < progs_n; i++)
		copied = copied || (l->wire->guarded && of_family(l, progs[i].feature) &&
				    progs[i].copies[0]);
	return drop(o, "told") ?: copied ? 0 : drop(o, "notes");
}

static int configure(const struct ladder *l, struct bpf_object *o)
{
	struct bpf_map *map = bpf_object__find_map_by_name(o, ".rodata.config");

	return map ? bpf_map__set_initial_value(map, l->wire, sizeof(*l->wire)) : -ENOENT;
}

static struct bpf_object *open_family(const struct ladder *l)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = families[l->family].name,
		    .btf_custom_path = l->targets->types->path);

	return object_open(families[l->family].name, &opts,
			   is_untyped(l)     ? patch_untyped :
			   l->patch->blind ? patch_blind :
					       NULL);
}

/* 0, or -errno with *ret_feature the refused one (-1: the object as a whole). */
static int load(struct ladder *l, struct bpf_object **ret, int *ret_feature)
{
	struct bpf_object *o;
	int err;

	*ret_feature = -1;
	say_forget();
	o = open_family(l);
	if (!o)
		return -errno;
	err = choose(l, o);
	if (!err)
		err = maps_share(l->maps, o);
	if (!err)
		err = drop_notes(l, o);
	if (!err)
		err = configure(l, o);
	if (!err) {
		err = patch_object(o, l->patch);
		if (!err)
			err = bpf_object__load(o);
		if (err)
			*ret_feature = feature_of(l, say_failed_program());
	}
	if (err) {
		bpf_object__close(o);
		return err;
	}
	*ret = o;
	return 0;
}

/* kprobes by perf_event_open alone: libbpf's other way is tracefs, whose probes outlive us. */
static struct bpf_link *attach_kprobe(const struct bpf_program *p)
{
	struct str function = str_of(bpf_program__section_name(p)), kind;
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .attach_mode = PROBE_ATTACH_MODE_PERF);

	str_cut(&function, '/', &kind);
	opts.retprobe = str_eq(kind, STR("kretprobe"));
	return bpf_program__attach_kprobe_opts(p, function.p, &opts);
}

static struct bpf_link *attach_program(const struct ladder *l, const struct bpf_program *p,
				       enum rung rung)
{
	switch (rung) {
	case RUNG_kprobe:
		return attach_kprobe(p);
	case RUNG_cgroup:
		return bpf_program__attach_cgroup(p, l->targets->root);
	default:
		return bpf_program__attach(p);
	}
}

static unsigned copies_wanted(const struct ladder *l, size_t prog)
{
	if (l->config->forbid_copies || !l->wire->guarded)
		return 0;
	return progs[prog].copies[l->wire->preempted];
}

static int attach_one(const struct ladder *l, struct loaded *ret, size_t prog)
{
	struct bpf_program *p = bpf_object__find_program_by_name(ret->object, progs[prog].name);
	struct bpf_link *link;

	if (rung_is_uprobe(progs[prog].rung))
		return uprobes_add(&ret->uprobes, p, prog);
	link = attach_program(l, p, progs[prog].rung);
	if (!link)
		return -errno;
	if (progs[prog].rung == RUNG_iter)
		ret->listeners = link;
	else
		links_add(&ret->links, link, prog);
	copies_make(&ret->copies, ret->object, prog, copies_wanted(l, prog));
	return 0;
}

/* Attach every chosen program; 0, or -errno with the refused feature. */
static int attach(struct ladder *l, struct loaded *ret, int *ret_feature)
{
	for (size_t i = 0; i < progs_n; i++) {
		int err;

		if (!chosen(l, i))
			continue;
		*ret_feature = progs[i].feature;
		say_forget(); /* what was said while loading is not why attaching fails */
		err = attach_one(l, ret, i);
		if (err)
			return err;
	}
	return 0;
}

#define PID_NS_INITIAL 0xeffffffcu /* PROC_PID_INIT_INO, include/linux/proc_ns.h */

/* Iterators over tasks see those of our own pid namespace only. */
static void limit_iterator(struct feature_status *s)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) || st.st_ino == PID_NS_INITIAL)
		return;
	s->state = FEATURE_REDUCED;
	snprintf(s->reason, sizeof(s->reason),
		 "sockets of other pid namespaces are not found when they are older than podtrace");
	snprintf(s->fix, sizeof(s->fix), "run it in the node's pid namespace (hostPID: true)");
}

/* A typed program runs without the helper's reads; what it could read by them alone is missing. */
static void limit_reads(const struct ladder *l, size_t feature)
{
	struct feature_status *s = &l->status[feature];

	if (!l->patch->blind || s->reason[0] || !feature_lacks(feature))
		return;
	snprintf(s->reason, sizeof(s->reason), "kernel memory cannot be read by helper (%s): %s",
		 l->config->forbid_reads ? "--forbid" : "lockdown", feature_lacks(feature));
}

static void conclude(struct ladder *l)
{
	for (size_t i = 0; i < features_n; i++) {
		struct feature_status *s = &l->status[i];

		if (!of_family(l, i))
			continue;
		if (l->choice[i] < 0) {
			s->state = FEATURE_OFF;
			continue;
		}
		s->rung = progs[l->choice[i]].rung;
		s->state = l->choice[i] == (int)best_choice(i) ? FEATURE_ON : FEATURE_REDUCED;
		if (s->rung == RUNG_iter)
			limit_iterator(s);
		limit_reads(l, i);
	}
}

/* The whole object was refused, no program named: nothing of the family can run. */
static void give_up(struct ladder *l, int err)
{
	for (size_t i = 0; i < features_n; i++) {
		if (!of_family(l, i))
			continue;
		if (!l->status[i].err)
			l->status[i].err = err;
		if (err == ESRCH && l->targets->types->source == TYPES_NONE)
			say_types(&l->status[i], l->targets->types);
		else if (!l->status[i].reason[0])
			say_refusal(&l->status[i], err);
		l->choice[i] = -1;
	}
}

static bool any_left(const struct ladder *l)
{
	for (size_t i = 0; i < features_n; i++)
		if (of_family(l, i) && l->choice[i] >= 0)
			return true;
	return false;
}

void family_load(struct loaded *ret, enum wire_family family, const struct maps *maps,
		 const struct capture_config *config, const struct config *wire,
		 const struct targets *targets, const struct patch *patch,
		 struct feature_status *status)
{
	struct ladder l = { .family = family, .maps = maps, .config = config, .wire = wire,
			    .targets = targets, .patch = patch, .status = status };

	*ret = (struct loaded){ 0 };
	begin(&l);
	while (any_left(&l)) { /* each turn ends it or takes a rung away */
		int feature, err = load(&l, &ret->object, &feature);

		if (!err)
			err = attach(&l, ret, &feature);
		if (!err)
			break;
		family_unload(ret);
		if (feature < 0)
			give_up(&l, -err);
		else
			step_down(&l, (size_t)feature, -err);
	}
	conclude(&l);
	if (!ret->object)
		return;
	held_take(&ret->held, ret->object, &maps->held);
	bpf_object__close(ret->object);
	ret->object = NULL;
}

void family_unload(struct loaded *l)
{
	links_detach(&l->links);
	bpf_link__destroy(l->listeners);
	copies_free(&l->copies);
	bpf_object__close(l->object);
	held_drop(&l->held);
	*l = (struct loaded){ 0 };
}
