/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "cmd/podtrace/missing.h"
#include "enrich/locate.h"

/* Not there after this long: worth telling. A pod on its way needs a second or two. */
#define AFTER_NS (3 * NSEC_PER_SEC)
/* Sources that have told nothing yet are not waited for any longer. */
#define UNSETTLED_NS (15 * NSEC_PER_SEC)
#define EVERY_NS     NSEC_PER_SEC
#define LOOKED_MAX   256 /* containers looked for, once each */

struct missing {
	const struct options *o;
	const struct target *target;
	struct pipe *pipe;
	const struct identity *identity;
	struct loop_timer *timer;
	u64 start_ns;
	bool checked; /* what is asked for by name: once */
	struct looked {
		struct missing *m;
		char id[WHO_ID_MAX];
	} looked[LOOKED_MAX];
	size_t looked_n;
};

/* The who that a container would be. */
static struct who who_of(const struct missing *m, const struct container *c)
{
	struct who who = { .kind = WHO_CONTAINER, .container = c };

	memcpy(who.container_id, c->id, sizeof(who.container_id));
	memcpy(who.pod_uid, c->pod_uid, sizeof(who.pod_uid));
	who.pod = enrich_pod_of(pipe_enrich(m->pipe), c->pod_uid);
	return who;
}

/* ---- nobody knows it ---------------------------------------------------------------------- */

static bool is_known(const struct missing *m, size_t item)
{
	const struct names *names = enrich_names(pipe_enrich(m->pipe));
	const struct container *c;
	size_t pos = 0;

	while ((c = names_next(names, &pos))) {
		struct who who = who_of(m, c);

		if (target_names(m->target, item, &who))
			return true;
	}
	return false;
}

/*
 * Why nobody knows it, and what to do. OpenShift's API server says 404 where RBAC forbids, so
 * that nobody learns what exists.
 */
static void why_missing(const struct missing *m, char *dst, size_t cap)
{
	const struct api_status *api = m->identity ? identity_api_status(m->identity) : NULL;
	const struct cri_status *cri = m->identity ? identity_cri_status(m->identity) : NULL;

	if (api && (api->access == API_ACCESS_FORBIDDEN || api->access == API_ACCESS_HIDDEN))
		snprintf(dst, cap, "%s: %s", api->reason, api->fix);
	else if (!cri)
		snprintf(dst, cap, "the runtime is not asked (PODTRACE_CRI_RESOLVE=false)");
	else if (cri->state != CRI_UP)
		snprintf(dst, cap, "%s: %s", cri->reason, cri->fix);
	else
		snprintf(dst, cap,
			 "check names, labels and namespace, and that it runs here: podtrace sees "
			 "the node it runs on, so use the podtrace pod on the pod's node; what "
			 "comes "
			 "later is shown as soon as it is there");
}

static void tell_missing(const struct missing *m, struct str what, const char *why)
{
	if (option_has(&m->o->container_id, what))
		log_warn("target", "container \"%.*s\" not found on this node: no id begins so: %s",
			 (int)what.n, what.p, why);
	else
		log_warn("target", "pods \"%.*s\" not found on this node: %s", (int)what.n, what.p,
			 why);
}

/* Once, when all sources have told what they have. */
static void check_items(struct missing *m)
{
	bool told = false;
	struct str what;
	char why[1024];

	if (m->checked)
		return;
	m->checked = true;
	why_missing(m, why, sizeof(why));
	for (size_t i = 0; i < TARGET_ITEMS_MAX && target_named(m->target, i, &what); i++) {
		if (is_known(m, i))
			continue;
		tell_missing(m, what, why);
		told = true;
	}
	if (!told && !pipe_wanted(m->pipe))
		log_warn("target", "no container of this node is meant, so far: %s", why);
}

/* ---- known, but where? -------------------------------------------------------------------- */

static void found(struct missing *m, const char *id, const char *path, const char *way)
{
	u64 cgroup;

	if (pipe_cgroup_id(m->pipe, path, &cgroup))
		return; /* it went away in this moment */
	log_debug("target", "container %s is found by %s: %s", id, way, path);
	pipe_meet(m->pipe, cgroup, str_of(path), clock_boot_ns());
}

static void on_place(void *ctx, const struct cri_place *place)
{
	struct looked *looked = ctx;
	struct missing *m = looked->m;
	struct str id = str_of(looked->id);
	char path[CGROUPS_PATH_MAX], text[1024];
	struct locate l = { .cgroups = enrich_cgroups(pipe_enrich(m->pipe)),
			    .cgroup_base = m->o->cgroup_base,
			    .proc_base = m->o->proc_base };

	if (locate_by_runtime(&l, id, place->cgroup, place->reason, path, sizeof(path)) >= 0)
		found(m, looked->id, path, "the runtime");
	else if (locate_by_proc(&l, id, path, sizeof(path)) >= 0)
		found(m, looked->id, path, "/proc");
	else if (locate_by_walk(&l, id, path, sizeof(path)) >= 0)
		found(m, looked->id, path, "a walk of the cgroup tree");
	else {
		locate_explain(&l, id, text, sizeof(text));
		log_warn("target", "%s", text);
	}
}

static bool was_looked_for(const struct missing *m, const struct container *c)
{
	for (size_t i = 0; i < m->looked_n; i++)
		if (!strcmp(m->looked[i].id, c->id))
			return true;
	return false;
}

static void look_for(struct missing *m, const struct container *c)
{
	struct cri *cri = m->identity ? identity_cri(m->identity) : NULL;
	struct looked *looked;

	looked = &m->looked[m->looked_n++];
	looked->m = m;
	memcpy(looked->id, c->id, sizeof(looked->id));
	if (!cri || cri_locate(cri, str_of(c->id), m->o->cri_cgroup_fields, on_place, looked)) {
		struct cri_place none = { .reason = "no container runtime answers" };

		on_place(looked, &none);
	}
}

/* One at a time, each once: who ends while we look is not looked for again and again. */
static void check_containers(struct missing *m)
{
	const struct enrich *enrich = pipe_enrich(m->pipe);
	const struct container *c;
	size_t pos = 0;

	while (m->looked_n < LOOKED_MAX && (c = names_next(enrich_names(enrich), &pos))) {
		struct who who = who_of(m, c);

		if (!c->sandbox && !c->exited && !enrich_has_container(enrich, c) &&
		    !was_looked_for(m, c) && target_match(m->target, &who, false) == TARGET_YES) {
			look_for(m, c); /* it may change the names we walk through */
			return;
		}
	}
}

static void on_timer(void *ctx)
{
	struct missing *m = ctx;
	u64 age = clock_boot_ns() - m->start_ns;

	if (age < AFTER_NS)
		return;
	if (!m->identity || identity_settled(m->identity) || age > UNSETTLED_NS) {
		check_items(m);
		check_containers(m);
	}
}

struct missing *missing_new(struct loop *l, const struct options *o, const struct target *target,
			    struct pipe *pipe, const struct identity *identity)
{
	struct missing *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->o = o;
	m->target = target;
	m->pipe = pipe;
	m->identity = identity;
	m->start_ns = clock_boot_ns();
	m->timer = loop_timer_new(l, on_timer, m);
	if (!m->timer) {
		free(m);
		return NULL;
	}
	loop_arm(m->timer, EVERY_NS, EVERY_NS);
	return m;
}

void missing_free(struct missing *m)
{
	if (!m)
		return;
	loop_timer_free(m->timer);
	free(m);
}
