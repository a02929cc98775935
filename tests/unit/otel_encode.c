// SPDX-License-Identifier: Apache-2.0
/* links: otel/encode.c libs: otlp-proto protobuf-c */
/* otel/encode: what goes in comes out of the official messages; text that protobuf may not have. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "opentelemetry/proto/logs/v1/logs.pb-c.h"
#include "opentelemetry/proto/metrics/v1/metrics.pb-c.h"
#include "opentelemetry/proto/resource/v1/resource.pb-c.h"
#include "opentelemetry/proto/trace/v1/trace.pb-c.h"
#include "otel/encode.h"

#define unpack(type, s)	     opentelemetry__proto__##type##__unpack(NULL, (s).n, (const uint8_t *)(s).p)
#define unpack_free(type, m) opentelemetry__proto__##type##__free_unpacked(m, NULL)
#define VALUE(x)	     OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_##x

typedef Opentelemetry__Proto__Common__V1__KeyValue key_value;

static struct encoder *enc;

static int setup(void **state)
{
	(void)state;
	enc = encoder_new();
	return !enc;
}

static int teardown(void **state)
{
	(void)state;
	encoder_free(enc);
	return 0;
}

static struct span a_span(void)
{
	struct span s = {
		.scope = "podtrace/http",
		.flags = SPAN_SAMPLED | SPAN_RANDOM,
		.name = STR("GET /x"),
		.kind = SPAN_SERVER,
		.start_ns = 1700000000000000001,
		.end_ns = 1700000000000000500,
		.status = STATUS_ERROR,
	};

	memset(s.trace_id, 0xa1, sizeof(s.trace_id));
	memset(s.span_id, 0xb2, sizeof(s.span_id));
	return s;
}

static void test_span(void **state)
{
	static const struct str list[] = { { "a", 1 }, { "", 0 }, { "\xff", 1 } };
	struct span s = a_span();
	Opentelemetry__Proto__Trace__V1__Span *m;
	struct str bytes;

	(void)state;
	memset(s.parent_span_id, 0xc3, sizeof(s.parent_span_id));
	attr_str(&s.attrs, "str", STR("v"));
	attr_int(&s.attrs, "int", INT64_MIN);
	attr_double(&s.attrs, "double", -0.5);
	attr_bool(&s.attrs, "false", false);
	attr_strs(&s.attrs, "strs", list, 3);
	attr_strs(&s.attrs, "none", NULL, 0);
	attr_str(&s.attrs, "empty", (struct str){ NULL, 0 });
	bytes = encode_span(enc, &s);
	m = unpack(trace__v1__span, bytes);
	assert_non_null(m);
	assert_int_equal(m->base.n_unknown_fields, 0);
	assert_int_equal(m->trace_id.len, 16);
	assert_memory_equal(m->trace_id.data, s.trace_id, 16);
	assert_memory_equal(m->span_id.data, s.span_id, 8);
	assert_memory_equal(m->parent_span_id.data, s.parent_span_id, 8);
	assert_int_equal(m->flags, 3);
	assert_string_equal(m->name, "GET /x");
	assert_int_equal(m->kind, 2);
	assert_int_equal(m->start_time_unix_nano, 1700000000000000001);
	assert_int_equal(m->end_time_unix_nano, 1700000000000000500);
	assert_int_equal(m->status->code, 2);
	assert_int_equal(m->n_attributes, 7);
	assert_int_equal(m->dropped_attributes_count, 0);
	assert_string_equal(m->attributes[0]->key, "str");
	assert_string_equal(m->attributes[0]->value->string_value, "v");
	assert_true(m->attributes[1]->value->int_value == INT64_MIN);
	assert_true(m->attributes[2]->value->double_value == -0.5);
	/* false is a value, not a missing one. */
	assert_int_equal(m->attributes[3]->value->value_case, VALUE(BOOL_VALUE));
	assert_false(m->attributes[3]->value->bool_value);
	assert_int_equal(m->attributes[4]->value->array_value->n_values, 3);
	assert_string_equal(m->attributes[4]->value->array_value->values[2]->string_value,
			    "\xef\xbf\xbd");
	assert_int_equal(m->attributes[5]->value->value_case, VALUE(ARRAY_VALUE));
	assert_int_equal(m->attributes[5]->value->array_value->n_values, 0);
	assert_int_equal(m->attributes[6]->value->value_case, VALUE(STRING_VALUE));
	assert_string_equal(m->attributes[6]->value->string_value, "");
	unpack_free(trace__v1__span, m);
}

/* A root has no parent id, unset status is not sent, an end before the start is moved. */
static void test_span_edges(void **state)
{
	struct span s = a_span();
	Opentelemetry__Proto__Trace__V1__Span *m;

	(void)state;
	s.status = STATUS_UNSET;
	s.end_ns = s.start_ns - 1;
	m = unpack(trace__v1__span, encode_span(enc, &s));
	assert_non_null(m);
	assert_int_equal(m->parent_span_id.len, 0);
	assert_null(m->status);
	assert_int_equal(m->end_time_unix_nano, m->start_time_unix_nano);
	unpack_free(trace__v1__span, m);
}

static char *encoded_value(struct str value, u32 *ret_dropped)
{
	struct span s = a_span();
	Opentelemetry__Proto__Trace__V1__Span *m;
	char *copy = NULL;

	attr_str(&s.attrs, "k", value);
	m = unpack(trace__v1__span, encode_span(enc, &s));
	assert_non_null(m);
	*ret_dropped = m->dropped_attributes_count;
	if (m->n_attributes)
		copy = strdup(m->attributes[0]->value->string_value);
	unpack_free(trace__v1__span, m);
	return copy;
}

static void test_text(void **state)
{
	static const struct {
		struct str in;
		const char *out;
	} rows[] = {
		{ { "plain", 5 }, "plain" },
		{ { "12345678", 8 }, "12345678" },
		{ { "1234567\0", 8 }, "1234567\xef\xbf\xbd" },
		{ { "a\0b\0", 4 },
		  "a\xef\xbf\xbd"
		  "b\xef\xbf\xbd" },
		{ { "\0", 1 }, "\xef\xbf\xbd" },
		{ { "gr\xc3\xbc\xc3\x9f", 6 }, "gr\xc3\xbc\xc3\x9f" },
		{ { "x\xff\xfe", 3 }, "x\xef\xbf\xbd\xef\xbf\xbd" },
		{ { "\xc0\x80", 2 }, "\xef\xbf\xbd\xef\xbf\xbd" }, /* overlong NUL */
		{ { "\xed\xa0\x80", 3 }, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* surrogate */
		{ { "\x01\x7f", 2 }, "\x01\x7f" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 dropped;
		char *got = encoded_value(rows[i].in, &dropped);

		assert_string_equal(got, rows[i].out);
		assert_int_equal(dropped, 0);
		free(got);
	}
}

/* Cut to the limit, and between characters. */
static void test_long_values(void **state)
{
	char text[4096];
	u32 dropped;
	char *got;

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t n = ATTR_VALUE_MAX - 2; n < ATTR_VALUE_MAX + 3; n++) {
		got = encoded_value((struct str){ text, n }, &dropped);
		assert_int_equal(strlen(got), n < ATTR_VALUE_MAX ? n : ATTR_VALUE_MAX);
		free(got);
	}
	memcpy(text + ATTR_VALUE_MAX - 1, "\xc3\xbc", 2);
	got = encoded_value((struct str){ text, sizeof(text) }, &dropped);
	assert_int_equal(strlen(got), ATTR_VALUE_MAX - 1);
	assert_true(str_is_utf8(str_of(got)));
	free(got);
}

/* The most a caller can give is within ENCODE_MAX, and what is left out is counted. */
static void test_fullest(void **state)
{
	static char text[ATTR_VALUE_MAX], key[ATTR_VALUE_MAX + 1], too_long[ATTR_VALUE_MAX + 2];
	struct str list[200];
	struct span s = a_span();
	Opentelemetry__Proto__Trace__V1__Span *m;
	struct str bytes;
	size_t strings = 0;

	(void)state;
	memset(text, 0xff, sizeof(text));
	memset(key, 'k', sizeof(key) - 1);
	memset(too_long, 'k', sizeof(too_long) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		list[i] = (struct str){ text, sizeof(text) };
	s.name = (struct str){ text, sizeof(text) };
	for (u32 i = 0; i < ATTRS_MAX + 5; i++) {
		if (i % 2)
			attr_strs(&s.attrs, key, list, ARRAY_SIZE(list));
		else
			attr_str(&s.attrs, i == 2 ? too_long : key, list[0]);
	}
	assert_int_equal(s.attrs.dropped, 5);
	bytes = encode_span(enc, &s);
	assert_true(bytes.n <= ENCODE_MAX);
	m = unpack(trace__v1__span, bytes);
	assert_non_null(m);
	assert_true(m->dropped_attributes_count > 5);
	assert_int_equal(m->n_attributes + m->dropped_attributes_count, ATTRS_MAX + 5);
	for (size_t i = 0; i < m->n_attributes; i++) {
		const Opentelemetry__Proto__Common__V1__AnyValue *v = m->attributes[i]->value;

		if (v->value_case == VALUE(ARRAY_VALUE))
			strings += v->array_value->n_values;
	}
	assert_in_range(strings, 1, ATTR_STRS_MAX);
	unpack_free(trace__v1__span, m);
}

static void test_note(void **state)
{
	struct note n = {
		.scope = "podtrace/process",
		.event_name = "podtrace.process.exec_failed",
		.severity = NOTE_WARN,
		.time_ns = 5,
		.observed_ns = 7,
		.body = STR("why\0not"),
	};
	Opentelemetry__Proto__Logs__V1__LogRecord *m;

	(void)state;
	attr_int(&n.attrs, "errno", 2);
	n.trace_id[15] = 1;
	m = unpack(logs__v1__log_record, encode_note(enc, &n));
	assert_non_null(m);
	assert_int_equal(m->time_unix_nano, 5);
	assert_int_equal(m->observed_time_unix_nano, 7);
	assert_int_equal(m->severity_number, 13);
	assert_string_equal(m->severity_text, "WARN");
	assert_string_equal(m->event_name, "podtrace.process.exec_failed");
	assert_string_equal(m->body->string_value, "why\xef\xbf\xbdnot");
	assert_int_equal(m->trace_id.len, 16);
	assert_int_equal(m->span_id.len, 0); /* all zero: none */
	assert_int_equal(m->n_attributes, 1);
	unpack_free(logs__v1__log_record, m);
	n.body = STR("");
	n.event_name = NULL;
	m = unpack(logs__v1__log_record, encode_note(enc, &n));
	assert_null(m->body);
	assert_string_equal(m->event_name, "");
	unpack_free(logs__v1__log_record, m);
}

static void test_number(void **state)
{
	static const struct metric_desc d = { .name = "x", .type = METRIC_COUNTER };
	struct point p = { .desc = &d, .start_ns = 1, .time_ns = 2, .i = 0, .d = 0.25 };
	Opentelemetry__Proto__Metrics__V1__NumberDataPoint *m;

	(void)state;
	m = unpack(metrics__v1__number_data_point, encode_point(enc, &p));
	/* 0 is there as a value. */
	assert_int_equal(m->value_case,
			 OPENTELEMETRY__PROTO__METRICS__V1__NUMBER_DATA_POINT__VALUE_AS_INT);
	unpack_free(metrics__v1__number_data_point, m);
	p.is_double = true;
	m = unpack(metrics__v1__number_data_point, encode_point(enc, &p));
	assert_true(m->as_double == 0.25);
	unpack_free(metrics__v1__number_data_point, m);
	p.gone = true;
	m = unpack(metrics__v1__number_data_point, encode_point(enc, &p));
	assert_int_equal(m->value_case, 0);
	assert_int_equal(m->flags, 1);
	unpack_free(metrics__v1__number_data_point, m);
}

static void test_histogram(void **state)
{
	static double bounds[METRIC_BOUNDS_MAX + 1];
	static u64 counts[METRIC_BOUNDS_MAX + 2];
	struct metric_desc d = { .name = "x",
				 .type = METRIC_HISTOGRAM,
				 .bounds = bounds,
				 .bounds_n = METRIC_BOUNDS_MAX };
	struct point p = { .desc = &d, .start_ns = 1, .time_ns = 2, .buckets = counts };
	Opentelemetry__Proto__Metrics__V1__HistogramDataPoint *m;

	(void)state;
	for (size_t i = 0; i < METRIC_BOUNDS_MAX; i++) {
		bounds[i] = (double)i;
		counts[i] = i;
	}
	m = unpack(metrics__v1__histogram_data_point, encode_point(enc, &p));
	assert_non_null(m);
	assert_int_equal(m->n_bucket_counts, METRIC_BOUNDS_MAX + 1);
	assert_int_equal(m->n_explicit_bounds, METRIC_BOUNDS_MAX);
	assert_int_equal(m->count, METRIC_BOUNDS_MAX * (METRIC_BOUNDS_MAX - 1) / 2);
	assert_true(m->explicit_bounds[255] == 255.0);
	/* A sum of 0 is a sum; there is no min or max. */
	assert_int_equal(m->_sum_case,
			 OPENTELEMETRY__PROTO__METRICS__V1__HISTOGRAM_DATA_POINT___SUM_SUM);
	assert_int_equal(m->_min_case, 0);
	unpack_free(metrics__v1__histogram_data_point, m);
	d.bounds_n++;
	assert_int_equal(encode_point(enc, &p).n, 0);
}

static void test_names(void **state)
{
	static const struct metric_desc d = { .name = "n", .unit = "s", .description = "what" };
	struct attrs attrs = { 0 };
	Opentelemetry__Proto__Common__V1__InstrumentationScope *scope;
	Opentelemetry__Proto__Metrics__V1__Metric *metric;
	Opentelemetry__Proto__Resource__V1__Resource *resource;

	(void)state;
	scope = unpack(common__v1__instrumentation_scope, encode_scope(enc, "podtrace/x", "1.2"));
	assert_string_equal(scope->name, "podtrace/x");
	assert_string_equal(scope->version, "1.2");
	unpack_free(common__v1__instrumentation_scope, scope);
	metric = unpack(metrics__v1__metric, encode_metric(enc, &d));
	assert_string_equal(metric->name, "n");
	assert_string_equal(metric->unit, "s");
	assert_string_equal(metric->description, "what");
	unpack_free(metrics__v1__metric, metric);
	attr_str(&attrs, "service.name", STR("x"));
	attrs.dropped = 3;
	resource = unpack(resource__v1__resource, encode_resource(enc, &attrs));
	assert_int_equal(resource->n_attributes, 1);
	assert_int_equal(resource->dropped_attributes_count, 3);
	unpack_free(resource__v1__resource, resource);
	attrs = (struct attrs){ 0 };
	assert_int_equal(encode_resource(enc, &attrs).n, 0);
}

/* An item after a full one is as if it were the first. */
static void test_nothing_stays(void **state)
{
	struct span s = a_span();
	Opentelemetry__Proto__Trace__V1__Span *m;

	(void)state;
	test_fullest(NULL);
	m = unpack(trace__v1__span, encode_span(enc, &s));
	assert_int_equal(m->n_attributes, 0);
	assert_int_equal(m->dropped_attributes_count, 0);
	assert_string_equal(m->name, "GET /x");
	unpack_free(trace__v1__span, m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_span),	cmocka_unit_test(test_span_edges),
		cmocka_unit_test(test_text),	cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_fullest), cmocka_unit_test(test_note),
		cmocka_unit_test(test_number),	cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_names),	cmocka_unit_test(test_nothing_stays),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
