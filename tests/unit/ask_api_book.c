// SPDX-License-Identifier: Apache-2.0
/* links: src/ask/api_[bjop]*.c src/pod.c libs: yyjson */
/* ask/api_book, api_owner: who is told when, with which owners; who is told as gone. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ask/api_book.h"

#define RS_UID	"0f0e9a1c-77e4-4c1c-9f2b-0a9a3d1f5e21"
#define JOB_UID "51515151-0000-4000-8000-000000000008"

static struct loop *loop;
static struct api_book *book;
static struct buf said; /* a line for each call */
static struct loop_timer *timer;

static void on_pod(void *ctx, const struct pod *p)
{
	assert_ptr_equal(ctx, &said);
	buf_printf(&said, "pod %.*s", (int)p->name.n, p->name.p);
	for (int i = 0; i < 2 && p->owner[i].name.n; i++)
		buf_printf(&said, " %s/%.*s%s", workload_kind_name(p->owner[i].kind),
			   (int)p->owner[i].name.n, p->owner[i].name.p,
			   p->owner[i].uid.n ? "+" : "");
	buf_char(&said, '\n');
}

static void on_gone(void *ctx, struct str uid)
{
	(void)ctx;
	buf_printf(&said, "gone %.*s\n", (int)uid.n, uid.p);
}

static void on_container(void *ctx, const struct container *c)
{
	(void)ctx;
	buf_printf(&said, "container %.*s\n", (int)c->name.n, c->name.p);
}

static void assert_said(const char *want)
{
	buf_char(&said, 0);
	assert_string_equal(said.p, want);
	buf_reset(&said);
}

/* A pod that owner made, if that has a name. */
static struct api_pod *make(const char *uid, const char *name, enum workload_kind kind,
			    const char *owner, const char *owner_uid)
{
	static struct api_pod p;

	p = (struct api_pod){
		.draft = { .source = NAME_FROM_API,
			   .namespace = STR("shop"),
			   .name = str_of(name),
			   .owner[0] = { kind, str_of(owner), str_of(owner_uid) },
			   .labels = p.labels,
			   .annotations = p.annotations },
	};
	str_copy(p.draft.uid, sizeof(p.draft.uid), str_of(uid));
	return &p;
}

static struct api_pod *of_replicaset(const char *uid, const char *name)
{
	struct api_pod *p = make(uid, name, WORKLOAD_REPLICASET, "web-7d9f8b6c5d", RS_UID);

	p->labels[0] = (struct label){ STR("pod-template-hash"), STR("7d9f8b6c5d") };
	p->draft.labels_n = 1;
	return p;
}

static void on_stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop, 0);
}

static void wait_ms(u64 ms)
{
	loop_arm(timer, ms * NSEC_PER_MSEC, 0);
	assert_int_equal(loop_run(loop), 0);
}

static const char *question(void)
{
	static char path[API_OWNER_PATH_MAX];

	return api_owners_next(api_book_owners(book), path) ? path : NULL;
}

static void give(const char *json)
{
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);

	assert_non_null(doc);
	api_owners_answer(api_book_owners(book), yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
	api_book_answered(book);
}

static void give_owner(const char *uid, const char *version, const char *kind, const char *name)
{
	char json[512];

	snprintf(json, sizeof(json),
		 "{\"metadata\":{\"uid\":\"%s\",\"ownerReferences\":[{\"apiVersion\":\"%s\","
		 "\"kind\":\"%s\",\"name\":\"%s\",\"uid\":\"parent\",\"controller\":true}]}}",
		 uid, version, kind, name);
	give(json);
}

/* Whose owner needs no asking is told at once, its containers with it. */
static void test_at_once(void **state)
{
	struct api_pod *p = make("u1", "db-0", WORKLOAD_STATEFULSET, "db", "x");

	(void)state;
	p->containers[0].name = STR("c");
	p->containers_n = 1;
	api_book_pod(book, p);
	api_book_pod(book, make("u2", "alone", WORKLOAD_NONE, "", ""));
	api_book_pod(book, make("u3", "other", WORKLOAD_OTHER, "robot", "y"));
	assert_null(question());
	assert_said("pod db-0 statefulset/db+\ncontainer c\npod alone\npod other /robot+\n");
	assert_int_equal(api_book_len(book), 3);
}

/* Many pods of one owner: one question, and each is told once, whole. */
static void test_owner(void **state)
{
	(void)state;
	api_book_pod(book, of_replicaset("u1", "a"));
	api_book_pod(book, of_replicaset("u2", "b"));
	assert_said("");
	assert_string_equal(question(), "/apis/apps/v1/namespaces/shop/replicasets/web-7d9f8b6c5d");
	give_owner(RS_UID, "apps/v1", "Deployment", "web");
	assert_said("pod a replicaset/web-7d9f8b6c5d+ deployment/web+\n"
		    "pod b replicaset/web-7d9f8b6c5d+ deployment/web+\n");
	assert_null(question());
	api_book_pod(book, of_replicaset("u3", "c"));
	assert_said("pod c replicaset/web-7d9f8b6c5d+ deployment/web+\n");
	/* A job's is a cronjob. */
	api_book_pod(book, make("u4", "d", WORKLOAD_JOB, "backup-29389260", JOB_UID));
	assert_string_equal(question(), "/apis/batch/v1/namespaces/shop/jobs/backup-29389260");
	give_owner(JOB_UID, "batch/v1", "CronJob", "backup");
	assert_said("pod d job/backup-29389260+ cronjob/backup+\n");
	assert_null(question());
}

/* Nobody made it: that is an answer too. Something unusual made it: so be it. */
static void test_no_owner(void **state)
{
	(void)state;
	api_book_pod(book, make("u1", "a", WORKLOAD_JOB, "by-hand", JOB_UID));
	assert_non_null(question());
	give("{\"metadata\":{\"uid\":\"" JOB_UID "\"}}");
	assert_said("pod a job/by-hand+\n");
	assert_null(question());
	api_book_pod(book, of_replicaset("u2", "b"));
	assert_non_null(question());
	give_owner(RS_UID, "argoproj.io/v1alpha1", "Rollout", "canary");
	assert_said("pod b replicaset/web-7d9f8b6c5d+ /canary+\n");
}

/* Forbidden: names tell the deployment, nothing tells the cronjob. It is not asked for again. */
static void test_denied(void **state)
{
	(void)state;
	api_book_pod(book, of_replicaset("u1", "a"));
	assert_non_null(question());
	api_owners_deny(api_book_owners(book), loop_now(loop));
	api_book_answered(book);
	assert_said("pod a replicaset/web-7d9f8b6c5d+ deployment/web\n");
	api_book_pod(book, make("u2", "b", WORKLOAD_JOB, "backup-29389260", JOB_UID));
	assert_non_null(question());
	api_owners_deny(api_book_owners(book), loop_now(loop));
	api_book_answered(book);
	assert_said("pod b job/backup-29389260+\n");
	api_book_pod(book, of_replicaset("u3", "c"));
	assert_said("pod c replicaset/web-7d9f8b6c5d+ deployment/web\n");
	assert_null(question());
}

/* Another of the same name: its owner is not this one's. */
static void test_another_uid(void **state)
{
	(void)state;
	api_book_pod(book, of_replicaset("u1", "a"));
	assert_non_null(question());
	give_owner("another", "apps/v1", "Deployment", "wrong");
	assert_said("pod a replicaset/web-7d9f8b6c5d+ deployment/web\n");
	assert_null(question());
}

/* An answer that does not come: told after two seconds, and once more when it does. */
static void test_late(void **state)
{
	(void)state;
	api_book_pod(book, of_replicaset("u1", "a"));
	api_book_pod(book, make("u2", "b", WORKLOAD_JOB, "backup", JOB_UID));
	wait_ms(1000);
	assert_said("");
	/* Newer news of it does not make it wait longer. */
	api_book_pod(book, of_replicaset("u1", "a2"));
	wait_ms(1200);
	assert_said("pod b job/backup+\npod a2 replicaset/web-7d9f8b6c5d+ deployment/web\n");
	wait_ms(2200);
	assert_said("");
	api_book_pod(book, of_replicaset("u1", "a3"));
	assert_said("pod a3 replicaset/web-7d9f8b6c5d+ deployment/web\n");
	/* What was asked about last waits longest. */
	assert_string_equal(question(), "/apis/batch/v1/namespaces/shop/jobs/backup");
	give_owner(JOB_UID, "batch/v1", "CronJob", "nightly");
	assert_said("pod b job/backup+ cronjob/nightly+\n");
	assert_non_null(question());
	give_owner(RS_UID, "apps/v1", "Deployment", "real");
	assert_said("pod a3 replicaset/web-7d9f8b6c5d+ deployment/real+\n");
}

/* A name or uid that could lead elsewhere is not asked for. */
static void test_hostile_names(void **state)
{
	static const char *const names[] = { "../../nodes", "a/b", "a?b",  "A", "a b",
					     "a%2f",	    ".a",  "a..b", "",	"a\nb" };
	struct api_pod *p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		p = make("u1", "a", WORKLOAD_JOB, names[i], JOB_UID);
		api_book_pod(book, p);
		assert_null(question());
		p = make("u1", "a", WORKLOAD_JOB, "good", JOB_UID);
		p->draft.namespace = str_of(names[i]);
		api_book_pod(book, p);
		assert_null(question());
	}
	api_book_pod(book, make("u1", "a", WORKLOAD_JOB, "good", "not/a/uid"));
	assert_null(question());
	buf_reset(&said);
	/* The control: the same without the malice is asked for. */
	api_book_pod(book, make("u1", "a", WORKLOAD_JOB, "good.one-2", JOB_UID));
	assert_non_null(question());
}

/* A hash that is not the name's end proves nothing. */
static void test_derived(void **state)
{
	static const struct {
		const char *name, *hash, *want;
	} cases[] = {
		{ "web-7d9f", "7d9f", "web" },	  { "web-7d9f", "d9f", NULL },
		{ "web-7d9f", "", NULL },	  { "7d9f", "7d9f", NULL },
		{ "-7d9f", "7d9f", NULL },	  { "a-b-7d9f", "7d9f", "a-b" },
		{ "web-7d9f", "web-7d9f", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char uid[16];
		struct api_pod *p;

		snprintf(uid, sizeof(uid), "owner-%zu", i);
		p = make("u1", "a", WORKLOAD_REPLICASET, cases[i].name, uid);
		p->labels[0] = (struct label){ STR("pod-template-hash"), str_of(cases[i].hash) };
		p->draft.labels_n = 1;
		assert_false(api_owners_fill(api_book_owners(book), &p->draft, 0));
		assert_int_equal(p->draft.owner[1].kind,
				 cases[i].want ? WORKLOAD_DEPLOYMENT : WORKLOAD_NONE);
		assert_true(str_eq(p->draft.owner[1].name, str_of(cases[i].want)));
	}
}

static void test_gone(void **state)
{
	(void)state;
	api_book_begin(book);
	api_book_pod(book, make("u1", "a", WORKLOAD_NONE, "", ""));
	api_book_pod(book, make("u2", "b", WORKLOAD_NONE, "", ""));
	api_book_pod(book, make("u3", "c", WORKLOAD_NONE, "", ""));
	api_book_end(book);
	assert_said("pod a\npod b\npod c\n");
	api_book_gone(book, "u2");
	assert_said("gone u2\n");
	api_book_gone(book, "u2");
	api_book_gone(book, "never");
	assert_said("");
	/* A list that breaks off takes nothing away; the next one does. */
	api_book_begin(book);
	api_book_begin(book);
	api_book_pod(book, make("u3", "c", WORKLOAD_NONE, "", ""));
	api_book_end(book);
	assert_said("pod c\ngone u1\n");
	assert_int_equal(api_book_len(book), 1);
	/* It went before its owner was known: it had a name all the same. */
	api_book_pod(book, of_replicaset("u4", "d"));
	api_book_gone(book, "u4");
	assert_said("pod d replicaset/web-7d9f8b6c5d+ deployment/web\ngone u4\n");
}

static void test_bounds(void **state)
{
	char uid[32], owner[37];
	size_t first;

	(void)state;
	for (unsigned i = 0; i < API_PODS_MAX; i++) {
		snprintf(uid, sizeof(uid), "u%u", i);
		snprintf(owner, sizeof(owner), "o%u", i);
		api_book_pod(book, make(uid, "a", WORKLOAD_JOB, "j", owner));
	}
	assert_said("");
	first = api_book_bytes(book);
	assert_int_equal(api_book_evicted(book), 0);
	api_book_pod(book, make("one-more", "b", WORKLOAD_JOB, "j", "one-more"));
	assert_said("pod a job/j+\ngone u0\n");
	assert_int_equal(api_book_evicted(book), 1);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(uid, sizeof(uid), "v%u", i);
		snprintf(owner, sizeof(owner), "p%u", i);
		api_book_pod(book, make(uid, "a", WORKLOAD_JOB, "j", owner));
		buf_reset(&said);
	}
	assert_int_equal(api_book_len(book), API_PODS_MAX);
	assert_true(api_book_bytes(book) <= first + 4 * API_PODS_MAX);
	/* Each of those kept gets its answer; one question is of the pod that went last. */
	for (first = 0; question(); first++)
		give("{}");
	assert_int_equal(first, API_PODS_MAX + 1);
	assert_int_equal(said.n, API_PODS_MAX * strlen("pod a job/j+\n"));
	buf_reset(&said);
}

static int setup(void **state)
{
	struct api_config cfg = {
		.pod = on_pod, .pod_gone = on_gone, .container = on_container, .ctx = &said
	};

	(void)state;
	loop = loop_new();
	timer = loop_timer_new(loop, on_stop, NULL);
	buf_init(&said, 1u << 20);
	return api_book_new(&book, loop, &cfg);
}

static int teardown(void **state)
{
	(void)state;
	buf_reset(&said);
	api_book_free(book);
	assert_said(""); /* the end of the program is no end of pods */
	loop_timer_free(timer);
	loop_free(loop);
	buf_free(&said);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_at_once),	  TEST(test_owner),	  TEST(test_no_owner),
		TEST(test_denied),	  TEST(test_another_uid), TEST(test_late),
		TEST(test_hostile_names), TEST(test_derived),	  TEST(test_gone),
		TEST(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
