// SPDX-License-Identifier: Apache-2.0
/* links: src/ask/api_pod.c src/ask/api_json.c libs: yyjson */
/* ask/api_pod: pods as API servers write them (they are also the fuzzer's seeds), and as none does.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ask/api_pod.h"

static struct api_pod p;
static struct buf text;
static yyjson_doc *doc;

static void parse(const char *json)
{
	yyjson_doc_free(doc);
	buf_reset(&text);
	buf_cstr(&text, json);
	assert_int_equal(api_json_read(&text, &doc), 0);
}

static int read_text(const char *json)
{
	parse(json);
	return api_pod_read(&p, yyjson_doc_get_root(doc));
}

static int read_file(const char *name)
{
	static char json[65536];
	char path[128];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "tests/fuzz/corpus/api/%s.json", name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(json, 1, sizeof(json) - 1, f);
	json[n] = 0;
	fclose(f);
	return read_text(json);
}

static void assert_str(struct str s, const char *want)
{
	char got[2048];

	str_copy(got, sizeof(got), s);
	assert_string_equal(got, want);
}

static void assert_owner(enum workload_kind kind, const char *name, const char *uid)
{
	assert_int_equal(p.draft.owner[0].kind, kind);
	assert_str(p.draft.owner[0].name, name);
	assert_str(p.draft.owner[0].uid, uid);
	assert_int_equal(p.draft.owner[1].kind, WORKLOAD_NONE);
}

static struct str label(const char *key)
{
	for (size_t i = 0; i < p.draft.labels_n; i++) {
		if (str_eq(p.draft.labels[i].key, str_of(key)))
			return p.draft.labels[i].value;
	}
	return (struct str){ NULL, 0 };
}

/* n of c, in a buffer of its own. */
static const char *run(char c, size_t n)
{
	static char s[128];

	memset(s, c, n);
	s[n] = 0;
	return s;
}

static void assert_container(size_t i, char id, const char *name, const char *image, u32 restarts)
{
	const struct container *c = &p.containers[i];

	assert_true(i < p.containers_n);
	assert_int_equal(c->source, NAME_FROM_API);
	assert_false(c->sandbox);
	assert_string_equal(c->id, run(id, 64));
	assert_string_equal(c->pod_uid, p.draft.uid);
	assert_true(str_eq(c->pod_name, p.draft.name));
	assert_true(str_eq(c->pod_namespace, p.draft.namespace));
	assert_str(c->name, name);
	assert_str(c->image, image);
	assert_int_equal(c->restarts, restarts);
	assert_int_equal(c->created_ns, 0);
}

static void test_deployment(void **state)
{
	char image[256];

	(void)state;
	assert_int_equal(read_file("deployment"), 0);
	assert_int_equal(p.draft.source, NAME_FROM_API);
	assert_false(p.draft.cut);
	assert_false(p.draft.host_network);
	assert_string_equal(p.draft.uid, "3b1f0a52-9f1e-4a5c-8f53-1f1e2d3c4b5a");
	assert_string_equal(p.draft.api_uid, p.draft.uid);
	assert_str(p.draft.namespace, "shop");
	assert_str(p.draft.name, "checkout-7d9f8b6c5d-x2x4z");
	assert_str(p.draft.ip, "10.244.1.17");
	assert_str(p.draft.node, "node-1");
	assert_int_equal(p.draft.started_ns, 1795258559 * NSEC_PER_SEC);
	assert_int_equal(p.draft.labels_n, 3);
	assert_str(label("pod-template-hash"), "7d9f8b6c5d");
	/* Of four annotations, those of OpenTelemetry's prefix. */
	assert_int_equal(p.draft.annotations_n, 2);
	assert_str(p.draft.annotations[0].key, "resource.opentelemetry.io/service.name");
	assert_str(p.draft.annotations[0].value, "checkout");
	assert_owner(WORKLOAD_REPLICASET, "checkout-7d9f8b6c5d",
		     "0f0e9a1c-77e4-4c1c-9f2b-0a9a3d1f5e21");
	assert_int_equal(p.containers_n, 4);
	assert_int_equal(p.containers_bad, 0);
	assert_container(1, 'a', "web", "nginx:1.27", 3);
	assert_container(2, 'c', "init", "busybox", 0);
	assert_container(3, 'd', "debugger-x", "busybox:debug", 0);
	snprintf(image, sizeof(image), "registry.example/proxy@sha256:%s", run('1', 64));
	assert_container(0, 'b', "proxy", image, 0);
}

static void test_static(void **state)
{
	(void)state;
	assert_int_equal(read_file("static"), 0);
	assert_string_equal(p.draft.uid, "8d3c2b1a0f9e8d7c6b5a493827160f5e");
	assert_string_equal(p.draft.api_uid, "c0ffee00-0000-4000-8000-000000000001");
	assert_true(p.draft.host_network);
	assert_owner(WORKLOAD_NONE, "", "");
	assert_int_equal(p.containers_n, 1);
	assert_container(0, 'e', "kube-apiserver", "registry.k8s.io/kube-apiserver:v1.34.2", 0);
}

/* An annotation that anybody can write makes no pod another one. */
static void test_forged(void **state)
{
	char json[512];
	static const struct {
		const char *annotations, *uid;
	} cases[] = {
		{ "\"kubernetes.io/config.hash\":\"8d3c2b1a0f9e8d7c6b5a493827160f5e\"",
		  "8d3c2b1a0f9e8d7c6b5a493827160f5e" },
		{ "\"kubernetes.io/config.mirror\":\"3b1f0a52-9f1e-4a5c-8f53-1f1e2d3c4b5a\"",
		  "me" },
		{ "\"kubernetes.io/config.hash\":\"8d3c2b1a0f9e8d7c6b5a493827160f5e0\"", "me" },
		{ "\"kubernetes.io/config.hash\":\"8d3c2b1a0f9e8d7c6b5a493827160f5g\"", "me" },
		{ "\"kubernetes.io/config.hash\":\"../../../../../../../../../../etc\"", "me" },
		{ "\"kubernetes.io/config.hash\":{}", "me" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(json, sizeof(json),
			 "{\"metadata\":{\"uid\":\"me\",\"name\":\"n\",\"namespace\":\"s\","
			 "\"annotations\":{%s}}}",
			 cases[i].annotations);
		assert_int_equal(read_text(json), 0);
		assert_string_equal(p.draft.uid, cases[i].uid);
		assert_string_equal(p.draft.api_uid, "me");
	}
}

static void test_controllers(void **state)
{
	(void)state;
	assert_int_equal(read_file("statefulset"), 0);
	assert_owner(WORKLOAD_STATEFULSET, "db", "51515151-0000-4000-8000-000000000004");
	assert_int_equal(read_file("daemonset"), 0);
	assert_owner(WORKLOAD_DAEMONSET, "agent", "51515151-0000-4000-8000-000000000006");
	assert_true(p.draft.host_network);
	assert_container(0, '7', "app", "app:1", 0);
	assert_int_equal(read_file("cronjob"), 0);
	assert_owner(WORKLOAD_JOB, "backup-29389260", "51515151-0000-4000-8000-000000000008");
	assert_int_equal(read_file("labels"), 0);
	assert_owner(WORKLOAD_OTHER, "r2", "51515151-0000-4000-8000-00000000000b");
}

/* A kind counts with its group only, and only the one that controls. */
static void test_owner_kinds(void **state)
{
	static const struct {
		const char *version, *kind, *controller;
		enum workload_kind want;
	} cases[] = {
		{ "apps/v1", "ReplicaSet", "true", WORKLOAD_REPLICASET },
		{ "apps/v2", "ReplicaSet", "true", WORKLOAD_REPLICASET },
		{ "apps.example.org/v1", "ReplicaSet", "true", WORKLOAD_OTHER },
		{ "batch.volcano.sh/v1alpha1", "Job", "true", WORKLOAD_OTHER },
		{ "batch/v1", "Job", "true", WORKLOAD_JOB },
		{ "v1", "ReplicationController", "true", WORKLOAD_OTHER },
		{ "v1", "Node", "true", WORKLOAD_NONE },
		{ "apps/v1", "ReplicaSet", "false", WORKLOAD_NONE },
		{ "apps/v1", "ReplicaSet", "\"true\"", WORKLOAD_NONE },
	};
	char json[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(json, sizeof(json),
			 "{\"metadata\":{\"ownerReferences\":[{\"kind\":\"Other\",\"name\":\"x\"},"
			 "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"controller\":%s,\"name\":\"o\"}]"
			 "}}",
			 cases[i].version, cases[i].kind, cases[i].controller);
		parse(json);
		assert_int_equal(api_controller(yyjson_doc_get_root(doc)).kind, cases[i].want);
	}
}

static void test_not_yet(void **state)
{
	(void)state;
	assert_int_equal(read_file("pending"), 0);
	assert_int_equal(p.containers_n, 0);
	assert_int_equal(p.draft.started_ns, 0);
	assert_str(p.draft.ip, "");
	assert_owner(WORKLOAD_NONE, "", "");
	assert_int_equal(read_file("waiting"), 0);
	assert_int_equal(p.containers_n, 0);
	assert_int_equal(p.containers_bad, 0);
}

static void test_huge_labels(void **state)
{
	(void)state;
	assert_int_equal(read_file("labels"), 0);
	assert_int_equal(p.draft.labels_n, POD_LABELS_MAX);
	assert_true(p.draft.cut);
	assert_int_equal(p.draft.annotations_n, 3);
	/* pod_new cuts the values. */
	assert_int_equal(p.draft.annotations[2].value.n, 3000);
}

static void test_wrong_types(void **state)
{
	(void)state;
	assert_int_equal(read_file("wrong"), 0);
	assert_str(p.draft.name, "odd");
	assert_int_equal(p.draft.labels_n + p.draft.annotations_n, 0);
	assert_false(p.draft.host_network);
	assert_str(p.draft.node, "");
	assert_str(p.draft.ip, "");
	assert_int_equal(p.draft.started_ns, 0);
	assert_owner(WORKLOAD_NONE, "", "");
	/* Of nine statuses one is a container, four have no id at all, four an id or name that is
	 * none. */
	assert_int_equal(p.containers_n, 1);
	assert_int_equal(p.containers_bad, 4);
	assert_container(0, 'f', "d", "", 0);
}

static void test_missing(void **state)
{
	static const char *const cases[] = {
		"{}",
		"[]",
		"null",
		"\"pod\"",
		"7",
		"{\"metadata\":[]}",
		"{\"metadata\":{\"name\":\"n\",\"namespace\":\"s\"}}",
		"{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"}}",
		"{\"metadata\":{\"namespace\":\"s\",\"uid\":\"u\"}}",
		"{\"metadata\":{\"name\":\"n\",\"namespace\":\"s\",\"uid\":\"\"}}",
		"{\"metadata\":{\"name\":\"n\",\"namespace\":\"s\",\"uid\":\"a/b\"}}",
		"{\"metadata\":{\"name\":\"n\",\"namespace\":\"s\",\"uid\":\"\\u0000u\"}}",
		"{\"metadata\":{\"name\":\"\\u0000n\",\"namespace\":\"s\",\"uid\":\"u\"}}",
		/* one more than a UUID has */
		"{\"metadata\":{\"name\":\"n\",\"namespace\":\"s\","
		"\"uid\":\"3b1f0a52-9f1e-4a5c-8f53-1f1e2d3c4b5a0\"}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(read_text(cases[i]), -EBADMSG);
	assert_int_equal(
		read_text("{\"metadata\":{\"name\":\"n\",\"namespace\":\"s\",\"uid\":\"u\"}}"), 0);
}

/* More containers than anybody has: the first are kept, the others counted. */
static void test_many_containers(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1u << 20);
	buf_cstr(&b, "{\"metadata\":{\"name\":\"n\",\"namespace\":\"s\",\"uid\":\"u\"},"
		     "\"status\":{\"containerStatuses\":[");
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "%s{\"name\":\"c%d\",\"containerID\":\"x://%064x\"}", i ? "," : "",
			   i, i);
	buf_cstr(&b, "]}}");
	buf_char(&b, 0);
	assert_int_equal(read_text(b.p), 0);
	assert_int_equal(p.containers_n, API_CONTAINERS_MAX);
	assert_int_equal(p.containers_bad, 100 - API_CONTAINERS_MAX);
	assert_str(p.containers[63].name, "c63");
	buf_free(&b);
}

static void test_time(void **state)
{
	static const char *const wrong[] = {
		"",
		"2026-11-21",
		"2026-11-21T10:55:59",
		"2026-11-21T10:55:59+",
		"2026-11-21T10:55:5aZ",
		"2026-13-21T10:55:59Z",
		"2026-00-21T10:55:59Z",
		"2026-11-32T10:55:59Z",
		"2026-11-21T24:55:59Z",
		"2026-11-21T10:60:59Z",
		"1969-11-21T10:55:59Z",
		"9999-11-21T10:55:59Z",
		"2026-11-21 10:55:59Z",
		"2026-11-21T10:55:59z",
		"2026-11-21T10:55:59.1Z",
		"-026-11-21T10:55:59Z",
	};

	(void)state;
	assert_int_equal(api_time(STR("2026-11-21T10:55:59Z")), 1795258559 * NSEC_PER_SEC);
	assert_int_equal(api_time(STR("1970-01-01T00:00:01Z")), NSEC_PER_SEC);
	assert_int_equal(api_time(STR("2024-02-29T00:00:00Z")), 1709164800 * NSEC_PER_SEC);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(api_time(str_of(wrong[i])), 0);
}

/* What is no JSON, is cut, or wants more memory than there is for it. */
static void test_json(void **state)
{
	static const char *const wrong[] = {
		"", " ", "{", "{\"a\":1", "{\"a\":\"\xff\"}", "{}{}", "{\"a\":\"\\ud800\"}", "nul"
	};
	yyjson_doc *none = NULL;
	struct buf b;

	(void)state;
	buf_init(&b, 8u << 20);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		buf_reset(&b);
		buf_cstr(&b, wrong[i]);
		assert_int_equal(api_json_read(&b, &none), -EBADMSG);
	}
	/* A value for each two bytes. */
	buf_reset(&b);
	buf_char(&b, '[');
	while (b.n < 4u << 20)
		buf_cstr(&b, "0,");
	buf_cstr(&b, "0]");
	assert_int_equal(api_json_read(&b, &none), -EFBIG);
	/* Deep: it costs heap, not stack. */
	buf_reset(&b);
	for (int i = 0; i < 500000; i++)
		buf_char(&b, '[');
	for (int i = 0; i < 500000; i++)
		buf_char(&b, ']');
	assert_int_equal(api_json_read(&b, &none), 0);
	yyjson_doc_free(none);
	buf_free(&b);
	/* No room behind the text. */
	buf_init(&b, 3);
	buf_cstr(&b, "[0]");
	assert_int_equal(api_json_read(&b, &none), -EFBIG);
	buf_free(&b);
}

static int setup(void **state)
{
	(void)state;
	buf_init(&text, 1u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	yyjson_doc_free(doc);
	buf_free(&text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deployment),  cmocka_unit_test(test_static),
		cmocka_unit_test(test_forged),	    cmocka_unit_test(test_controllers),
		cmocka_unit_test(test_owner_kinds), cmocka_unit_test(test_not_yet),
		cmocka_unit_test(test_huge_labels), cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_missing),	    cmocka_unit_test(test_many_containers),
		cmocka_unit_test(test_time),	    cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
