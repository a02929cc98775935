// SPDX-License-Identifier: Apache-2.0
#include "enrich/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

struct container_key {
	char id[WHO_ID_MAX];
};

struct pod_key {
	char uid[WHO_UID_MAX];
};

struct entry {
	union {
		struct container *container;
		struct pod *pod;
	};
	u64 gone_ns; /* 0: it is there */
};

struct names {
	struct table *containers; /* struct container_key → struct entry */
	struct table *pods;	  /* struct pod_key → struct entry */
	size_t bytes;
	u64 evicted, refused, relabelled;
};

static void container_drop(void *ctx, const void *key, void *value, bool evicted)
{
	struct entry *e = value;
	struct names *n = ctx;

	(void)key;
	n->evicted += evicted;
	if (e->container)
		n->bytes -= container_bytes(e->container);
	container_unref(e->container);
}

static void pod_drop(void *ctx, const void *key, void *value, bool evicted)
{
	struct entry *e = value;
	struct names *n = ctx;

	(void)key;
	n->evicted += evicted;
	if (e->pod)
		n->bytes -= pod_bytes(e->pod);
	pod_unref(e->pod);
}

struct names *names_new(void)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->containers = table_new(NAMES_CONTAINERS_MAX, sizeof(struct container_key),
				  sizeof(struct entry), container_drop, n);
	n->pods = table_new(NAMES_PODS_MAX, sizeof(struct pod_key), sizeof(struct entry), pod_drop,
			    n);
	if (!n->containers || !n->pods) {
		names_free(n);
		errno = ENOMEM;
		return NULL;
	}
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	table_free(n->containers);
	table_free(n->pods);
	free(n);
}

/* Make room by bytes: the oldest of a table go, but never `keep`, which was just added. */
static void shrink(struct names *n, struct table *t, const void *keep)
{
	const void *key;
	size_t pos = 0;
	void *value;

	while (n->bytes > NAMES_BYTES_MAX && table_next(t, &pos, &key, &value)) {
		if (value == keep)
			continue;
		table_del(t, key);
		n->evicted++;
	}
}

static struct container_key container_key(struct str id)
{
	struct container_key k;

	memset(&k, 0, sizeof(k)); /* compared as bytes */
	str_copy(k.id, sizeof(k.id), id);
	return k;
}

static struct pod_key pod_key(struct str uid)
{
	struct pod_key k;

	memset(&k, 0, sizeof(k));
	str_copy(k.uid, sizeof(k.uid), uid);
	return k;
}

/* Lists are read again and again: what they say anew is seldom news. That it ended since then is
 * none: nothing is called another name. */
static bool same_container(const struct container *a, const struct container *b)
{
	return a->source == b->source && a->sandbox == b->sandbox &&
	       a->restarts == b->restarts && a->created_ns == b->created_ns &&
	       !strcmp(a->pod_uid, b->pod_uid) && str_eq(a->pod_namespace, b->pod_namespace) &&
	       str_eq(a->pod_name, b->pod_name) && str_eq(a->name, b->name) &&
	       str_eq(a->image, b->image) && str_eq(a->image_id, b->image_id);
}

static bool same_labels(const struct label *a, size_t a_n, const struct label *b, size_t b_n)
{
	if (a_n != b_n)
		return false;
	/* maps come in any order */
	for (size_t i = 0; i < a_n; i++) {
		struct str there = label_get(b, b_n, a[i].key);

		if (!there.p || !str_eq(a[i].value, there))
			return false;
	}
	return true;
}

static bool same_pod(const struct pod *a, const struct pod *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->owner); i++) {
		if (a->owner[i].kind != b->owner[i].kind ||
		    !str_eq(a->owner[i].name, b->owner[i].name) ||
		    !str_eq(a->owner[i].uid, b->owner[i].uid))
			return false;
	}
	return a->source == b->source && a->host_network == b->host_network &&
	       !strcmp(a->api_uid, b->api_uid) && str_eq(a->namespace, b->namespace) &&
	       str_eq(a->name, b->name) && str_eq(a->ip, b->ip) && str_eq(a->node, b->node) &&
	       a->started_ns == b->started_ns &&
	       same_labels(a->labels, a->labels_n, b->labels, b->labels_n) &&
	       same_labels(a->annotations, a->annotations_n, b->annotations, b->annotations_n);
}

static int rank(enum name_source source)
{
	return source == NAME_FROM_CRI ? 2 : source == NAME_FROM_API;
}

bool names_container(struct names *n, const struct container *draft)
{
	struct container_key key = container_key(str_of(draft->id));
	struct entry *e = table_add(n->containers, &key, NULL);
	struct container *c;

	e->gone_ns = 0;
	if (e->container && rank(e->container->source) > rank(draft->source))
		return false;
	c = container_new(draft);
	if (!c) {
		n->refused++;
		if (!e->container)
			table_del(n->containers, &key);
		return false;
	}
	if (e->container && same_container(e->container, c)) {
		container_unref(c);
		return false;
	}
	if (e->container)
		n->bytes -= container_bytes(e->container);
	container_unref(e->container);
	e->container = c;
	n->bytes += container_bytes(c);
	shrink(n, n->containers, e);
	return true;
}

/* The log directory tells no labels: whoever comes after it tells all of them anew. */
static bool relabels(const struct pod *old, const struct pod *now)
{
	return old->source == NAME_FROM_LOGS ||
	       !same_labels(old->labels, old->labels_n, now->labels, now->labels_n);
}

bool names_pod(struct names *n, const struct pod *draft)
{
	struct pod_key key = pod_key(str_of(draft->uid));
	struct entry *e = table_add(n->pods, &key, NULL);
	struct pod *p;

	e->gone_ns = 0;
	if (e->pod && e->pod->source > draft->source)
		return false;
	p = pod_new(draft);
	if (!p) {
		n->refused++;
		if (!e->pod)
			table_del(n->pods, &key);
		return false;
	}
	if (e->pod && same_pod(e->pod, p)) {
		pod_unref(p);
		return false;
	}
	n->relabelled += e->pod && relabels(e->pod, p);
	if (e->pod)
		n->bytes -= pod_bytes(e->pod);
	pod_unref(e->pod);
	e->pod = p;
	n->bytes += pod_bytes(p);
	shrink(n, n->pods, e);
	return true;
}

void names_container_gone(struct names *n, struct str id, u64 now_ns)
{
	struct container_key key = container_key(id);
	struct entry *e = table_get(n->containers, &key);

	if (e && !e->gone_ns)
		e->gone_ns = now_ns;
}

void names_pod_gone(struct names *n, struct str uid, u64 now_ns)
{
	struct pod_key key = pod_key(uid);
	struct entry *e = table_get(n->pods, &key);

	if (e && !e->gone_ns)
		e->gone_ns = now_ns;
}

static void expire(struct table *t, u64 now_ns)
{
	const void *key;
	size_t pos = 0;
	void *value;

	while (table_next(t, &pos, &key, &value)) {
		const struct entry *e = value;

		if (e->gone_ns && e->gone_ns + NAMES_MEMORY_NS < now_ns)
			table_del(t, key);
	}
}

void names_expire(struct names *n, u64 now_ns)
{
	expire(n->containers, now_ns);
	expire(n->pods, now_ns);
}

struct container *names_find_container(struct names *n, const char *id)
{
	struct container_key key = container_key(str_of(id));
	struct entry *e = table_get(n->containers, &key);

	return e ? e->container : NULL;
}

struct pod *names_find_pod(struct names *n, const char *uid)
{
	struct pod_key key = pod_key(str_of(uid));
	struct entry *e = table_get(n->pods, &key);

	return e ? e->pod : NULL;
}

const struct container *names_next(const struct names *n, size_t *pos)
{
	const void *key;
	void *value;

	if (!table_next(n->containers, pos, &key, &value))
		return NULL;
	return ((const struct entry *)value)->container;
}

void names_stats(const struct names *n, struct names_stats *ret)
{
	*ret = (struct names_stats){
		.containers = table_len(n->containers),
		.pods = table_len(n->pods),
		.bytes = sizeof(*n) + n->bytes + table_bytes(n->containers) + table_bytes(n->pods),
		.evicted = n->evicted,
		.refused = n->refused,
		.relabelled = n->relabelled,
	};
}
