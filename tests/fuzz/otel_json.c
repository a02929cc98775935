// SPDX-License-Identifier: Apache-2.0
/* links: otel/encode.c otel/json.c libs: otlp-proto protobuf-c */
/*
 * otel/encode and otel/json: a span, a log record or a data point made of arbitrary bytes is
 * encoded within its limit, unpacks, packs again to the same bytes, and is valid JSON. The same
 * bytes taken as a request, when they unpack, give valid JSON or are too deep.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "otel/encode.h"
#include "otel/json.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* ---- is it JSON? (RFC 8259, recursive, depth bounded by the writer's) ---------------------- */

static bool skip(struct str *s, char c)
{
	if (!s->n || s->p[0] != c)
		return false;
	*s = str_slice(*s, 1, s->n);
	return true;
}

static void is_string(struct str *s)
{
	CHECK(skip(s, '"'));
	for (; s->n && s->p[0] != '"'; *s = str_slice(*s, 1, s->n)) {
		CHECK((u8)s->p[0] >= 0x20);
		if (!skip(s, '\\'))
			continue;
		CHECK(s->n && s->p[0] && strchr("\"\\/bfnrtu", s->p[0]));
		if (s->p[0] != 'u')
			continue;
		CHECK(s->n > 4);
		for (int i = 1; i <= 4; i++)
			CHECK(strchr("0123456789abcdefABCDEF", s->p[i]) && s->p[i]);
	}
	CHECK(skip(s, '"'));
}

static void is_digits(struct str *s)
{
	CHECK(s->n && s->p[0] >= '0' && s->p[0] <= '9');
	while (s->n && s->p[0] >= '0' && s->p[0] <= '9')
		*s = str_slice(*s, 1, s->n);
}

static void is_number(struct str *s)
{
	skip(s, '-');
	if (!skip(s, '0'))
		is_digits(s);
	if (skip(s, '.'))
		is_digits(s);
	if (skip(s, 'e') || skip(s, 'E')) {
		if (!skip(s, '+'))
			skip(s, '-');
		is_digits(s);
	}
}

static void is_value(struct str *s);

static void is_list(struct str *s, char close, bool names)
{
	if (skip(s, close))
		return;
	do {
		if (names) {
			is_string(s);
			CHECK(skip(s, ':'));
		}
		is_value(s);
	} while (skip(s, ','));
	CHECK(skip(s, close));
}

static void is_value(struct str *s)
{
	if (skip(s, '{')) {
		is_list(s, '}', true);
	} else if (skip(s, '[')) {
		is_list(s, ']', false);
	} else if (s->n && s->p[0] == '"') {
		is_string(s);
	} else if (str_starts(*s, STR("true"))) {
		*s = str_slice(*s, 4, s->n);
	} else if (str_starts(*s, STR("false"))) {
		*s = str_slice(*s, 5, s->n);
	} else {
		is_number(s);
	}
}

static void check_json(const ProtobufCMessage *m)
{
	struct buf b;
	struct str s;

	buf_init(&b, 64 << 20);
	json_message(&b, m);
	if (!b.err) {
		s = buf_view(&b);
		CHECK(str_is_utf8(s));
		is_value(&s);
		CHECK(s.n == 0);
	} else {
		CHECK(b.err == -ELOOP || b.err == -ENOSPC);
	}
	buf_free(&b);
}

/* ---- items made of bytes -------------------------------------------------------------------- */

static u64 number(struct str *in, size_t bytes)
{
	u64 v = 0;

	for (; bytes-- && in->n; *in = str_slice(*in, 1, in->n))
		v = v << 8 | (u8)in->p[0];
	return v;
}

static struct str some(struct str *in)
{
	size_t n = number(in, 1);
	struct str s;

	if (n == 255)
		n = number(in, 2);
	s = str_slice(*in, 0, n);
	*in = str_slice(*in, n, in->n);
	return s;
}

static void read_attrs(struct str *in, struct attrs *a, struct str *list)
{
	for (u64 n = number(in, 1) % (ATTRS_MAX + 2); n; n--) {
		u64 type = number(in, 1) % 5, bits;
		double d;

		switch (type) {
		case ATTR_STR:
			attr_str(a, "s", some(in));
			break;
		case ATTR_INT:
			attr_int(a, "i", (s64)number(in, 8));
			break;
		case ATTR_DOUBLE:
			bits = number(in, 8);
			memcpy(&d, &bits, sizeof(d));
			attr_double(a, "d", d);
			break;
		case ATTR_BOOL:
			attr_bool(a, "b", number(in, 1) & 1);
			break;
		case ATTR_STRS:
			list[0] = some(in);
			list[1] = some(in);
			attr_strs(a, "list", list, number(in, 1) % 3);
			break;
		}
	}
}

static void check_item(const ProtobufCMessageDescriptor *d, struct str bytes)
{
	ProtobufCMessage *m;
	u8 *again;

	CHECK(bytes.n <= ENCODE_MAX);
	m = protobuf_c_message_unpack(d, NULL, bytes.n, (const uint8_t *)bytes.p);
	CHECK(m && !m->n_unknown_fields);
	CHECK(protobuf_c_message_get_packed_size(m) == bytes.n);
	again = malloc(bytes.n + 1);
	protobuf_c_message_pack(m, again);
	CHECK(!memcmp(again, bytes.p, bytes.n));
	free(again);
	check_json(m);
	protobuf_c_message_free_unpacked(m, NULL);
}

static void span_of(struct encoder *e, struct str in)
{
	struct span s = { .kind = number(&in, 1) % 6,
			  .flags = (u32)number(&in, 4),
			  .start_ns = number(&in, 8),
			  .end_ns = number(&in, 8),
			  .status = number(&in, 1) & 2 };
	struct str list[2];

	s.name = some(&in);
	read_attrs(&in, &s.attrs, list);
	memcpy(s.trace_id, in.p, in.n < 16 ? in.n : 16);
	check_item(&opentelemetry__proto__trace__v1__span__descriptor, encode_span(e, &s));
}

static void note_of(struct encoder *e, struct str in)
{
	struct note n = { .severity = number(&in, 1) % 25,
			  .time_ns = number(&in, 8),
			  .event_name = "e" };
	struct str list[2];

	n.body = some(&in);
	read_attrs(&in, &n.attrs, list);
	memcpy(n.span_id, in.p, in.n < 8 ? in.n : 8);
	check_item(&opentelemetry__proto__logs__v1__log_record__descriptor, encode_note(e, &n));
}

static void point_of(struct encoder *e, struct str in)
{
	static const double bounds[3] = { 1, 2, 3 };
	struct metric_desc d = { .type = number(&in, 1) % 4, .bounds = bounds, .bounds_n = 3 };
	u64 buckets[4] = { number(&in, 8), number(&in, 8), 1, 0 }, bits = number(&in, 8);
	struct point p = { .desc = &d,
			   .start_ns = number(&in, 8),
			   .i = (s64)bits,
			   .buckets = buckets,
			   .is_double = bits & 1,
			   .gone = number(&in, 1) == 1 };
	struct str list[2];

	memcpy(&p.d, &bits, sizeof(bits));
	p.sum = p.d;
	read_attrs(&in, &p.attrs, list);
	check_item(d.type == METRIC_HISTOGRAM
			   ? &opentelemetry__proto__metrics__v1__histogram_data_point__descriptor
			   : &opentelemetry__proto__metrics__v1__number_data_point__descriptor,
		   encode_point(e, &p));
}

static void request_of(const ProtobufCMessageDescriptor *d, struct str in)
{
	ProtobufCMessage *m = protobuf_c_message_unpack(d, NULL, in.n, (const uint8_t *)in.p);

	if (m) {
		check_json(m);
		protobuf_c_message_free_unpacked(m, NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct encoder *e;
	struct str in = { (const char *)data, n };

	if (!e)
		e = encoder_new();
	switch (number(&in, 1) % 6) {
	case 0:
		span_of(e, in);
		break;
	case 1:
		note_of(e, in);
		break;
	case 2:
		point_of(e, in);
		break;
	case 3:
		request_of(
			&opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
			in);
		break;
	case 4:
		request_of(
			&opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor,
			in);
		break;
	case 5:
		request_of(
			&opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
			in);
		break;
	}
	return 0;
}
