// SPDX-License-Identifier: Apache-2.0
/* links: src/net/[a-z]*.c otel/[a-z]*.c libs: otlp-proto curl bearssl protobuf-c z */
/* The exporter from its configuration to its end: full queues, items that are too large, metrics
 * collections, two destinations, the shutdown with a deadline. */
#include <sys/stat.h>

#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "tests/unit/otel_world.h"

static const struct reply hang = { ACT_HANG, "", { "", 0 }, 0 };
static const struct reply full = { ACT_ANSWER, "HTTP/1.1 503 Full\r\n", { "", 0 }, 0 };
static const struct reply full_for_long = {
	ACT_ANSWER, "HTTP/1.1 503 Full\r\nRetry-After: 30\r\n", { "", 0 }, 0
};

/* ---- configuration ------------------------------------------------------------------------ */

static void refused(const struct otel_config *c, const char *why)
{
	struct loop *l = loop_new();
	struct otel *o = NULL;
	char err[512] = "";
	int bad = otel_new(&o, l, c, err, sizeof(err));

	if (bad >= 0 || o || !strstr(err, why))
		fail_msg("%d '%s', wanted '%s'", bad, err, why);
	assert_null(strstr(err, "secret"));
	loop_free(l);
}

static void test_bad_config(void **state)
{
	static const struct {
		const char *url, *why;
	} urls[] = {
		{ "ftp://h/v1/traces", "neither http nor https" },
		{ "h:4318", "http" },
		{ "http://", "no URL" },
		{ "http://h h/", "blank" },
		{ "http://h/\nx", "control" },
		{ "http://u:secret@h/", "credentials" },
		{ "http://h/#f", "fragment" },
		{ "", "no URL" },
	};
	char url[128];
	struct otel_config good = config_for(url, sizeof(url), 1), c = good;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		c.endpoint[SIGNAL_LOGS].url = urls[i].url;
		refused(&c, urls[i].why);
	}
	c = good;
	c.endpoint[0].url = NULL;
	refused(&c, "URL");
	c = good;
	c.endpoint[0].timeout_ns = 0;
	refused(&c, "timeout");
	c = good;
	c.endpoint[0].headers = "a=b,secret";
	refused(&c, "header 2");
	c = good;
	c.batch_bytes = 100;
	refused(&c, "batch bytes 100");
	c = good;
	c.queue_bytes = c.batch_bytes - 1;
	refused(&c, "queue bytes");
	c = good;
	c.batch_items = 0;
	refused(&c, "batch items");
	c = good;
	c.retry_attempts = 0;
	refused(&c, "attempts");
	c = good;
	c.file = "/nonexistent/x.json";
	refused(&c, "\"/nonexistent/x.json\": No such file");
	c.file = "/dev/null";
	refused(&c, "no regular file");
	c = good;
	c.endpoint[1].url = "https://h/v1/metrics";
	c.endpoint[1].ca_file = "/nonexistent/ca.pem";
	refused(&c, "/nonexistent/ca.pem");
	c.endpoint[1].ca_file = "/dev/null";
	refused(&c, "no certificate");
}

static void test_no_destination(void **state)
{
	struct world w = { 0 };
	char url[128];
	struct otel_config c;

	(void)state;
	server_start(&w.server, NULL, 0);
	c = config_for(url, sizeof(url), w.server.port);
	c.endpoint[SIGNAL_TRACES].on = false;
	begin_with(&w, &c);
	spans(&w, 5);
	assert_int_equal(COUNTS(&w)->created, 0);
	assert_true(otel_idle(w.otel));
	end(&w);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < LOSS_COUNT; i++)
		assert_non_null(otel_loss_name(i));
	for (int i = 0; i < SIGNAL_COUNT; i++)
		assert_non_null(otel_signal_name(i));
	assert_string_equal(otel_loss_name(LOSS_QUEUE_FULL), "queue_full");
	assert_string_equal(otel_signal_name(SIGNAL_TRACES), "traces");
}

/* ---- spans ---------------------------------------------------------------------------------- */

static void test_delay_and_flush(void **state)
{
	struct world w = { 0 };
	char url[128];
	struct otel_config c;
	u64 start;

	(void)state;
	server_start(&w.server, NULL, 0);
	c = config_for(url, sizeof(url), w.server.port);
	c.batch_delay_ns = 400 * MS;
	begin_with(&w, &c);
	start = clock_boot_ns();
	spans(&w, 1);
	run(&w, 2000);
	assert_in_range(clock_boot_ns() - start, 350 * MS, 800 * MS);
	/* A full batch does not wait, nor does a flush. */
	start = clock_boot_ns();
	spans(&w, BATCH);
	run(&w, 2000);
	assert_true(clock_boot_ns() - start < 300 * MS);
	start = clock_boot_ns();
	spans(&w, 1);
	otel_flush(w.otel);
	run(&w, 2000);
	assert_true(clock_boot_ns() - start < 300 * MS);
	assert_int_equal(COUNTS(&w)->exported, BATCH + 2);
	end(&w);
}

static void test_queue_full(void **state)
{
	struct world w = { 0 };
	char url[128];
	struct otel_config c;

	(void)state;
	server_start(&w.server, &hang, 1);
	c = config_for(url, sizeof(url), w.server.port);
	c.queue_bytes = 64 << 10;
	c.batch_bytes = 16 << 10;
	c.batch_items = 100;
	begin_with(&w, &c);
	for (int i = 0; i < 2000; i++) {
		span(&w, 80);
		assert_true(COUNTS(&w)->queued_bytes <= c.queue_bytes + c.batch_bytes);
	}
	check(w.otel);
	assert_int_equal(COUNTS(&w)->created, 2000);
	assert_in_range(COUNTS(&w)->lost[LOSS_QUEUE_FULL], 1000, 1900);
	/* What was kept arrives when the collector is back. */
	run(&w, 5000);
	assert_int_equal(COUNTS(&w)->exported + COUNTS(&w)->lost[LOSS_QUEUE_FULL], 2000);
	end(&w);
}

static void fat_span(struct world *w, size_t bytes)
{
	static char text[ATTR_VALUE_MAX];
	struct span s = { .scope = "podtrace/x", .name = STR("fat"), .kind = SPAN_CLIENT };

	memset(text, 't', sizeof(text));
	for (; bytes; bytes -= bytes < sizeof(text) ? bytes : sizeof(text))
		attr_str(&s.attrs, "k",
			 (struct str){ text, bytes < sizeof(text) ? bytes : sizeof(text) });
	otel_span(w->otel, w->resource, &s);
}

/* A poison item is lost alone; no request is over the limit, whatever the sizes are. */
static void test_limits(void **state)
{
	struct world w = { 0 };
	char url[128];
	struct otel_config c;

	(void)state;
	server_start(&w.server, NULL, 0);
	c = config_for(url, sizeof(url), w.server.port);
	c.batch_bytes = OTEL_BATCH_BYTES_MIN;
	c.batch_items = 1000;
	begin_with(&w, &c);
	for (size_t i = 0; i < 100; i++)
		fat_span(&w, 60 * i);
	run(&w, 5000);
	assert_in_range(COUNTS(&w)->lost[LOSS_TOO_LARGE], 30, 40);
	assert_int_equal(COUNTS(&w)->exported + COUNTS(&w)->lost[LOSS_TOO_LARGE], 100);
	for (size_t i = 0; i < w.server.n; i++)
		assert_true(w.server.request[i]->n <= OTEL_BATCH_BYTES_MIN);
	assert_in_range(w.server.n, 30, 60);
	end(&w);
}

static void test_forgotten(void **state)
{
	struct world w = { 0 };

	(void)state;
	begin(&w, NULL, 0);
	spans(&w, 2);
	otel_resource_drop(w.otel, w.resource);
	assert_false(otel_resource_known(w.otel, w.resource));
	spans(&w, 3);
	run(&w, 2000);
	assert_int_equal(COUNTS(&w)->exported, 2);
	assert_int_equal(COUNTS(&w)->lost[LOSS_FORGOTTEN], 3);
	end(&w);
}

/* ---- metrics -------------------------------------------------------------------------------- */

static const struct metric_desc descs[] = {
	{ "podtrace/tcp", "podtrace.a", "1", "", METRIC_COUNTER, NULL, 0 },
	{ "podtrace/tcp", "podtrace.b", "1", "", METRIC_GAUGE, NULL, 0 },
};
#define METRICS(w) (&otel_stats((w)->otel)->signal[SIGNAL_METRICS])

static void collect(struct world *w, int points, s64 value)
{
	otel_metrics_begin(w->otel);
	for (int i = 0; i < points; i++) {
		struct point p = { .desc = &descs[i % 2], .start_ns = 1, .time_ns = 2, .i = value };

		attr_int(&p.attrs, "series", i / 2);
		otel_point(w->otel, w->resource, &p);
	}
	otel_metrics_end(w->otel);
}

/* Points in a request, and the value of the first. */
static size_t points_in(const struct request *r, s64 *ret_value)
{
	Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest *m =
		opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
			NULL, r->n, (uint8_t *)r->body);
	Opentelemetry__Proto__Metrics__V1__ScopeMetrics *s =
		m->resource_metrics[0]->scope_metrics[0];
	size_t n = 0;

	assert_int_equal(m->n_resource_metrics, 1);
	for (size_t i = 0; i < s->n_metrics; i++) {
		Opentelemetry__Proto__Metrics__V1__Metric *metric = s->metrics[i];
		bool sum = !strcmp(metric->name, "podtrace.a");

		n += sum ? metric->sum->n_data_points : metric->gauge->n_data_points;
		*ret_value = sum ? metric->sum->data_points[0]->as_int
				 : metric->gauge->data_points[0]->as_int;
	}
	opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(
		m, NULL);
	return n;
}

static void test_metrics_split(void **state)
{
	struct world w = { 0 };
	char url[128];
	struct otel_config c;
	size_t points = 0;
	s64 value;

	(void)state;
	server_start(&w.server, NULL, 0);
	c = config_for(url, sizeof(url), w.server.port);
	c.batch_bytes = OTEL_BATCH_BYTES_MIN;
	c.batch_items = 1000;
	begin_with(&w, &c);
	collect(&w, 500, 7);
	assert_int_equal(METRICS(&w)->queued, 500);
	run(&w, 3000);
	assert_in_range(w.server.n, 4, 8);
	for (size_t i = 0; i < w.server.n; i++) {
		assert_true(w.server.request[i]->n <= OTEL_BATCH_BYTES_MIN);
		points += points_in(w.server.request[i], &value);
	}
	assert_int_equal(points, 500);
	assert_int_equal(METRICS(&w)->exported, 500);
	end(&w);
}

/* Only the newest is sent again; an older one's points are superseded, not lost. */
static void test_metrics_superseded(void **state)
{
	static const struct reply script[] = {
		{ ACT_HANG, "", { "", 0 }, 0 },
		{ ACT_ANSWER, "HTTP/1.1 503 Full\r\nRetry-After: 1\r\n", { "", 0 }, 0 }
	};
	struct world w = { 0 };
	s64 value = 0;

	(void)state;
	begin(&w, script, 2);
	collect(&w, 4, 1);
	run_for(&w, 100);  /* the first hangs on the wire ... */
	collect(&w, 4, 2); /* ... and will not be sent again, */
	collect(&w, 6, 3); /* nor is the second ever sent */
	assert_int_equal(METRICS(&w)->superseded, 4);
	assert_int_equal(METRICS(&w)->queued, 4 + 6);
	while (server_requests(&w.server) < 2)
		run_for(&w, 20);
	run_for(&w, 100);  /* the third was refused and waits, */
	collect(&w, 2, 4); /* when the fourth comes */
	assert_int_equal(METRICS(&w)->superseded, 4 + 4 + 6);
	run(&w, 5000);
	assert_int_equal(METRICS(&w)->exported, 2);
	assert_int_equal(w.server.n, 3);
	assert_int_equal(points_in(w.server.request[1], &value), 6);
	assert_int_equal(value, 3);
	assert_int_equal(points_in(w.server.request[2], &value), 2);
	assert_int_equal(value, 4);
	assert_true(w.server.request[2]->at_ns - w.server.request[1]->at_ns > 990 * MS);
	/* Begun twice, and an empty one changes nothing. */
	otel_metrics_begin(w.otel);
	otel_point(w.otel, w.resource, &(struct point){ .desc = &descs[0] });
	assert_false(otel_idle(w.otel));
	collect(&w, 0, 5);
	assert_int_equal(METRICS(&w)->superseded, 15);
	assert_true(otel_idle(w.otel));
	end(&w);
}

/* ---- two destinations ----------------------------------------------------------------------- */

static void test_copy(void **state)
{
	struct world w = { 0 };
	char url[128], path[] = "/tmp/otel_life_XXXXXX", file[64], part[80];
	struct otel_config c;
	const struct otel_stats *s;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(file, sizeof(file), "%s/out.json", path);
	snprintf(part, sizeof(part), "%s.part", file);
	server_start(&w.server, &hang, 1);
	c = config_for(url, sizeof(url), w.server.port);
	c.endpoint[SIGNAL_METRICS].on = false;
	c.file = file;
	begin_with(&w, &c);
	s = otel_stats(w.otel);
	spans(&w, BATCH);
	collect(&w, 6, 1);
	/* The file does not wait for the collector. */
	run_for(&w, 100);
	assert_int_equal(s->signal[SIGNAL_TRACES].exported, 0);
	assert_int_equal(s->copy[SIGNAL_TRACES].exported, BATCH);
	assert_int_equal(s->signal[SIGNAL_METRICS].exported, 6);
	assert_int_equal(s->copy[SIGNAL_METRICS].created, 0);
	run(&w, 4000);
	assert_int_equal(s->signal[SIGNAL_TRACES].exported, BATCH);
	spans(&w, 1); /* written by otel_free */
	assert_int_equal(stat(file, &st), -1);
	assert_int_equal(stat(part, &st), 0);
	end(&w);
	assert_int_equal(stat(part, &st), -1);
	assert_int_equal(stat(file, &st), 0);
	assert_true(st.st_size > 500);
	unlink(file);
	rmdir(path);
}

/* ---- the end ----------------------------------------------------------------------------------
 */

static u64 shut_down(struct world *w, u64 ms)
{
	u64 start = clock_boot_ns();

	otel_deadline(w->otel, start + ms * MS);
	run(w, ms + 1000);
	return clock_boot_ns() - start;
}

static void test_deadline_sends(void **state)
{
	struct world w = { 0 };

	(void)state;
	begin(&w, NULL, 0);
	spans(&w, 25);
	assert_true(shut_down(&w, 2000) < 500 * MS);
	assert_int_equal(COUNTS(&w)->exported, 25);
	end(&w);
}

static void test_deadline_cuts(void **state)
{
	const struct reply script[] = { hang, hang };
	struct world w = { 0 };

	(void)state;
	begin(&w, script, 2);
	spans(&w, 25);
	collect(&w, 3, 1);
	assert_in_range(shut_down(&w, 300), 295 * MS, 420 * MS);
	assert_int_equal(COUNTS(&w)->lost[LOSS_SHUTDOWN], 25);
	/* Nothing comes in any more. */
	spans(&w, 2);
	collect(&w, 2, 1);
	assert_true(otel_idle(w.otel));
	assert_int_equal(COUNTS(&w)->lost[LOSS_SHUTDOWN], 27);
	end(&w);
}

/* A back-off is shortened so that there is one more attempt ... */
static void test_deadline_retries(void **state)
{
	const struct reply script[] = { full, full, full };
	struct world w = { 0 };

	(void)state;
	begin(&w, script, 3);
	spans(&w, 5);
	assert_true(shut_down(&w, 1000) < 1000 * MS);
	assert_int_equal(COUNTS(&w)->exported, 5);
	assert_int_equal(server_requests(&w.server), 4);
	end(&w);
}

/* ... but what the server said is longer than there is time: the end is now. */
static void test_deadline_retry_after(void **state)
{
	struct world w = { 0 };

	(void)state;
	begin(&w, &full_for_long, 1);
	spans(&w, 25);
	assert_true(shut_down(&w, 2000) < 500 * MS);
	assert_int_equal(COUNTS(&w)->lost[LOSS_SHUTDOWN], 25);
	end(&w);
	/* The same when it was said before. */
	begin(&w, &full_for_long, 1);
	spans(&w, 25);
	run_for(&w, 200);
	assert_true(shut_down(&w, 2000) < 100 * MS);
	assert_int_equal(COUNTS(&w)->lost[LOSS_SHUTDOWN], 25);
	end(&w);
}

static void test_free_at_work(void **state)
{
	struct world w = { 0 };

	(void)state;
	begin(&w, &hang, 1);
	spans(&w, 25);
	collect(&w, 3, 1);
	otel_metrics_begin(w.otel);
	otel_point(w.otel, w.resource, &(struct point){ .desc = &descs[0] });
	run_for(&w, 50);
	end(&w);
	otel_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_no_destination),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_delay_and_flush),
		cmocka_unit_test(test_queue_full),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_metrics_split),
		cmocka_unit_test(test_metrics_superseded),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_deadline_sends),
		cmocka_unit_test(test_deadline_cuts),
		cmocka_unit_test(test_deadline_retries),
		cmocka_unit_test(test_deadline_retry_after),
		cmocka_unit_test(test_free_at_work),
	};

	signal(SIGPIPE, SIG_IGN);
	log_setup(getenv("LOUD") ? LOG_DEBUG : LOG_ERROR, LOG_LOGFMT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
