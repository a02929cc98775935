// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/pipe*.c src/pod.c src/select/[a-z]*.c src/decode/[a-z]*.c src/enrich/[a-z]*.c src/fold/[a-z]*.c src/gauge/[a-z]*.c src/report/[a-z]*.c src/net/[a-z]*.c otel/[a-z]*.c otel/map/[a-z]*.c tests/kind/world.c libs: otlp-proto curl bearssl protobuf-c z */
/* pipe: targets by label, while labels change. Exact counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enrich/enrich.h"
#include "tests/kind/kind.h"

#define ID "8a5f0c3d2e1b4a69788796a5b4c3d2e1f00112233445566778899aabbccddeef"
#define UID "3d9f3f28-8a40-4b5e-a6c5-1f0e9d7c2b6a"
#define SEC NSEC_PER_SEC
#define AT(seconds) (WORLD_START_NS + (seconds) * SEC)

static char dir[] = "/tmp/pipe_labels_XXXXXX", path[64];
static struct pipe *pipe_;
static struct otel *otel;
static struct loop *loop;
static struct target *target;
static size_t lines_n, watched_n, unwatched_n;

static void on_line(void *ctx, struct str text)
{
	(void)ctx;
	(void)text;
	lines_n++;
}

static int on_watch(void *ctx, u64 cgroup, bool on)
{
	(void)ctx;
	assert_int_equal(cgroup, 4711);
	if (on)
		watched_n++;
	else
		unwatched_n++;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/otlp.json", dir);
	lines_n = watched_n = unwatched_n = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pipe_free(pipe_);
	otel_free(otel);
	loop_free(loop);
	target_free(target);
	pipe_ = NULL;
	otel = NULL;
	loop = NULL;
	target = NULL;
	unlink(path);
	return rmdir(dir);
}

static void begin(const struct target_text *text)
{
	struct otel_config c = { .queue_bytes = 1 << 20, .batch_bytes = 1 << 18, .batch_items = 100,
				 .batch_delay_ns = SEC, .retry_max_ns = SEC, .retry_attempts = 1,
				 .version = "1.2.3", .file = path };
	struct pipe_config config = world_config();
	char err[512];

	loop = loop_new();
	if (!loop || otel_new(&otel, loop, &c, err, sizeof(err)))
		fail_msg("%s", err);
	if (target_new(&target, text, err, sizeof(err)))
		fail_msg("%s", err);
	config.otel = otel;
	config.live = LIVE_TEXT;
	config.line = on_line;
	config.target = target;
	config.watch = on_watch;
	if (pipe_new(&pipe_, &config, err, sizeof(err)))
		fail_msg("%s", err);
	pipe_expect_names(pipe_, true);
}

static void tell_container(void)
{
	struct container c = { .source = NAME_FROM_API, .id = ID, .pod_uid = UID,
			       .pod_namespace = STR("shop"), .pod_name = STR("cart-0"),
			       .name = STR("web") };

	pipe_container(pipe_, &c);
}

static void tell_pod(enum name_source source, const char *app)
{
	struct label label = { STR("app"), str_of(app) };
	struct pod p = { .source = source, .uid = UID, .namespace = STR("shop"),
			 .name = STR("cart-0"), .labels = &label, .labels_n = app[0] != 0 };

	pipe_pod(pipe_, &p);
}

/* As in a run: names came, so targets are decided. */
static bool decide(u64 now_ns)
{
	bool again = pipe_relabelled(pipe_, now_ns);

	if (again)
		pipe_meet(pipe_, 4711, STR("/kubepods/burstable/pod" UID "/" ID), now_ns);
	pipe_tick(pipe_, now_ns);
	return again;
}

static void exec(u64 when_ns)
{
	struct golden g;
	struct rec_head *head = (void *)g.bytes;

	golden_load("process_exec", &g);
	head->cgroup = 4711;
	head->when_ns = when_ns;
	pipe_record(pipe_, g.bytes, g.n);
}

/* The kernel's sum, in seconds. */
static void collect(u64 now_ns, u64 sum)
{
	struct meter_key key = { .cgroup = 4711, .meter = METER_process_duration, .dim = 1 };
	struct meter_cell cell = { .sum = sum * SEC, .slots = { [3] = sum } };

	pipe_collect_begin(pipe_, now_ns);
	pipe_meter(pipe_, &key, &cell);
	pipe_collect_end(pipe_);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)); p++)
		n++;
	return n;
}

static void start(const struct target_text *text)
{
	begin(text);
	pipe_meet(pipe_, 4711, STR("/kubepods/burstable/pod" UID "/" ID), AT(1));
	tell_container();
}

/* Out, in, out, in: each time what is done from then on counts, all of it, and nothing else. */
static void test_both_ways(void **state)
{
	const struct target_text text = { .selector = STR("app=cart") };
	static struct summary s;
	struct buf out;

	(void)state;
	start(&text);
	tell_pod(NAME_FROM_API, "other");
	assert_false(decide(AT(2))); /* its first labels are no change */
	assert_int_equal(watched_n, 0);
	collect(AT(10), 1); /* made before it was turned down: nobody's */
	tell_pod(NAME_FROM_API, "cart");
	assert_true(decide(AT(11)));
	assert_true(watched_n == 1 && !unwatched_n);
	assert_false(decide(AT(12))); /* once */
	exec(AT(13));
	assert_int_equal(lines_n, 1);
	collect(AT(20), 4);
	tell_pod(NAME_FROM_API, "other");
	exec(AT(21)); /* not decided yet */
	assert_int_equal(lines_n, 2);
	assert_true(decide(AT(23)));
	assert_true(watched_n == 1 && unwatched_n == 1);
	exec(AT(22)); /* it was on its way */
	assert_int_equal(lines_n, 3);
	exec(AT(23));
	assert_int_equal(lines_n, 3);
	pipe_summary(pipe_, &s);
	assert_int_equal(s.unwanted, 1);
	collect(AT(30), 6); /* two until it left */
	collect(AT(40), 6);
	tell_pod(NAME_FROM_API, "cart");
	assert_true(decide(AT(41)));
	assert_int_equal(watched_n, 2);
	exec(AT(42));
	assert_int_equal(lines_n, 4);
	collect(AT(50), 11);
	otel_free(otel);
	otel = NULL;
	assert_true(file_load(path, &out));
	buf_char(&out, '\0');
	assert_int_equal(count(out.p, "\"name\":\"podtrace.process.duration\""), 3);
	assert_int_equal(count(out.p, "\"count\":\"3\",\"sum\":3"), 1);
	assert_int_equal(count(out.p, "\"count\":\"2\",\"sum\":2"), 1);
	assert_int_equal(count(out.p, "\"count\":\"5\",\"sum\":5"), 1);
	buf_free(&out);
}

/* Names alone decide: labels are nobody's business. */
static void test_by_name(void **state)
{
	const struct target_text text = { .namespaces = STR("shop") };

	(void)state;
	start(&text);
	tell_pod(NAME_FROM_API, "other");
	decide(AT(2));
	assert_int_equal(watched_n, 1);
	tell_pod(NAME_FROM_API, "cart");
	assert_false(decide(AT(3)));
	assert_true(watched_n == 1 && !unwatched_n);
}

/* The log directory knows no labels, which turns all down; who knows them comes later. */
static void test_after_logs(void **state)
{
	const struct target_text text = { .selector = STR("app=cart") };

	(void)state;
	start(&text);
	tell_pod(NAME_FROM_LOGS, "");
	decide(AT(2));
	assert_int_equal(watched_n, 0);
	tell_pod(NAME_FROM_CRI, "cart");
	assert_true(decide(AT(3)));
	assert_int_equal(watched_n, 1);
}

/* A target that nobody heard of for so long that its names were let go is no less a target. */
static void test_idle(void **state)
{
	const struct target_text text = { .selector = STR("app,tier!=back") };
	struct pod other = { .source = NAME_FROM_API, .uid = "00000000-0000-0000-0000-000000000000",
			     .namespace = STR("shop"), .name = STR("cart-1") };
	struct label label = { STR("app"), STR("x") };

	(void)state;
	start(&text);
	tell_pod(NAME_FROM_API, "cart");
	decide(AT(2));
	assert_int_equal(watched_n, 1);
	pipe_expire(pipe_, AT(1000));
	pipe_pod(pipe_, &other);
	other.labels = &label;
	other.labels_n = 1;
	pipe_pod(pipe_, &other);
	assert_true(decide(AT(1001)));
	assert_true(watched_n == 1 && !unwatched_n);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(test_both_ways), TEST(test_by_name),
					    TEST(test_after_logs), TEST(test_idle) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
