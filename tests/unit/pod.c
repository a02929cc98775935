// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c */
/* Blocks of names: what is copied, cut and left out, who frees; owners told by names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pod.h"

static void same(struct str got, const char *want)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("\"%.*s\" is not \"%s\"", (int)got.n, got.p, want);
}

/* A view of memory that is gone when the test looks at the copy: the sanitizer tells. */
static struct str lent(char *room, size_t cap, const char *text)
{
	return (struct str){ room, str_copy(room, cap, str_of(text)) };
}

static void pod_copies(void **state)
{
	char room[8][64];
	struct label labels[] = {
		{ lent(room[0], 64, "app"), lent(room[1], 64, "web") },
		{ STR("empty"), STR("") },
	};
	struct label annotations[] = {
		{ STR("kubectl.kubernetes.io/last-applied-configuration"), STR("{secret}") },
		{ STR("resource.opentelemetry.io/service.name"), lent(room[2], 64, "shop") },
	};
	struct pod draft = {
		.source = NAME_FROM_API,
		.host_network = true,
		.uid = "d6f1d5a2c4b3e7f8091a2b3c4d5e6f70",
		.api_uid = "6c1b6a5e-7d2f-4c3b-9a8e-0f1e2d3c4b5a",
		.namespace = lent(room[3], 64, "production"),
		.name = lent(room[4], 64, "web-0"),
		.ip = lent(room[5], 64, "10.0.0.7"),
		.started_ns = 17,
		.labels = labels,
		.labels_n = 2,
		.annotations = annotations,
		.annotations_n = 2,
		.owner = { { WORKLOAD_STATEFULSET, lent(room[6], 64, "web"),
			     lent(room[7], 64, "u-1") } },
	};
	struct pod *p = pod_new(&draft);

	(void)state;
	assert_non_null(p);
	memset(room, 'x', sizeof(room));
	memset(labels, 0, sizeof(labels));
	assert_int_equal(p->refs, 1);
	assert_int_equal(p->source, NAME_FROM_API);
	assert_true(p->host_network && !p->cut && p->started_ns == 17);
	assert_string_equal(p->uid, "d6f1d5a2c4b3e7f8091a2b3c4d5e6f70");
	assert_string_equal(p->api_uid, "6c1b6a5e-7d2f-4c3b-9a8e-0f1e2d3c4b5a");
	same(p->namespace, "production");
	same(p->name, "web-0");
	same(p->ip, "10.0.0.7");
	same(p->node, "");
	assert_non_null(p->node.p); /* a view that every function of libc takes */
	assert_int_equal(p->labels_n, 2);
	same(label_get(p->labels, p->labels_n, STR("app")), "web");
	same(label_get(p->labels, p->labels_n, STR("empty")), "");
	assert_non_null(label_get(p->labels, p->labels_n, STR("empty")).p);
	assert_null(label_get(p->labels, p->labels_n, STR("ap")).p);
	assert_null(label_get(NULL, 0, STR("app")).p);
	assert_int_equal(p->annotations_n, 1); /* and no last-applied-configuration */
	same(p->annotations[0].value, "shop");
	assert_int_equal(p->owner[0].kind, WORKLOAD_STATEFULSET);
	same(p->owner[0].name, "web");
	same(p->owner[0].uid, "u-1");
	assert_int_equal(p->owner[1].kind, WORKLOAD_NONE);
	assert_true(pod_bytes(p) > sizeof(*p) && pod_bytes(p) < sizeof(*p) + 400);
	pod_unref(p);
}

static void container_copies(void **state)
{
	char room[5][64];
	struct container draft = {
		.source = NAME_FROM_CRI,
		.sandbox = true,
		.pod_uid = "u",
		.pod_namespace = lent(room[0], 64, "ns"),
		.pod_name = lent(room[1], 64, "pod"),
		.name = lent(room[2], 64, "app"),
		.image = lent(room[3], 64, "nginx:1.27"),
		.image_id = lent(room[4], 64, "sha256:1"),
		.restarts = 3,
		.created_ns = 5,
	};
	struct container *c;

	(void)state;
	memset(draft.id, 'a', sizeof(draft.id)); /* not terminated */
	c = container_new(&draft);
	assert_non_null(c);
	memset(room, 'x', sizeof(room));
	assert_int_equal(strlen(c->id), WHO_ID_MAX - 1);
	assert_true(c->refs == 1 && c->source == NAME_FROM_CRI && c->sandbox && !c->cut);
	assert_true(c->restarts == 3 && c->created_ns == 5);
	assert_string_equal(c->pod_uid, "u");
	same(c->pod_namespace, "ns");
	same(c->pod_name, "pod");
	same(c->name, "app");
	same(c->image, "nginx:1.27");
	same(c->image_id, "sha256:1");
	assert_true(container_bytes(c) >= sizeof(*c) + 26);
	container_unref(c);
}

static void limits(void **state)
{
	static char text[2 * POD_ANNOTATION_VALUE_MAX];
	static char keys[POD_LABELS_MAX + 1][8];
	struct label many[POD_LABELS_MAX + 1];
	struct label one = { { text, POD_LABEL_BYTES_MAX }, { text, POD_LABEL_BYTES_MAX } };
	struct label note = { STR("resource.opentelemetry.io/x"),
			      { text, POD_ANNOTATION_VALUE_MAX } };
	struct pod draft = { .name = { text, POD_NAME_MAX }, .labels = &one, .labels_n = 1,
			     .annotations = &note, .annotations_n = 1 };
	struct container box = { .image = { text, CONTAINER_IMAGE_MAX } };
	struct container *c;
	struct pod *p;

	(void)state;
	memset(text, 'n', sizeof(text));
	p = pod_new(&draft);
	assert_true(!p->cut && p->name.n == POD_NAME_MAX); /* exactly the limit is fine */
	assert_true(p->labels[0].key.n == POD_LABEL_BYTES_MAX);
	assert_true(p->annotations[0].value.n == POD_ANNOTATION_VALUE_MAX);
	pod_unref(p);
	draft.name.n++;
	p = pod_new(&draft);
	assert_true(p->cut && p->name.n == POD_NAME_MAX);
	pod_unref(p);
	draft.name.n--;
	one.value.n++;
	p = pod_new(&draft);
	assert_true(p->cut && p->labels[0].value.n == POD_LABEL_BYTES_MAX);
	pod_unref(p);
	one.value.n--;
	one.key.n++; /* another key, were it cut */
	p = pod_new(&draft);
	assert_true(p->cut && p->labels_n == 0);
	pod_unref(p);
	draft.labels_n = 0;
	note.value.n++;
	p = pod_new(&draft);
	assert_true(p->cut && p->annotations[0].value.n == POD_ANNOTATION_VALUE_MAX);
	pod_unref(p);

	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		keys[i][0] = 'k';
		keys[i][1] = (char)('0' + i);
		many[i] = (struct label){ str_of(keys[i]), STR("v") };
	}
	draft = (struct pod){ .labels = many, .labels_n = POD_LABELS_MAX };
	p = pod_new(&draft);
	assert_true(!p->cut && p->labels_n == POD_LABELS_MAX);
	pod_unref(p);
	draft.labels_n++;
	p = pod_new(&draft);
	assert_true(p->cut && p->labels_n == POD_LABELS_MAX);
	pod_unref(p);

	c = container_new(&box);
	assert_true(!c->cut && c->image.n == CONTAINER_IMAGE_MAX);
	container_unref(c);
	box.image.n++;
	c = container_new(&box);
	assert_true(c->cut && c->image.n == CONTAINER_IMAGE_MAX);
	container_unref(c);
}

static void foreign_bytes(void **state)
{
	struct label labels[] = { { STR("a\0b"), STR("c\0d") }, { STR("\0x"), STR("y") } };
	struct pod draft = { .name = STR("we\0b"), .ip = STR("\xff\n"), .labels = labels,
			     .labels_n = 2 };
	struct pod *p = pod_new(&draft);

	(void)state;
	same(p->name, "we");
	same(p->ip, "\xff\n");
	assert_int_equal(p->labels_n, 1); /* a label without a key is none */
	same(p->labels[0].key, "a");
	same(p->labels[0].value, "c");
	assert_false(p->cut);
	pod_unref(p);
}

static void references(void **state)
{
	struct container *c = container_new(&(struct container){ .refs = 7 });
	struct pod *p = pod_new(&(struct pod){ .refs = 7 });

	(void)state;
	assert_ptr_equal(pod_ref(p), p);
	pod_unref(p);
	assert_int_equal(p->refs, 1);
	pod_unref(p); /* the sanitizer tells whether that was the last */
	assert_ptr_equal(container_ref(c), c);
	container_unref(c);
	assert_int_equal(c->refs, 1);
	container_unref(c);
	assert_null(pod_ref(NULL));
	assert_null(container_ref(NULL));
	pod_unref(NULL);
	container_unref(NULL);
}

/* ---- owners ------------------------------------------------------------------------------- */

#define HASH   "pod-template-hash"
#define WHOLE  "statefulset.kubernetes.io/pod-name"
#define INDEX  "apps.kubernetes.io/pod-index"
#define REV    "controller-revision-hash"
#define GEN    "pod-template-generation"
#define JOB    "batch.kubernetes.io/job-name"
#define N50    "n2345678901234567890123456789012345678901234567890"
#define MAKES(kind, name) { WORKLOAD_##kind, name }, { WORKLOAD_NONE, "" }
#define NOTHING { WORKLOAD_NONE, "" }, { WORKLOAD_NONE, "" }

static const struct {
	const char *pod, *labels[4]; /* key, value, key, value */
	struct {
		enum workload_kind kind;
		const char *name;
	} owner, above;
} pods[] = {
	{ "web-7d9c6b8f5d-x2kq8", { HASH, "7d9c6b8f5d" }, { WORKLOAD_REPLICASET, "web-7d9c6b8f5d" },
	  { WORKLOAD_DEPLOYMENT, "web" } },
	{ "a-b-c-5-bcdfg", { HASH, "5" }, { WORKLOAD_REPLICASET, "a-b-c-5" },
	  { WORKLOAD_DEPLOYMENT, "a-b-c" } },
	{ "coredns-76f75df574-6xkqv", { "k8s-app", "kube-dns", HASH, "76f75df574" },
	  { WORKLOAD_REPLICASET, "coredns-76f75df574" }, { WORKLOAD_DEPLOYMENT, "coredns" } },
	/* 47 of a name, "-", 9 of a hash, "-": 58 are not cut; the same one longer is */
	{ "n234567890123456789012345678901234567890123456-7d9c6b8f5-x2kq8", { HASH, "7d9c6b8f5" },
	  { WORKLOAD_REPLICASET, "n234567890123456789012345678901234567890123456-7d9c6b8f5" },
	  { WORKLOAD_DEPLOYMENT, "n234567890123456789012345678901234567890123456" } },
	{ N50 "-7d9c6b8x2kq8", { HASH, "7d9c6b8f5d" }, NOTHING },
	{ N50 "12345678901-5-x2kq8", { HASH, "5" }, NOTHING }, /* longer than any generated */
	{ "web-7d9c6b8f5d-x2kq8", { NULL }, NOTHING },
	{ "web-7d9c6b8f5d-x2kq8", { HASH, "7d9c6b8f5" }, NOTHING },
	{ "web-7d9c6b8f5d-x2kq8", { HASH, "9c6b8f5d" }, NOTHING },
	{ "web-7d9c6b8f5d-x2kqa", { HASH, "7d9c6b8f5d" }, NOTHING }, /* no vowels */
	{ "web-7d9c6b8f5d-x2kq", { HASH, "7d9c6b8f5d" }, NOTHING },
	{ "web-7d9c6b8f5d-x2kq88", { HASH, "7d9c6b8f5d" }, NOTHING },
	{ "web-7d9c6b8f5dx2kq8", { HASH, "7d9c6b8f5d" }, NOTHING },
	{ "7d9c6b8f5d-x2kq8", { HASH, "7d9c6b8f5d" }, NOTHING },
	{ "-7d9c6b8f5d-x2kq8", { HASH, "7d9c6b8f5d" }, NOTHING },
	{ "web-canary-x2kq8", { HASH, "canary" }, NOTHING }, /* somebody's own label */
	{ "web--x2kq8", { HASH, "" }, NOTHING },
	{ "x2kq8", { HASH, "5" }, NOTHING },
	{ "", { HASH, "5" }, NOTHING },

	{ "db-0", { WHOLE, "db-0", INDEX, "0" }, MAKES(STATEFULSET, "db") },
	{ "my-db-2-117", { WHOLE, "my-db-2-117" }, MAKES(STATEFULSET, "my-db-2") },
	{ "db-4", { INDEX, "4" }, MAKES(STATEFULSET, "db") },
	{ "db-0", { WHOLE, "db-0", REV, "db-7d9c6b8f5d" }, MAKES(STATEFULSET, "db") },
	{ "db-0", { WHOLE, "db-1" }, NOTHING },
	{ "db-0", { WHOLE, "db-0", INDEX, "1" }, NOTHING },
	{ "db-10", { INDEX, "0" }, NOTHING },
	{ "db0", { WHOLE, "db0" }, NOTHING },
	{ "db-", { WHOLE, "db-" }, NOTHING },
	{ "-0", { WHOLE, "-0" }, NOTHING },
	{ "0", { WHOLE, "0" }, NOTHING },
	{ "db-0", { NULL }, NOTHING },

	{ "kube-proxy-x2kq8", { REV, "6d4cf56db6", GEN, "1" }, MAKES(DAEMONSET, "kube-proxy") },
	{ N50 "123456-x2kq8", { REV, "6d4cf56db6", GEN, "12" }, MAKES(DAEMONSET, N50 "123456") },
	{ N50 "1234567-x2kq8", { REV, "6d4cf56db6", GEN, "12" }, NOTHING }, /* cut at a dash? */
	{ N50 "12345678x2kq8", { REV, "6d4cf56db6", GEN, "12" }, NOTHING },
	{ "clone-x2kq8", { REV, "6d4cf56db6" }, NOTHING }, /* OpenKruise's CloneSet */
	{ "db-bcdfg", { REV, "db-7d9c6b8f5d", GEN, "1" }, NOTHING },
	{ "kube-proxy-x2kq8", { REV, "6d4cf56db6", GEN, "x" }, NOTHING },
	{ "kube-proxy-x2kqa", { REV, "6d4cf56db6", GEN, "1" }, NOTHING },
	{ "kube-proxy", { REV, "6d4cf56db6", GEN, "1" }, NOTHING },
	{ "-x2kq8", { REV, "6d4cf56db6", GEN, "1" }, NOTHING },

	{ "backup-x2kq8", { JOB, "backup" }, MAKES(JOB, "backup") },
	{ "backup-x2kq8", { "job-name", "backup" }, MAKES(JOB, "backup") },
	{ "backup-28000000-x2kq8", { JOB, "backup-28000000" }, MAKES(JOB, "backup-28000000") },
	{ "sum-3-x2kq8", { JOB, "sum" }, MAKES(JOB, "sum") },
	{ N50 "12345678x2kq8", { JOB, N50 "1234567890" }, MAKES(JOB, N50 "1234567890") },
	{ N50 "12345678x2kq8", { JOB, N50 "12345678" }, MAKES(JOB, N50 "12345678") },
	{ N50 "1234567-x2kq8", { JOB, N50 "1234567" }, MAKES(JOB, N50 "1234567") },
	{ N50 "12345678x2kq8", { JOB, N50 "1234567x90" }, NOTHING },
	{ N50 "1234567x2kq8", { JOB, N50 "1234567890" }, NOTHING }, /* not cut there */
	{ "train-worker-0", { "job-name", "train" }, NOTHING }, /* another operator's label */
	{ "train-x-x2kq8", { JOB, "train" }, NOTHING },
	{ "train--x2kq8", { JOB, "train" }, NOTHING },
	{ "trainx2kq8", { JOB, "train" }, NOTHING },
	{ "backup-x2kq8", { JOB, "other" }, NOTHING },
	{ "backup", { JOB, "backup" }, NOTHING },
	{ "kube-apiserver-node1", { "component", "kube-apiserver" }, NOTHING },
};

static void owners(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++) {
		struct label labels[2];
		struct pod draft = { .name = str_of(pods[i].pod), .labels = labels };

		for (; draft.labels_n < 2 && pods[i].labels[2 * draft.labels_n]; draft.labels_n++)
			labels[draft.labels_n] =
				(struct label){ str_of(pods[i].labels[2 * draft.labels_n]),
						str_of(pods[i].labels[2 * draft.labels_n + 1]) };
		pod_derive_owner(&draft);
		if (draft.owner[0].kind != pods[i].owner.kind ||
		    draft.owner[1].kind != pods[i].above.kind ||
		    !str_eq(draft.owner[0].name, str_of(pods[i].owner.name)) ||
		    !str_eq(draft.owner[1].name, str_of(pods[i].above.name)))
			fail_msg("%zu: %s: %s %.*s, %s %.*s", i, pods[i].pod,
				 workload_kind_name(draft.owner[0].kind),
				 (int)draft.owner[0].name.n, draft.owner[0].name.p,
				 workload_kind_name(draft.owner[1].kind),
				 (int)draft.owner[1].name.n, draft.owner[1].name.p);
	}
}

/* What the API server said is not replaced by a guess. */
static void known_owner(void **state)
{
	struct label label = { STR("pod-template-hash"), STR("5") };
	struct pod draft = { .name = STR("web-5-bcdfg"), .labels = &label, .labels_n = 1,
			     .owner = { { .kind = WORKLOAD_OTHER, .name = STR("rollout") } } };

	(void)state;
	pod_derive_owner(&draft);
	assert_int_equal(draft.owner[0].kind, WORKLOAD_OTHER);
	same(draft.owner[0].name, "rollout");
	assert_int_equal(draft.owner[1].kind, WORKLOAD_NONE);
	draft.owner[0].kind = WORKLOAD_NONE;
	pod_derive_owner(&draft);
	assert_int_equal(draft.owner[1].kind, WORKLOAD_DEPLOYMENT);
}

static void kind_names(void **state)
{
	(void)state;
	assert_string_equal(workload_kind_name(WORKLOAD_NONE), "");
	assert_string_equal(workload_kind_name(WORKLOAD_OTHER), "");
	assert_string_equal(workload_kind_name(WORKLOAD_DEPLOYMENT), "deployment");
	assert_string_equal(workload_kind_name(WORKLOAD_REPLICASET), "replicaset");
	assert_string_equal(workload_kind_name(WORKLOAD_STATEFULSET), "statefulset");
	assert_string_equal(workload_kind_name(WORKLOAD_DAEMONSET), "daemonset");
	assert_string_equal(workload_kind_name(WORKLOAD_CRONJOB), "cronjob");
	assert_string_equal(workload_kind_name(WORKLOAD_JOB), "job");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pod_copies),	 cmocka_unit_test(container_copies),
		cmocka_unit_test(limits),	 cmocka_unit_test(foreign_bytes),
		cmocka_unit_test(references),	 cmocka_unit_test(owners),
		cmocka_unit_test(known_owner),	 cmocka_unit_test(kind_names),
	};

	return cmocka_run_group_tests_name("pod", tests, NULL, NULL);
}
