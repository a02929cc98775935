// SPDX-License-Identifier: Apache-2.0
#include "ask/cri_known.h"

#include <errno.h>
#include <string.h>

#include "base/random.h"

#define ID_DIGITS_MIN 32

struct key {
	char id[WHO_ID_MAX];
};

struct uid {
	char text[WHO_UID_MAX];
};

/* Value of an id. */
struct told {
	/* Hashes of what lists said, and of what others did; 0: nothing. Runtimes say things in one
	 * way here and in another one there, which must not look like news each time. */
	u64 listed, full;
	u32 round; /* in which it was seen last */
	bool sandbox, again;
	bool thin;	/* a list had the last word */
	struct uid uid; /* of a sandbox: its pod's */
};

bool cri_id_ok(struct str id)
{
	if (id.n < ID_DIGITS_MIN || id.n >= WHO_ID_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return false;
	}
	return true;
}

static struct key key_of(struct str id)
{
	struct key k = { 0 };

	str_copy(k.id, sizeof(k.id), id);
	return k;
}

/* ---- pods by their sandboxes ------------------------------------------------------------- */

static void pod_count(struct cri_known *k, const struct uid *uid)
{
	u32 *n;

	if (!uid->text[0])
		return;
	n = table_add(k->pods, uid, NULL);
	++*n;
}

static void pod_discount(struct cri_known *k, const struct uid *uid)
{
	u32 *n = uid->text[0] ? table_peek(k->pods, uid) : NULL;

	if (n && --*n == 0)
		table_del(k->pods, uid);
}

static void on_drop(void *ctx, const void *key, void *value, bool evicted)
{
	const struct told *t = value;
	struct cri_known *k = ctx;

	(void)key;
	k->status->forgotten += evicted;
	pod_discount(k, &t->uid);
}

int cri_known_init(struct cri_known *k, const struct cri_config *config, struct cri_status *status)
{
	*k = (struct cri_known){ .config = config, .status = status };
	random_bytes(k->seed, sizeof(k->seed));
	k->pods = table_new(CRI_KNOWN_MAX, sizeof(struct uid), sizeof(u32), NULL, NULL);
	k->ids = table_new(CRI_KNOWN_MAX, sizeof(struct key), sizeof(struct told), on_drop, k);
	if (k->pods && k->ids)
		return 0;
	cri_known_end(k);
	return -ENOMEM;
}

void cri_known_end(struct cri_known *k)
{
	table_free(k->ids);
	table_free(k->pods);
	k->ids = k->pods = NULL;
}

/* ---- is it news? ------------------------------------------------------------------------- */

static void mix(const struct cri_known *k, u64 *h, const void *p, size_t n)
{
	const u64 seed[2] = { k->seed[0] ^ *h, k->seed[1] };

	*h = table_siphash13(seed, p, n);
}

static void mix_str(const struct cri_known *k, u64 *h, struct str s)
{
	mix(k, h, s.p, s.n);
}

/* In any order: a Go map is written in another one each time. */
static void mix_labels(const struct cri_known *k, u64 *h, const struct label *labels, size_t n)
{
	u64 sum = n;

	for (size_t i = 0; i < n; i++) {
		u64 one = 0;

		mix_str(k, &one, labels[i].key);
		mix_str(k, &one, labels[i].value);
		sum += one;
	}
	mix(k, h, &sum, sizeof(sum));
}

static void mix_container(const struct cri_known *k, u64 *h, const struct container *c)
{
	mix_str(k, h, str_of(c->pod_uid));
	mix_str(k, h, c->pod_namespace);
	mix_str(k, h, c->pod_name);
	mix_str(k, h, c->name);
	mix_str(k, h, c->image);
	mix_str(k, h, c->image_id);
	mix(k, h, &c->restarts, sizeof(c->restarts));
	mix(k, h, &c->created_ns, sizeof(c->created_ns));
}

static void mix_pod(const struct cri_known *k, u64 *h, const struct pod *p)
{
	mix_str(k, h, p->namespace);
	mix_str(k, h, p->name);
	mix_str(k, h, p->ip);
	mix(k, h, &p->host_network, sizeof(p->host_network));
	mix_labels(k, h, p->labels, p->labels_n);
	mix_labels(k, h, p->annotations, p->annotations_n);
}

static bool differs(struct told *t, u64 hash, bool full)
{
	u64 *before = full ? &t->full : &t->listed;
	/* The first of its kind is held against the other one; a list's never adds to that. */
	u64 against = *before ? *before : full ? t->listed : hash;

	*before = hash;
	return against != hash;
}

/* Remember it as told just now. Is it worth telling? */
static bool is_news(struct cri_known *k, struct str id, const struct told *now, u64 hash, u32 flags)
{
	struct key key = key_of(id);
	bool news;
	struct told *t = table_add(k->ids, &key, &news);

	hash |= 1;
	news = differs(t, hash, flags & CRI_FULL) || news || t->again;
	if (memcmp(&t->uid, &now->uid, sizeof(t->uid))) {
		pod_discount(k, &t->uid);
		pod_count(k, &now->uid);
	}
	t->uid = now->uid;
	t->sandbox = now->sandbox;
	if (flags & CRI_FULL || news)
		t->thin = now->uid.text[0] && !flags;
	t->again = false;
	t->round = k->round;
	return news;
}

void cri_known_container(struct cri_known *k, const struct container *c, struct str sandbox_id,
			 u32 flags)
{
	struct told now = { .sandbox = false };
	u64 hash = 0;

	mix_container(k, &hash, c);
	if (cri_id_ok(sandbox_id) && !cri_known_has(k, sandbox_id))
		str_copy(k->orphan, sizeof(k->orphan), sandbox_id);
	if (is_news(k, str_of(c->id), &now, hash, flags))
		k->config->container(k->config->ctx, c);
}

void cri_known_pod(struct cri_known *k, const struct pod *pod, const struct container *sandbox,
		   u32 flags)
{
	struct told now = { .sandbox = true };
	const u32 *sandboxes;
	u64 hash = 0;

	str_copy(now.uid.text, sizeof(now.uid.text), str_of(pod->uid));
	mix_container(k, &hash, sandbox);
	mix_pod(k, &hash, pod);
	if (!is_news(k, str_of(sandbox->id), &now, hash, flags))
		return;
	sandboxes = table_peek(k->pods, &now.uid);
	if (sandboxes && (*sandboxes == 1 || !(flags & CRI_DEAD)))
		k->config->pod(k->config->ctx, pod);
	k->config->container(k->config->ctx, sandbox);
}

/* ---- asking it --------------------------------------------------------------------------- */

bool cri_known_has(const struct cri_known *k, struct str id)
{
	struct key key = key_of(id);
	const struct told *t = table_peek(k->ids, &key);

	return t && !t->again;
}

bool cri_known_thin(struct cri_known *k, char ret[static WHO_ID_MAX])
{
	size_t pos = 0;
	const void *key;
	void *value;

	while (table_next(k->ids, &pos, &key, &value)) {
		struct told *t = value;

		if (!t->sandbox || !t->thin)
			continue;
		t->thin = false;
		str_copy(ret, WHO_ID_MAX, str_of(((const struct key *)key)->id));
		return true;
	}
	return false;
}

const char *cri_known_uid(const struct cri_known *k, struct str sandbox_id)
{
	struct key key = key_of(sandbox_id);
	const struct told *t = table_peek(k->ids, &key);

	return t ? t->uid.text : "";
}

void cri_known_retell(struct cri_known *k, struct str id)
{
	struct key key = key_of(id);
	struct told *t = table_peek(k->ids, &key);

	if (t)
		t->again = true;
}

/* ---- what is gone ------------------------------------------------------------------------ */

void cri_known_gone(struct cri_known *k, struct str id)
{
	struct key key = key_of(id);
	const struct told *t = table_peek(k->ids, &key);
	struct uid uid = { 0 };

	if (t)
		uid = t->uid;
	table_del(k->ids, &key);
	k->config->container_gone(k->config->ctx, str_of(key.id));
	/* A pod whose sandbox died has a second one for a while. */
	if (uid.text[0] && !table_peek(k->pods, &uid))
		k->config->pod_gone(k->config->ctx, str_of(uid.text));
}

void cri_known_round(struct cri_known *k)
{
	k->round++;
}

void cri_known_sweep(struct cri_known *k, bool sandboxes)
{
	size_t pos = 0;
	const void *key;
	void *value;

	while (table_next(k->ids, &pos, &key, &value)) {
		const struct told *t = value;
		struct key id = *(const struct key *)key;

		if (t->sandbox == sandboxes && t->round != k->round)
			cri_known_gone(k, str_of(id.id));
	}
}
