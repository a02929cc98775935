// SPDX-License-Identifier: Apache-2.0
#include "ask/api_owner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask/api_pod.h"
#include "base/table.h"

#define NAMESPACE_MAX 64 /* a DNS label and NUL */

enum owner_state {
	OWNER_WANTED,
	OWNER_KNOWN, /* parent tells, NONE among others */
	OWNER_DENIED,
};

struct owner {
	enum owner_state state;
	enum workload_kind kind; /* of itself: REPLICASET or JOB */
	u64 again_ns;		 /* DENIED: not before */
	char namespace[NAMESPACE_MAX], name[POD_NAME_MAX + 1];
	enum workload_kind parent;
	char parent_name[POD_NAME_MAX + 1], parent_uid[WHO_UID_MAX];
};

struct owner_key {
	char uid[40]; /* the rest is zero */
};

struct api_owners {
	struct table *table;
	struct owner_key asked; /* what api_owners_next gave last; "" nothing */
	size_t wanted;		/* questions; 0 spares the walk */
};

static void on_drop(void *ctx, const void *key, void *value, bool evicted)
{
	struct api_owners *o = ctx;
	const struct owner *w = value;

	(void)key;
	(void)evicted;
	o->wanted -= w->state == OWNER_WANTED;
}

int api_owners_new(struct api_owners **ret)
{
	struct api_owners *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->table = table_new(API_OWNERS_MAX, sizeof(struct owner_key), sizeof(struct owner),
			     on_drop, o);
	if (!o->table) {
		free(o);
		return -ENOMEM;
	}
	*ret = o;
	return 0;
}

void api_owners_free(struct api_owners *o)
{
	if (!o)
		return;
	table_free(o->table);
	free(o);
}

size_t api_owners_bytes(const struct api_owners *o)
{
	return sizeof(*o) + table_bytes(o->table);
}

/* ---- from names ---------------------------------------------------------------------------- */

/* A Deployment names its ReplicaSets NAME-HASH and labels their pods with the hash (kube
 * pkg/controller/deployment/sync.go). A Job's name does not tell its CronJob for certain. */
static struct workload derived(const struct pod *draft)
{
	struct str hash = label_get(draft->labels, draft->labels_n, STR("pod-template-hash"));
	struct str name = draft->owner[0].name;

	if (draft->owner[0].kind != WORKLOAD_REPLICASET || !hash.n || name.n < hash.n + 2 ||
	    !str_ends(name, hash) || name.p[name.n - hash.n - 1] != '-')
		return (struct workload){ .kind = WORKLOAD_NONE };
	return (struct workload){
		.kind = WORKLOAD_DEPLOYMENT,
		.name = str_slice(name, 0, name.n - hash.n - 1),
	};
}

/* ---- asking -------------------------------------------------------------------------------- */

static bool key_of(struct owner_key *key, struct str uid)
{
	char text[WHO_UID_MAX];

	memset(key, 0, sizeof(*key));
	if (!api_uid_copy(text, uid))
		return false;
	str_copy(key->uid, sizeof(key->uid), str_of(text));
	return true;
}

/* It becomes part of a path: only what a name may have (RFC 1123), never "..". */
static bool is_name(struct str s, size_t max)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
		      (c == '.' && i && s.p[i - 1] != '.')))
			return false;
	}
	return s.n > 0 && s.n <= max;
}

static void want(struct api_owners *o, struct owner *w)
{
	o->wanted += w->state != OWNER_WANTED;
	w->state = OWNER_WANTED;
}

bool api_owners_fill(struct api_owners *o, struct pod *draft, u64 now_ns)
{
	const struct workload *first = &draft->owner[0];
	struct owner_key key;
	struct owner *w;
	bool is_new;

	draft->owner[1] = (struct workload){ .kind = WORKLOAD_NONE };
	if (first->kind != WORKLOAD_REPLICASET && first->kind != WORKLOAD_JOB)
		return true;
	draft->owner[1] = derived(draft);
	if (!key_of(&key, first->uid) || !is_name(first->name, POD_NAME_MAX) ||
	    !is_name(draft->namespace, NAMESPACE_MAX - 1))
		return true;
	w = table_add(o->table, &key, &is_new);
	if (is_new) {
		w->state = OWNER_DENIED; /* for want() to count it */
		w->kind = first->kind;
		str_copy(w->name, sizeof(w->name), first->name);
		str_copy(w->namespace, sizeof(w->namespace), draft->namespace);
	}
	if (w->state == OWNER_DENIED && now_ns >= w->again_ns)
		want(o, w);
	if (w->state == OWNER_KNOWN)
		draft->owner[1] = (struct workload){
			.kind = w->parent,
			.name = str_of(w->parent_name),
			.uid = str_of(w->parent_uid),
		};
	return w->state != OWNER_WANTED;
}

bool api_owners_next(struct api_owners *o, char dst[static API_OWNER_PATH_MAX])
{
	const void *key;
	void *value;
	size_t pos = 0;

	while (o->wanted && table_next(o->table, &pos, &key, &value)) {
		const struct owner *w = value;

		if (w->state != OWNER_WANTED)
			continue;
		o->asked = *(const struct owner_key *)key;
		snprintf(dst, API_OWNER_PATH_MAX, "/apis/%s/v1/namespaces/%s/%s/%s",
			 w->kind == WORKLOAD_JOB ? "batch" : "apps", w->namespace,
			 w->kind == WORKLOAD_JOB ? "jobs" : "replicasets", w->name);
		return true;
	}
	return false;
}

/* The entry of the question that was asked; NULL: it is forgotten meanwhile. */
static struct owner *asked(struct api_owners *o)
{
	struct owner *w = table_peek(o->table, &o->asked);

	if (!w || w->state != OWNER_WANTED)
		return NULL;
	o->wanted--;
	return w;
}

void api_owners_answer(struct api_owners *o, yyjson_val *object)
{
	struct str uid = api_json_str(yyjson_ptr_get(object, "/metadata/uid"));
	struct workload parent = api_controller(object);
	struct owner *w = asked(o);

	if (!w)
		return;
	/* Another of the same name, made since: it tells nothing of the one that was. */
	if (!str_eq(uid, str_ofn(o->asked.uid, sizeof(o->asked.uid))) ||
	    parent.name.n > POD_NAME_MAX) {
		w->state = OWNER_DENIED;
		w->again_ns = UINT64_MAX;
		return;
	}
	w->state = OWNER_KNOWN;
	w->parent = parent.kind;
	str_copy(w->parent_name, sizeof(w->parent_name), parent.name);
	if (!api_uid_copy(w->parent_uid, parent.uid))
		w->parent_uid[0] = 0;
}

void api_owners_deny(struct api_owners *o, u64 now_ns)
{
	struct owner *w = asked(o);

	if (!w)
		return;
	w->state = OWNER_DENIED;
	w->again_ns = now_ns + API_OWNER_AGAIN_NS;
}
