// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "opentelemetry/proto/logs/v1/logs.pb-c.h"
#include "opentelemetry/proto/metrics/v1/metrics.pb-c.h"
#include "opentelemetry/proto/resource/v1/resource.pb-c.h"
#include "opentelemetry/proto/trace/v1/trace.pb-c.h"
#include "otel/encode.h"

typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;
typedef Opentelemetry__Proto__Common__V1__ArrayValue array_value;
typedef Opentelemetry__Proto__Common__V1__KeyValue key_value;
typedef Opentelemetry__Proto__Common__V1__InstrumentationScope pb_scope;
typedef Opentelemetry__Proto__Resource__V1__Resource pb_resource;
typedef Opentelemetry__Proto__Trace__V1__Span pb_span;
typedef Opentelemetry__Proto__Trace__V1__Status pb_status;
typedef Opentelemetry__Proto__Logs__V1__LogRecord pb_log;
typedef Opentelemetry__Proto__Metrics__V1__NumberDataPoint pb_number;
typedef Opentelemetry__Proto__Metrics__V1__HistogramDataPoint pb_histogram;
typedef Opentelemetry__Proto__Metrics__V1__Metric pb_metric;

#define ANY(x) OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_##x

/*
 * What an item can need beside its text, at most: a tag and a length of up to 3 bytes each for
 * KeyValue, key, AnyValue, ArrayValue, string; fixed fields of the largest message; histogram
 * counts and bounds. protobuf-c packs without a limit, so this bound is what keeps it inside.
 */
#define FRAME_BYTES 32u
_Static_assert(ENCODE_TEXT_MAX + (ATTRS_MAX + ATTR_STRS_MAX) * FRAME_BYTES + 512 +
			       (2 * METRIC_BOUNDS_MAX + 1) * sizeof(u64) <=
		       ENCODE_MAX,
	       "out[] holds every item");

struct encoder {
	/* Initialised once: only what changes is written for an item. */
	key_value kv[ATTRS_MAX], *kvp[ATTRS_MAX];
	any_value av[ATTRS_MAX + 1]; /* + 1: the body */
	array_value arr[ATTRS_MAX];
	any_value el[ATTR_STRS_MAX], *elp[ATTR_STRS_MAX];
	pb_status status;
	size_t el_n, text_n;
	u64 buckets[METRIC_BOUNDS_MAX + 1];
	char text[ENCODE_TEXT_MAX];
	u8 out[ENCODE_MAX];
};

struct encoder *encoder_new(void)
{
	struct encoder *e = malloc(sizeof(*e));

	if (!e)
		return NULL;
	for (size_t i = 0; i < ATTRS_MAX; i++) {
		opentelemetry__proto__common__v1__key_value__init(&e->kv[i]);
		opentelemetry__proto__common__v1__array_value__init(&e->arr[i]);
		e->kv[i].value = &e->av[i];
		e->kvp[i] = &e->kv[i];
	}
	for (size_t i = 0; i < ARRAY_SIZE(e->av); i++)
		opentelemetry__proto__common__v1__any_value__init(&e->av[i]);
	for (size_t i = 0; i < ATTR_STRS_MAX; i++) {
		opentelemetry__proto__common__v1__any_value__init(&e->el[i]);
		e->elp[i] = &e->el[i];
	}
	opentelemetry__proto__trace__v1__status__init(&e->status);
	e->status.code = OPENTELEMETRY__PROTO__TRACE__V1__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
	return e;
}

void encoder_free(struct encoder *e)
{
	free(e);
}

/* protobuf-c ends a string at the first NUL, which would hide the rest without a trace. */
static size_t text_repaired(char *dst, size_t cap, struct str s)
{
	static const char fffd[] = "\xef\xbf\xbd";
	size_t n = 0;

	for (;;) {
		size_t nul = str_find(s, '\0');

		n += str_copy_utf8(dst + n, cap - n, str_slice(s, 0, nul), NULL);
		if (nul == s.n || cap - n <= 3)
			return n;
		memcpy(dst + n, fffd, sizeof(fffd));
		n += 3;
		s = str_slice(s, nul + 1, s.n);
	}
}

/* Are these 8 bytes ASCII without NUL? The classic has-zero-byte test, exact for ASCII. */
static bool plain8(u64 w)
{
	return !((w | (w - 0x0101010101010101ull)) & 0x8080808080808080ull);
}

static bool text_plain(const char *p, size_t n)
{
	u64 w;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		if (!plain8(w))
			return false;
	}
	w = 0x0101010101010101ull;
	memcpy(&w, p, n);
	return plain8(w);
}

/* A C string that protobuf may have, in the text scratch; NULL when it is used up. */
static char *text(struct encoder *e, struct str s, size_t max)
{
	char *dst = e->text + e->text_n;
	size_t room = sizeof(e->text) - e->text_n;

	if (room <= max) {
		if (room <= 4 || room <= s.n)
			return NULL;
		max = room - 1;
	}
	if (s.n <= max && (!s.n || text_plain(s.p, s.n))) {
		if (s.n)
			memcpy(dst, s.p, s.n);
		dst[s.n] = 0;
		e->text_n += s.n + 1;
	} else {
		e->text_n += text_repaired(dst, max + 1, s) + 1;
	}
	return dst;
}

/* Text that is not copied counts too: it is copied to out[]. */
static bool text_charge(struct encoder *e, const char *s)
{
	size_t n = strlen(s);

	if (n > ATTR_VALUE_MAX || n + 1 > sizeof(e->text) - e->text_n)
		return false;
	e->text_n += n + 1;
	return true;
}

static void encode_strs(struct encoder *e, array_value *arr, const struct attr *a)
{
	arr->values = e->elp + e->el_n;
	arr->n_values = 0;
	for (size_t i = 0; i < a->strs.n && e->el_n < ATTR_STRS_MAX; i++) {
		char *s = text(e, a->strs.v[i], ATTR_VALUE_MAX);

		if (!s)
			return;
		e->el[e->el_n].value_case = ANY(STRING_VALUE);
		e->el[e->el_n++].string_value = s;
		arr->n_values++;
	}
}

static bool encode_value(struct encoder *e, size_t i, const struct attr *a)
{
	any_value *v = &e->av[i];

	switch (a->type) {
	case ATTR_STR:
		v->value_case = ANY(STRING_VALUE);
		v->string_value = text(e, a->s, ATTR_VALUE_MAX);
		return v->string_value;
	case ATTR_INT:
		v->value_case = ANY(INT_VALUE);
		v->int_value = a->i;
		return true;
	case ATTR_DOUBLE:
		v->value_case = ANY(DOUBLE_VALUE);
		v->double_value = a->d;
		return true;
	case ATTR_BOOL:
		v->value_case = ANY(BOOL_VALUE);
		v->bool_value = a->b;
		return true;
	case ATTR_STRS:
		v->value_case = ANY(ARRAY_VALUE);
		v->array_value = &e->arr[i];
		encode_strs(e, &e->arr[i], a);
		return true;
	}
	return false;
}

/* Returns how many are in e->kv; *ret_dropped counts the others. */
static size_t encode_attrs(struct encoder *e, const struct attrs *attrs, u32 *ret_dropped)
{
	size_t n = 0;
	u32 dropped = attrs->dropped;

	for (size_t i = 0; i < attrs->n; i++) {
		const struct attr *a = &attrs->v[i];

		if (!text_charge(e, a->key) || !encode_value(e, n, a)) {
			dropped++;
			continue;
		}
		e->kv[n++].key = (char *)a->key;
	}
	*ret_dropped = dropped;
	return n;
}

static void encode_start(struct encoder *e)
{
	e->text_n = 0;
	e->el_n = 0;
}

static struct str pack(struct encoder *e, const ProtobufCMessage *m)
{
	return (struct str){ (char *)e->out, protobuf_c_message_pack(m, e->out) };
}

static ProtobufCBinaryData id(const u8 *p, size_t n)
{
	static const u8 zero[16];

	return memcmp(p, zero, n) ? (ProtobufCBinaryData){ n, (u8 *)p }
				  : (ProtobufCBinaryData){ 0, NULL };
}

struct str encode_span(struct encoder *e, const struct span *s)
{
	pb_span m = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__INIT;

	encode_start(e);
	m.trace_id = (ProtobufCBinaryData){ sizeof(s->trace_id), (u8 *)s->trace_id };
	m.span_id = (ProtobufCBinaryData){ sizeof(s->span_id), (u8 *)s->span_id };
	m.parent_span_id = id(s->parent_span_id, sizeof(s->parent_span_id));
	m.flags = s->flags;
	m.name = text(e, s->name, ATTR_VALUE_MAX);
	m.kind = (Opentelemetry__Proto__Trace__V1__Span__SpanKind)s->kind;
	m.start_time_unix_nano = s->start_ns;
	/* Receivers take a negative duration, and what they show then is nonsense. */
	m.end_time_unix_nano = s->end_ns > s->start_ns ? s->end_ns : s->start_ns;
	m.n_attributes = encode_attrs(e, &s->attrs, &m.dropped_attributes_count);
	m.attributes = e->kvp;
	m.status = s->status == STATUS_ERROR ? &e->status : NULL;
	return pack(e, &m.base);
}

static char *severity_text(enum note_severity s)
{
	return s >= NOTE_ERROR ? "ERROR" : s >= NOTE_WARN ? "WARN" : "INFO";
}

struct str encode_note(struct encoder *e, const struct note *n)
{
	pb_log m = OPENTELEMETRY__PROTO__LOGS__V1__LOG_RECORD__INIT;
	any_value *body = &e->av[ATTRS_MAX];

	encode_start(e);
	m.time_unix_nano = n->time_ns;
	m.observed_time_unix_nano = n->observed_ns;
	m.severity_number = (Opentelemetry__Proto__Logs__V1__SeverityNumber)n->severity;
	m.severity_text = severity_text(n->severity);
	if (n->event_name && text_charge(e, n->event_name))
		m.event_name = (char *)n->event_name;
	if (n->body.n) {
		body->value_case = ANY(STRING_VALUE);
		body->string_value = text(e, n->body, ENCODE_BODY_MAX);
		m.body = body;
	}
	m.n_attributes = encode_attrs(e, &n->attrs, &m.dropped_attributes_count);
	m.attributes = e->kvp;
	m.trace_id = id(n->trace_id, sizeof(n->trace_id));
	m.span_id = id(n->span_id, sizeof(n->span_id));
	return pack(e, &m.base);
}

static struct str encode_number(struct encoder *e, const struct point *p)
{
	pb_number m = OPENTELEMETRY__PROTO__METRICS__V1__NUMBER_DATA_POINT__INIT;
	u32 dropped;

	m.start_time_unix_nano = p->start_ns;
	m.time_unix_nano = p->time_ns;
	m.n_attributes = encode_attrs(e, &p->attrs, &dropped);
	m.attributes = e->kvp;
	if (p->gone) {
		m.flags = 1; /* DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK */
	} else if (p->is_double) {
		m.value_case =
			OPENTELEMETRY__PROTO__METRICS__V1__NUMBER_DATA_POINT__VALUE_AS_DOUBLE;
		m.as_double = p->d;
	} else {
		m.value_case = OPENTELEMETRY__PROTO__METRICS__V1__NUMBER_DATA_POINT__VALUE_AS_INT;
		m.as_int = p->i;
	}
	return pack(e, &m.base);
}

static struct str encode_histogram(struct encoder *e, const struct point *p)
{
	pb_histogram m = OPENTELEMETRY__PROTO__METRICS__V1__HISTOGRAM_DATA_POINT__INIT;
	size_t bounds_n = p->desc->bounds_n;
	u32 dropped;

	m.start_time_unix_nano = p->start_ns;
	m.time_unix_nano = p->time_ns;
	m.n_attributes = encode_attrs(e, &p->attrs, &dropped);
	m.attributes = e->kvp;
	if (p->gone) {
		m.flags = 1;
		return pack(e, &m.base);
	}
	if (bounds_n > METRIC_BOUNDS_MAX)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i <= bounds_n; i++) {
		e->buckets[i] = p->buckets[i];
		m.count += p->buckets[i];
	}
	m._sum_case = OPENTELEMETRY__PROTO__METRICS__V1__HISTOGRAM_DATA_POINT___SUM_SUM;
	m.sum = p->sum;
	m.n_bucket_counts = bounds_n + 1;
	m.bucket_counts = (uint64_t *)e->buckets;
	m.n_explicit_bounds = bounds_n;
	m.explicit_bounds = (double *)p->desc->bounds;
	return pack(e, &m.base);
}

struct str encode_point(struct encoder *e, const struct point *p)
{
	encode_start(e);
	return p->desc->type == METRIC_HISTOGRAM ? encode_histogram(e, p) : encode_number(e, p);
}

struct str encode_resource(struct encoder *e, const struct attrs *attrs)
{
	pb_resource m = OPENTELEMETRY__PROTO__RESOURCE__V1__RESOURCE__INIT;

	encode_start(e);
	m.n_attributes = encode_attrs(e, attrs, &m.dropped_attributes_count);
	m.attributes = e->kvp;
	return pack(e, &m.base);
}

struct str encode_scope(struct encoder *e, const char *name, const char *version)
{
	pb_scope m = OPENTELEMETRY__PROTO__COMMON__V1__INSTRUMENTATION_SCOPE__INIT;

	encode_start(e);
	m.name = text(e, str_of(name), ATTR_VALUE_MAX);
	m.version = text(e, str_of(version), ATTR_VALUE_MAX);
	return pack(e, &m.base);
}

struct str encode_metric(struct encoder *e, const struct metric_desc *d)
{
	pb_metric m = OPENTELEMETRY__PROTO__METRICS__V1__METRIC__INIT;

	encode_start(e);
	m.name = text(e, str_of(d->name), ATTR_VALUE_MAX);
	m.description = text(e, str_of(d->description), ATTR_VALUE_MAX);
	m.unit = text(e, str_of(d->unit), ATTR_VALUE_MAX);
	return pack(e, &m.base);
}
