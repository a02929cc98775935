// SPDX-License-Identifier: Apache-2.0
/* Blocks of names: everything a pod or container points to lies behind it in one allocation. */
#include "pod.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct pod_block {
	size_t bytes;
	struct pod pod;
	struct label labels[];
};

struct container_block {
	size_t bytes;
	struct container container;
};

/* Views end before a NUL: who prints them as C strings sees what everybody else sees. */
static void fit(struct str *s, size_t max, bool *cut)
{
	*s = str_ofn(s->p, s->n);
	if (s->n > max)
		*cut = true;
	*s = str_slice(*s, 0, max);
}

static void copy_id(char *dst, size_t cap, const char *src)
{
	memset(dst, 0, cap);
	str_copy(dst, cap, str_ofn(src, cap));
}

/* Copy what s shows to *at and let it show that; never NULL afterwards. */
static void move_in(struct str *s, char **at)
{
	if (s->n)
		memcpy(*at, s->p, s->n);
	s->p = *at;
	*at += s->n;
}

/* ---- pods --------------------------------------------------------------------------------- */

/* Those worth keeping, to ret. A key that is cut would be another key: it is left out. */
static size_t fit_labels(const struct label *labels, size_t n, struct str prefix, size_t value_max,
			 struct label *ret, bool *cut)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct label label = labels[i];
		bool too_long = false;

		fit(&label.key, POD_LABEL_BYTES_MAX, &too_long);
		if (label.key.n == 0 || !str_starts(label.key, prefix))
			continue;
		if (too_long || kept == POD_LABELS_MAX) {
			*cut = true;
			continue;
		}
		fit(&label.value, value_max, cut);
		ret[kept++] = label;
	}
	return kept;
}

#define POD_TEXTS 8
static void pod_texts(struct pod *p, struct str *ret[static POD_TEXTS])
{
	struct str *texts[POD_TEXTS] = {
		&p->namespace,	  &p->name,	     &p->ip,	       &p->node, &p->owner[0].name,
		&p->owner[0].uid, &p->owner[1].name, &p->owner[1].uid,
	};

	memcpy(ret, texts, sizeof(texts));
}

struct pod *pod_new(const struct pod *draft)
{
	struct label labels[2 * POD_LABELS_MAX];
	struct str *texts[POD_TEXTS];
	struct pod p = *draft;
	struct pod_block *block;
	size_t n, bytes = sizeof(*block);
	char *at;

	pod_texts(&p, texts);
	for (size_t i = 0; i < POD_TEXTS; i++) {
		fit(texts[i], POD_NAME_MAX, &p.cut);
		bytes += texts[i]->n;
	}
	p.labels_n = fit_labels(draft->labels, draft->labels_n, STR(""), POD_LABEL_BYTES_MAX,
				labels, &p.cut);
	p.annotations_n =
		fit_labels(draft->annotations, draft->annotations_n, STR(POD_ANNOTATION_PREFIX),
			   POD_ANNOTATION_VALUE_MAX, labels + p.labels_n, &p.cut);
	n = p.labels_n + p.annotations_n;
	for (size_t i = 0; i < n; i++)
		bytes += sizeof(labels[i]) + labels[i].key.n + labels[i].value.n;
	block = malloc(bytes);
	if (!block)
		return NULL;
	block->bytes = bytes;
	at = (char *)&block->labels[n];
	for (size_t i = 0; i < POD_TEXTS; i++)
		move_in(texts[i], &at);
	for (size_t i = 0; i < n; i++) {
		move_in(&labels[i].key, &at);
		move_in(&labels[i].value, &at);
		block->labels[i] = labels[i];
	}
	assert(at == (char *)block + bytes);
	p.refs = 1;
	p.labels = block->labels;
	p.annotations = block->labels + p.labels_n;
	block->pod = p;
	copy_id(block->pod.uid, sizeof(p.uid), draft->uid);
	copy_id(block->pod.api_uid, sizeof(p.api_uid), draft->api_uid);
	return &block->pod;
}

static const struct pod_block *pod_block(const struct pod *p)
{
	return (const void *)((const char *)p - offsetof(struct pod_block, pod));
}

struct pod *pod_ref(struct pod *p)
{
	if (p) {
		assert(p->refs > 0 && p->refs < UINT_MAX);
		p->refs++;
	}
	return p;
}

void pod_unref(struct pod *p)
{
	if (!p)
		return;
	assert(p->refs > 0);
	if (--p->refs == 0)
		free((void *)pod_block(p));
}

size_t pod_bytes(const struct pod *p)
{
	return pod_block(p)->bytes;
}

/* ---- containers --------------------------------------------------------------------------- */

struct container *container_new(const struct container *draft)
{
	struct container c = *draft;
	struct {
		struct str *text;
		size_t max;
	} texts[] = {
		{ &c.pod_namespace, POD_NAME_MAX },
		{ &c.pod_name, POD_NAME_MAX },
		{ &c.name, POD_NAME_MAX },
		{ &c.image, CONTAINER_IMAGE_MAX },
		{ &c.image_id, CONTAINER_IMAGE_MAX },
	};
	struct container_block *block;
	size_t bytes = sizeof(*block);
	char *at;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		fit(texts[i].text, texts[i].max, &c.cut);
		bytes += texts[i].text->n;
	}
	block = malloc(bytes);
	if (!block)
		return NULL;
	block->bytes = bytes;
	at = (char *)(block + 1);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		move_in(texts[i].text, &at);
	assert(at == (char *)block + bytes);
	c.refs = 1;
	block->container = c;
	copy_id(block->container.id, sizeof(c.id), draft->id);
	copy_id(block->container.pod_uid, sizeof(c.pod_uid), draft->pod_uid);
	return &block->container;
}

static const struct container_block *container_block(const struct container *c)
{
	return (const void *)((const char *)c - offsetof(struct container_block, container));
}

struct container *container_ref(struct container *c)
{
	if (c) {
		assert(c->refs > 0 && c->refs < UINT_MAX);
		c->refs++;
	}
	return c;
}

void container_unref(struct container *c)
{
	if (!c)
		return;
	assert(c->refs > 0);
	if (--c->refs == 0)
		free((void *)container_block(c));
}

size_t container_bytes(const struct container *c)
{
	return container_block(c)->bytes;
}

/* ---- labels ------------------------------------------------------------------------------- */

struct str label_get(const struct label *labels, size_t n, struct str key)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(labels[i].key, key))
			return labels[i].value;
	}
	return (struct str){ NULL, 0 };
}

/*
 * ---- owners -------------------------------------------------------------------------------
 *
 * What made a pod, told by its name and labels where both agree. The rules are those of the
 * controllers (kubernetes pkg/controller, v1.31); a label alone proves nothing, for anybody
 * may set it: the name has to have the form that this controller gives.
 *
 * CronJobs are not derived: their Jobs are called NAME-MINUTES, but a Job may be called so by
 * hand, and "kubectl create job --from=cronjob/NAME" calls it anything. No label tells.
 */

/* apiserver pkg/storage/names/generate.go: a generated name is its base, cut, and 5 of these. */
#define RANDOM_LENGTH 5
#define BASE_MAX      58
static const struct str safe_alphabet = { "bcdfghjklmnpqrstvwxz2456789", 27 };

static bool is_safe(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (str_find(safe_alphabet, s.p[i]) == safe_alphabet.n)
			return false;
	}
	return s.n > 0;
}

/* Hashes of templates: SafeEncodeString of a u32 in decimal (controller_utils.go). */
static bool is_hash(struct str s)
{
	return s.n <= 10 && is_safe(s);
}

static bool is_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0;
}

static struct str label_of(const struct pod *p, struct str key)
{
	return label_get(p->labels, p->labels_n, key);
}

/* "web-abcde" gives "web-": what a controller asked a name for, perhaps cut. "" if the name
 * is not a generated one. */
static struct str base_of(struct str name)
{
	if (name.n <= RANDOM_LENGTH || name.n > BASE_MAX + RANDOM_LENGTH ||
	    !is_safe(str_slice(name, name.n - RANDOM_LENGTH, name.n)))
		return (struct str){ NULL, 0 };
	return str_slice(name, 0, name.n - RANDOM_LENGTH);
}

/* Take tail off the end of s; false, and s as it was, if it is not there or is all of s. */
static bool drop_end(struct str *s, struct str tail)
{
	if (s->n <= tail.n || !str_ends(*s, tail))
		return false;
	*s = str_slice(*s, 0, s->n - tail.n);
	return true;
}

/* A cut base ends elsewhere than in "-HASH-", and so derives nothing. */
static bool from_deployment(struct pod *p)
{
	struct str hash = label_of(p, STR("pod-template-hash"));
	struct str replicaset = base_of(p->name), name;

	if (!is_hash(hash) || !drop_end(&replicaset, STR("-")))
		return false;
	name = replicaset;
	if (!drop_end(&name, hash) || !drop_end(&name, STR("-")))
		return false;
	p->owner[0] = (struct workload){ .kind = WORKLOAD_REPLICASET, .name = replicaset };
	p->owner[1] = (struct workload){ .kind = WORKLOAD_DEPLOYMENT, .name = name };
	return true;
}

static bool from_statefulset(struct pod *p)
{
	struct str whole = label_of(p, STR("statefulset.kubernetes.io/pod-name"));
	struct str index = label_of(p, STR("apps.kubernetes.io/pod-index")); /* since 1.28 */
	struct str name = p->name, ordinal;
	size_t digits = 0;

	while (digits < name.n && is_digits(str_slice(name, name.n - digits - 1, name.n)))
		digits++;
	ordinal = str_slice(name, name.n - digits, name.n);
	if (!digits || (!whole.n && !index.n) || (whole.n && !str_eq(whole, name)) ||
	    (index.n && !str_eq(index, ordinal)))
		return false;
	if (!drop_end(&name, ordinal) || !drop_end(&name, STR("-")))
		return false;
	p->owner[0] = (struct workload){ .kind = WORKLOAD_STATEFULSET, .name = name };
	return true;
}

/*
 * Others use controller-revision-hash, too: StatefulSets with a value that begins with their
 * name, OpenKruise's CloneSet with names like a DaemonSet's. The template's generation is only
 * a DaemonSet's (daemon/util/daemonset_util.go, CreatePodTemplate).
 */
static bool from_daemonset(struct pod *p)
{
	struct str name = base_of(p->name);

	if (!is_hash(label_of(p, STR("controller-revision-hash"))) ||
	    !is_digits(label_of(p, STR("pod-template-generation"))))
		return false;
	/* A base that fills all its room may be cut, and end in a dash of the name. */
	if (name.n == BASE_MAX || !drop_end(&name, STR("-")))
		return false;
	p->owner[0] = (struct workload){ .kind = WORKLOAD_DAEMONSET, .name = name };
	return true;
}

/* JOB-xxxxx, or JOB-INDEX-xxxxx of an indexed one (job/indexed_job_utils.go). Here the label has
 * the name whole, and a pod's name that was cut still proves it. */
static bool from_job(struct pod *p)
{
	struct str job = label_of(p, STR("batch.kubernetes.io/job-name")); /* since 1.27 */
	struct str base = base_of(p->name), rest;

	if (!job.n)
		job = label_of(p, STR("job-name"));
	if (!job.n || !base.n)
		return false;
	if (base.n == BASE_MAX && job.n >= BASE_MAX) {
		if (!str_starts(job, base))
			return false;
	} else {
		if (!str_starts(base, job))
			return false;
		rest = str_slice(base, job.n, base.n); /* "-" or "-INDEX-" */
		if (!str_eq(rest, STR("-")) &&
		    (!str_starts(rest, STR("-")) || !str_ends(rest, STR("-")) ||
		     !is_digits(str_slice(rest, 1, rest.n - 1))))
			return false;
	}
	p->owner[0] = (struct workload){ .kind = WORKLOAD_JOB, .name = job };
	return true;
}

void pod_derive_owner(struct pod *draft)
{
	if (draft->owner[0].kind != WORKLOAD_NONE)
		return;
	if (!from_deployment(draft) && !from_statefulset(draft) && !from_daemonset(draft))
		from_job(draft);
}

const char *workload_kind_name(enum workload_kind kind)
{
	static const char *const names[] = {
		[WORKLOAD_NONE] = "",
		[WORKLOAD_DEPLOYMENT] = "deployment",
		[WORKLOAD_REPLICASET] = "replicaset",
		[WORKLOAD_STATEFULSET] = "statefulset",
		[WORKLOAD_DAEMONSET] = "daemonset",
		[WORKLOAD_CRONJOB] = "cronjob",
		[WORKLOAD_JOB] = "job",
		[WORKLOAD_OTHER] = "",
	};

	assert(kind < ARRAY_SIZE(names));
	return names[kind];
}
