// SPDX-License-Identifier: Apache-2.0
#include "ask/api_pod.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/parse.h"

#define MIRROR "kubernetes.io/config.mirror"
#define HASH   "kubernetes.io/config.hash"

/* NULL and anything but an object lead to NULL. */
static yyjson_val *at(yyjson_val *object, const char *key)
{
	return yyjson_obj_get(object, key);
}

static struct str text_at(yyjson_val *object, const char *key)
{
	return api_json_str(at(object, key));
}

static bool is_digits(struct str s, const char *digits)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!s.p[i] || !strchr(digits, s.p[i]))
			return false;
	}
	return s.n > 0;
}

bool api_uid_copy(char dst[static WHO_UID_MAX], struct str uid)
{
	if (uid.n >= WHO_UID_MAX || !is_digits(uid, "0123456789abcdefghijklmnopqrstuvwxyz"
						    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-"))
		return false;
	str_copy(dst, WHO_UID_MAX, uid);
	return true;
}

u64 api_time(struct str s)
{
	static const char form[] = "0000-00-00T00:00:00Z";
	static const struct {
		u8 at, n;
		u16 min, max;
	} fields[] = {
		{ 0, 4, 1970, 2261 }, { 5, 2, 1, 12 },	{ 8, 2, 1, 31 },
		{ 11, 2, 0, 23 },     { 14, 2, 0, 59 }, { 17, 2, 0, 60 },
	};
	u64 v[ARRAY_SIZE(fields)];
	struct tm t = { 0 };

	if (s.n != sizeof(form) - 1)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		if (form[i] != '0' && s.p[i] != form[i])
			return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct str field = { s.p + fields[i].at, fields[i].n };

		if (parse_u64(field, fields[i].min, fields[i].max, &v[i]))
			return 0;
	}
	t.tm_year = (int)v[0] - 1900;
	t.tm_mon = (int)v[1] - 1;
	t.tm_mday = (int)v[2];
	t.tm_hour = (int)v[3];
	t.tm_min = (int)v[4];
	t.tm_sec = (int)v[5];
	return (u64)timegm(&t) * NSEC_PER_SEC;
}

/* ---- what made it ------------------------------------------------------------------------ */

/* "apps/v1" is of group "apps"; other groups have kinds of the same names (volcano's Job). */
static enum workload_kind kind_of(struct str version, struct str kind)
{
	static const struct {
		struct str group, kind;
		enum workload_kind is;
	} known[] = {
		{ STR("apps/"), STR("Deployment"), WORKLOAD_DEPLOYMENT },
		{ STR("apps/"), STR("ReplicaSet"), WORKLOAD_REPLICASET },
		{ STR("apps/"), STR("StatefulSet"), WORKLOAD_STATEFULSET },
		{ STR("apps/"), STR("DaemonSet"), WORKLOAD_DAEMONSET },
		{ STR("batch/"), STR("CronJob"), WORKLOAD_CRONJOB },
		{ STR("batch/"), STR("Job"), WORKLOAD_JOB },
		{ STR("v1"), STR("Node"), WORKLOAD_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (str_starts(version, known[i].group) && str_eq(kind, known[i].kind))
			return known[i].is;
	}
	return WORKLOAD_OTHER;
}

struct workload api_controller(yyjson_val *object)
{
	yyjson_val *references = at(at(object, "metadata"), "ownerReferences");
	yyjson_arr_iter it = yyjson_arr_iter_with(references);
	yyjson_val *r;

	while ((r = yyjson_arr_iter_next(&it))) {
		struct workload w = {
			.kind = kind_of(text_at(r, "apiVersion"), text_at(r, "kind")),
			.name = text_at(r, "name"),
			.uid = text_at(r, "uid"),
		};

		if (!yyjson_is_true(at(r, "controller")))
			continue;
		if (w.kind != WORKLOAD_NONE && w.name.n)
			return w;
		break; /* there is one controller at most */
	}
	return (struct workload){ .kind = WORKLOAD_NONE };
}

/* ---- labels, uid ------------------------------------------------------------------------- */

static size_t read_labels(struct label dst[static POD_LABELS_MAX], yyjson_val *object,
			  struct str prefix, bool *cut)
{
	yyjson_obj_iter it = yyjson_obj_iter_with(object);
	yyjson_val *key;
	size_t n = 0;

	while ((key = yyjson_obj_iter_next(&it))) {
		yyjson_val *value = yyjson_obj_iter_get_val(key);
		struct label l = { api_json_str(key), api_json_str(value) };

		if (!l.key.n || !yyjson_is_str(value) || !str_starts(l.key, prefix))
			continue;
		if (n == POD_LABELS_MAX) {
			*cut = true;
			break;
		}
		dst[n++] = l;
	}
	return n;
}

static struct str config_hash(yyjson_val *annotations)
{
	struct str hash = text_at(annotations, MIRROR);

	if (!hash.n)
		hash = text_at(annotations, HASH);
	return hash.n == 32 && is_digits(hash, "0123456789abcdef") ? hash : (struct str){ "", 0 };
}

/* ---- containers -------------------------------------------------------------------------- */

static struct str image_in_spec(yyjson_val *containers, struct str name)
{
	yyjson_arr_iter it = yyjson_arr_iter_with(containers);
	yyjson_val *c;

	/* Kubernetes' own order of magnitude; a hostile list is not walked for each status. */
	for (unsigned i = 0; i < 2 * API_CONTAINERS_MAX && (c = yyjson_arr_iter_next(&it)); i++) {
		if (str_eq(text_at(c, "name"), name))
			return text_at(c, "image");
	}
	return (struct str){ "", 0 };
}

/* "containerd://ID". An id stands in paths and is a key: hex only, as all runtimes make them. */
static bool read_id(char dst[static WHO_ID_MAX], struct str id)
{
	for (size_t i = 0; i + 3 <= id.n; i++) {
		if (memcmp(id.p + i, "://", 3))
			continue;
		id = str_slice(id, i + 3, id.n);
		if (id.n >= WHO_ID_MAX || !is_digits(id, "0123456789abcdef"))
			return false;
		str_copy(dst, WHO_ID_MAX, id);
		return true;
	}
	return false;
}

static void read_container(struct api_pod *p, yyjson_val *status, yyjson_val *specs)
{
	struct container *c = &p->containers[p->containers_n];
	struct str id = text_at(status, "containerID");
	yyjson_val *count = at(status, "restartCount");
	u64 restarts = yyjson_is_uint(count) ? yyjson_get_uint(count) : 0;

	if (!id.n)
		return; /* it has not been made yet */
	*c = (struct container){
		.source = NAME_FROM_API,
		.pod_namespace = p->draft.namespace,
		.pod_name = p->draft.name,
		.name = text_at(status, "name"),
		.image_id = text_at(status, "imageID"),
		.restarts = restarts > UINT32_MAX ? UINT32_MAX : (u32)restarts,
		.exited = yyjson_is_obj(at(at(status, "state"), "terminated")),
	};
	if (!c->name.n || !read_id(c->id, id)) {
		p->containers_bad++;
		return;
	}
	c->image = image_in_spec(specs, c->name);
	if (!c->image.n)
		c->image = text_at(status, "image");
	memcpy(c->pod_uid, p->draft.uid, sizeof(c->pod_uid));
	p->containers_n++;
}

static void read_containers(struct api_pod *p, yyjson_val *pod)
{
	static const struct {
		const char *statuses, *specs;
	} sorts[] = {
		{ "containerStatuses", "containers" },
		{ "initContainerStatuses", "initContainers" },
		{ "ephemeralContainerStatuses", "ephemeralContainers" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sorts); i++) {
		yyjson_val *specs = at(at(pod, "spec"), sorts[i].specs), *s;
		yyjson_val *statuses = at(at(pod, "status"), sorts[i].statuses);
		yyjson_arr_iter it = yyjson_arr_iter_with(statuses);

		while ((s = yyjson_arr_iter_next(&it))) {
			if (p->containers_n < API_CONTAINERS_MAX)
				read_container(p, s, specs);
			else
				p->containers_bad++;
		}
	}
}

/* ---- the pod ------------------------------------------------------------------------------ */

int api_pod_read(struct api_pod *p, yyjson_val *pod)
{
	yyjson_val *metadata = at(pod, "metadata"), *spec = at(pod, "spec");
	yyjson_val *status = at(pod, "status"), *annotations = at(metadata, "annotations");
	struct pod *d = &p->draft;

	p->containers_n = p->containers_bad = 0;
	*d = (struct pod){
		.source = NAME_FROM_API,
		.host_network = yyjson_is_true(at(spec, "hostNetwork")),
		.namespace = text_at(metadata, "namespace"),
		.name = text_at(metadata, "name"),
		.ip = text_at(status, "podIP"),
		.node = text_at(spec, "nodeName"),
		.started_ns = api_time(text_at(status, "startTime")),
		.labels = p->labels,
		.annotations = p->annotations,
		.owner[0] = api_controller(pod),
	};
	if (!api_uid_copy(d->api_uid, text_at(metadata, "uid")) || !d->namespace.n || !d->name.n)
		return -EBADMSG;
	if (!api_uid_copy(d->uid, config_hash(annotations)))
		memcpy(d->uid, d->api_uid, sizeof(d->uid));
	d->labels_n = read_labels(p->labels, at(metadata, "labels"), STR(""), &d->cut);
	d->annotations_n =
		read_labels(p->annotations, annotations, STR(POD_ANNOTATION_PREFIX), &d->cut);
	read_containers(p, pod);
	return 0;
}
