// SPDX-License-Identifier: Apache-2.0
/* links: src/net/[a-z]*.c otel/[a-z]*.c libs: otlp-proto curl bearssl protobuf-c z */
/* What is sent and what is written say the same, and the official .proto files agree: protoc
 * decodes the captured requests without an unknown field, and otel_wire.py compares them with
 * the JSON lines of the same items. Needs protoc, python3 and the .proto files of the sysroot
 * (OTLP_PROTO_DIR names another place). */
#include <float.h>
#include <math.h>
#include <sys/wait.h>

#include "tests/unit/otel_world.h"

static const char *const messages[SIGNAL_COUNT] = {
	[SIGNAL_TRACES] = "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest",
	[SIGNAL_METRICS] = "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest",
	[SIGNAL_LOGS] = "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest",
};

static char dir[] = "/tmp/otel_wire_XXXXXX", file[64], request[64], line[64];

static const char *proto_dir(void)
{
	const char *given = getenv("OTLP_PROTO_DIR");

	return given ? given : "build/amd64/sysroot/share/otlp-proto";
}

static int compare(enum otel_signal signal)
{
	char command[512];
	int status;

	snprintf(command, sizeof(command), "python3 tests/unit/otel_wire.py %s %s %s %s",
		 proto_dir(), messages[signal], request, line);
	fflush(stdout);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void save(const char *name, const void *p, size_t n)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Everything an attribute can be, and text of every kind of trouble. */
static void many_attrs(struct attrs *a)
{
	static const struct str list[] = { { "one", 3 }, { "", 0 }, { "\xff\0\"", 3 } };
	static char bytes[256];

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	attr_str(a, "text", STR("it's \"quoted\" \\ and\ttabbed\n"));
	attr_str(a, "bytes", (struct str){ bytes, sizeof(bytes) });
	attr_str(a, "unicode", STR("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9d \xc2\x85"));
	attr_str(a, "empty", STR(""));
	attr_int(a, "zero", 0);
	attr_int(a, "min", INT64_MIN);
	attr_int(a, "max", INT64_MAX);
	attr_bool(a, "yes", true);
	attr_bool(a, "no", false);
	attr_double(a, "d.zero", 0);
	attr_double(a, "d.third", 1.0 / 3);
	attr_double(a, "d.max", DBL_MAX);
	attr_double(a, "d.tiny", 4.9e-324);
	attr_double(a, "d.whole", 1e15);
	attr_double(a, "d.nan", NAN);
	attr_double(a, "d.inf", -INFINITY);
	attr_strs(a, "list", list, ARRAY_SIZE(list));
	attr_strs(a, "no.list", NULL, 0);
}

static void give_spans(struct otel *o, const int *resources)
{
	for (u32 i = 0; i < 20; i++) {
		struct span s = { .scope = i % 2 ? "podtrace/http" : "podtrace/tcp",
				  .name = STR("n"),
				  .kind = 1 + i % 5,
				  .start_ns = i,
				  .end_ns = 1795258560000000000ull + i,
				  .status = i % 3 ? STATUS_UNSET : STATUS_ERROR,
				  .flags = i % 4 ? SPAN_SAMPLED | SPAN_PARENT_REMOTE : 0 };

		memset(s.trace_id, (int)(0x80 + i), sizeof(s.trace_id));
		memset(s.span_id, (int)(i + 1), sizeof(s.span_id));
		memset(s.parent_span_id, (int)(i % 3), sizeof(s.parent_span_id));
		if (i % 4 == 0)
			many_attrs(&s.attrs);
		s.attrs.dropped = (u16)(i % 2);
		otel_span(o, resources[i % 3], &s);
	}
}

static void give_notes(struct otel *o, const int *resources)
{
	for (u32 i = 0; i < 20; i++) {
		struct note n = { .scope = i % 2 ? "podtrace/process" : "podtrace/oom",
				  .event_name = "podtrace.process.exit",
				  .severity = i % 3 ? NOTE_INFO : NOTE_ERROR,
				  .time_ns = i,
				  .observed_ns = 1795258560000000000ull };

		if (i % 2)
			n.body = STR("exited with \xff");
		if (i % 5 == 0)
			memset(n.trace_id, 7, sizeof(n.trace_id));
		if (i % 4 == 0)
			many_attrs(&n.attrs);
		otel_note(o, resources[i % 3], &n);
	}
}

static void give_points(struct otel *o, const int *resources)
{
	static const double bounds[] = { 0.005, 0.01, 2.5 };
	static const struct metric_desc descs[] = {
		{ "podtrace/tcp", "podtrace.c", "{connection}", "Connections.", METRIC_COUNTER,
		  NULL, 0 },
		{ "podtrace/tcp", "podtrace.u", "By", "", METRIC_UPDOWN, NULL, 0 },
		{ "podtrace/dns", "podtrace.g", "1", "", METRIC_GAUGE, NULL, 0 },
		{ "podtrace/dns", "dns.lookup.duration", "s", "", METRIC_HISTOGRAM, bounds, 3 },
	};

	otel_metrics_begin(o);
	for (u32 i = 0; i < 40; i++) {
		u64 buckets[4] = { i, 0, 1ull << 60, 7 };
		struct point p = { .desc = &descs[i % 4],
				   .start_ns = i,
				   .time_ns = i + 1,
				   .i = -(s64)i,
				   .d = i / 7.0,
				   .is_double = i % 8 > 3,
				   .gone = i % 11 == 10,
				   .buckets = buckets,
				   .sum = i / 3.0 };

		attr_int(&p.attrs, "series", i);
		otel_point(o, resources[i % 3], &p);
	}
	otel_metrics_end(o);
}

static void exchange(enum otel_signal signal)
{
	struct world w = { 0 };
	char url[128];
	struct otel_config c;
	int resources[3];

	server_start(&w.server, NULL, 0);
	c = config_for(url, sizeof(url), w.server.port);
	c.file = file;
	c.batch_items = 1000;
	begin_with(&w, &c);
	for (int i = 0; i < 3; i++) {
		struct attrs a = { 0 };

		attr_str(&a, "service.name", STR("s"));
		attr_int(&a, "i", i);
		resources[i] = otel_resource(w.otel, &a);
	}
	if (signal == SIGNAL_TRACES)
		give_spans(w.otel, resources);
	else if (signal == SIGNAL_LOGS)
		give_notes(w.otel, resources);
	else
		give_points(w.otel, resources);
	otel_flush(w.otel);
	run(&w, 3000);
	assert_int_equal(w.server.n, 1);
	save(request, w.server.request[0]->body, w.server.request[0]->n);
	end(&w);
	assert_int_equal(rename(file, line), 0);
}

static void change_byte(const char *name, const char *find, char to)
{
	static char text[1 << 20];
	FILE *f = fopen(name, "r+");
	size_t n = fread(text, 1, sizeof(text), f);
	char *at = memmem(text, n, find, strlen(find));

	assert_non_null(at);
	at[strlen(find) - 1] = to;
	rewind(f);
	fwrite(text, 1, n, f);
	fclose(f);
}

static void test_same(void **state)
{
	(void)state;
	for (int s = 0; s < SIGNAL_COUNT; s++) {
		exchange(s);
		if (compare(s))
			fail_msg("%s", otel_signal_name(s));
	}
}

/* The comparison sees one digit, one letter, one unknown field. */
static void test_differences_are_seen(void **state)
{
	(void)state;
	exchange(SIGNAL_TRACES);
	change_byte(line, "\"startTimeUnixNano\":\"1", '7');
	assert_int_equal(compare(SIGNAL_TRACES), 1);
	exchange(SIGNAL_TRACES);
	change_byte(line, "\"boolValue\":tru", 'x');
	assert_int_equal(compare(SIGNAL_TRACES), 1);
	exchange(SIGNAL_LOGS);
	change_byte(request, "podtrace/oom", 'x');
	assert_int_equal(compare(SIGNAL_LOGS), 1);
}

static void test_unknown_field_is_seen(void **state)
{
	static const char unknown[] = "\xa2\x06\x01x"; /* field 100 */
	FILE *f;

	(void)state;
	exchange(SIGNAL_METRICS);
	f = fopen(request, "a");
	fwrite(unknown, 1, sizeof(unknown) - 1, f);
	fclose(f);
	assert_int_equal(compare(SIGNAL_METRICS), 1);
	exchange(SIGNAL_METRICS);
	change_byte(request, "service.name\x12\x03\x0a\x01s", '\xff'); /* no UTF-8 */
	assert_int_equal(compare(SIGNAL_METRICS), 1);
}

static int have_tools(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/opentelemetry/proto/trace/v1/trace.proto", proto_dir());
	return !access(path, R_OK) && !system("protoc --version >/dev/null 2>&1") &&
	       !system("python3 -c '' 2>/dev/null");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_differences_are_seen),
		cmocka_unit_test(test_unknown_field_is_seen),
	};
	int bad;

	if (!have_tools()) {
		printf("SKIP otel_wire: wants protoc, python3 and the .proto files in %s\n",
		       proto_dir());
		return getenv("CI") ? 1 : 0;
	}
	signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_ERROR, LOG_LOGFMT);
	if (!mkdtemp(dir))
		return 1;
	snprintf(file, sizeof(file), "%s/out.json", dir);
	snprintf(request, sizeof(request), "%s/request.bin", dir);
	snprintf(line, sizeof(line), "%s/line.json", dir);
	bad = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(request);
	unlink(line);
	rmdir(dir);
	return bad;
}
