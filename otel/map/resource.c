/* SPDX-License-Identifier: Apache-2.0 */
/* Resources: the observed container, pod, service or node, and ourselves. */
#include <string.h>

#include "otel/map/image.h"
#include "otel/map/resource.h"

/* What is put at the end, when nothing else may fit any more. */
#define FLAGS_MAX   2
#define FLAGS_BYTES 64 /* of their keys */

/* ---- putting ------------------------------------------------------------------------------ */

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Punctuation is all the same: to Prometheus and Loki k8s.pod.name and k8s_pod_name are one
 * label, so that the second would forge the first. */
static bool same_char(char a, char b)
{
	return a == b || (!is_alnum(a) && !is_alnum(b));
}

static bool key_starts(struct str key, struct str prefix)
{
	for (size_t i = 0; i < prefix.n; i++)
		if (i == key.n || !same_char(key.p[i], prefix.p[i]))
			return false;
	return true;
}

static bool has(const struct attrs *a, struct str key)
{
	for (size_t i = 0; i < a->n; i++) {
		const char *other = a->v[i].key;
		size_t n = 0;

		while (n < key.n && other[n] && same_char(key.p[n], other[n]))
			n++;
		if (n == key.n && !other[n])
			return true;
	}
	return false;
}

/* Between characters, if it is UTF-8. */
static struct str cut_value(struct mapped_resource *r, struct str s)
{
	size_t n = ATTR_VALUE_MAX;

	if (s.n <= n)
		return s;
	r->cut = true;
	while (n > ATTR_VALUE_MAX - 3 && ((u8)s.p[n] & 0xc0) == 0x80)
		n--;
	return str_slice(s, 0, n);
}

void resource_put(struct mapped_resource *r, const char *key, struct str value)
{
	if (has(&r->attrs, str_of(key)))
		return;
	value = cut_value(r, value);
	r->bytes += strlen(key) + value.n;
	attr_str(&r->attrs, key, value);
}

void resource_put_known(struct mapped_resource *r, const char *key, struct str value)
{
	if (value.n)
		resource_put(r, key, value);
}

static void put_int(struct mapped_resource *r, const char *key, s64 i)
{
	r->bytes += strlen(key);
	attr_int(&r->attrs, key, i);
}

static void put_flag(struct mapped_resource *r, const char *key)
{
	r->bytes += strlen(key);
	attr_bool(&r->attrs, key, true);
}

struct str resource_join(struct mapped_resource *r, const struct str *texts, size_t n)
{
	char *p = r->text + r->text_n;
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += texts[i].n;
	if (bytes >= sizeof(r->text) - r->text_n) {
		r->attrs.dropped++;
		return (struct str){ NULL, 0 };
	}
	r->text_n += bytes + 1;
	for (size_t i = 0, at = 0; i < n; at += texts[i++].n)
		if (texts[i].n)
			memcpy(p + at, texts[i].p, texts[i].n);
	p[bytes] = '\0';
	return (struct str){ p, bytes };
}

/* ---- what we know --------------------------------------------------------------------------- */

static void put_host(struct mapped_resource *r, const struct host *host)
{
	resource_put_known(r, "k8s.node.name", str_of(host->node));
	resource_put(r, "host.name", str_of(host->name));
	resource_put_known(r, "host.id", str_of(host->id));
	resource_put_known(r, "host.arch", str_of(host->arch));
	resource_put(r, "os.type", STR("linux"));
	resource_put_known(r, "os.name", str_of(host->os_name));
	resource_put_known(r, "os.version", str_of(host->os_version));
	resource_put_known(r, "os.description", str_of(host->os_description));
}

static void put_workload(struct mapped_resource *r, const struct workload *o)
{
	static const char *const keys[][2] = {
		[WORKLOAD_DEPLOYMENT] = { "k8s.deployment.name", "k8s.deployment.uid" },
		[WORKLOAD_REPLICASET] = { "k8s.replicaset.name", "k8s.replicaset.uid" },
		[WORKLOAD_STATEFULSET] = { "k8s.statefulset.name", "k8s.statefulset.uid" },
		[WORKLOAD_DAEMONSET] = { "k8s.daemonset.name", "k8s.daemonset.uid" },
		[WORKLOAD_CRONJOB] = { "k8s.cronjob.name", "k8s.cronjob.uid" },
		[WORKLOAD_JOB] = { "k8s.job.name", "k8s.job.uid" },
	};

	if (o->kind == WORKLOAD_NONE || o->kind >= ARRAY_SIZE(keys))
		return;
	resource_put_known(r, keys[o->kind][0], o->name);
	resource_put_known(r, keys[o->kind][1], o->uid);
}

/* As Kubernetes writes it: whole seconds. */
static struct str time_text(struct mapped_resource *r, u64 ns)
{
	clock_text(r->time, ns);
	memcpy(r->time + strlen("2026-11-21T10:56:00"), "Z", sizeof("Z"));
	return str_of(r->time);
}

static void put_pod(struct mapped_resource *r, const struct whose *w)
{
	const struct pod *pod = w->pod;
	const struct container *c = w->container;

	resource_put_known(r, "k8s.pod.uid", w->pod_uid);
	resource_put_known(r, "k8s.namespace.name", w->namespace);
	resource_put_known(r, "k8s.pod.name", w->pod_name);
	/* the node's, which would lead a collector to any pod of the node's network */
	if (!pod->host_network)
		resource_put_known(r, "k8s.pod.ip", pod->ip);
	if (pod->started_ns)
		resource_put(r, "k8s.pod.start_time", time_text(r, pod->started_ns));
	resource_put_known(r, "k8s.node.name", pod->node);
	if (w->pod_uid.n || w->pod_name.n) {
		resource_put_known(r, "k8s.container.name", w->container_name);
		/* the log directory does not tell */
		if (w->container_name.n && (c->restarts || c->source != NAME_FROM_LOGS))
			put_int(r, "k8s.container.restart_count", c->restarts);
	} else {
		resource_put_known(r, "container.name", w->container_name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pod->owner); i++)
		put_workload(r, &pod->owner[i]);
}

static void put_strs(struct mapped_resource *r, const char *key, struct str *v, size_t n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n; i++) {
		v[i] = cut_value(r, v[i]);
		r->bytes += v[i].n;
	}
	r->bytes += strlen(key);
	attr_strs(&r->attrs, key, v, n);
}

static void put_digests(struct mapped_resource *r, const struct image *image,
			const struct image *id)
{
	const struct image *from[] = { id, image };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		struct str s;

		if (!from[i]->digest.n)
			continue;
		s = resource_join(r, (struct str[]){ from[i]->name, STR("@"), from[i]->digest }, 3);
		if (s.n && (!n || !str_eq(s, r->digest[0])))
			r->digest[n++] = s;
	}
	put_strs(r, "container.image.repo_digests", r->digest, n);
}

/* The manifest's words; where they are only an id, the runtime's. */
static void put_image(struct mapped_resource *r, const struct container *c)
{
	struct image image, id;

	image_split(c->image, &image);
	image_split(c->image_id, &id);
	resource_put_known(r, "container.image.name", image.name.n ? image.name : id.name);
	resource_put_known(r, "container.image.id", id.whole.n ? id.whole : image.id);
	r->tag = image.name.n ? image.tag : id.tag;
	put_strs(r, "container.image.tags", &r->tag, r->tag.n > 0);
	put_digests(r, &image, &id);
}

static void put_container(struct mapped_resource *r, const struct whose *w)
{
	const struct map_resource_config *config = w->config;
	struct str runtime = str_of(w->who->runtime);

	/* a kubelet has one runtime; a docker beside it has no pods */
	if (!runtime.n && w->pod_uid.n && w->who->kind == WHO_CONTAINER)
		runtime = config->runtime_name;
	resource_put_known(r, "container.runtime.name", runtime);
	if (w->pod_uid.n && runtime.n && str_eq(runtime, config->runtime_name))
		resource_put_known(r, "container.runtime.version", config->runtime_version);
	if (w->who->kind == WHO_CONTAINER)
		put_image(r, w->container);
}

/* ---- what others say ------------------------------------------------------------------------ */

/*
 * Names below which nobody but us says anything: where something runs and what watches it. A
 * process's own facts are not those of its whole container.
 */
static bool is_ours(struct str key)
{
	static const char *const prefixes[] = { "k8s.",	     "container.", "host.",
						"os.",	     "process.",   "telemetry.",
						"podtrace.", "oci.",	   "otel." };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (key_starts(key, str_of(prefixes[i])))
			return true;
	/* what a JSON line begins with */
	return service_has(key) || str_eq(key, STR("time")) || str_eq(key, STR("event"));
}

static bool is_key(struct str key)
{
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] <= ' ' || key.p[i] > '~' || key.p[i] == '"' || key.p[i] == '\\')
			return false;
	return key.n > 0;
}

static void put_said(struct mapped_resource *r, struct str prefix, struct str key, struct str value)
{
	struct str whole;

	if (!is_key(key) || prefix.n + key.n > RESOURCE_KEY_MAX ||
	    r->attrs.n + FLAGS_MAX >= ATTRS_MAX ||
	    r->bytes + prefix.n + key.n + value.n + FLAGS_BYTES > RESOURCE_BYTES_MAX) {
		r->attrs.dropped++;
		return;
	}
	whole = resource_join(r, (struct str[]){ prefix, key }, 2);
	if (whole.n)
		resource_put(r, whole.p, value);
}

struct str resource_annotation(const struct whose *w, struct str name)
{
	const struct str prefix = STR(POD_ANNOTATION_PREFIX);

	for (size_t i = 0; i < w->pod->annotations_n; i++) {
		const struct label *a = &w->pod->annotations[i];

		if (str_starts(a->key, prefix) &&
		    str_eq(str_slice(a->key, prefix.n, a->key.n), name))
			return a->value;
	}
	return (struct str){ NULL, 0 };
}

static void put_declared(struct mapped_resource *r)
{
	const struct declared *d = &r->declared;

	r->attrs.dropped += (u16)d->left_out;
	for (size_t i = 0; i < d->n; i++)
		if (!is_ours(d->v[i].key))
			put_said(r, STR(""), d->v[i].key, d->v[i].value);
}

static void put_annotations(struct mapped_resource *r, const struct pod *pod)
{
	const struct str prefix = STR(POD_ANNOTATION_PREFIX);

	for (size_t i = 0; i < pod->annotations_n; i++) {
		struct str key = pod->annotations[i].key;

		if (!str_starts(key, prefix))
			continue;
		key = str_slice(key, prefix.n, key.n);
		if (!is_ours(key))
			put_said(r, STR(""), key, pod->annotations[i].value);
	}
}

/* "*" leaves out what the kubelet adds for the runtime: it says again what attributes say. */
static bool is_wanted(struct str list, struct str key)
{
	struct str item;

	while (str_cut(&list, ',', &item)) {
		item = str_trim(item);
		if (str_eq(item, STR("*")) ? !str_starts(key, STR("io.kubernetes."))
					   : str_eq(item, key))
			return true;
	}
	return false;
}

static void put_labels(struct mapped_resource *r, const struct whose *w)
{
	for (size_t i = 0; i < w->pod->labels_n; i++) {
		const struct label *l = &w->pod->labels[i];

		if (is_wanted(w->config->pod_labels, l->key))
			put_said(r, STR("k8s.pod.label."), l->key, l->value);
	}
}

/* ---- the whole ------------------------------------------------------------------------------ */

static struct str either(struct str a, struct str b)
{
	return a.n ? a : b;
}

static void see(struct whose *w)
{
	static const struct pod no_pod;
	static const struct container no_container;
	const struct who *who = w->who;

	w->pod = who->pod ? who->pod : &no_pod;
	w->container = who->container ? who->container : &no_container;
	w->namespace = either(w->pod->namespace, w->container->pod_namespace);
	w->pod_name = either(w->pod->name, w->container->pod_name);
	w->pod_uid = either(either(str_of(w->pod->api_uid), str_of(w->pod->uid)),
			    either(str_of(who->pod_uid), str_of(w->container->pod_uid)));
	w->sandbox = who->kind == WHO_CONTAINER && w->container->sandbox;
	w->application = (who->kind == WHO_CONTAINER && !w->sandbox) || who->kind == WHO_UNIT;
	if (w->application)
		w->container_name = w->container->name;
}

static void put_what_it_is(struct mapped_resource *r, const struct whose *w)
{
	resource_put_known(r, "podtrace.k8s.pod.qos_class", str_of(w->who->qos));
	resource_put_known(r, "podtrace.systemd.unit", str_of(w->who->unit));
	if (w->sandbox)
		put_flag(r, "podtrace.container.sandbox");
	if (w->who->kind == WHO_HELPER)
		resource_put(r, "podtrace.who", STR("helper"));
	if (w->who->kind == WHO_UNKNOWN)
		resource_put(r, "podtrace.who", STR("unknown"));
	if (w->who->unknown)
		resource_put(r, "podtrace.unknown.reason", str_of(w->who->unknown));
}

static void put_flags(struct mapped_resource *r)
{
	if (r->declared.malformed)
		put_flag(r, "podtrace.resource.env_malformed");
	if (r->cut)
		put_flag(r, "podtrace.resource.cut");
}

static void begin(struct mapped_resource *r)
{
	r->attrs.n = r->attrs.dropped = 0;
	r->bytes = r->text_n = 0;
	r->cut = false;
}

void map_who(const struct who *who, const struct host *host,
	     const struct map_resource_config *config, struct mapped_resource *ret)
{
	struct whose w = { .who = who, .host = host, .config = config };

	begin(ret);
	see(&w);
	ret->cut = w.pod->cut || w.container->cut;
	declared_parse(w.application ? str_of(who->otel_resource_attributes) : STR(""),
		       &ret->declared);
	service_put(ret, &w);
	if (who->kind == WHO_CONTAINER)
		resource_put_known(ret, "container.id", str_of(who->container_id));
	put_pod(ret, &w);
	put_container(ret, &w);
	put_what_it_is(ret, &w);
	put_host(ret, host);
	ret->known = ret->attrs.n;
	put_declared(ret);
	put_annotations(ret, w.pod);
	put_labels(ret, &w);
	put_flags(ret);
}

void map_self(const struct host *host, const char *name, const char *version,
	      struct mapped_resource *ret)
{
	begin(ret);
	resource_put(ret, "service.name", name ? str_of(name) : STR("podtrace"));
	resource_put(ret, "service.version", str_of(version));
	resource_put(ret, "service.instance.id", str_of(host->name));
	resource_put(ret, "telemetry.sdk.name", STR("podtrace"));
	resource_put(ret, "telemetry.sdk.language", STR("c"));
	resource_put(ret, "telemetry.sdk.version", str_of(version));
	put_host(ret, host);
	ret->known = ret->attrs.n;
}
