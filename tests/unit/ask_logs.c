// SPDX-License-Identifier: Apache-2.0
/* links: src/ask/logs.c */
/* Names in the kubelet's log directories: real ones, and what else may lie there. */
#include "node_fixture.h"

#include "ask/logs.h"

#define A   "2f4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccdd"
#define UID "6c1b6a5e-7d2f-4c3b-9a8e-0f1e2d3c4b5a"
#define MD5 "d6f1d5a2c4b3e7f8091a2b3c4d5e6f70"
#define L63 "a23456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *name, *pod, *namespace, *container;
} containers[] = {
	{ "web-5d8f9c7b6-x2x9z_shop_nginx-" A ".log", "web-5d8f9c7b6-x2x9z", "shop", "nginx" },
	{ "etcd-node1.example.com_kube-system_etcd-" A ".log", "etcd-node1.example.com",
	  "kube-system", "etcd" },
	{ "a_b_c-d-e-" A ".log", "a", "b", "c-d-e" },
	{ L63 "." L63 "_" L63 "_"
	      "c-" A ".log",
	  L63 "." L63, L63, "c" },
};

static const char *const no_containers[] = {
	"",
	".log",
	"..",
	"a_b_c-" A,
	"a_b_c-" A ".txt",
	"a_b_c" A ".log",
	"a_b_-" A ".log",
	"a_b-" A ".log",
	"a_b_c_d-" A ".log",
	"_b_c-" A ".log",
	"a__c-" A ".log",
	"A_b_c-" A ".log",
	"a_b.b_c-" A ".log",
	"a_b_c.d-" A ".log",
	"-a_b_c-" A ".log",
	"a_b_c--" A ".log",
	"a_b_c-0" A ".log",
	"a_b_c-2f4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccd.log",
	"a_b_c-2F4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccdd.log",
	"a_b_c-2g4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccdd.log",
	"a\n_b_c-" A ".log",
	"a_" L63 "4_c-" A ".log",
	"a_b_" L63 "4-" A ".log",
};

static const struct {
	const char *name, *namespace, *pod, *uid;
} pods[] = {
	{ "shop_web-5d8f9c7b6-x2x9z_" UID, "shop", "web-5d8f9c7b6-x2x9z", UID },
	{ "kube-system_etcd-node1.example.com_" MD5, "kube-system", "etcd-node1.example.com", MD5 },
};

static const char *const no_pods[] = {
	"",
	"a",
	"a_b",
	"a_b_",
	"a_b_c_" UID,
	"_b_" UID,
	"a__" UID,
	"a.a_b_" UID,
	"a_B_" UID,
	"a_b_" UID "0",
	"a_b_" MD5 "0",
	"a_b_" UID "-",
	"a_b_6c1b6a5e07d2f-4c3b-9a8e-0f1e2d3c4b5a",
	"a_b_6c1b6a5-e7d2f-4c3b-9a8e-0f1e2d3c4b5a",
	"a_b_6C1b6a5e-7d2f-4c3b-9a8e-0f1e2d3c4b5a",
	UID,
};

static bool eq(struct str s, const char *want)
{
	return str_eq(s, str_of(want));
}

static void names_of_containers(void **state)
{
	struct str pod, namespace, container, id;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(containers); i++) {
		if (!logs_container_name(str_of(containers[i].name), &pod, &namespace, &container,
					 &id) ||
		    !eq(pod, containers[i].pod) || !eq(namespace, containers[i].namespace) ||
		    !eq(container, containers[i].container) || !eq(id, A))
			fail_msg("%s", containers[i].name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(no_containers); i++) {
		if (logs_container_name(str_of(no_containers[i]), &pod, &namespace, &container,
					&id))
			fail_msg("%s", no_containers[i]);
	}
}

static void names_of_pods(void **state)
{
	struct str pod, namespace, uid;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++) {
		if (!logs_pod_name(str_of(pods[i].name), &namespace, &pod, &uid) ||
		    !eq(pod, pods[i].pod) || !eq(namespace, pods[i].namespace) ||
		    !eq(uid, pods[i].uid))
			fail_msg("%s", pods[i].name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(no_pods); i++) {
		if (logs_pod_name(str_of(no_pods[i]), &namespace, &pod, &uid))
			fail_msg("%s", no_pods[i]);
	}
}

static struct {
	unsigned pods, containers;
	char text[512];
} told;

static void on_pod(void *ctx, const struct pod *p)
{
	assert_ptr_equal(ctx, &told);
	assert_int_equal(p->source, NAME_FROM_LOGS);
	assert_int_equal(told.containers, 0); /* pods come first */
	told.pods++;
	snprintf(told.text, sizeof(told.text), "%.*s/%.*s %s", (int)p->namespace.n, p->namespace.p,
		 (int)p->name.n, p->name.p, p->uid);
}

static void on_container(void *ctx, const struct container *c)
{
	assert_ptr_equal(ctx, &told);
	assert_int_equal(c->source, NAME_FROM_LOGS);
	assert_string_equal(c->pod_uid, "");
	told.containers++;
	snprintf(told.text, sizeof(told.text), "%.*s/%.*s/%.*s %s", (int)c->pod_namespace.n,
		 c->pod_namespace.p, (int)c->pod_name.n, c->pod_name.p, (int)c->name.n, c->name.p,
		 c->id);
}

static int read_all(void)
{
	struct logs_config config = { roots.root, on_container, on_pod, &told };

	memset(&told, 0, sizeof(told));
	return logs_read(&config);
}

static void directories(void **state)
{
	char name[NODE_PATH_MAX];

	(void)state;
	assert_int_equal(read_all(), -ENOENT);
	node_dir("root/var/log/pods/shop_web_" UID);
	node_dir("root/var/log/pods/lost+found");
	assert_int_equal(read_all(), 1);
	assert_string_equal(told.text, "shop/web " UID);
	node_dir("root/var/log/containers");
	node_name(name, "root/var/log/containers/web_shop_nginx-" A ".log");
	assert_int_equal(symlink("/var/log/pods/gone/nginx/0.log", name), 0);
	node_file("root/var/log/containers/other.log", "");
	assert_int_equal(read_all(), 2);
	assert_int_equal(told.pods, 1);
	assert_int_equal(told.containers, 1);
	assert_string_equal(told.text, "shop/web/nginx " A);
}

/* One of the two is enough; neither is told by its errno. */
static void unreadable(void **state)
{
	char name[NODE_PATH_MAX];

	(void)state;
	node_file("root/var/log/pods", "no directory");
	assert_int_equal(read_all(), -ENOTDIR);
	node_dir("root/var/log/containers");
	assert_int_equal(read_all(), 0);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	roots.root = name;
	assert_int_equal(read_all(), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_containers),
		cmocka_unit_test(names_of_pods),
		NODE_TEST(directories),
		NODE_TEST(unreadable),
	};

	return cmocka_run_group_tests_name("ask_logs", tests, NULL, NULL);
}
