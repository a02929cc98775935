// SPDX-License-Identifier: Apache-2.0
/*
 * Two tables: cgroup id → who, and who by what it is. A who counts the ids that lead to it
 * and goes with the last one, so it needs no eviction of its own: there are never more whos
 * than ids.
 */
#include "enrich/enrich_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/table.h"
#include "enrich/cgroup_path.h"

struct identity enrich_identity(const struct who *who)
{
	const char *name = who->container_id[0] ? who->container_id : who->unit;
	struct identity id;

	memset(&id, 0, sizeof(id)); /* compared as bytes */
	id.kind = (u8)who->kind;
	str_copy(id.pod_uid, sizeof(id.pod_uid), str_of(who->pod_uid));
	str_copy(id.name, sizeof(id.name), str_of(name));
	return id;
}

static void person_leave(struct enrich *e, struct person *p)
{
	struct identity id;

	assert(p->ids > 0);
	if (--p->ids > 0)
		return;
	if (e->config.who_gone)
		e->config.who_gone(e->config.ctx, &p->who);
	container_unref((struct container *)p->who.container);
	pod_unref((struct pod *)p->who.pod);
	free((char *)p->who.otel_service_name);
	free((char *)p->who.otel_resource_attributes);
	id = enrich_identity(&p->who);
	table_del(e->persons, &id);
}

static void known_drop(void *ctx, const void *key, void *value, bool evicted)
{
	struct known *k = value;

	(void)key;
	(void)evicted;
	person_leave(ctx, k->person);
}

static int tables_new(struct enrich *e)
{
	const struct enrich_config *c = &e->config;
	int r = processes_new(&e->processes, c->processes_max);

	if (r < 0)
		return r;
	/* One more person than ids: a new one comes before the id that makes room for it. */
	e->persons = table_new(c->cgroups_max + 1, sizeof(struct identity), sizeof(struct person),
			       NULL, NULL);
	e->ids = table_new(c->cgroups_max, sizeof(u64), sizeof(struct known), known_drop, e);
	e->names = names_new();
	return e->persons && e->ids && e->names ? 0 : -errno;
}

int enrich_new(struct enrich **ret, const struct enrich_config *config, char *err, size_t err_cap)
{
	static const char *const reasons[UNKNOWN_COUNT] = {
		[UNKNOWN_NO_CGROUP] = "no_cgroup",
		[UNKNOWN_GONE] = "cgroup_gone",
		[UNKNOWN_UNREAD] = "cgroup_unread",
	};
	const char *proc = config->proc_base ? config->proc_base : "/proc";
	struct enrich *e = calloc(1, sizeof(*e));
	int r;

	if (!e) {
		snprintf(err, err_cap, "out of memory");
		return -ENOMEM;
	}
	e->config = *config;
	for (size_t i = 0; i < UNKNOWN_COUNT; i++)
		e->unknown[i] = (struct who){ .kind = WHO_UNKNOWN,
					      .unknown = reasons[i],
					      .resource = -1 };
	r = tables_new(e);
	if (r < 0)
		snprintf(err, err_cap, "cannot make tables for %zu cgroups and %zu processes: %s",
			 config->cgroups_max, config->processes_max, strerror(-r));
	else if (config->cgroup_base)
		r = cgroups_open(&e->cgroups, config->cgroup_base, proc, err, err_cap);
	if (r < 0) {
		enrich_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

void enrich_free(struct enrich *e)
{
	if (!e)
		return;
	e->config.who_gone = NULL;
	table_free(e->ids); /* before persons: its drop looks there */
	table_free(e->persons);
	names_free(e->names);
	processes_free(e->processes);
	cgroups_close(e->cgroups);
	free(e);
}

static int path_of(struct enrich *e, u64 cgroup, char *dst, size_t cap)
{
	int r = -EAGAIN;

	if (e->config.lookup)
		r = e->config.lookup(e->config.lookup_ctx, cgroup, dst, cap);
	else if (e->cgroups)
		r = cgroups_path(e->cgroups, cgroup, clock_boot_ns(), dst, cap);
	if (r >= 0 && e->config.looked_up)
		e->config.looked_up(e->config.lookup_ctx, cgroup, (struct str){ dst, (size_t)r });
	return r;
}

static struct person *person_of(struct enrich *e, struct str path, u64 now_ns)
{
	struct identity id;
	struct person *p;
	struct who who;
	bool is_new;

	cgroup_path_parse(path, &who);
	id = enrich_identity(&who);
	p = table_add(e->persons, &id, &is_new);
	if (is_new) {
		p->who = who;
		enrich_met(e, p, now_ns);
	}
	return p;
}

static void tell_met(struct enrich *e, u64 cgroup, struct str path, struct person *p, u64 made_ns)
{
	size_t own = cgroup_path_own(path);

	if (e->config.met && p->who.kind == WHO_CONTAINER)
		e->config.met(e->config.ctx, &p->who, cgroup, str_slice(path, 0, own),
			      own == path.n ? made_ns : 0);
}

/* p is whom the id leads to from now on. made_ns: when the directory was made, if told. */
static struct known *remember(struct enrich *e, u64 cgroup, struct str path, struct person *p,
			      u64 made_ns)
{
	struct known *k;

	p->ids++; /* first: the id may push out the last other one of this person */
	k = table_add(e->ids, &cgroup, NULL);
	k->person = p;
	if (e->config.placed && e->config.placed(e->config.placed_ctx, path))
		p->who.placed = true;
	tell_met(e, cgroup, path, p, made_ns);
	return k;
}

/* The directory is asked for once; NULL, and counted, when it cannot be named: *ret_why. */
static struct known *look_up(struct enrich *e, u64 cgroup, u64 now_ns, enum unknown *ret_why)
{
	char path[CGROUPS_PATH_MAX];
	struct str view = { path, 0 };
	int r;

	e->lookups++;
	r = path_of(e, cgroup, path, sizeof(path));
	if (r == -ENOENT)
		e->gone++;
	else if (r < 0)
		e->unread++;
	*ret_why = r == -ENOENT ? UNKNOWN_GONE : UNKNOWN_UNREAD;
	if (r < 0)
		return NULL;
	view.n = (size_t)r;
	return remember(e, cgroup, view, person_of(e, view, now_ns), 0);
}

struct who *enrich_cgroup(struct enrich *e, u64 cgroup, u64 now_ns)
{
	struct known *k = table_get(e->ids, &cgroup);
	enum unknown why = UNKNOWN_NO_CGROUP;

	if (!cgroup) /* an event that belongs to no task and no socket */
		return &e->unknown[why];
	if (k)
		e->hits++;
	else
		k = look_up(e, cgroup, now_ns, &why);
	if (!k)
		return &e->unknown[why];
	if (k->last_ns < now_ns)
		k->last_ns = now_ns;
	if (k->person->who.last_ns < now_ns)
		k->person->who.last_ns = now_ns;
	enrich_refresh(e, k->person);
	return &k->person->who;
}

void enrich_alive(struct enrich *e, u64 cgroup, u64 now_ns)
{
	struct known *k = table_get(e->ids, &cgroup);

	if (k && k->last_ns < now_ns)
		k->last_ns = now_ns;
}

struct who *enrich_peek(struct enrich *e, u64 cgroup)
{
	const struct known *k = table_peek(e->ids, &cgroup);

	if (!k)
		return NULL;
	enrich_refresh(e, k->person);
	return &k->person->who;
}

struct who *enrich_learn(struct enrich *e, u64 cgroup, struct str path, u64 now_ns)
{
	if (!table_peek(e->ids, &cgroup)) {
		remember(e, cgroup, path, person_of(e, path, now_ns), 0);
		if (e->config.looked_up)
			e->config.looked_up(e->config.lookup_ctx, cgroup, path);
	}
	return enrich_cgroup(e, cgroup, now_ns);
}

void enrich_event(struct enrich *e, struct event *ev)
{
	/* told by the kernel as it was made: nobody has to look any more */
	if (ev->kind == KIND_cgroup_mkdir && ev->cgroup_mkdir.path.n &&
	    !table_peek(e->ids, &ev->cgroup))
		remember(e, ev->cgroup, ev->cgroup_mkdir.path,
			 person_of(e, ev->cgroup_mkdir.path, ev->when_ns), ev->when_ns);
	ev->who = enrich_cgroup(e, ev->cgroup, ev->when_ns);
	enrich_read_environ(e, ev);
	ev->process = processes_event(e->processes, ev);
}

int enrich_cgroup_id(const struct enrich *e, const char *dir, u64 *ret_id)
{
	return e->cgroups ? cgroups_id(e->cgroups, dir, ret_id) : -ENODEV;
}

bool enrich_cgroup_exists(const struct enrich *e, u64 cgroup)
{
	char path[CGROUPS_PATH_MAX];

	return enrich_cgroup_path(e, cgroup, path, sizeof(path)) != -ENOENT;
}

int enrich_cgroup_path(const struct enrich *e, u64 cgroup, char *dst, size_t cap)
{
	return e->cgroups ? cgroups_path(e->cgroups, cgroup, clock_boot_ns(), dst, cap) : -ENODEV;
}

int enrich_walk(const struct enrich *e, void (*fn)(void *ctx, u64 cgroup, struct str path), void *ctx)
{
	return e->cgroups ? cgroups_each(e->cgroups, fn, ctx) : -ENODEV;
}

struct cgroups *enrich_cgroups(const struct enrich *e)
{
	return e->cgroups;
}

const struct pod *enrich_pod_of(const struct enrich *e, const char *uid)
{
	return uid[0] ? names_find_pod(e->names, uid) : NULL;
}

bool enrich_has_container(const struct enrich *e, const struct container *c)
{
	struct who who = { .kind = WHO_CONTAINER };
	struct identity id;

	memcpy(who.container_id, c->id, sizeof(who.container_id));
	memcpy(who.pod_uid, c->pod_uid, sizeof(who.pod_uid));
	id = enrich_identity(&who);
	return table_peek(e->persons, &id);
}

void enrich_expire(struct enrich *e, u64 now_ns)
{
	const void *key;
	size_t pos = 0;
	void *value;

	names_expire(e->names, now_ns);
	while (table_next(e->ids, &pos, &key, &value)) {
		const struct known *k = value;

		if (k->last_ns + ENRICH_MEMORY_NS < now_ns)
			table_del(e->ids, key);
	}
}

void enrich_stats(const struct enrich *e, struct enrich_stats *ret)
{
	struct cgroups_stats cg = { 0 };
	struct processes_stats ps;
	struct names_stats names;

	if (e->cgroups)
		cgroups_stats(e->cgroups, &cg);
	processes_stats(e->processes, &ps);
	names_stats(e->names, &names);
	*ret = (struct enrich_stats){
		.cgroup_hits = e->hits,
		.cgroup_lookups = e->lookups,
		.cgroup_gone = e->gone,
		.cgroup_unread = e->unread,
		.cgroup_evicted = table_evictions(e->ids),
		.process_evicted = ps.evicted,
		.cgroup_walks = cg.walks,
		.cgroup_walks_cut = cg.walks_cut,
		.cgroups = table_len(e->ids),
		.whos = table_len(e->persons),
		.processes = ps.len,
		.bytes = sizeof(*e) + table_bytes(e->ids) + table_bytes(e->persons) + cg.bytes +
			 ps.bytes + names.bytes,
		.containers = names.containers,
		.pods = names.pods,
		.names_evicted = names.evicted,
		.names_forged = e->forged,
		.environs = e->environs,
		.cgroup_tree = cg.tree,
		.cgroup_by_handle = cg.by_handle,
		.cgroup_partial = cg.partial,
	};
}
