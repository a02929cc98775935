// SPDX-License-Identifier: Apache-2.0
/* links: src/net/[a-z]*.c otel/[a-z]*.c libs: otlp-proto curl bearssl protobuf-c z */
/* The exporter against a scripted collector: what is sent, what is sent again, what is given up,
 * and that every item is accounted for. */
#include <zlib.h>

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "tests/unit/otel_world.h"

/* ---- what is on the wire ------------------------------------------------------------------ */

static void check_headers(struct request *r)
{
	assert_true(str_starts(str_of(r->head), STR("POST /v1/traces HTTP/1.1\r\n")));
	assert_true(str_starts(str_of(server_find(r, "content-type")),
			       STR("application/x-protobuf\r\n")));
	assert_true(str_starts(str_of(server_find(r, "user-agent")),
			       STR("podtrace/9.8 OTel-OTLP-Exporter-C/9.8\r\n")));
	assert_null(server_find(r, "expect"));
	assert_null(server_find(r, "accept-encoding"));
}

static void test_plain(void **state)
{
	struct world w = { 0 };
	Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *m;
	struct request *r;

	(void)state;
	begin(&w, NULL, 0);
	spans(&w, BATCH + 3);
	assert_int_equal(COUNTS(&w)->queued, BATCH + 3);
	run(&w, 2000);
	assert_int_equal(server_requests(&w.server), 2);
	r = w.server.request[0];
	check_headers(r);
	assert_null(server_find(r, "content-encoding"));
	m = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
		NULL, r->n, (uint8_t *)r->body);
	assert_non_null(m);
	assert_int_equal(m->resource_spans[0]->scope_spans[0]->n_spans, BATCH);
	opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(
		m, NULL);
	assert_int_equal(COUNTS(&w)->exported, BATCH + 3);
	assert_int_equal(COUNTS(&w)->requests, 2);
	assert_int_equal(COUNTS(&w)->request_bytes, COUNTS(&w)->wire_bytes);
	assert_true(COUNTS(&w)->last_success_ns > 0);
	/* The second went over the first one's connection. */
	assert_int_equal(w.server.connections, 1);
	end(&w);
}

static void test_gzip_and_headers(void **state)
{
	struct world w = { 0 };
	char url[128];
	struct otel_config c;
	static u8 plain[1 << 16];
	z_stream z = { 0 };
	struct request *r;

	(void)state;
	server_start(&w.server, NULL, 0);
	c = config_for(url, sizeof(url), w.server.port);
	c.endpoint[SIGNAL_TRACES].gzip = true;
	c.endpoint[SIGNAL_TRACES].headers = "X-Scope=a%20b , empty=";
	c.batch_items = 500;
	begin_with(&w, &c);
	spans(&w, 200);
	run(&w, 2000);
	r = w.server.request[0];
	check_headers(r);
	assert_true(str_starts(str_of(server_find(r, "content-encoding")), STR("gzip\r\n")));
	assert_true(str_starts(str_of(server_find(r, "x-scope")), STR("a b\r\n")));
	assert_true(str_starts(str_of(server_find(r, "empty")), STR("\r\n")));
	assert_true(COUNTS(&w)->wire_bytes * 5 < COUNTS(&w)->request_bytes);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)r->body;
	z.avail_in = (uInt)r->n;
	z.next_out = plain;
	z.avail_out = sizeof(plain);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, COUNTS(&w)->request_bytes);
	inflateEnd(&z);
	end(&w);
}

/* Longer than what curl asks permission for with "Expect: 100-continue". */
static void test_big_request(void **state)
{
	struct world w = { 0 };
	char url[128];
	struct otel_config c;

	(void)state;
	server_start(&w.server, NULL, 0);
	c = config_for(url, sizeof(url), w.server.port);
	c.queue_bytes = c.batch_bytes = 4 << 20;
	c.batch_items = 3000;
	c.endpoint[SIGNAL_TRACES].timeout_ns = 5 * NSEC_PER_SEC;
	begin_with(&w, &c);
	for (int i = 0; i < 3000; i++)
		span(&w, 1000);
	run(&w, 5000);
	assert_int_equal(w.server.n, 1);
	assert_true(w.server.request[0]->n > 3000000);
	check_headers(w.server.request[0]);
	assert_int_equal(COUNTS(&w)->exported, 3000);
	end(&w);
}

/* ---- the table of answers ----------------------------------------------------------------- */

#define ANSWER(status) "HTTP/1.1 " status "\r\n"
#define BODY(text)     { text, sizeof(text) - 1 }

static const struct row {
	const char *name;
	enum act act;
	const char *text;
	struct str body;
	enum { ONCE, AGAIN, NEVER } sent;
	u64 rejected;
} rows[] = {
	{ "200 empty", ACT_ANSWER, ANSWER("200 OK"), BODY(""), ONCE, 0 },
	{ "200 0a00", ACT_ANSWER, ANSWER("200 OK"), BODY("\x0a\x00"), ONCE, 0 },
	{ "200 html", ACT_ANSWER, ANSWER("200 OK"), BODY("<html>hello"), ONCE, 0 },
	{ "200 partial", ACT_ANSWER, ANSWER("200 OK"), BODY("\x0a\x02\x08\x03"), ONCE, 3 },
	{ "200 warning", ACT_ANSWER, ANSWER("200 OK"), BODY("\x0a\x03\x12\x01w"), ONCE, 0 },
	{ "200 more than all", ACT_ANSWER, ANSWER("200 OK"), BODY("\x0a\x02\x08\x7f"), ONCE,
	  BATCH },
	{ "202", ACT_ANSWER, ANSWER("202 Accepted"), BODY(""), ONCE, 0 },
	{ "200 cut", ACT_HALF, ANSWER("200 OK\r\nContent-Length: 9\r\n"), BODY(""), ONCE, 0 },
	{ "200 flood", ACT_FLOOD, ANSWER("200 OK"), BODY(""), ONCE, 0 },
	{ "429", ACT_ANSWER, ANSWER("429 Slow"), BODY(""), AGAIN, 0 },
	{ "502", ACT_ANSWER, ANSWER("502 Bad"), BODY("<html>"), AGAIN, 0 },
	{ "503", ACT_ANSWER, ANSWER("503 Full"), BODY("\x08\x0e\x12\x04 off"), AGAIN, 0 },
	{ "504", ACT_ANSWER, ANSWER("504 Late"), BODY(""), AGAIN, 0 },
	{ "close", ACT_CLOSE, "", BODY(""), AGAIN, 0 },
	{ "reset", ACT_RESET, "", BODY(""), AGAIN, 0 },
	{ "timeout", ACT_HANG, "", BODY(""), AGAIN, 0 },
	{ "half a header", ACT_HALF, "HTTP/1.1 20", BODY(""), AGAIN, 0 },
	{ "no http", ACT_HALF, "SSH-2.0-OpenSSH_9.9\r\n", BODY(""), AGAIN, 0 },
	{ "301", ACT_ANSWER, ANSWER("301 Moved\r\nLocation: /v1/traces"), BODY(""), NEVER, 0 },
	{ "307", ACT_ANSWER, ANSWER("307 There\r\nLocation: /x"), BODY(""), NEVER, 0 },
	{ "400", ACT_ANSWER, ANSWER("400 Bad"), BODY("\x12\x03 no"), NEVER, 0 },
	{ "401", ACT_ANSWER, ANSWER("401 Who"), BODY(""), NEVER, 0 },
	{ "403", ACT_ANSWER, ANSWER("403 No"), BODY(""), NEVER, 0 },
	{ "404", ACT_ANSWER, ANSWER("404 None"), BODY("404 page not found\n"), NEVER, 0 },
	{ "408", ACT_ANSWER, ANSWER("408 Late"), BODY(""), NEVER, 0 },
	{ "413", ACT_ANSWER, ANSWER("413 Big"), BODY(""), NEVER, 0 },
	{ "415", ACT_ANSWER, ANSWER("415 Type"), BODY(""), NEVER, 0 },
	{ "500", ACT_ANSWER, ANSWER("500 Oops"), BODY(""), NEVER, 0 },
	{ "501", ACT_ANSWER, ANSWER("501 What"), BODY(""), NEVER, 0 },
	{ "503 flood", ACT_FLOOD, ANSWER("503 Full"), BODY(""), NEVER, 0 },
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct world w = { 0 };
		struct reply reply = { row->act, row->text, row->body, 0 };
		const struct otel_counts *c;
		size_t want = row->sent == AGAIN ? 2 : 1;

		begin(&w, &reply, 1);
		spans(&w, BATCH);
		run(&w, 4000);
		c = COUNTS(&w);
		if (server_requests(&w.server) != want ||
		    c->exported != (row->sent == NEVER ? 0 : BATCH - row->rejected))
			fail_msg("%s: %zu requests, %llu exported", row->name,
				 server_requests(&w.server), c->exported);
		assert_int_equal(c->lost[LOSS_REFUSED], row->sent == NEVER ? BATCH : 0);
		assert_int_equal(c->lost[LOSS_REJECTED], row->rejected);
		assert_int_equal(c->failures, row->sent == ONCE ? 0 : 1);
		if (want == 2) /* the very same bytes */
			assert_memory_equal(w.server.request[0]->body, w.server.request[1]->body,
					    w.server.request[0]->n);
		end(&w);
	}
}

static void test_nobody_there(void **state)
{
	struct world w = { 0 };
	char url[128];
	struct otel_config c;

	(void)state;
	server_start(&w.server, NULL, 0);
	c = config_for(url, sizeof(url), w.server.port);
	shutdown(w.server.fd, SHUT_RDWR);
	close(w.server.fd);
	c.retry_attempts = 2;
	begin_with(&w, &c);
	spans(&w, BATCH);
	run(&w, 3000);
	assert_int_equal(COUNTS(&w)->lost[LOSS_RETRIES], BATCH);
	assert_int_equal(COUNTS(&w)->failures, 2);
	w.server.fd = -1;
	end(&w);
}

/* https stays https: a server that speaks plain HTTP gets no request. */
static void test_no_plain_text(void **state)
{
	struct world w = { 0 };
	char url[128];
	struct otel_config c;

	(void)state;
	if (access("/etc/ssl/certs/ca-certificates.crt", R_OK)) {
		print_message("no CA bundle on this machine\n");
		skip();
	}
	server_start(&w.server, NULL, 0);
	c = config_for(url, sizeof(url), w.server.port);
	snprintf(url, sizeof(url), "https://localhost:%d/v1/traces", w.server.port);
	c.retry_attempts = 1;
	begin_with(&w, &c);
	spans(&w, BATCH);
	run(&w, 3000);
	assert_int_equal(COUNTS(&w)->lost[LOSS_RETRIES], BATCH);
	assert_int_equal(w.server.n, 0);
	end(&w);
}

/* ---- Retry-After -------------------------------------------------------------------------- */

static u64 waited(const struct reply *reply)
{
	struct world w = { 0 };
	u64 ns;

	begin(&w, reply, 1);
	spans(&w, BATCH);
	run(&w, 6000);
	assert_int_equal(server_requests(&w.server), 2);
	assert_int_equal(COUNTS(&w)->exported, BATCH);
	ns = w.server.request[1]->at_ns - w.server.request[0]->at_ns;
	end(&w);
	return ns;
}

static void test_retry_after(void **state)
{
	struct reply reply = { ACT_ANSWER, NULL, { "", 0 }, 0 };
	char text[160];
	time_t then = time(NULL) + 4;
	struct tm tm;

	(void)state;
	reply.text = "HTTP/1.1 503 Full\r\nretry-AFTER:  2\r\n";
	assert_in_range(waited(&reply), 1990 * MS, 2500 * MS);
	/* The date has whole seconds: between 3 and 4 s ahead of now. */
	then = time(NULL) + 4;
	gmtime_r(&then, &tm);
	strftime(text, sizeof(text), "HTTP/1.1 429 Slow\r\nRetry-After: %a, %d %b %Y %T GMT\r\n",
		 &tm);
	reply.text = text;
	assert_in_range(waited(&reply), 2900 * MS, 4600 * MS);
	/* Not for a status that is not retried, and nonsense says nothing. */
	reply.text = "HTTP/1.1 503 Full\r\nRetry-After: soon\r\n";
	assert_in_range(waited(&reply), 0, 1200 * MS);
}

/* Longer than there is time for: given up at once, and the next batch waits all the same. */
static void test_retry_after_too_long(void **state)
{
	static const struct reply reply = {
		ACT_ANSWER, "HTTP/1.1 503 Full\r\nRetry-After: 2\r\n", { "", 0 }, 0
	};
	struct world w = { 0 };
	char url[128];
	struct otel_config c;

	(void)state;
	server_start(&w.server, &reply, 1);
	c = config_for(url, sizeof(url), w.server.port);
	c.retry_max_ns = 1 * NSEC_PER_SEC;
	begin_with(&w, &c);
	spans(&w, BATCH);
	run(&w, 1000);
	assert_int_equal(COUNTS(&w)->lost[LOSS_RETRIES], BATCH);
	spans(&w, BATCH);
	run_for(&w, 1000);
	assert_int_equal(server_requests(&w.server), 1);
	run(&w, 3000);
	assert_int_equal(COUNTS(&w)->exported, BATCH);
	assert_true(w.server.request[1]->at_ns - w.server.request[0]->at_ns >= 1990 * MS);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	     cmocka_unit_test(test_gzip_and_headers),
		cmocka_unit_test(test_big_request),  cmocka_unit_test(test_answers),
		cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_no_plain_text),
		cmocka_unit_test(test_retry_after),  cmocka_unit_test(test_retry_after_too_long),
	};

	signal(SIGPIPE, SIG_IGN);
	/* A proxy that is not there: who obeys these sends nothing. */
	setenv("http_proxy", "http://127.0.0.1:9", 1);
	setenv("all_proxy", "http://127.0.0.1:9", 1);
	log_setup(getenv("LOUD") ? LOG_DEBUG : LOG_ERROR, LOG_LOGFMT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
