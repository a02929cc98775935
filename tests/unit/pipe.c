// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/pipe*.c src/pod.c src/select/[a-z]*.c src/decode/[a-z]*.c src/enrich/[a-z]*.c src/fold/[a-z]*.c src/gauge/[a-z]*.c src/report/[a-z]*.c src/net/[a-z]*.c otel/[a-z]*.c otel/map/[a-z]*.c tests/kind/world.c libs: otlp-proto curl bearssl protobuf-c z */
/* pipe: records and meters in, lines, items and counters out; nothing disappears uncounted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/kind/kind.h"

#define SEC NSEC_PER_SEC
#define REC(kind, golden) ((struct rec_##kind *)(golden)->bytes)

static char dir[] = "/tmp/pipe_XXXXXX", path[64];
static struct pipe *pipe_;
static struct otel *otel;
static struct loop *loop;
static struct buf lines;
static size_t lines_n;
static struct summary sum;

/* ---- a pipe, with or without an exporter ---------------------------------------------------- */

static void on_line(void *ctx, struct str text)
{
	(void)ctx;
	lines_n++;
	buf_str(&lines, text);
	assert_true(text.n > 0 && text.p[text.n - 1] == '\n');
}

static void begin(struct pipe_config config)
{
	char err[256];

	config.line = on_line;
	config.otel = otel;
	if (pipe_new(&pipe_, &config, err, sizeof(err)))
		fail_msg("%s", err);
}

static void begin_export(struct pipe_config config)
{
	struct otel_config c = { .queue_bytes = 1 << 20, .batch_bytes = 1 << 18, .batch_items = 100,
				 .batch_delay_ns = SEC, .retry_max_ns = SEC, .retry_attempts = 1,
				 .version = "1.2.3", .file = path };
	char err[256];

	loop = loop_new();
	if (!loop || otel_new(&otel, loop, &c, err, sizeof(err)))
		fail_msg("%s", err);
	begin(config);
}

static const struct summary *summary(void)
{
	pipe_summary(pipe_, &sum);
	return &sum;
}

/* What the exporter wrote. */
static struct buf exported(void)
{
	struct buf text;

	otel_free(otel);
	otel = NULL;
	assert_true(file_load(path, &text));
	buf_char(&text, '\0');
	return text;
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/otlp.json", dir);
	buf_init(&lines, 1 << 20);
	lines_n = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pipe_free(pipe_);
	otel_free(otel);
	loop_free(loop);
	pipe_ = NULL;
	otel = NULL;
	loop = NULL;
	buf_free(&lines);
	unlink(path);
	return rmdir(dir);
}

static void put(const struct golden *g)
{
	pipe_record(pipe_, g->bytes, g->n);
}

static void assert_part(const struct buf *have, const char *part)
{
	if (!have->n || !memmem(have->p, have->n, part, strlen(part)))
		fail_msg("\"%s\" is not in \"%.*s\"", part, (int)have->n, have->p);
}

/* ---- records -------------------------------------------------------------------------------- */

static void test_delivered(void **state)
{
	(void)state;
	begin(world_config());
	for (size_t k = 1; k < KIND_END; k++) {
		struct golden g;

		golden_load(kinds[k].id, &g);
		for (size_t i = 0; i < k; i++)
			put(&g);
	}
	for (size_t k = 1; k < KIND_END; k++) {
		assert_int_equal(summary()->delivered[k], k);
		assert_int_equal(sum.damaged[k], 0);
	}
	assert_int_equal(sum.unknown_kind, 0);
	assert_int_equal(sum.duration_ns, 123456789);
	assert_int_equal(summary_lost(&sum), 0);
	assert_int_equal(lines_n, 0); /* no view was asked for */
}

/* Damaged ones came out of the ring, are lost, and are counted by kind if they have one. */
static void test_damaged(void **state)
{
	struct ledger_page page = { 0 };
	struct golden g;

	(void)state;
	begin(world_config());
	golden_load("tcp_state", &g);
	page.kind[KIND_tcp_state].n[LEDGER_SEEN] = page.kind[KIND_tcp_state].n[LEDGER_SENT] = 4;
	pipe_ledger(pipe_, &page);
	put(&g);
	pipe_record(pipe_, g.bytes, g.n - 1); /* cut */
	REC(tcp_state, &g)->from = 99; /* impossible */
	put(&g);
	REC(tcp_state, &g)->head.size = 8;
	put(&g);
	assert_int_equal(summary()->delivered[KIND_tcp_state], 4);
	assert_int_equal(sum.damaged[KIND_tcp_state], 3);
	assert_int_equal(sum.unknown_kind, 0);
	assert_int_equal(summary_lost(&sum), 3);
	assert_int_equal(summary_unaccounted(&sum), 0);
	/* and those that name no kind of ours, or are no record at all */
	REC(tcp_state, &g)->head.kind = KIND_END;
	put(&g);
	REC(tcp_state, &g)->head.kind = 0;
	put(&g);
	pipe_record(pipe_, g.bytes, sizeof(struct rec_head) - 1);
	pipe_record(pipe_, g.bytes, 0);
	assert_int_equal(summary()->unknown_kind, 4);
	assert_int_equal(summary_lost(&sum), 7);
	assert_int_equal(lines_n, 0);
}

static void test_views(void **state)
{
	struct pipe_config config = world_config();
	struct golden g;

	(void)state;
	config.live = LIVE_TEXT;
	begin(config);
	golden_load("tcp_state", &g); /* not in the live view */
	put(&g);
	assert_int_equal(lines_n, 0);
	golden_load("tcp_reset", &g);
	put(&g);
	assert_int_equal(lines_n, 1);
	assert_part(&lines, "reset received");
	pipe_clock(pipe_, WORLD_WALL_OFFSET_NS + (s64)SEC);
	put(&g);
	assert_part(&lines, "\n10:56:01.123456 ");
}

/* The longest record there can be, all of it to be escaped, is still a line. */
static void test_long_line(void **state)
{
	struct pipe_config config = world_config();
	struct rec_process_exec *rec;
	struct golden g;

	(void)state;
	golden_load("process_exec", &g);
	rec = REC(process_exec, &g);
	rec->path = (struct rec_text){ sizeof(*rec), PATH_MAX_WIRE };
	rec->args = (struct rec_text){ sizeof(*rec), ARGS_MAX };
	rec->cwd = (struct rec_text){ sizeof(*rec), CWD_MAX };
	rec->head.size = (u16)(sizeof(*rec) + ARGS_MAX);
	g.n = rec->head.size;
	memset(g.bytes + sizeof(*rec), 1, ARGS_MAX);
	memset(rec->comm, 1, COMM_LEN);
	config.live = LIVE_TEXT;
	begin(config);
	put(&g);
	assert_int_equal(lines_n, 1);
	pipe_free(pipe_);
	config.live = LIVE_JSON;
	begin(config);
	put(&g);
	assert_int_equal(lines_n, 2);
	/* nothing but texts: as large as a record can be */
	rec->args.len = rec->cwd.len = 0;
	g.n = rec->head.size = REC_SIZE_MAX;
	rec->path.len = (u16)(REC_SIZE_MAX - sizeof(*rec));
	memset(g.bytes + sizeof(*rec), 1, rec->path.len);
	put(&g);
	/* shown, or refused and counted: a path is not longer than PATH_MAX_WIRE */
	assert_int_equal(lines_n + summary()->damaged[KIND_process_exec], 3);
}

/* ---- exporting ------------------------------------------------------------------------------ */

/* An exec gives its exit the name of the executable. */
static void test_exec_names_exit(void **state)
{
	struct golden exec, exit;
	struct buf text;

	(void)state;
	begin_export(world_config());
	golden_load("process_exec", &exec);
	golden_load("process_exit", &exit);
	put(&exec);
	memset(REC(process_exit, &exit)->comm, 'x', COMM_LEN); /* renamed itself */
	put(&exit);
	text = exported();
	assert_part(&text, "\"name\":\"curl\"");
	assert_part(&text, "\"stringValue\":\"/usr/bin/curl\"");
	buf_free(&text);
}

/* What a live view gets more than the agent would stream is shown, not exported. */
static void test_streamed_only(void **state)
{
	struct pipe_config config = world_config();
	struct golden g;

	(void)state;
	config.live = LIVE_JSON;
	begin_export(config);
	golden_load("tcp_connect", &g);
	put(&g); /* FAILED, and it has */
	assert_int_equal(otel_stats(otel)->signal[SIGNAL_LOGS].created, 1);
	REC(tcp_connect, &g)->head.flags = 0;
	REC(tcp_connect, &g)->err = 0;
	put(&g);
	golden_load("tcp_retransmit", &g);
	put(&g); /* NONE */
	assert_int_equal(lines_n, 3);
	assert_int_equal(otel_stats(otel)->signal[SIGNAL_LOGS].created, 1);
	assert_int_equal(otel_stats(otel)->signal[SIGNAL_TRACES].created, 0);
}

/* A span that is not kept is counted; the log record of a failure is not a span. */
static void test_sampled_out(void **state)
{
	struct pipe_config config = world_config();
	struct golden g;
	struct buf text;

	(void)state;
	config.sampler.ratio = 0;
	begin_export(config);
	golden_load("process_exit", &g);
	for (int i = 0; i < 10; i++)
		put(&g);
	assert_int_equal(summary()->sampled_out, 10);
	assert_int_equal(otel_stats(otel)->signal[SIGNAL_TRACES].created, 0);
	assert_int_equal(otel_stats(otel)->signal[SIGNAL_LOGS].created, 10);
	text = exported();
	assert_null(memmem(text.p, text.n, "\"traceId\"", 9)); /* of a span that is not there */
	buf_free(&text);
}

/* ---- metrics -------------------------------------------------------------------------------- */

static size_t gone;

static void on_meter_gone(void *ctx, const struct meter_key *key)
{
	(void)ctx;
	(void)key;
	gone++;
}

static void meter(u64 cgroup, u64 sum_ns)
{
	struct meter_key key = { .cgroup = cgroup, .meter = METER_process_duration, .dim = 1 };
	struct meter_cell cell = { .sum = sum_ns, .slots = { [3] = 2 } };

	pipe_meter(pipe_, &key, &cell);
}

static void test_metrics(void **state)
{
	struct pipe_config config = world_config();
	struct ledger_page page = { 0 };
	struct buf text;

	(void)state;
	begin_export(config);
	page.kind[KIND_process_exit].n[LEDGER_SEEN] = 3;
	page.kind[KIND_process_exit].n[LEDGER_FILTERED] = 1;
	page.kind[KIND_process_exit].n[LEDGER_LOST_RING] = 2;
	pipe_ledger(pipe_, &page);
	pipe_collect_begin(pipe_, WORLD_START_NS + 10 * SEC);
	meter(4711, 1500000000);
	pipe_collect_end(pipe_);
	assert_int_equal(summary()->duration_ns, 10 * SEC);
	text = exported();
	assert_part(&text, "\"name\":\"podtrace.process.duration\"");
	assert_part(&text, "\"startTimeUnixNano\":\"1795258560000000000\"");
	assert_part(&text, "\"timeUnixNano\":\"1795258570000000000\"");
	assert_part(&text, "\"count\":\"2\",\"sum\":1.5");
	assert_part(&text, "{\"key\":\"podtrace.process.exit.result\","
			   "\"value\":{\"stringValue\":\"error\"}}");
	assert_part(&text, "\"name\":\"podtrace.events\"");
	assert_part(&text, "{\"stringValue\":\"lost_ring\"}");
	assert_part(&text, "3d9f3f28-8a40-4b5e-a6c5-1f0e9d7c2b6a"); /* under the pod's resource */
	buf_free(&text);
}

/* Who was idle for ten minutes is forgotten, and the kernel's cells with it. */
static void test_expire(void **state)
{
	struct pipe_config config = world_config();

	(void)state;
	gone = 0;
	config.meter_gone = on_meter_gone;
	begin(config);
	pipe_collect_begin(pipe_, WORLD_START_NS + SEC);
	meter(4711, 5);
	meter(100, 5);
	pipe_collect_end(pipe_);
	pipe_expire(pipe_, WORLD_START_NS + 500 * SEC);
	assert_int_equal(gone, 0);
	pipe_collect_begin(pipe_, WORLD_START_NS + 501 * SEC);
	meter(4711, 6);
	meter(100, 5); /* idle */
	pipe_collect_end(pipe_);
	pipe_expire(pipe_, WORLD_START_NS + 602 * SEC);
	assert_int_equal(gone, 1);
}

/* Many containers, few places: the pipe, enrich and the exporter let go of each other. */
static void test_few_places(void **state)
{
	struct pipe_config config = world_config();
	struct golden g;

	(void)state;
	gone = 0;
	config.meter_gone = on_meter_gone;
	config.enrich.cgroups_max = 1;
	begin_export(config);
	golden_load("process_exit", &g);
	for (u64 i = 0; i < 50; i++) {
		static const u64 cgroups[] = { 4711, 100, 1, 42 };

		REC(process_exit, &g)->head.cgroup = cgroups[i % 4];
		put(&g);
		pipe_collect_begin(pipe_, WORLD_START_NS + i * SEC);
		meter(cgroups[(i + 1) % 4], i + 1);
		pipe_collect_end(pipe_);
	}
	assert_true(gone > 30);
	assert_int_equal(summary()->delivered[KIND_process_exit], 50);
	assert_true(sum.cgroup_gone > 10); /* 42 is nowhere */
	assert_int_equal(otel_stats(otel)->signal[SIGNAL_TRACES].created, 50);
	assert_int_equal(otel_stats(otel)->signal[SIGNAL_TRACES].lost[LOSS_FORGOTTEN], 0);
}

/* ---- summary -------------------------------------------------------------------------------- */

static void test_features(void **state)
{
	struct feature_status status = { .feature = &features[0], .state = FEATURE_OFF, .err = 1,
					 .reason = "no", .fix = "root" };

	(void)state;
	begin(world_config());
	pipe_feature(pipe_, &status);
	status.state = FEATURE_REDUCED;
	status.rung = RUNG_raw_tp;
	pipe_feature(pipe_, &status);
	for (size_t i = 2; i < FEATURES_MAX + 5; i++)
		pipe_feature(pipe_, &status);
	assert_int_equal(summary()->features_n, FEATURES_MAX);
	assert_string_equal(sum.features[0].state, "off");
	assert_string_equal(sum.features[0].rung, "");
	assert_string_equal(sum.features[0].reason, "no");
	assert_string_equal(sum.features[1].state, "reduced");
	assert_string_equal(sum.features[1].rung, "raw_tp");
	pipe_free(NULL);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(test_delivered),	 ROW(test_damaged), ROW(test_views),
		ROW(test_long_line),	 ROW(test_exec_names_exit), ROW(test_streamed_only),
		ROW(test_sampled_out),	 ROW(test_metrics), ROW(test_expire),
		ROW(test_few_places),	 ROW(test_features),
	};

	setenv("TZ", "UTC0", 1);
	log_setup(LOG_ERROR, LOG_LOGFMT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
