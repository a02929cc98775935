/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of resources: one container of a pod of which everything is known, and its resource,
 * looked at for what holds for every resource. Kept in a header because each test is one file. */
#ifndef TEST_MAP_SCENE_H
#define TEST_MAP_SCENE_H

#include "otel/map/map.h"
#include "pod.h"
#include "tests/unit/semconv.h"

#define ID	       "8a5f0c3d2e1b4a69788796a5b4c3d2e1f00112233445566778899aabbccddeef"
#define DIGEST	       "sha256:" ID
#define L(key, value)  { STR(key), STR(value) }
#define RESOURCE(name) "resource.opentelemetry.io/" name

static struct mapped_resource r; /* large */

static const struct host host = { .name = "node-1",
				  .node = "node-1.example",
				  .id = "0123",
				  .arch = "amd64",
				  .os_name = "talos",
				  .os_version = "v1.12.0",
				  .os_description = "Talos (v1.12.0)" };
static const struct map_resource_config none;

static const struct label labels[] = {
	L("app.kubernetes.io/name", "orders"),
	L("app.kubernetes.io/instance", "orders-eu"),
	L("team", "payments"),
	L("empty", ""),
	L("io.kubernetes.pod.name", "orders-6d4cf56db6-abcde"),
};
static const struct label annotations[] = {
	L(RESOURCE("deployment.environment.name"), "prod"),
	L(RESOURCE("owner"), "me"),
	L(RESOURCE("k8s.pod.name"), "lie"),
	L(RESOURCE("k8s.cluster.name"), "lie"),
	L("kubectl.kubernetes.io/last-applied-configuration", "{}"),
};
static const struct pod pod = {
	.source = NAME_FROM_API,
	.uid = "3d9f3f28-8a40-4b5e-a6c5-1f0e9d7c2b6a",
	.namespace = STR("shop"),
	.name = STR("orders-6d4cf56db6-abcde"),
	.ip = STR("10.244.1.7"),
	.node = STR("node-1.example"),
	.started_ns = 1795258560999999999ull,
	.labels = labels,
	.labels_n = ARRAY_SIZE(labels),
	.annotations = annotations,
	.annotations_n = ARRAY_SIZE(annotations),
	.owner = { { WORKLOAD_REPLICASET, STR("orders-6d4cf56db6"), STR("rs-uid") },
		   { WORKLOAD_DEPLOYMENT, STR("orders"), STR("") } },
};
static const struct container container = {
	.source = NAME_FROM_CRI,
	.id = ID,
	.pod_uid = "3d9f3f28-8a40-4b5e-a6c5-1f0e9d7c2b6a",
	.pod_namespace = STR("shop"),
	.pod_name = STR("orders-6d4cf56db6-abcde"),
	.name = STR("app"),
	.image = STR("registry:5000/shop/orders:v3"),
	.image_id = STR("registry:5000/shop/orders@" DIGEST),
	.restarts = 2,
};

static inline struct who in_pod(void)
{
	return (struct who){ .kind = WHO_CONTAINER,
			     .container_id = ID,
			     .pod_uid = "3d9f3f28-8a40-4b5e-a6c5-1f0e9d7c2b6a",
			     .runtime = "containerd",
			     .qos = "burstable",
			     .container = &container,
			     .pod = &pod };
}

/* docs/resources.md has each name that is ours. */
static inline void assert_documented(const char *key)
{
	static char text[16384];
	char quoted[128];
	FILE *f = text[0] ? NULL : fopen("docs/resources.md", "r");

	if (f) {
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
	}
	snprintf(quoted, sizeof(quoted), "`%s`", key);
	if (!strstr(text, quoted))
		fail_msg("docs/resources.md does not have %s", key);
}

/* Whatever was there before; names that others say are none of semantic conventions. */
static inline void map(const struct who *who, const struct map_resource_config *config)
{
	struct attrs ours;
	size_t bytes = 0;

	memset(&r, 0xa5, sizeof(r));
	map_who(who, &host, config, &r);
	memcpy(&ours, &r.attrs, sizeof(ours));
	ours.n = r.known;
	ours.dropped = 0;
	check_attrs("map_who", &ours);
	for (size_t i = 0; i < ours.n; i++)
		assert_documented(ours.v[i].key);
	for (size_t i = 0; i < r.attrs.n; i++) {
		const struct attr *a = &r.attrs.v[i];

		for (size_t k = 0; k < i; k++)
			if (!strcmp(r.attrs.v[k].key, a->key))
				fail_msg("%s twice", a->key);
		bytes += strlen(a->key);
		if (a->type == ATTR_STR)
			bytes += a->s.n;
		for (size_t k = 0; a->type == ATTR_STRS && k < a->strs.n; k++)
			bytes += a->strs.v[k].n;
		if (a->type == ATTR_STR && a->s.n > ATTR_VALUE_MAX)
			fail_msg("%s: %zu bytes", a->key, a->s.n);
	}
	assert_true(bytes <= RESOURCE_BYTES_MAX);
}

static inline void assert_none(const char *key)
{
	if (find(&r.attrs, key))
		fail_msg("%s is there", key);
}

#endif
