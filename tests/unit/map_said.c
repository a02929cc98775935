// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c otel/map/[dirs]*.c libs: */
/* otel/map: what of a resource is not ours: labels, annotations, what a process declares. */
#include <stdlib.h>

#include "tests/unit/map_scene.h"

static void test_labels(void **state)
{
	static const struct {
		const char *wanted, *has[3], *not;
	} rows[] = {
		{ "", { 0 }, "k8s.pod.label.team" },
		{ "team", { "k8s.pod.label.team" }, "k8s.pod.label.app.kubernetes.io/name" },
		{ " app.kubernetes.io/name , team,nobody",
		  { "k8s.pod.label.team", "k8s.pod.label.app.kubernetes.io/name" },
		  "k8s.pod.label.nobody" },
		{ "tea,team2", { 0 }, "k8s.pod.label.team" },
		{ "*",
		  { "k8s.pod.label.team", "k8s.pod.label.empty",
		    "k8s.pod.label.app.kubernetes.io/instance" },
		  "k8s.pod.label.io.kubernetes.pod.name" },
		{ "io.kubernetes.pod.name",
		  { "k8s.pod.label.io.kubernetes.pod.name" },
		  "k8s.pod.label.team" },
	};
	struct who who = in_pod();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct map_resource_config config = { .pod_labels = str_of(rows[i].wanted) };

		map(&who, &config);
		for (size_t k = 0; k < ARRAY_SIZE(rows[i].has); k++) {
			const char *key = rows[i].has[k];

			if (key && (!find(&r.attrs, key) || wrong(find(&r.attrs, key))))
				fail_msg("\"%s\": no %s", rows[i].wanted, key);
		}
		assert_none(rows[i].not);
	}
	map(&who, &(struct map_resource_config){ .pod_labels = STR("team,empty") });
	assert_str(&r.attrs, "k8s.pod.label.team", "payments");
	assert_str(&r.attrs, "k8s.pod.label.empty", "");
}

static void test_annotations(void **state)
{
	struct who who = in_pod();

	(void)state;
	map(&who, &none);
	assert_str(&r.attrs, "deployment.environment.name", "prod");
	assert_str(&r.attrs, "owner", "me");
	assert_str(&r.attrs, "k8s.pod.name", "orders-6d4cf56db6-abcde");
	assert_none("k8s.cluster.name");
	assert_none("kubectl.kubernetes.io/last-applied-configuration");
	/* the process knows better */
	who.otel_resource_attributes = "deployment.environment.name=test,region=eu";
	map(&who, &none);
	assert_str(&r.attrs, "deployment.environment.name", "test");
	assert_str(&r.attrs, "owner", "me");
	assert_str(&r.attrs, "region", "eu");
}

/* Each is left out, whether we know better or nothing. */
static void test_lies(void **state)
{
	static const char *const lies[] = {
		"k8s.pod.name",
		"k8s_pod_name",
		"k8s.cluster.name",
		"k8s-deployment-name",
		"container.id",
		"container_id",
		"container.name",
		"host.name",
		"host_name",
		"host.ip",
		"os.type",
		"os_version",
		"process.pid",
		"telemetry.sdk.name",
		"podtrace.who",
		"oci.manifest.digest",
		"otel.scope.name",
		"time",
		"event",
		"service_name",
		"service-instance.id",
	};
	struct who whos[] = { in_pod(), in_pod(), { .kind = WHO_UNIT, .unit = "ssh.service" } };
	char list[256];

	(void)state;
	whos[1].pod = NULL;
	whos[1].container = NULL;
	for (size_t w = 0; w < ARRAY_SIZE(whos); w++) {
		for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
			snprintf(list, sizeof(list), "%s=lie,truth=1", lies[i]);
			whos[w].otel_resource_attributes = list;
			map(&whos[w], &none);
			assert_str(&r.attrs, "truth", "1");
			for (size_t k = 0; k < r.attrs.n; k++)
				if (r.attrs.v[k].type == ATTR_STR &&
				    str_eq(r.attrs.v[k].s, STR("lie")))
					fail_msg("%s is believed", lies[i]);
		}
	}
	/* control: near, but nobody's */
	whos[0].otel_resource_attributes = "k8sx=lie,hostx.name=lie,servicename=lie";
	map(&whos[0], &none);
	assert_str(&r.attrs, "k8sx", "lie");
	assert_str(&r.attrs, "hostx.name", "lie");
	assert_str(&r.attrs, "servicename", "lie");
}

/* What only the container's own processes may say. */
static void test_whose_environment(void **state)
{
	static const struct {
		enum who_kind kind;
		bool sandbox, taken;
	} rows[] = {
		{ WHO_CONTAINER, false, true }, { WHO_CONTAINER, true, false },
		{ WHO_UNIT, false, true },	{ WHO_HELPER, false, false },
		{ WHO_POD, false, false },	{ WHO_HOST, false, false },
		{ WHO_UNKNOWN, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct container c = container;
		struct who who = in_pod();

		c.sandbox = rows[i].sandbox;
		who.kind = rows[i].kind;
		who.container = &c;
		who.otel_service_name = "said";
		who.otel_resource_attributes = "region=eu";
		map(&who, &none);
		assert_int_equal(find(&r.attrs, "region") != NULL, rows[i].taken);
		assert_int_equal(str_eq(find(&r.attrs, "service.name")->s, STR("said")),
				 rows[i].taken);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_annotations),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_whose_environment),
	};

	return cmocka_run_group_tests(tests, semconv_load, semconv_unload);
}
