// SPDX-License-Identifier: Apache-2.0
/*
 * What service somebody is an instance of: semantic conventions 1.44, non-normative document
 * "Specify resource attributes using Kubernetes annotations", below what a process says itself.
 * Each list is in the order of preference; the first that is not empty is taken.
 */
#include "otel/map/image.h"
#include "otel/map/resource.h"

#define NAME	  "service.name"
#define NAMESPACE "service.namespace"
#define VERSION	  "service.version"
#define INSTANCE  "service.instance.id"

static struct str first(const struct str *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].n)
			return v[i];
	return STR("");
}

/* A pause container or a runtime's helper is not what the process and image say. */
static struct str only(bool condition, struct str s)
{
	return condition ? s : STR("");
}

static struct str declared(const struct mapped_resource *r, struct str key)
{
	return label_get(r->declared.v, r->declared.n, key);
}

static struct str label(const struct whose *w, struct str key)
{
	return only(w->config->service_labels, label_get(w->pod->labels, w->pod->labels_n, key));
}

/* enum workload_kind is in the order of preference. */
static struct str workload(const struct whose *w)
{
	const struct workload *best = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(w->pod->owner); i++) {
		const struct workload *o = &w->pod->owner[i];

		if (o->kind != WORKLOAD_NONE && o->kind < WORKLOAD_OTHER && o->name.n &&
		    (!best || o->kind < best->kind))
			best = o;
	}
	return best ? best->name : STR("");
}

static struct str name_of(const struct mapped_resource *r, const struct whose *w)
{
	const struct who *who = w->who;
	const struct str list[] = {
		only(w->application, str_trim(str_of(who->otel_service_name))),
		declared(r, STR(NAME)),
		resource_annotation(w, STR(NAME)),
		label(w, STR("app.kubernetes.io/instance")),
		label(w, STR("app.kubernetes.io/name")),
		workload(w),
		w->pod_name,
		w->container_name,
		str_of(who->unit),
		STR("unknown_service"),
	};

	return first(list, ARRAY_SIZE(list));
}

static struct str namespace_of(const struct mapped_resource *r, const struct whose *w)
{
	const struct str list[] = {
		declared(r, STR(NAMESPACE)),
		resource_annotation(w, STR(NAMESPACE)),
		w->namespace,
	};

	return first(list, ARRAY_SIZE(list));
}

static struct str image_version(struct mapped_resource *r, const struct whose *w)
{
	struct image image;

	image_split(w->container->image, &image);
	if (image.tag.n && image.digest.n)
		return resource_join(r, (struct str[]){ image.tag, STR("@"), image.digest }, 3);
	return image.digest.n ? image.digest : image.tag;
}

static struct str version_of(struct mapped_resource *r, const struct whose *w)
{
	const struct str list[] = {
		declared(r, STR(VERSION)),
		resource_annotation(w, STR(VERSION)),
		label(w, STR("app.kubernetes.io/version")),
	};
	struct str version = first(list, ARRAY_SIZE(list));

	if (!w->application)
		return STR("");
	return version.n ? version : image_version(r, w);
}

/*
 * Prometheus knows a series by service.name and this alone, so that no two of a node may have
 * the same: what is no application has one that no application has.
 */
static struct str instance_of(struct mapped_resource *r, const struct whose *w)
{
	const struct str list[] = {
		declared(r, STR(INSTANCE)),
		only(w->application, resource_annotation(w, STR(INSTANCE))),
	};
	const struct str id = str_of(w->who->container_id), host = str_of(w->host->name);
	const struct str dot = STR("."), unit = str_of(w->who->unit);
	const struct str reason = str_of(w->who->unknown ? w->who->unknown : "");
	struct str said = first(list, ARRAY_SIZE(list));

	if (said.n)
		return said;
	if (w->container_name.n && w->pod_name.n && w->namespace.n)
		return resource_join(
			r, (struct str[]){ w->namespace, dot, w->pod_name, dot, w->container_name },
			5);
	switch (w->who->kind) {
	case WHO_CONTAINER:
		return id;
	case WHO_HELPER:
		return resource_join(r, (struct str[]){ STR("helper."), id }, 2);
	case WHO_POD:
		if (w->namespace.n && w->pod_name.n)
			return resource_join(r, (struct str[]){ w->namespace, dot, w->pod_name },
					     3);
		return w->pod_uid;
	case WHO_UNIT:
		return resource_join(r, (struct str[]){ host, dot, unit }, 3);
	case WHO_UNKNOWN:
		return resource_join(r, (struct str[]){ host, STR(".unknown"), dot, reason },
				     reason.n ? 4 : 2);
	case WHO_HOST:
		break;
	}
	return host;
}

void service_put(struct mapped_resource *r, const struct whose *w)
{
	resource_put_known(r, NAME, name_of(r, w));
	resource_put_known(r, NAMESPACE, namespace_of(r, w));
	resource_put_known(r, VERSION, version_of(r, w));
	resource_put_known(r, INSTANCE, instance_of(r, w));
}

bool service_has(struct str key)
{
	return str_eq(key, STR(NAME)) || str_eq(key, STR(NAMESPACE)) || str_eq(key, STR(VERSION)) ||
	       str_eq(key, STR(INSTANCE));
}
