// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/pipe*.c src/pod.c src/select/[a-z]*.c src/decode/[a-z]*.c src/enrich/[a-z]*.c src/fold/[a-z]*.c src/gauge/[a-z]*.c src/report/[a-z]*.c src/net/[a-z]*.c otel/[a-z]*.c otel/map/[a-z]*.c tests/kind/world.c libs: otlp-proto curl bearssl protobuf-c z */
/* pipe: names that come later than events, or never; and targets by name. Exact counts. */
#include <stdlib.h>
#include <string.h>

#include "enrich/enrich.h"
#include "tests/kind/kind.h"

#define ID "8a5f0c3d2e1b4a69788796a5b4c3d2e1f00112233445566778899aabbccddeef"
#define UID "3d9f3f28-8a40-4b5e-a6c5-1f0e9d7c2b6a"
#define WHEN (WORLD_START_NS + 123456789)

static struct pipe *pipe_;
static struct buf lines;
static size_t lines_n;
static struct str wanted[8];
static size_t wanted_n;
static u64 watched[8];
static size_t watched_n, unwatched_n;

static void on_line(void *ctx, struct str text)
{
	(void)ctx;
	lines_n++;
	buf_str(&lines, text);
}

static void on_want(void *ctx, struct str id)
{
	(void)ctx;
	wanted[wanted_n++ % 8] = id;
	assert_true(str_eq(id, STR(ID)));
}

static int on_watch(void *ctx, u64 cgroup, bool on)
{
	(void)ctx;
	if (on)
		watched[watched_n++ % 8] = cgroup;
	else
		unwatched_n++;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	buf_init(&lines, 1 << 20);
	lines_n = wanted_n = watched_n = unwatched_n = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pipe_free(pipe_);
	pipe_ = NULL;
	buf_free(&lines);
	return 0;
}

static void begin(const struct target *target)
{
	struct pipe_config config = world_config();
	char err[256];

	config.live = LIVE_TEXT;
	config.line = on_line;
	config.target = target;
	config.watch = on_watch;
	config.enrich.want = on_want;
	if (pipe_new(&pipe_, &config, err, sizeof(err)))
		fail_msg("%s", err);
	pipe_expect_names(pipe_, true);
}

static void put(const char *kind, u64 cgroup, u64 when_ns)
{
	struct golden g;
	struct rec_head *head = (void *)g.bytes;

	golden_load(kind, &g);
	head->cgroup = cgroup;
	head->when_ns = when_ns;
	pipe_record(pipe_, g.bytes, g.n);
}

static void tell_container(void)
{
	struct container c = { .source = NAME_FROM_CRI, .id = ID, .pod_uid = UID,
			       .pod_namespace = STR("shop"), .pod_name = STR("cart-0"),
			       .name = STR("web") };

	pipe_container(pipe_, &c);
}

static void tell_pod(void)
{
	static const struct label labels[] = { { STR("app"), STR("cart") } };
	struct pod p = { .source = NAME_FROM_CRI, .uid = UID, .namespace = STR("shop"),
			 .name = STR("cart-0"), .labels = labels, .labels_n = 1 };

	pipe_pod(pipe_, &p);
}

static size_t count(const char *part)
{
	size_t n = 0;

	buf_char(&lines, '\0');
	for (const char *p = lines.p; (p = strstr(p, part)); p++)
		n++;
	lines.n--;
	return n;
}

static u64 names_late(void)
{
	static struct summary s;

	pipe_summary(pipe_, &s);
	return s.names_late;
}

/* ---- names ---------------------------------------------------------------------------------- */

/* Events that came before the name leave with it, in order, once; others do not wait. */
static void test_back_fill(void **state)
{
	(void)state;
	begin(NULL);
	put("process_exec", 4711, WHEN);
	put("process_exit", 4711, WHEN + 1000);
	put("process_exec", 100, WHEN + 2000); /* a service */
	put("process_exec", 999, WHEN + 2000); /* a cgroup that is gone */
	assert_int_equal(lines_n, 2);
	assert_int_equal(wanted_n, 1);
	tell_container();
	pipe_tick(pipe_, WHEN + 3000);
	assert_int_equal(lines_n, 2); /* its pod is still missing */
	tell_pod();
	pipe_tick(pipe_, WHEN + 4000);
	assert_int_equal(lines_n, 4);
	assert_int_equal(count("shop/cart-0/web"), 2);
	assert_int_equal(count("ssh.service"), 1);
	put("process_exit", 4711, WHEN + 5000); /* known now: at once */
	assert_int_equal(lines_n, 5);
	assert_int_equal(count("shop/cart-0/web"), 3);
	assert_int_equal(names_late(), 0);
}

/* The first event after the name lets those before it go first. */
static void test_order(void **state)
{
	(void)state;
	begin(NULL);
	put("process_exec", 4711, WHEN);
	tell_container();
	tell_pod();
	put("process_exit", 4711, WHEN + 1000);
	assert_int_equal(lines_n, 2);
	assert_true(strstr(lines.p, " exec ") && strstr(strstr(lines.p, " exec "), " exit"));
}

/* Nobody tells: they leave after their time, with the id, and are counted. */
static void test_never(void **state)
{
	(void)state;
	begin(NULL);
	put("process_exec", 4711, WHEN);
	pipe_tick(pipe_, WHEN + ENRICH_WAIT_NS - 1);
	assert_int_equal(lines_n, 0);
	pipe_tick(pipe_, WHEN + ENRICH_WAIT_NS);
	assert_int_equal(lines_n, 1);
	assert_int_equal(count("8a5f0c3d2e1b"), 1);
	assert_int_equal(names_late(), 1);
	put("process_exit", 4711, WHEN + ENRICH_WAIT_NS + 1); /* waits no second time */
	assert_int_equal(lines_n, 2);
	tell_container(); /* late: from now on */
	tell_pod();
	put("process_exit", 4711, WHEN + ENRICH_WAIT_NS + 2);
	assert_int_equal(count("shop/cart-0/web"), 1);
}

/* Nobody is there to tell names: nothing waits. At the end nothing waits either. */
static void test_not_expected(void **state)
{
	(void)state;
	begin(NULL);
	put("process_exec", 4711, WHEN);
	assert_int_equal(lines_n, 0);
	pipe_let_all_go(pipe_);
	assert_int_equal(lines_n, 1);
	put("process_exec", 4711, WHEN);
	assert_int_equal(lines_n, 2);
}

/* A directory that bears the id of another pod's container is not that container. */
static void test_forged(void **state)
{
	struct container c = { .source = NAME_FROM_CRI, .id = ID, .name = STR("victim"),
			       .pod_uid = "00000000-0000-0000-0000-000000000000" };
	static struct summary s;

	(void)state;
	begin(NULL);
	pipe_container(pipe_, &c);
	put("process_exec", 4711, WHEN);
	pipe_tick(pipe_, WHEN + ENRICH_WAIT_NS);
	assert_int_equal(lines_n, 1);
	assert_int_equal(count("victim"), 0);
	pipe_summary(pipe_, &s);
	assert_true(s.names_forged > 0);
}

/* ---- targets -------------------------------------------------------------------------------- */

static struct target *target_of(const char *namespace, const char *container)
{
	struct target_text text = { .namespaces = str_of(namespace),
				    .containers = str_of(container) };
	struct target *t = NULL;
	char err[256];

	if (target_new(&t, &text, err, sizeof(err)))
		fail_msg("%s", err);
	return t;
}

static void tell_mkdir(u64 cgroup)
{
	static const struct str path = STR("/kubepods/burstable/pod" UID "/" ID);
	struct rec_cgroup_mkdir *rec;
	struct golden g;

	golden_load("cgroup_mkdir", &g);
	rec = (void *)g.bytes;
	rec->head.cgroup = cgroup;
	rec->head.when_ns = WHEN - 1;
	rec->path = (struct rec_text){ sizeof(*rec), (u16)path.n };
	memcpy(g.bytes + sizeof(*rec), path.p, path.n);
	g.n = rec->head.size = (u16)(sizeof(*rec) + path.n);
	pipe_record(pipe_, g.bytes, g.n);
}

/* Wanted: what it did before it was known to be is there. */
static void test_target(void **state)
{
	struct target *t = target_of("shop", NULL);

	(void)state;
	begin(t);
	pipe_meet(pipe_, 4711, STR("/kubepods/burstable/pod" UID "/" ID), WHEN - 1);
	put("process_exec", 4711, WHEN);
	pipe_tick(pipe_, WHEN + 1);
	assert_int_equal(lines_n, 0);
	assert_int_equal(watched_n, 0);
	tell_container();
	tell_pod();
	pipe_tick(pipe_, WHEN + 2);
	assert_int_equal(lines_n, 1);
	assert_int_equal(watched_n, 1);
	assert_int_equal(watched[0], 4711);
	put("process_exec", 100, WHEN + 3); /* a service is never meant by a name */
	assert_int_equal(lines_n, 1);
	pipe_free(pipe_);
	pipe_ = NULL;
	target_free(t);
}

/* Not wanted: let in by the kernel side as it was new, and out again, uncounted nowhere. */
static void test_not_target(void **state)
{
	struct target *t = target_of("shop", "sidecar");
	static struct summary s;

	(void)state;
	begin(t);
	tell_mkdir(4711);
	put("process_exec", 4711, WHEN);
	tell_container();
	tell_pod();
	pipe_tick(pipe_, WHEN + 2);
	assert_int_equal(lines_n, 0);
	assert_int_equal(watched_n, 0);
	assert_int_equal(unwatched_n, 1);
	pipe_summary(pipe_, &s);
	assert_int_equal(s.unwanted, 2); /* the mkdir and the exec */
	pipe_free(pipe_);
	pipe_ = NULL;
	target_free(t);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_back_fill),	 TEST(test_order),  TEST(test_never),
		TEST(test_not_expected), TEST(test_forged), TEST(test_target),
		TEST(test_not_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
