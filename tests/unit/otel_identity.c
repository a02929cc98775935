// SPDX-License-Identifier: Apache-2.0
/* links: src/net/[a-z]*.c otel/[a-z]*.c libs: otlp-proto curl bearssl protobuf-c z */
/* Nothing is lost silently: under random operations and a collector that misbehaves at random,
 * created = exported + lost + superseded + queued after every single call, for every signal and
 * destination; and what the collector took is what we say it took. */
#include <sys/resource.h>

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "tests/unit/otel_world.h"

#define SCRIPT 300
#define STEPS  30000

static struct reply script[SCRIPT];
static char path[48]; /* of the exporter's file */

static void write_script(void)
{
	static const struct reply kinds[] = {
		{ ACT_ANSWER, "HTTP/1.1 200 OK\r\n", { "\x0a\x00", 2 }, 0 },
		{ ACT_ANSWER, "HTTP/1.1 200 OK\r\n", { "\x0a\x02\x08\x01", 4 }, 0 },
		{ ACT_ANSWER, "HTTP/1.1 200 OK\r\n", { "", 0 }, 5 },
		{ ACT_ANSWER, "HTTP/1.1 400 Bad\r\n", { "", 0 }, 0 },
		{ ACT_ANSWER, "HTTP/1.1 404 None\r\nConnection: close\r\n", { "x", 1 }, 0 },
		{ ACT_HALF, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", { "", 0 }, 0 },
	};
	static const struct reply again[] = {
		{ ACT_ANSWER, "HTTP/1.1 503 Full\r\n", { "", 0 }, 0 },
		{ ACT_CLOSE, "", { "", 0 }, 0 },
		{ ACT_RESET, "", { "", 0 }, 0 },
	};

	for (size_t i = 0; i < SCRIPT; i++)
		script[i] = random() % 60 ? kinds[random() % 6] : again[random() % 3];
}

/* Items of a request: enough of the framing is known to count them. The three signals have the
 * same shells; in metrics what is counted are metrics, so they are kept to one point each. */
static u64 count_items(const struct request *r)
{
	Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *m;
	u64 n = 0;

	if (strncmp(r->head, "POST /v1/traces ", 16))
		return 0;
	m = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
		NULL, r->n, (uint8_t *)r->body);
	if (!m)
		abort();
	for (size_t i = 0; i < m->n_resource_spans; i++)
		for (size_t k = 0; k < m->resource_spans[i]->n_scope_spans; k++)
			n += m->resource_spans[i]->scope_spans[k]->n_spans;
	opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(
		m, NULL);
	return n;
}

static const double bounds[] = { 0.5, 1 };
static const struct metric_desc descs[] = {
	{ "podtrace/tcp", "podtrace.a", "1", "", METRIC_COUNTER, NULL, 0 },
	{ "podtrace/tcp", "podtrace.b", "1", "", METRIC_GAUGE, NULL, 0 },
	{ "podtrace/dns", "podtrace.c", "s", "", METRIC_HISTOGRAM, bounds, 2 },
};
static int resources[8];

static void random_attrs(struct attrs *a)
{
	static char text[2000];

	for (int n = random() % 8; n > 0; n--)
		attr_str(a, "key", (struct str){ text, (size_t)random() % sizeof(text) });
	if (random() % 100 == 0)
		while (!a->dropped)
			attr_str(a, "fat", (struct str){ text, sizeof(text) });
}

static void random_item(struct world *w, int kind)
{
	static const char *const scopes[] = { "podtrace/a", "podtrace/b", "podtrace/c" };
	int resource = resources[random() % 8];

	if (kind == 0) {
		struct span s = { .scope = scopes[random() % 3], .name = STR("s") };

		random_attrs(&s.attrs);
		otel_span(w->otel, resource, &s);
	} else if (kind == 1) {
		struct note n = { .scope = scopes[random() % 3], .event_name = "e" };

		random_attrs(&n.attrs);
		otel_note(w->otel, resource, &n);
	} else {
		static const u64 buckets[3] = { 1, 2, 3 };
		struct point p = { .desc = &descs[random() % 3], .buckets = buckets };

		random_attrs(&p.attrs);
		otel_point(w->otel, resource, &p);
	}
}

static void random_step(struct world *w)
{
	int what = (int)(random() % 1000);
	struct attrs attrs = { 0 };

	if (what < 950) {
		random_item(w, what % 3);
	} else if (what < 965) {
		otel_metrics_end(w->otel);
	} else if (what < 970) {
		otel_metrics_begin(w->otel);
	} else if (what < 975) {
		otel_flush(w->otel);
	} else if (what < 980) {
		otel_resource_drop(w->otel, resources[random() % 8]);
	} else if (what < 995) {
		attr_int(&attrs, "r", what);
		resources[random() % 8] = otel_resource(w->otel, &attrs);
	} else {
		run_for(w, 1 + (u64)random() % 10);
	}
}

static bool has_moved(const struct otel_counts *c)
{
	return c->exported && c->lost[LOSS_REFUSED] && c->lost[LOSS_REJECTED];
}

static void test_random(void **state)
{
	struct world w = { 0 };
	struct otel_config c;
	char url[SIGNAL_COUNT][64], unused[128];
	const struct otel_stats *s;

	(void)state;
	write_script();
	server_start(&w.server, script, SCRIPT);
	w.server.check = count_items;
	c = config_for(unused, sizeof(unused), w.server.port);
	for (int i = 0; i < SIGNAL_COUNT; i++) {
		snprintf(url[i], sizeof(url[i]), "http://127.0.0.1:%d/v1/%s", w.server.port,
			 otel_signal_name(i));
		c.endpoint[i].url = url[i];
	}
	c.file = path;
	c.batch_items = 50;
	c.batch_bytes = 20000;
	c.queue_bytes = 100000;
	c.batch_delay_ns = 2 * MS;
	begin_with(&w, &c);
	s = otel_stats(w.otel);
	for (int i = 0; i < STEPS; i++) {
		random_step(&w);
		check(w.otel);
	}
	otel_metrics_end(w.otel);
	otel_metrics_begin(w.otel);
	run(&w, 60000);
	/* It was not all easy. */
	assert_true(has_moved(&s->signal[SIGNAL_TRACES]) && has_moved(&s->signal[SIGNAL_LOGS]));
	assert_true(s->signal[SIGNAL_TRACES].lost[LOSS_FORGOTTEN] > 0);
	assert_true(s->signal[SIGNAL_TRACES].lost[LOSS_TOO_LARGE] > 0);
	assert_true(s->signal[SIGNAL_TRACES].failures >
		    s->signal[SIGNAL_TRACES].lost[LOSS_RETRIES]);
	assert_true(s->signal[SIGNAL_METRICS].superseded > 0);
	assert_int_equal(w.server.accepted, s->signal[SIGNAL_TRACES].exported +
						    s->signal[SIGNAL_TRACES].lost[LOSS_REJECTED]);
	/* The file takes all that is in order. */
	assert_int_equal(s->copy[SIGNAL_TRACES].exported +
				 s->copy[SIGNAL_TRACES].lost[LOSS_FORGOTTEN] +
				 s->copy[SIGNAL_TRACES].lost[LOSS_TOO_LARGE] +
				 s->copy[SIGNAL_TRACES].lost[LOSS_QUEUE_FULL],
			 s->copy[SIGNAL_TRACES].created);
	assert_int_equal(s->copy[SIGNAL_TRACES].created, s->signal[SIGNAL_TRACES].created);
	end(&w);
	unlink(path);
}

/* As many resources as there can be, each with a queued item: no more until they are sent. */
static void test_resources(void **state)
{
	struct world w = { 0 };
	char url[128];
	struct otel_config c;

	(void)state;
	server_start(&w.server, NULL, 0);
	c = config_for(url, sizeof(url), w.server.port);
	c.batch_items = 500;
	c.batch_delay_ns = 100 * MS;
	begin_with(&w, &c);
	for (int round = 0; round < 2; round++) {
		/* begin_with registered one that nothing refers to: it is the first to go. */
		for (int i = 0; i < OTEL_RESOURCES_MAX; i++) {
			struct attrs attrs = { 0 };

			attr_int(&attrs, "r", i);
			w.resource = otel_resource(w.otel, &attrs);
			assert_true(w.resource >= 0);
			span(&w, 1);
		}
		assert_int_equal(otel_resource(w.otel, &(struct attrs){ 0 }), -ENOSPC);
		run(&w, 5000);
	}
	assert_int_equal(COUNTS(&w)->exported, 2 * OTEL_RESOURCES_MAX);
	end(&w);
}

/* A full disk: what could not be written is counted, and what can be is written. */
static void test_full_disk(void **state)
{
	struct rlimit before, limit;
	struct world w = { 0 };
	char url[128];
	struct otel_config c;
	const struct otel_counts *n;

	(void)state;
	server_start(&w.server, NULL, 0);
	c = config_for(url, sizeof(url), w.server.port);
	for (int i = 0; i < SIGNAL_COUNT; i++)
		c.endpoint[i].on = false;
	c.file = path;
	begin_with(&w, &c);
	n = COUNTS(&w);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ 20000, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	spans(&w, 30 * BATCH);
	otel_flush(w.otel);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(otel_idle(w.otel));
	assert_true(n->exported > 0 && n->lost[LOSS_WRITE] > 0 && n->failures > 0);
	assert_int_equal(n->exported + n->lost[LOSS_WRITE], 30 * BATCH);
	/* Whole lines of BATCH spans each, and one per line. */
	assert_int_equal(n->exported, n->requests * BATCH);
	end(&w);
	unlink(path);
}

/* The check itself must be able to fail. */
static void test_check_fails(void **state)
{
	struct otel_counts c = { .created = 3, .exported = 1, .queued = 1 };

	(void)state;
	assert_false(adds_up(&c));
	c.lost[LOSS_COUNT - 1] = 1;
	assert_true(adds_up(&c));
	c.superseded = 1;
	assert_false(adds_up(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_resources),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_check_fails),
	};

	snprintf(path, sizeof(path), "/tmp/otel_identity_%d.json", getpid());
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	srandom(getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : 1);
	log_setup(getenv("LOUD") ? LOG_DEBUG : LOG_ERROR, LOG_LOGFMT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
