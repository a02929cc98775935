// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c otel/map/[dirs]*.c libs: */
/* otel/map/service: each list of preferences, one step after the other: a step counts when it is
 * there and all before it are not, and none behind it then does. */
#include <stdlib.h>

#include "otel/map/map.h"
#include "pod.h"
#include "tests/unit/semconv.h"

#define ID	       "8a5f0c3d2e1b4a69788796a5b4c3d2e1f00112233445566778899aabbccddeef"
#define DIGEST	       "sha256:" ID
#define L(key, value)  { STR(key), STR(value) }
#define RESOURCE(name) "resource.opentelemetry.io/" name

static struct mapped_resource r; /* large */

static const struct host host = { .name = "node-1", .arch = "amd64" };

/* One container with everything there is; a test takes away. */
struct scene {
	struct who who;
	struct pod pod;
	struct container container;
	struct label labels[3], annotations[4];
	struct map_resource_config config;
};

static const struct scene all = {
	.who = { .kind = WHO_CONTAINER,
		 .container_id = ID,
		 .pod_uid = "3d9f3f28-8a40-4b5e-a6c5-1f0e9d7c2b6a",
		 .otel_service_name = "of-variable",
		 .otel_resource_attributes = "service.name=of-list,service.namespace=ns-of-list,"
					     "service.version=v-of-list,"
					     "service.instance.id=i-of-list" },
	.labels = { L("app.kubernetes.io/instance", "of-label-instance"),
		    L("app.kubernetes.io/name", "of-label-name"),
		    L("app.kubernetes.io/version", "v-of-label") },
	.annotations = { L(RESOURCE("service.name"), "of-annotation"),
			 L(RESOURCE("service.namespace"), "ns-of-annotation"),
			 L(RESOURCE("service.version"), "v-of-annotation"),
			 L(RESOURCE("service.instance.id"), "i-of-annotation") },
	.pod = { .source = NAME_FROM_API, .namespace = STR("shop"), .name = STR("orders-0") },
	.container = { .source = NAME_FROM_API,
		       .name = STR("app"),
		       .image = STR("shop/orders:v3@" DIGEST) },
	.config = { .service_labels = true },
};

static void map(struct scene *s)
{
	struct attrs ours;

	s->pod.labels = s->labels;
	s->pod.labels_n = ARRAY_SIZE(s->labels);
	s->pod.annotations = s->annotations;
	s->pod.annotations_n = ARRAY_SIZE(s->annotations);
	s->who.pod = &s->pod;
	s->who.container = &s->container;
	memset(&r, 0xa5, sizeof(r));
	map_who(&s->who, &host, &s->config, &r);
	memcpy(&ours, &r.attrs, sizeof(ours));
	ours.n = r.known;
	check_attrs("service", &ours);
}

static void assert_none(const char *key)
{
	if (find(&r.attrs, key))
		fail_msg("%s is there", key);
}

/* ---- service.name --------------------------------------------------------------------------- */

static const enum workload_kind kinds_in_order[] = { WORKLOAD_DEPLOYMENT,  WORKLOAD_REPLICASET,
						     WORKLOAD_STATEFULSET, WORKLOAD_DAEMONSET,
						     WORKLOAD_CRONJOB,	   WORKLOAD_JOB };

/* Those behind kind number i are there: the next better one is preferred in either place. */
static void test_workload_order(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < ARRAY_SIZE(kinds_in_order); i++) {
		for (size_t place = 0; place < 2; place++) {
			struct scene s = all;

			s.who.otel_service_name = s.who.otel_resource_attributes = NULL;
			s.annotations[0].value = STR("");
			s.config.service_labels = false;
			s.pod.owner[place] =
				(struct workload){ kinds_in_order[i], STR("better"), STR("") };
			s.pod.owner[!place] =
				(struct workload){ kinds_in_order[i + 1], STR("worse"), STR("") };
			map(&s);
			assert_str(&r.attrs, "service.name", "better");
			s.pod.owner[place].name = STR(""); /* control */
			map(&s);
			assert_str(&r.attrs, "service.name", "worse");
			s.pod.owner[!place].kind = WORKLOAD_OTHER;
			map(&s);
			assert_str(&r.attrs, "service.name", "orders-0");
		}
	}
}

static void test_name(void **state)
{
	struct scene s = all;

	(void)state;
	s.pod.owner[0] = (struct workload){ WORKLOAD_STATEFULSET, STR("of-workload"), STR("") };
	map(&s);
	assert_str(&r.attrs, "service.name", "of-variable");
	s.who.otel_service_name = "  ";
	map(&s);
	assert_str(&r.attrs, "service.name", "of-list");
	s.who.otel_resource_attributes = "service.name=,a=b";
	map(&s);
	assert_str(&r.attrs, "service.name", "of-annotation");
	s.annotations[0].value = STR("");
	map(&s);
	assert_str(&r.attrs, "service.name", "of-label-instance");
	s.labels[0].key = STR("app.kubernetes.io/instances");
	map(&s);
	assert_str(&r.attrs, "service.name", "of-label-name");
	s.config.service_labels = false;
	map(&s);
	assert_str(&r.attrs, "service.name", "of-workload");
	s.pod.owner[0].kind = WORKLOAD_OTHER;
	map(&s);
	assert_str(&r.attrs, "service.name", "orders-0");
	s.pod.name = STR("");
	map(&s);
	assert_str(&r.attrs, "service.name", "app");
	s.container.name = STR("");
	map(&s);
	assert_str(&r.attrs, "service.name", "unknown_service");
	s.who = (struct who){ .kind = WHO_UNIT, .unit = "ssh.service" };
	map(&s);
	assert_str(&r.attrs, "service.name", "ssh.service");
	s.who.otel_service_name = "sshd";
	map(&s);
	assert_str(&r.attrs, "service.name", "sshd");
}

/* A malformed list is void as a whole, and says so. */
static void test_malformed(void **state)
{
	struct scene s = all;

	(void)state;
	s.who.otel_service_name = NULL;
	s.who.otel_resource_attributes = "service.name=of-list,service.version=%zz,a=b";
	map(&s);
	assert_str(&r.attrs, "service.name", "of-annotation");
	assert_str(&r.attrs, "service.version", "v-of-annotation");
	assert_none("a");
	assert_true(find(&r.attrs, "podtrace.resource.env_malformed")->b);
	s.who.otel_resource_attributes = "service.name=of-list,a=b";
	map(&s);
	assert_str(&r.attrs, "service.name", "of-list");
	assert_str(&r.attrs, "a", "b");
	assert_none("podtrace.resource.env_malformed");
}

/* ---- the others ----------------------------------------------------------------------------- */

static void test_namespace(void **state)
{
	struct scene s = all;

	(void)state;
	map(&s);
	assert_str(&r.attrs, "service.namespace", "ns-of-list");
	s.who.otel_resource_attributes = NULL;
	map(&s);
	assert_str(&r.attrs, "service.namespace", "ns-of-annotation");
	s.annotations[1].value = STR("");
	map(&s);
	assert_str(&r.attrs, "service.namespace", "shop");
	s.pod.namespace = STR("");
	map(&s);
	assert_none("service.namespace");
}

static void test_version(void **state)
{
	struct scene s = all;

	(void)state;
	map(&s);
	assert_str(&r.attrs, "service.version", "v-of-list");
	s.who.otel_resource_attributes = NULL;
	map(&s);
	assert_str(&r.attrs, "service.version", "v-of-annotation");
	s.annotations[2].key = STR(RESOURCE("service.versions"));
	map(&s);
	assert_str(&r.attrs, "service.version", "v-of-label");
	s.config.service_labels = false;
	map(&s);
	assert_str(&r.attrs, "service.version", "v3@" DIGEST);
	s.container.image = STR("shop/orders@" DIGEST);
	map(&s);
	assert_str(&r.attrs, "service.version", DIGEST);
	s.container.image = STR("shop/orders:v3");
	map(&s);
	assert_str(&r.attrs, "service.version", "v3");
	s.container.image = STR("shop/orders");
	map(&s);
	assert_none("service.version");
	/* pause has the pod's names, not the application's version */
	s = all;
	s.container.sandbox = true;
	map(&s);
	assert_none("service.version");
}

static void test_instance(void **state)
{
	struct scene s = all;

	(void)state;
	map(&s);
	assert_str(&r.attrs, "service.instance.id", "i-of-list");
	s.who.otel_resource_attributes = NULL;
	map(&s);
	assert_str(&r.attrs, "service.instance.id", "i-of-annotation");
	s.annotations[3].value = STR("");
	map(&s);
	assert_str(&r.attrs, "service.instance.id", "shop.orders-0.app");
	s.container.name = STR("");
	map(&s);
	assert_str(&r.attrs, "service.instance.id", ID);
}

/* All that can be in one pod or on one node, named or not: none has another's instance id. */
static void differ(bool named)
{
	static const struct {
		enum who_kind kind;
		bool sandbox;
	} rows[] = { { WHO_UNKNOWN, false },   { WHO_HOST, false }, { WHO_UNIT, false },
		     { WHO_CONTAINER, false }, { WHO_POD, false },  { WHO_HELPER, false },
		     { WHO_CONTAINER, true } };
	char seen[ARRAY_SIZE(rows)][ATTR_VALUE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool in_pod = rows[i].kind >= WHO_CONTAINER;
		struct scene s = all;

		s.who = (struct who){ .kind = rows[i].kind };
		str_copy(s.who.container_id, sizeof(s.who.container_id), STR(ID));
		if (rows[i].sandbox)
			s.who.container_id[0] = 'f';
		if (rows[i].kind == WHO_UNIT)
			str_copy(s.who.unit, sizeof(s.who.unit), STR("ssh.service"));
		str_copy(s.who.pod_uid, sizeof(s.who.pod_uid), str_of(all.who.pod_uid));
		s.annotations[3].value = STR("");
		s.container.sandbox = rows[i].sandbox;
		if (!named || !in_pod) {
			s.container.name = STR("");
			s.pod.name = s.pod.namespace = STR("");
		}
		map(&s);
		str_copy(seen[i], sizeof(seen[i]), find(&r.attrs, "service.instance.id")->s);
		assert_true(seen[i][0]);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(seen[k], seen[i]))
				fail_msg("%s twice", seen[i]);
	}
}

static void test_instances_differ(void **state)
{
	(void)state;
	differ(false);
	differ(true);
}

/* An annotation of the pod is not the id of each of its helpers. */
static void test_annotated_instance(void **state)
{
	struct scene s = all;

	(void)state;
	s.who.otel_resource_attributes = NULL;
	s.who.kind = WHO_HELPER;
	map(&s);
	assert_str(&r.attrs, "service.instance.id", "helper." ID);
	assert_str(&r.attrs, "service.name", "of-annotation");
	s.who.kind = WHO_POD;
	map(&s);
	assert_str(&r.attrs, "service.instance.id", "shop.orders-0");
	s.who.kind = WHO_CONTAINER;
	s.container.sandbox = true;
	map(&s);
	assert_str(&r.attrs, "service.instance.id", ID);
	s.container.sandbox = false; /* control */
	map(&s);
	assert_str(&r.attrs, "service.instance.id", "i-of-annotation");
}

static void test_self(void **state)
{
	static const struct host in_cluster = { .name = "node-1",
						.node = "node-1.example",
						.os_name = "talos" };

	(void)state;
	map_self(&host, NULL, "1", &r);
	check_attrs("self", &r.attrs);
	assert_str(&r.attrs, "service.name", "podtrace");
	assert_str(&r.attrs, "service.instance.id", "node-1");
	assert_none("k8s.node.name");
	assert_none("os.name");
	map_self(&in_cluster, "mine", "1", &r);
	check_attrs("self", &r.attrs);
	assert_str(&r.attrs, "service.name", "mine");
	assert_str(&r.attrs, "k8s.node.name", "node-1.example");
	assert_str(&r.attrs, "os.name", "talos");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workload_order),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_namespace),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_instance),
		cmocka_unit_test(test_instances_differ),
		cmocka_unit_test(test_annotated_instance),
		cmocka_unit_test(test_self),
	};

	return cmocka_run_group_tests(tests, semconv_load, semconv_unload);
}
