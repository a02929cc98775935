/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a resource is put together, for resource.c and service.c: who it stands for, with every
 * pointer that may be NULL replaced by something empty, and the functions that put attributes.
 */
#ifndef OTEL_MAP_RESOURCE_H
#define OTEL_MAP_RESOURCE_H

#include "otel/map/map.h"
#include "pod.h"

struct whose {
	const struct who *who;
	const struct host *host;
	const struct map_resource_config *config;
	const struct pod *pod;		   /* an empty one if not known */
	const struct container *container; /* likewise */
	/* from the best of them; "" not known */
	struct str namespace, pod_name, pod_uid;
	struct str container_name; /* only if application */
	bool sandbox;		   /* a pod's pause container */
	bool application;	   /* runs what somebody wrote: a container, a unit */
};

/* Unless its key is there already. A value over ATTR_VALUE_MAX is cut, and `cut` set. */
void resource_put(struct mapped_resource *r, const char *key, struct str value);
/* The same, but a value that is "" is one not known. */
void resource_put_known(struct mapped_resource *r, const char *key, struct str value);

/* The texts one behind the other and a NUL, in r's room; a NULL view if it is full, which is
 * counted as an attribute dropped. */
struct str resource_join(struct mapped_resource *r, const struct str *texts, size_t n);

/* What the annotation resource.opentelemetry.io/<name> says; a NULL view if there is none. */
struct str resource_annotation(const struct whose *w, struct str name);

/* service.name, .namespace, .version and .instance.id; nobody else puts these. */
void service_put(struct mapped_resource *r, const struct whose *w);
bool service_has(struct str key);

#endif
