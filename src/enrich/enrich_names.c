// SPDX-License-Identifier: Apache-2.0
/* Whos to names: what names knows of a who is looked up again only when names learnt something. */
#include <stdlib.h>
#include <string.h>

#include "enrich/enrich_impl.h"
#include "kinds.h"

/* A process that is gone before its environment is read is followed by others. */
#define ENVIRON_TRIES 4

static bool has_name(const struct who *who)
{
	return who->kind == WHO_CONTAINER || who->kind == WHO_POD || who->kind == WHO_HELPER;
}

/* A container of that id, unless the path has it in another pod than it really is, or in none:
 * who may make directories can name them after other people's containers. */
static struct container *container_of_who(struct enrich *e, const struct who *who)
{
	struct container *c;

	if (!who->container_id[0])
		return NULL;
	c = names_find_container(e->names, who->container_id);
	if (c && strcmp(c->pod_uid, who->pod_uid)) {
		e->forged++;
		return NULL;
	}
	return c;
}

/* What was known once stays, even when the names forget it. */
void enrich_refresh(struct enrich *e, struct person *p)
{
	struct who *who = &p->who;
	struct container *c;
	struct pod *pod;

	if (p->learnt == e->learnt || !has_name(who))
		return;
	p->learnt = e->learnt;
	c = container_of_who(e, who);
	pod = names_find_pod(e->names, who->pod_uid[0] ? who->pod_uid : c ? c->pod_uid : "");
	if (c && c != who->container) {
		container_unref((struct container *)who->container);
		who->container = container_ref(c);
		who->names++;
	}
	if (pod && pod != who->pod) {
		pod_unref((struct pod *)who->pod);
		who->pod = pod_ref(pod);
		who->names++;
	}
}

/* A container outside Kubernetes has no pod. */
bool enrich_is_named(const struct who *who)
{
	if (!has_name(who))
		return true;
	if (who->kind == WHO_POD)
		return who->pod;
	return who->container && (who->pod || !who->container->pod_uid[0]);
}

bool enrich_waits(struct enrich *e, struct who *who, u64 now_ns)
{
	struct person *p = (struct person *)who;

	if (who->kind == WHO_UNKNOWN)
		return false;
	enrich_refresh(e, p);
	return e->names_expected && !enrich_is_named(who) && now_ns < p->since_ns + ENRICH_WAIT_NS;
}

void enrich_expect_names(struct enrich *e, bool expected)
{
	e->names_expected = expected;
}

void enrich_container(struct enrich *e, const struct container *draft)
{
	if (names_container(e->names, draft))
		e->learnt++;
}

void enrich_pod(struct enrich *e, const struct pod *draft)
{
	if (names_pod(e->names, draft))
		e->learnt++;
}

void enrich_container_gone(struct enrich *e, struct str id, u64 now_ns)
{
	names_container_gone(e->names, id, now_ns);
}

void enrich_pod_gone(struct enrich *e, struct str uid, u64 now_ns)
{
	names_pod_gone(e->names, uid, now_ns);
}

const struct names *enrich_names(const struct enrich *e)
{
	return e->names;
}

void enrich_met(struct enrich *e, struct person *p, u64 now_ns)
{
	p->since_ns = now_ns;
	p->learnt = e->learnt - 1;
	enrich_refresh(e, p);
	if (e->config.want && p->who.container_id[0] && !enrich_is_named(&p->who))
		e->config.want(e->config.want_ctx, str_of(p->who.container_id));
}

/* ---- what a process calls itself ---------------------------------------------------------- */

static void take_environ(struct person *p, const struct environ_otel *found)
{
	p->environ_tries = ENVIRON_TRIES;
	free((char *)p->who.otel_service_name);
	free((char *)p->who.otel_resource_attributes);
	p->who.otel_service_name = found->service_name[0] ? strdup(found->service_name) : NULL;
	p->who.otel_resource_attributes =
		found->resource_attributes[0] ? strdup(found->resource_attributes) : NULL;
	p->who.names++;
}

void enrich_environ(struct enrich *e, u64 cgroup, u64 now_ns, const struct environ_otel *found)
{
	struct who *who = enrich_cgroup(e, cgroup, now_ns);

	if (who->kind == WHO_CONTAINER)
		take_environ((struct person *)who, found);
}

/*
 * Whose environment: the container's main process, which has that of the pod's manifest, not
 * that of whoever runs something in it. A container in which nobody is seen (another pid
 * namespace, all gone) has the event's own process tried.
 */
static u32 main_pid(struct enrich *e, const struct event *ev)
{
	char path[CGROUPS_PATH_MAX];
	u32 pid = 0;
	int n;

	if (!e->cgroups)
		return ev->pid;
	n = cgroups_path(e->cgroups, ev->cgroup, ev->when_ns, path, sizeof(path));
	if (n > 0)
		pid = cgroups_first_pid(e->cgroups, (struct str){ path, (size_t)n });
	return pid ? pid : ev->pid;
}

/* Once a container. */
void enrich_read_environ(struct enrich *e, const struct event *ev)
{
	const char *proc = e->config.proc_base ? e->config.proc_base : "/proc";
	struct person *p = (struct person *)ev->who;
	struct environ_otel found;

	/* who made the cgroup is not in it, who has ended has none any more */
	if (!e->config.environ || ev->who->kind != WHO_CONTAINER || !ev->pid ||
	    p->environ_tries >= ENVIRON_TRIES || ev->kind == KIND_cgroup_mkdir ||
	    ev->kind == KIND_process_exit)
		return;
	p->environ_tries++;
	if (environ_read(proc, main_pid(e, ev), str_of(ev->who->container_id), &found) < 0)
		return;
	e->environs++;
	p->environ_tries = ENVIRON_TRIES;
	if (!found.service_name[0] && !found.resource_attributes[0])
		return;
	take_environ(p, &found);
	e->config.environ(e->config.environ_ctx, ev->cgroup, &found);
}
