// SPDX-License-Identifier: Apache-2.0
/* links: otel/encode.c otel/book.c otel/frame.c otel/collection.c libs: otlp-proto protobuf-c */
/* otel/frame, otel/book, otel/collection: requests unpack to what was put in, grouped; sizes are
 * bounded by the cost; resources are pinned, forgotten, never mistaken for another. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "otel/collection.h"
#include "otel/otel.h"

#define N	  600
#define RESOURCES 40
#define SCOPES	  5

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest traces;
typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest metrics;

#define unpack_traces(s)                                                                           \
	opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(          \
		NULL, (s).n, (const uint8_t *)(s).p)
#define free_traces(m)                                                                             \
	opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(   \
		m, NULL)
#define unpack_metrics(s)                                                                          \
	opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(      \
		NULL, (s).n, (const uint8_t *)(s).p)
#define free_metrics(m)                                                                              \
	opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked( \
		m, NULL)

static const char *const scope_names[SCOPES] = { "podtrace/a", "podtrace/b", "podtrace/c",
						 "podtrace/d", "podtrace/e" };
static struct encoder *enc;
static struct book *book;
static u8 mem[1 << 20];

static int setup(void **state)
{
	(void)state;
	enc = encoder_new();
	book = book_new("1.2.3");
	return !enc || !book;
}

static int teardown(void **state)
{
	(void)state;
	book_free(book);
	encoder_free(enc);
	return 0;
}

static int resource(int i)
{
	struct attrs attrs = { 0 };

	attr_int(&attrs, "number", i);
	return book_resource(book, encode_resource(enc, &attrs));
}

static void test_varint(void **state)
{
	static const struct {
		u64 v;
		size_t n;
		const char *bytes;
	} rows[] = { { 0, 1, "\0" },
		     { 127, 1, "\x7f" },
		     { 128, 2, "\x80\x01" },
		     { 16383, 2, "\xff\x7f" },
		     { 16384, 3, "\x80\x80\x01" },
		     { UINT32_MAX, 5, "\xff\xff\xff\xff\x0f" } };
	u8 got[10];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(frame_varint(got, rows[i].v), rows[i].n);
		assert_memory_equal(got, rows[i].bytes, rows[i].n);
	}
}

static void test_sort(void **state)
{
	static struct frame_piece v[1000], scratch[1000];

	(void)state;
	for (int round = 0; round < 50; round++) {
		size_t n = (size_t)(random() % 1000);
		u32 limit = round % 2 ? 4096 : 1 + (u32)random() % 5;

		for (u32 i = 0; i < n; i++)
			v[i] = (struct frame_piece){
				.key = frame_key((u32)random() % limit, (u32)random() % 64,
						 (u32)random() % (round % 3 ? 1 : 1024), i),
				.n = i,
			};
		frame_sort(v, scratch, n);
		for (size_t i = 1; i < n; i++) {
			assert_true(v[i - 1].key < v[i].key);
			assert_int_equal(v[i].n, (u32)v[i].key);
		}
	}
}

static u64 piece_cost(u64 key, size_t n)
{
	u32 slot = frame_key_resource(key);
	struct frame_new is_new = { .resource = book_mark_resource(book, slot) };

	is_new.scope = book_mark_scope(book, slot, frame_key_scope(key));
	return frame_cost(book, key, n, is_new);
}

static size_t check_traces(traces *m, const struct frame_piece *v)
{
	size_t at = 0;

	for (size_t r = 0; r < m->n_resource_spans; r++) {
		Opentelemetry__Proto__Trace__V1__ResourceSpans *rs = m->resource_spans[r];

		assert_string_equal(rs->schema_url, FRAME_SCHEMA_URL);
		assert_int_equal(rs->base.n_unknown_fields, 0);
		for (size_t s = 0; s < rs->n_scope_spans; s++) {
			Opentelemetry__Proto__Trace__V1__ScopeSpans *ss = rs->scope_spans[s];

			assert_string_equal(ss->schema_url, FRAME_SCHEMA_URL);
			assert_string_equal(ss->scope->version, "1.2.3");
			assert_true(ss->n_spans > 0);
			for (size_t i = 0; i < ss->n_spans; i++, at++) {
				assert_string_equal(ss->scope->name,
						    scope_names[frame_key_scope(v[at].key)]);
				assert_int_equal(rs->resource->attributes[0]->value->int_value,
						 frame_key_resource(v[at].key));
				/* start time: the number of the item */
				assert_int_equal(ss->spans[i]->start_time_unix_nano,
						 (u32)v[at].key);
			}
		}
	}
	return at;
}

static void test_traces(void **state)
{
	static struct frame_piece v[N], scratch[N];
	static u8 store[N * 256];
	size_t off = 0, cost = 0;
	struct str raw;
	traces *m;

	(void)state;
	for (int i = 0; i < RESOURCES; i++)
		assert_int_equal(resource(i), i);
	for (u32 i = 0; i < SCOPES; i++)
		assert_int_equal(book_scope(book, enc, scope_names[i]), i);
	book_mark_reset(book);
	for (u32 i = 0; i < N; i++) {
		struct span span = { .name = STR("n"), .start_ns = i };
		struct str s = encode_span(enc, &span);

		v[i] = (struct frame_piece){ .key = frame_key((u32)random() % RESOURCES,
							      (u32)random() % SCOPES, 0, i),
					     .off = (u32)off,
					     .n = (u32)s.n };
		memcpy(store + off, s.p, s.n);
		off += s.n;
		cost += piece_cost(v[i].key, s.n);
	}
	frame_sort(v, scratch, N);
	raw = frame_build(book, v, N, store, false, mem, sizeof(mem));
	assert_true(raw.n > 0 && raw.n <= cost);
	m = unpack_traces(raw);
	assert_non_null(m);
	assert_int_equal(check_traces(m, v), N);
	assert_int_equal(m->n_resource_spans, RESOURCES);
	/* No length is longer than it need be: packed again it is as long. */
	assert_int_equal(protobuf_c_message_get_packed_size(&m->base), raw.n);
	free_traces(m);
	/* Exactly enough memory is enough, and one byte less is not. */
	assert_int_equal(frame_build(book, v, N, store, false, mem, raw.n).n, raw.n);
	assert_int_equal(frame_build(book, v, N, store, false, mem, raw.n - 1).n, 0);
}

static void check_metric(Opentelemetry__Proto__Metrics__V1__Metric *m, enum metric_type type)
{
	static const int cases[] = {
		[METRIC_COUNTER] = OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_SUM,
		[METRIC_UPDOWN] = OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_SUM,
		[METRIC_GAUGE] = OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_GAUGE,
		[METRIC_HISTOGRAM] = OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_HISTOGRAM,
	};

	assert_int_equal(m->data_case, cases[type]);
	assert_string_equal(m->unit, "s");
	assert_int_equal(m->base.n_unknown_fields, 0);
	if (type == METRIC_HISTOGRAM) {
		assert_int_equal(m->histogram->aggregation_temporality, 2);
		assert_int_equal(m->histogram->n_data_points, 3);
	} else if (type == METRIC_GAUGE) {
		assert_int_equal(m->gauge->n_data_points, 3);
	} else {
		assert_int_equal(m->sum->aggregation_temporality, 2);
		assert_int_equal(m->sum->is_monotonic, type == METRIC_COUNTER);
		assert_int_equal(m->sum->n_data_points, 3);
	}
}

/* Each metric once for a resource, whatever the order of its points was. */
static void test_metrics(void **state)
{
	static const double bounds[] = { 1 };
	static const u64 counts[] = { 1, 2 };
	static const struct metric_desc descs[] = {
		{ "podtrace/a", "c", "s", "", METRIC_COUNTER, NULL, 0 },
		{ "podtrace/a", "u", "s", "", METRIC_UPDOWN, NULL, 0 },
		{ "podtrace/b", "g", "s", "", METRIC_GAUGE, NULL, 0 },
		{ "podtrace/b", "h", "s", "", METRIC_HISTOGRAM, bounds, 1 },
	};
	struct collection c;
	struct str raw;
	metrics *m;
	size_t seen = 0;
	int res[2] = { resource(0), resource(1) };

	(void)state;
	collection_init(&c, 1 << 20);
	for (size_t i = 0; i < 3 * 2 * 4; i++) {
		const struct metric_desc *d = &descs[i % 4];
		struct point p = { .desc = d, .buckets = counts, .time_ns = i };
		int r = book_ref(book, res[i / 4 % 2]), s = book_scope(book, enc, d->scope),
		    k = book_desc(book, enc, d);

		assert_int_equal(collection_add(&c, (u32)r, (u32)s, (u32)k, encode_point(enc, &p)),
				 0);
	}
	collection_sort(&c);
	raw = frame_build(book, c.v, c.n, (u8 *)c.store.p, true, mem, sizeof(mem));
	m = unpack_metrics(raw);
	assert_non_null(m);
	assert_int_equal(m->n_resource_metrics, 2);
	assert_int_equal(protobuf_c_message_get_packed_size(&m->base), raw.n);
	for (size_t r = 0; r < 2; r++) {
		for (size_t s = 0; s < m->resource_metrics[r]->n_scope_metrics; s++) {
			Opentelemetry__Proto__Metrics__V1__ScopeMetrics *sm =
				m->resource_metrics[r]->scope_metrics[s];

			for (size_t i = 0; i < sm->n_metrics; i++, seen++)
				check_metric(sm->metrics[i], descs[seen % 4].type);
		}
	}
	assert_int_equal(seen, 8);
	free_metrics(m);
	collection_free(&c, book);
}

static void test_collection_limit(void **state)
{
	struct collection c;
	int r = resource(0), slot;

	(void)state;
	collection_init(&c, 16384);
	for (size_t i = 0; i < 2000; i++) {
		int bad;

		slot = book_ref(book, r);
		bad = collection_add(&c, (u32)slot, 0, 0, STR("0123456789012345678901234567890"));
		if (bad) {
			assert_int_equal(bad, -ENOSPC);
			assert_in_range(i, 300, 530);
			book_unref(book, slot);
			break;
		}
		assert_true(i < 1999);
	}
	collection_empty(&c, book);
	assert_int_equal(c.n, 0);
	/* Nothing refers to it any more: it can be forgotten (an assertion says so, if not). */
	book_resource_drop(book, r);
	assert_false(book_resource_known(book, r));
	collection_free(&c, book);
}

static void test_book_drop(void **state)
{
	int r = resource(7), slot = book_ref(book, r), again;

	(void)state;
	assert_true(book_resource_known(book, r));
	book_resource_drop(book, r);
	assert_false(book_resource_known(book, r));
	assert_int_equal(book_ref(book, r), -ENOENT);
	/* Queued items still have it ... */
	assert_true(book_resource_field(book, (u32)slot).n > 0);
	again = resource(8);
	assert_int_not_equal(again & 4095, slot);
	book_unref(book, slot);
	/* ... and its slot, used again, has another number. */
	again = resource(9);
	assert_int_equal(again & 4095, slot);
	assert_int_not_equal(again, r);
	assert_int_equal(book_ref(book, r), -ENOENT);
	assert_false(book_resource_known(book, -1));
	assert_false(book_resource_known(book, INT32_MAX));
}

static void test_book_full(void **state)
{
	static int number[OTEL_RESOURCES_MAX];
	int more;

	(void)state;
	book_free(book);
	book = book_new("1.2.3");
	for (int i = 0; i < OTEL_RESOURCES_MAX; i++) {
		number[i] = resource(i);
		assert_true(number[i] >= 0);
		assert_int_equal(book_ref(book, number[i]), number[i] & 4095);
	}
	assert_int_equal(resource(0), -ENOSPC);
	/* Two are free: the one used longer ago goes. */
	book_unref(book, 100);
	book_unref(book, 50);
	book_ref(book, number[100]);
	book_unref(book, 100);
	more = resource(1);
	assert_int_equal(more & 4095, 50);
	assert_false(book_resource_known(book, number[50]));
	assert_true(book_resource_known(book, number[100]));
}

static void test_book_bytes(void **state)
{
	static char text[60000];
	int first;

	(void)state;
	book_free(book);
	book = book_new("1.2.3");
	first = book_resource(book, (struct str){ text, sizeof(text) });
	for (u32 i = 0; i < OTEL_RESOURCE_BYTES_MAX / sizeof(text); i++)
		assert_true(book_resource(book, (struct str){ text, sizeof(text) }) >= 0);
	assert_false(book_resource_known(book, first));
}

static void test_book_names(void **state)
{
	static struct metric_desc descs[OTEL_DESCS_MAX + 1];
	static char names[OTEL_SCOPES_MAX + 1][16];
	char copy[16];

	(void)state;
	book_free(book);
	book = book_new(NULL);
	for (int i = 0; i <= OTEL_SCOPES_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "s%d", i);
		assert_int_equal(book_scope(book, enc, names[i]),
				 i < OTEL_SCOPES_MAX ? i : -ENOSPC);
	}
	strcpy(copy, names[5]); /* another literal of the same text */
	assert_int_equal(book_scope(book, enc, copy), 5);
	for (int i = 0; i <= OTEL_DESCS_MAX; i++) {
		descs[i] = (struct metric_desc){ .name = "n" };
		assert_int_equal(book_desc(book, enc, &descs[i]), i < OTEL_DESCS_MAX ? i : -ENOSPC);
	}
	for (int i = 0; i < OTEL_DESCS_MAX; i++)
		assert_int_equal(book_desc(book, enc, &descs[i]), i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_varint),
		cmocka_unit_test(test_sort),
		cmocka_unit_test_setup_teardown(test_traces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_metrics, setup, teardown),
		cmocka_unit_test_setup_teardown(test_collection_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_book_drop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_book_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_book_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_book_names, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
