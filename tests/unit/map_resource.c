// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c otel/map/[dirs]*.c libs: */
/* otel/map: what a resource is made of, by what is known of who. What it is called as a service is
 * tests/unit/map_service.c's, the bytes are tests/kind's. */
#include <stdlib.h>

#include "tests/unit/map_scene.h"

static void assert_strs(const char *key, const char *one, const char *two)
{
	const struct attr *a = find(&r.attrs, key);

	assert_non_null(a);
	assert_int_equal(a->type, ATTR_STRS);
	assert_int_equal(a->strs.n, two ? 2 : 1);
	assert_true(str_eq(a->strs.v[0], str_of(one)));
	assert_true(!two || str_eq(a->strs.v[1], str_of(two)));
}

/* ---- kinds of who --------------------------------------------------------------------------- */

static void test_everything(void **state)
{
	static const char *const want[][2] = {
		{ "container.id", ID },
		{ "k8s.pod.uid", "3d9f3f28-8a40-4b5e-a6c5-1f0e9d7c2b6a" },
		{ "k8s.namespace.name", "shop" },
		{ "k8s.pod.name", "orders-6d4cf56db6-abcde" },
		{ "k8s.pod.ip", "10.244.1.7" },
		{ "k8s.pod.start_time", "2026-11-21T10:56:00Z" },
		{ "k8s.node.name", "node-1.example" },
		{ "k8s.container.name", "app" },
		{ "k8s.replicaset.name", "orders-6d4cf56db6" },
		{ "k8s.replicaset.uid", "rs-uid" },
		{ "k8s.deployment.name", "orders" },
		{ "container.runtime.name", "containerd" },
		{ "container.image.name", "registry:5000/shop/orders" },
		{ "container.image.id", "registry:5000/shop/orders@" DIGEST },
		{ "podtrace.k8s.pod.qos_class", "burstable" },
		{ "host.name", "node-1" },
		{ "host.id", "0123" },
		{ "host.arch", "amd64" },
		{ "os.type", "linux" },
		{ "os.name", "talos" },
		{ "os.version", "v1.12.0" },
		{ "os.description", "Talos (v1.12.0)" },
	};
	struct who who = in_pod();

	(void)state;
	map(&who, &none);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_str(&r.attrs, want[i][0], want[i][1]);
	assert_int_equal(find(&r.attrs, "k8s.container.restart_count")->i, 2);
	assert_strs("container.image.tags", "v3", NULL);
	assert_strs("container.image.repo_digests", "registry:5000/shop/orders@" DIGEST, NULL);
	assert_none("k8s.deployment.uid");
	assert_none("container.name");
	assert_none("container.runtime.version");
	assert_none("podtrace.who");
	assert_none("podtrace.systemd.unit");
	assert_none("podtrace.container.sandbox");
	assert_none("podtrace.resource.cut");
	assert_none("podtrace.resource.env_malformed");
}

static void test_without_names(void **state)
{
	struct who who = in_pod();

	(void)state;
	who.container = NULL;
	who.pod = NULL;
	map(&who, &none);
	assert_str(&r.attrs, "container.id", ID);
	assert_str(&r.attrs, "k8s.pod.uid", who.pod_uid);
	assert_none("k8s.pod.name");
	assert_none("k8s.namespace.name");
	assert_none("k8s.container.name");
	assert_none("k8s.container.restart_count");
	assert_none("container.image.name");
	/* the container comes before its pod */
	who.container = &container;
	map(&who, &none);
	assert_str(&r.attrs, "k8s.namespace.name", "shop");
	assert_str(&r.attrs, "k8s.pod.name", "orders-6d4cf56db6-abcde");
	assert_str(&r.attrs, "k8s.container.name", "app");
	assert_none("k8s.pod.ip");
	/* and the pod before its container */
	who.container = NULL;
	who.pod = &pod;
	map(&who, &none);
	assert_str(&r.attrs, "k8s.pod.name", "orders-6d4cf56db6-abcde");
	assert_none("k8s.container.name");
}

static void test_sources(void **state)
{
	struct container c = container;
	struct who who = in_pod();
	struct pod p = pod;

	(void)state;
	who.container = &c;
	who.pod = &p;
	c.source = NAME_FROM_LOGS; /* names only: 0 restarts are none that are known */
	c.restarts = 0;
	map(&who, &none);
	assert_none("k8s.container.restart_count");
	c.source = NAME_FROM_CRI;
	map(&who, &none);
	assert_int_equal(find(&r.attrs, "k8s.container.restart_count")->i, 0);
	/* a static pod has another uid at the API server */
	str_copy(p.uid, sizeof(p.uid), STR("7c1d3b9a5e0f4c2d8b6a1f0e9d7c2b6a"));
	map(&who, &none);
	assert_str(&r.attrs, "k8s.pod.uid", "7c1d3b9a5e0f4c2d8b6a1f0e9d7c2b6a");
	str_copy(p.api_uid, sizeof(p.api_uid), STR("11111111-2222-3333-4444-555555555555"));
	map(&who, &none);
	assert_str(&r.attrs, "k8s.pod.uid", "11111111-2222-3333-4444-555555555555");
	/* the node's address is not the pod's */
	p.host_network = true;
	map(&who, &none);
	assert_none("k8s.pod.ip");
	/* NODE_NAME is as good as the API server's word */
	p.node = STR("");
	map(&who, &none);
	assert_str(&r.attrs, "k8s.node.name", "node-1.example");
}

static void test_not_the_container(void **state)
{
	struct container pause = container;
	struct who who = in_pod();

	(void)state;
	pause.sandbox = true;
	pause.name = STR("");
	who.container = &pause;
	map(&who, &none);
	assert_true(find(&r.attrs, "podtrace.container.sandbox")->b);
	assert_str(&r.attrs, "container.id", ID);
	assert_str(&r.attrs, "k8s.pod.name", "orders-6d4cf56db6-abcde");
	assert_none("k8s.container.name");
	assert_none("k8s.container.restart_count");
	who = in_pod();
	who.kind = WHO_HELPER;
	map(&who, &none);
	assert_str(&r.attrs, "podtrace.who", "helper");
	assert_str(&r.attrs, "k8s.pod.name", "orders-6d4cf56db6-abcde");
	assert_none("container.id");
	assert_none("k8s.container.name");
	assert_none("container.image.name");
	who.kind = WHO_POD;
	who.container_id[0] = '\0';
	who.container = NULL;
	map(&who, &none);
	assert_str(&r.attrs, "k8s.pod.name", "orders-6d4cf56db6-abcde");
	assert_none("container.id");
	assert_none("podtrace.who");
}

static void test_not_in_a_pod(void **state)
{
	struct container c = { .source = NAME_FROM_CRI, .name = STR("web"), .image = STR("nginx") };
	struct who who = { .kind = WHO_CONTAINER, .container_id = ID, .container = &c };

	(void)state;
	map(&who, &none);
	assert_str(&r.attrs, "container.name", "web");
	assert_str(&r.attrs, "container.image.name", "nginx");
	assert_none("k8s.container.name");
	assert_none("k8s.container.restart_count");
	assert_none("container.image.tags");
	who = (struct who){ .kind = WHO_UNIT, .unit = "ssh.service" };
	map(&who, &none);
	assert_str(&r.attrs, "podtrace.systemd.unit", "ssh.service");
	assert_str(&r.attrs, "k8s.node.name", "node-1.example");
	who = (struct who){ .kind = WHO_UNKNOWN, .unknown = "cgroup_gone" };
	map(&who, &none);
	assert_str(&r.attrs, "podtrace.who", "unknown");
	assert_str(&r.attrs, "podtrace.unknown.reason", "cgroup_gone");
	assert_str(&r.attrs, "service.instance.id", "node-1.unknown.cgroup_gone");
	who = (struct who){ .kind = WHO_HOST };
	map(&who, &none);
	assert_none("podtrace.who");
	assert_none("podtrace.unknown.reason");
}

static void test_workloads(void **state)
{
	static const struct {
		enum workload_kind kind;
		const char *name, *uid;
	} rows[] = {
		{ WORKLOAD_DEPLOYMENT, "k8s.deployment.name", "k8s.deployment.uid" },
		{ WORKLOAD_REPLICASET, "k8s.replicaset.name", "k8s.replicaset.uid" },
		{ WORKLOAD_STATEFULSET, "k8s.statefulset.name", "k8s.statefulset.uid" },
		{ WORKLOAD_DAEMONSET, "k8s.daemonset.name", "k8s.daemonset.uid" },
		{ WORKLOAD_CRONJOB, "k8s.cronjob.name", "k8s.cronjob.uid" },
		{ WORKLOAD_JOB, "k8s.job.name", "k8s.job.uid" },
	};
	struct who who = in_pod();
	struct pod p = pod;

	(void)state;
	who.pod = &p;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n;

		p.owner[0] = p.owner[1] = (struct workload){ 0 };
		map(&who, &none);
		n = r.attrs.n;
		assert_none(rows[i].name);
		p.owner[i % 2] = (struct workload){ rows[i].kind, STR("w"), STR("u") };
		map(&who, &none);
		assert_str(&r.attrs, rows[i].name, "w");
		assert_str(&r.attrs, rows[i].uid, "u");
		assert_int_equal(r.attrs.n, n + 2);
		p.owner[0] = p.owner[1] = p.owner[i % 2]; /* the same twice */
		map(&who, &none);
		assert_int_equal(r.attrs.n, n + 2);
		p.owner[0].kind = p.owner[1].kind = WORKLOAD_OTHER;
		map(&who, &none);
		assert_int_equal(r.attrs.n, n);
	}
}

static void test_runtime(void **state)
{
	static const struct map_resource_config config = { .runtime_name = STR("containerd"),
							   .runtime_version = STR("2.1.4") };
	struct who who = in_pod();

	(void)state;
	map(&who, &config);
	assert_str(&r.attrs, "container.runtime.version", "2.1.4");
	who.runtime[0] = '\0'; /* the cgroupfs driver does not tell */
	map(&who, &config);
	assert_str(&r.attrs, "container.runtime.name", "containerd");
	assert_str(&r.attrs, "container.runtime.version", "2.1.4");
	str_copy(who.runtime, sizeof(who.runtime), STR("docker"));
	map(&who, &config);
	assert_str(&r.attrs, "container.runtime.name", "docker");
	assert_none("container.runtime.version");
	who = (struct who){ .kind = WHO_CONTAINER, .container_id = ID };
	map(&who, &config);
	assert_none("container.runtime.name");
	assert_none("container.runtime.version");
}

static void test_images(void **state)
{
	struct container c = container;
	struct who who = in_pod();

	(void)state;
	who.container = &c;
	c.image = STR(DIGEST); /* containerd's lists name the id */
	map(&who, &none);
	assert_str(&r.attrs, "container.image.name", "registry:5000/shop/orders");
	assert_none("container.image.tags");
	c.image_id = STR("");
	map(&who, &none);
	assert_str(&r.attrs, "container.image.id", DIGEST);
	assert_none("container.image.name");
	assert_none("container.image.repo_digests");
	c.image = STR("mirror/orders:v3@" DIGEST);
	c.image_id = STR("docker-pullable://shop/orders@" DIGEST);
	map(&who, &none);
	assert_str(&r.attrs, "container.image.name", "mirror/orders");
	assert_str(&r.attrs, "container.image.id", "shop/orders@" DIGEST);
	assert_strs("container.image.tags", "v3", NULL);
	assert_strs("container.image.repo_digests", "shop/orders@" DIGEST, "mirror/orders@" DIGEST);
	c.image = STR("shop/orders:v3@" DIGEST); /* the same, once */
	map(&who, &none);
	assert_strs("container.image.repo_digests", "shop/orders@" DIGEST, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),   cmocka_unit_test(test_without_names),
		cmocka_unit_test(test_sources),	     cmocka_unit_test(test_not_the_container),
		cmocka_unit_test(test_not_in_a_pod), cmocka_unit_test(test_workloads),
		cmocka_unit_test(test_runtime),	     cmocka_unit_test(test_images),
	};

	return cmocka_run_group_tests(tests, semconv_load, semconv_unload);
}
