// SPDX-License-Identifier: Apache-2.0
/* links: otel/json.c libs: otlp-proto protobuf-c */
/* otel/json: the rules of OTLP/JSON one by one, to the letter. That whole lines are what was
 * encoded is checked in otel_wire. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "opentelemetry/proto/logs/v1/logs.pb-c.h"
#include "opentelemetry/proto/metrics/v1/metrics.pb-c.h"
#include "opentelemetry/proto/trace/v1/trace.pb-c.h"
#include "otel/json.h"

typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;
typedef Opentelemetry__Proto__Common__V1__KeyValue key_value;
typedef Opentelemetry__Proto__Common__V1__ArrayValue array_value;

#define ANY_INIT OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__INIT
#define VALUE(x) OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_##x

static struct buf out;

static const char *json(const ProtobufCMessage *m)
{
	buf_reset(&out);
	json_message(&out, m);
	buf_char(&out, 0);
	return out.err ? "" : out.p;
}

static void test_double(void **state)
{
	static const struct {
		double d;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ -1.5, "-1.5" },
		{ 0.1, "0.1" },
		{ 1e300, "1e+300" },
		{ 5e-324, "4.94065645841247e-324" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ DBL_MAX, "1.7976931348623157e+308" },
		{ NAN, "\"NaN\"" },
		{ INFINITY, "\"Infinity\"" },
		{ -INFINITY, "\"-Infinity\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_reset(&out);
		json_double(&out, rows[i].d);
		buf_char(&out, 0);
		assert_string_equal(out.p, rows[i].text);
	}
	for (int i = 0; i < 20000; i++) {
		u64 bits = (u64)random() << 42 ^ (u64)random() << 21 ^ (u64)random();
		double d;

		memcpy(&d, &bits, sizeof(d));
		buf_reset(&out);
		json_double(&out, d);
		buf_char(&out, 0);
		if (isfinite(d))
			assert_true(strtod(out.p, NULL) == d);
	}
}

static void test_values(void **state)
{
	struct {
		int value_case;
		const char *text;
		any_value v;
	} rows[] = {
		{ 0, "{}", ANY_INIT },
		{ VALUE(STRING_VALUE), "{\"stringValue\":\"\"}", ANY_INIT },
		{ VALUE(STRING_VALUE), "{\"stringValue\":\"a\\\"\\\\\\n\\u0001\xc3\xbc\"}",
		  ANY_INIT },
		{ VALUE(BOOL_VALUE), "{\"boolValue\":false}", ANY_INIT },
		{ VALUE(INT_VALUE), "{\"intValue\":\"0\"}", ANY_INIT },
		{ VALUE(INT_VALUE), "{\"intValue\":\"-9223372036854775808\"}", ANY_INIT },
		{ VALUE(DOUBLE_VALUE), "{\"doubleValue\":0}", ANY_INIT },
		{ VALUE(DOUBLE_VALUE), "{\"doubleValue\":\"NaN\"}", ANY_INIT },
		{ VALUE(BYTES_VALUE), "{\"bytesValue\":\"\"}", ANY_INIT },
		{ VALUE(BYTES_VALUE), "{\"bytesValue\":\"AP8=\"}", ANY_INIT },
		{ VALUE(STRING_VALUE_STRINDEX), "{\"stringValueStrindex\":-3}", ANY_INIT },
	};

	(void)state;
	rows[1].v.string_value = "";
	rows[2].v.string_value = "a\"\\\n\x01\xc3\xbc";
	rows[5].v.int_value = INT64_MIN;
	rows[7].v.double_value = NAN;
	rows[9].v.bytes_value = (ProtobufCBinaryData){ 2, (uint8_t *)"\x00\xff" };
	rows[10].v.string_value_strindex = -3;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		rows[i].v.value_case = rows[i].value_case;
		assert_string_equal(json(&rows[i].v.base), rows[i].text);
	}
}

static void test_base64(void **state)
{
	static const char *const texts[] = {
		"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"
	}; /* RFC 4648 section 10 */
	any_value v = ANY_INIT;
	char want[64];

	(void)state;
	v.value_case = VALUE(BYTES_VALUE);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		v.bytes_value = (ProtobufCBinaryData){ i, (uint8_t *)"foobar" };
		snprintf(want, sizeof(want), "{\"bytesValue\":\"%s\"}", texts[i]);
		assert_string_equal(json(&v.base), want);
	}
}

static void test_span(void **state)
{
	Opentelemetry__Proto__Trace__V1__Span m = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__INIT;
	Opentelemetry__Proto__Trace__V1__Status st = OPENTELEMETRY__PROTO__TRACE__V1__STATUS__INIT;
	key_value kv = OPENTELEMETRY__PROTO__COMMON__V1__KEY_VALUE__INIT, *kvp = &kv;
	any_value v = ANY_INIT;

	(void)state;
	assert_string_equal(json(&m.base), "{}");
	m.trace_id = (ProtobufCBinaryData){ 3, (uint8_t *)"\x01\xab\xff" };
	m.span_id = m.parent_span_id = m.trace_id;
	m.name = "n";
	m.kind = 3;
	m.flags = 3;
	m.start_time_unix_nano = UINT64_MAX;
	m.status = &st; /* a message that is there is there, empty or not */
	kv.key = "k";
	kv.value = &v;
	m.n_attributes = 1;
	m.attributes = &kvp;
	assert_string_equal(
		json(&m.base),
		"{\"traceId\":\"01abff\",\"spanId\":\"01abff\",\"parentSpanId\":\"01abff\","
		"\"name\":\"n\",\"kind\":3,\"startTimeUnixNano\":\"18446744073709551615\","
		"\"attributes\":[{\"key\":\"k\",\"value\":{}}],\"status\":{},\"flags\":3}");
}

static void test_histogram(void **state)
{
	Opentelemetry__Proto__Metrics__V1__HistogramDataPoint m =
		OPENTELEMETRY__PROTO__METRICS__V1__HISTOGRAM_DATA_POINT__INIT;
	uint64_t counts[] = { 1, 0 };
	double limits[] = { 0.5 };

	(void)state;
	m.n_bucket_counts = 2;
	m.bucket_counts = counts;
	m.n_explicit_bounds = 1;
	m.explicit_bounds = limits;
	m._sum_case = OPENTELEMETRY__PROTO__METRICS__V1__HISTOGRAM_DATA_POINT___SUM_SUM;
	assert_string_equal(json(&m.base), "{\"sum\":0,\"bucketCounts\":[\"1\",\"0\"],"
					   "\"explicitBounds\":[0.5]}");
	m._sum_case = 0;
	assert_string_equal(json(&m.base),
			    "{\"bucketCounts\":[\"1\",\"0\"],\"explicitBounds\":[0.5]}");
}

/* A number point's 0 and a minus zero, an enum, a 32-bit number. */
static void test_presence(void **state)
{
	Opentelemetry__Proto__Metrics__V1__NumberDataPoint m =
		OPENTELEMETRY__PROTO__METRICS__V1__NUMBER_DATA_POINT__INIT;
	Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint e =
		OPENTELEMETRY__PROTO__METRICS__V1__EXPONENTIAL_HISTOGRAM_DATA_POINT__INIT;
	Opentelemetry__Proto__Logs__V1__LogRecord l =
		OPENTELEMETRY__PROTO__LOGS__V1__LOG_RECORD__INIT;

	(void)state;
	assert_string_equal(json(&m.base), "{}");
	m.value_case = OPENTELEMETRY__PROTO__METRICS__V1__NUMBER_DATA_POINT__VALUE_AS_INT;
	assert_string_equal(json(&m.base), "{\"asInt\":\"0\"}");
	e.zero_threshold = -0.0;
	e.scale = -4;
	assert_string_equal(json(&e.base), "{\"scale\":-4,\"zeroThreshold\":-0}");
	l.severity_number = 17;
	l.flags = UINT32_MAX;
	assert_string_equal(json(&l.base), "{\"severityNumber\":17,\"flags\":4294967295}");
}

static void test_depth(void **state)
{
	static any_value v[JSON_DEPTH_MAX];
	static array_value a[JSON_DEPTH_MAX];
	static any_value *p[JSON_DEPTH_MAX];
	size_t half = JSON_DEPTH_MAX / 2;

	(void)state;
	/* Each level is two messages: the innermost value is one too deep. */
	for (size_t i = 0; i <= half; i++) {
		opentelemetry__proto__common__v1__any_value__init(&v[i]);
		opentelemetry__proto__common__v1__array_value__init(&a[i]);
		p[i] = &v[i + 1];
		if (i < half) {
			v[i].value_case = VALUE(ARRAY_VALUE);
			v[i].array_value = &a[i];
			a[i].n_values = 1;
			a[i].values = &p[i];
		}
	}
	json(&v[0].base);
	assert_int_equal(out.err, -ELOOP);
	json(&v[1].base);
	assert_int_equal(out.err, 0);
}

static void test_limit(void **state)
{
	any_value v = ANY_INIT;
	struct buf small;

	(void)state;
	v.value_case = VALUE(STRING_VALUE);
	v.string_value = "0123456789";
	buf_init(&small, 20);
	json_message(&small, &v.base);
	assert_int_equal(small.err, -ENOSPC);
	buf_free(&small);
}

static int setup(void **state)
{
	(void)state;
	buf_init(&out, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_double),	  cmocka_unit_test(test_values),
		cmocka_unit_test(test_base64),	  cmocka_unit_test(test_span),
		cmocka_unit_test(test_histogram), cmocka_unit_test(test_presence),
		cmocka_unit_test(test_depth),	  cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
