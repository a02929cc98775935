// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c src/ask/ar*.c src/ask/?r*_[ak]*.c libs: cri-proto curl protobuf-c yyjson */
/* What real runtimes answered (tests/cri/record.py), read: one pod with a running container and one
 * that ended, and the life of a third. Every name, to the byte, and nothing of the environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask/cri_answer.h"

#define FIXTURES "tests/cri/fixtures"
#define UID	 "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#define UID_SNAKE "0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9"
#define POD	 "425c89ed5bb78a7623fae60fd8a6f648488168740fe82cf6ad34caa4d07aa972"
#define WEB	 "4b5e57f6eb2f42b9039b3d1e13929295f231749c510cbe341cd68036d9af97e2"
#define INIT	 "bb54068aea85faa7e487530083366be9962390af822e4c71ef1aca7033c83e66"
#define BRIEF	 "29a8825bd242f14386ee528d76e0e8f1e38f3c8c4047d7b2d6df7493368a17d0"
#define DIGEST	 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define TIME	 1767225600000000000u /* 2026-01-01 */
#define SECRET	 "not-for-anybody"

static const struct runtime {
	const char *folder, *name, *version;
	const char *driver; /* NULL: it is not asked */
	const char *image, *image_id;
	const char *cgroup;
	bool status_is_news; /* its list says less than the pod's status */
	bool events;
} runtimes[] = {
	{ "containerd-1.6", "containerd", "1.6.20~ds1", NULL, "localhost/busybox:1", DIGEST,
	  "/kubepods/burstable/pod" UID "/" WEB, true, false },
	{ "containerd-1.7", "containerd", "1.7.24~ds1", NULL, "localhost/busybox:1", DIGEST,
	  "/kubepods/burstable/pod" UID "/" WEB, true, true },
	{ "containerd-2.1", "containerd", "2.1.9+unknown", "cgroupfs", "localhost/busybox:1",
	  DIGEST, "/kubepods/burstable/pod" UID "/" WEB, true, true },
	{ "crio-1.31", "cri-o", "1.31.3", "systemd", "registry.example/shop/cart:1",
	  "registry.example/shop/cart:1@" DIGEST,
	  "kubepods-burstable-pod" UID_SNAKE ".slice:crio:" WEB, false, true },
};

#define TOLD_MAX 8
static struct container *containers[TOLD_MAX];
static struct pod *pods[TOLD_MAX];
static size_t containers_n, pods_n, gone_n, pods_gone_n;
static char gone[WHO_ID_MAX];
static struct cri_status status;
static struct cri_known known;

static void on_container(void *ctx, const struct container *draft)
{
	(void)ctx;
	assert_true(containers_n < TOLD_MAX);
	containers[containers_n++] = container_new(draft);
}

static void on_pod(void *ctx, const struct pod *draft)
{
	(void)ctx;
	assert_true(pods_n < TOLD_MAX);
	pods[pods_n++] = pod_new(draft);
}

static void on_gone(void *ctx, struct str id)
{
	(void)ctx;
	gone_n++;
	str_copy(gone, sizeof(gone), id);
}

static void on_pod_gone(void *ctx, struct str uid)
{
	(void)ctx;
	(void)uid;
	pods_gone_n++;
}

static void forget(void)
{
	for (size_t i = 0; i < containers_n; i++)
		container_unref(containers[i]);
	for (size_t i = 0; i < pods_n; i++)
		pod_unref(pods[i]);
	containers_n = pods_n = gone_n = pods_gone_n = 0;
}

/* ret->p is the caller's; NULL: this runtime has no such answer. */
static struct str load(const struct runtime *r, const char *answer)
{
	char path[200];
	struct str s = { NULL, 0 };
	FILE *f;

	snprintf(path, sizeof(path), FIXTURES "/%s/%s.pb", r->folder, answer);
	f = fopen(path, "r");
	if (!f)
		return s;
	s.p = malloc(64 << 10);
	s.n = fread((char *)s.p, 1, 64 << 10, f);
	assert_true(s.n > 0 && s.n < 64 << 10);
	fclose(f);
	return s;
}

typedef int (*read_fn)(struct cri_known *k, struct str message);

static void take(const struct runtime *r, const char *answer, read_fn fn)
{
	struct str s = load(r, answer);

	if (!s.p)
		fail_msg("%s/%s is missing", r->folder, answer);
	assert_int_equal(fn(&known, s), 0);
	free((char *)s.p);
}

static void is(struct str have, const char *wanted)
{
	if (!str_eq(have, str_of(wanted)))
		fail_msg("%.*s instead of %s", (int)have.n, have.p, wanted);
}

static void check_container(const struct runtime *r, const struct container *c, const char *id,
			    const char *name, bool exited)
{
	assert_string_equal(c->id, id);
	assert_string_equal(c->pod_uid, UID);
	is(c->pod_namespace, "shop");
	is(c->pod_name, "cart-0");
	is(c->name, name);
	is(c->image, r->image);
	is(c->image_id, r->image_id);
	assert_int_equal(c->source, NAME_FROM_CRI);
	assert_int_equal(c->created_ns, TIME);
	assert_int_equal(c->restarts, 0);
	assert_int_equal(c->exited, exited);
	assert_false(c->sandbox);
	assert_false(c->cut);
}

static void check_pod(const struct pod *p, const struct container *sandbox, bool host_network)
{
	assert_string_equal(p->uid, UID);
	is(p->namespace, "shop");
	is(p->name, "cart-0");
	is(label_get(p->labels, p->labels_n, STR("app")), "cart");
	assert_int_equal(p->source, NAME_FROM_CRI);
	assert_int_equal(p->started_ns, TIME);
	assert_int_equal(p->host_network, host_network);
	assert_false(p->cut);
	assert_string_equal(sandbox->id, POD);
	assert_string_equal(sandbox->pod_uid, UID);
	assert_true(sandbox->sandbox);
	is(sandbox->name, "");
}

static void check_lists(const struct runtime *r)
{
	cri_known_round(&known);
	take(r, "ListPodSandbox", cri_answer_pods);
	assert_true(pods_n == 1 && containers_n == 1);
	check_pod(pods[0], containers[0], false);
	forget();
	take(r, "PodSandboxStatus", cri_answer_pod);
	assert_int_equal(pods_n, r->status_is_news);
	if (pods_n)
		check_pod(pods[0], containers[0], true);
	forget();
	take(r, "ListContainers", cri_answer_containers);
	assert_int_equal(containers_n, 2);
	check_container(r, containers[0], INIT, "init", true);
	check_container(r, containers[1], WEB, "web", false);
	forget();
	/* Again: nothing is news, nothing is gone. */
	cri_known_sweep(&known, true);
	cri_known_sweep(&known, false);
	cri_known_round(&known);
	take(r, "ListPodSandbox", cri_answer_pods);
	take(r, "ListContainers", cri_answer_containers);
	cri_known_sweep(&known, true);
	cri_known_sweep(&known, false);
	assert_int_equal(pods_n + containers_n + gone_n + pods_gone_n, 0);
}

static void check_events(const struct runtime *r)
{
	if (!r->events)
		return;
	take(r, "event-created", cri_answer_event);
	assert_true(containers_n == 1 && !pods_n);
	check_container(r, containers[0], BRIEF, "brief", false);
	take(r, "event-started", cri_answer_event);
	take(r, "event-stopped", cri_answer_event);
	assert_true(containers_n == 1 && !pods_n && !gone_n);
	take(r, "event-deleted", cri_answer_event);
	assert_true(containers_n == 1 && !pods_n && gone_n == 1 && !pods_gone_n);
	assert_string_equal(gone, BRIEF);
}

static void check_place(const struct runtime *r)
{
	struct str s = load(r, "ContainerStatus");
	struct cri_found found;

	assert_non_null(memmem(s.p, s.n, SECRET, strlen(SECRET))); /* the control: it was there */
	assert_int_equal(cri_answer_status(&found, s, NULL), 0);
	assert_string_equal(found.cgroup, r->cgroup);
	assert_int_equal(found.pid, 4242);
	assert_string_equal(found.reason, "");
	assert_null(memmem(&found, sizeof(found), SECRET, strlen(SECRET)));
	free((char *)s.p);
}

static void check_itself(const struct runtime *r)
{
	struct str s = load(r, "Version"), config = load(r, "RuntimeConfig");
	struct cri_version v;
	const char *driver = NULL;

	assert_int_equal(cri_answer_version(&v, s), 0);
	assert_string_equal(v.runtime, r->name);
	assert_string_equal(v.version, r->version);
	assert_int_equal(!config.p, !r->driver);
	if (config.p) {
		assert_int_equal(cri_answer_driver(&driver, config), 0);
		assert_string_equal(driver, r->driver);
	}
	free((char *)s.p);
	free((char *)config.p);
}

static void replay(const struct runtime *r)
{
	const struct cri_config config = { .container = on_container,
					   .pod = on_pod,
					   .container_gone = on_gone,
					   .pod_gone = on_pod_gone };

	status = (struct cri_status){ .runtime = "" };
	assert_int_equal(cri_known_init(&known, &config, &status), 0);
	check_itself(r);
	check_lists(r);
	check_events(r);
	check_place(r);
	assert_int_equal(status.skipped, 0);
	cri_known_end(&known);
	forget();
}

static void test_replay(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++) {
		print_message("%s\n", runtimes[i].folder);
		replay(&runtimes[i]);
	}
}

/* The control: cut anywhere, an answer is none, or a shorter one; never read beyond its end. */
static void test_cut(void **state)
{
	const struct cri_config config = { .container = on_container,
					   .pod = on_pod,
					   .container_gone = on_gone,
					   .pod_gone = on_pod_gone };
	size_t bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++) {
		struct str s = load(&runtimes[i], "ListContainers");

		for (size_t n = 1; n < s.n; n++) {
			char *copy = malloc(n);

			memcpy(copy, s.p, n);
			status = (struct cri_status){ .runtime = "" };
			assert_int_equal(cri_known_init(&known, &config, &status), 0);
			bad += cri_answer_containers(&known, (struct str){ copy, n }) == -EBADMSG;
			assert_true(containers_n < 2);
			cri_known_end(&known);
			forget();
			free(copy);
		}
		free((char *)s.p);
	}
	assert_true(bad > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_replay),
					    cmocka_unit_test(test_cut) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
