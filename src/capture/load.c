/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ladder. For each feature of a family the first program that this kernel takes:
 * found by trying, never by version. Loading an object is all or nothing, so after a refusal
 * the one program that was refused steps down a rung and the object is opened anew.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/log.h"
#include "capture/internal.h"

/* One try: an index in progs per feature, -1: none left. */
struct ladder {
	enum wire_family family;
	const struct maps *maps;
	const struct capture_config *config;
	const struct config *wire;
	struct feature_status *status;
	int choice[FEATURES_MAX];
};

static bool of_family(const struct ladder *l, size_t feature)
{
	return features[feature].family == l->family;
}

/* The next allowed program of the feature after progs[from], or -1. */
static int next_choice(const struct ladder *l, size_t feature, int from)
{
	for (size_t i = (size_t)(from + 1); i < progs_n; i++)
		if (progs[i].feature == feature && !(l->config->forbidden >> progs[i].rung & 1))
			return (int)i;
	return -1;
}

static int best_choice(size_t feature)
{
	for (size_t i = 0; i < progs_n; i++)
		if (progs[i].feature == feature)
			return (int)i;
	return -1;
}

static void begin(struct ladder *l)
{
	for (size_t i = 0; i < features_n; i++) {
		if (!of_family(l, i))
			continue;
		l->choice[i] = next_choice(l, i, -1);
		if (l->choice[i] == best_choice(i))
			continue;
		snprintf(l->status[i].reason, sizeof(l->status[i].reason), "forbidden by --forbid");
		snprintf(l->status[i].fix, sizeof(l->status[i].fix), "forbid less");
	}
}

/* A program was refused: remember why (the first reason stands) and go one rung down. */
static void step_down(struct ladder *l, size_t feature, int err)
{
	struct feature_status *s = &l->status[feature];

	log_debug("capture", "%s: %s is refused: %s; going down a rung", features[feature].name,
		  progs[l->choice[feature]].name, strerror(err));
	if (!s->reason[0] || !s->err) {
		s->err = err;
		say_refusal(s, err);
	}
	l->choice[feature] = next_choice(l, feature, l->choice[feature]);
}

static int feature_of(const struct ladder *l, const char *program)
{
	for (size_t i = 0; i < features_n; i++)
		if (of_family(l, i) && l->choice[i] >= 0 &&
		    !strcmp(progs[l->choice[i]].name, program))
			return (int)i;
	return -1;
}

/* Switch on the chosen programs, the others stay off ("?" in their section names). */
static int choose(struct ladder *l, struct bpf_object *o)
{
	int n = 0;

	for (size_t i = 0; i < features_n; i++) {
		struct bpf_program *p;

		if (!of_family(l, i) || l->choice[i] < 0)
			continue;
		p = bpf_object__find_program_by_name(o, progs[l->choice[i]].name);
		if (!p || bpf_program__set_autoload(p, true))
			return -EINVAL;
		n++;
	}
	return n;
}

static int configure(const struct ladder *l, struct bpf_object *o)
{
	struct bpf_map *map = bpf_object__find_map_by_name(o, ".rodata.config");

	return map ? bpf_map__set_initial_value(map, l->wire, sizeof(*l->wire)) : -ENOENT;
}

/* 0, or -errno with *ret_feature the refused one (-1: the object as a whole). */
static int load(struct ladder *l, struct bpf_object **ret, int *ret_feature)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = families[l->family].name,
		    .btf_custom_path = l->config->btf);
	struct bpf_object *o;
	const void *bytes;
	size_t size;
	int err;

	*ret_feature = -1;
	say_forget();
	bytes = object_family(l->family, &size);
	o = bpf_object__open_mem(bytes, size, &opts);
	if (!o)
		return -errno;
	err = choose(l, o);
	if (err > 0)
		err = maps_share(l->maps, o);
	if (!err)
		err = configure(l, o);
	if (!err) {
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

/* Attach every chosen program; 0, or -errno with the refused feature. */
static int attach(struct ladder *l, struct loaded *ret, int *ret_feature)
{
	for (size_t i = 0; i < features_n; i++) {
		struct bpf_program *p;
		struct bpf_link *link;

		if (!of_family(l, i) || l->choice[i] < 0)
			continue;
		*ret_feature = (int)i;
		say_forget(); /* what was said while loading is not why attaching fails */
		p = bpf_object__find_program_by_name(ret->object, progs[l->choice[i]].name);
		link = bpf_program__attach(p);
		if (!link)
			return -errno;
		if (progs[l->choice[i]].rung == RUNG_iter)
			ret->listeners = link;
		else
			ret->links[ret->links_n++] = link;
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
		s->state = l->choice[i] == best_choice(i) ? FEATURE_ON : FEATURE_REDUCED;
		if (s->rung == RUNG_iter)
			limit_iterator(s);
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
		if (!l->status[i].reason[0])
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
		 struct feature_status *status)
{
	struct ladder l = { .family = family, .maps = maps, .config = config, .wire = wire,
			    .status = status };

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
}

void family_unload(struct loaded *l)
{
	for (size_t i = 0; i < l->links_n; i++)
		bpf_link__destroy(l->links[i]);
	bpf_link__destroy(l->listeners);
	bpf_object__close(l->object);
	*l = (struct loaded){ 0 };
}
