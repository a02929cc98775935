/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What leaves the house, before it is bytes: resources, spans, notes (log records) and
 * metrics, named as in OpenTelemetry. Nouns only. Every view in here is borrowed for the
 * duration of the call that takes it; the exporter copies or encodes at once.
 */
#ifndef OTEL_MODEL_H
#define OTEL_MODEL_H

#include "base/str.h"

/* Attributes per item; the limit of the OpenTelemetry SDK specification is 128. Events have 20
 * at most, resources with labels fill it. What is over the limit is counted in `dropped`. */
#define ATTRS_MAX 96
/* Bytes of one string value (OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT has no default; names from
 * the kernel can be 4 KiB, so we ship a finite one). Cut between characters. */
#define ATTR_VALUE_MAX 1024

/* Strings of all ATTR_STRS of one item together; what is over it is cut off the array. */
#define ATTR_STRS_MAX 128

enum attr_type { ATTR_STR, ATTR_INT, ATTR_DOUBLE, ATTR_BOOL, ATTR_STRS };

struct attr {
	/* Once per item. Static from our tables; a resource's may also come from its room (labels,
	 * what a process declares): printable ASCII without quote and backslash. */
	const char *key;
	enum attr_type type;
	union {
		struct str s;	/* any bytes: made valid UTF-8 on encoding */
		s64 i;
		double d;
		bool b;
		struct {
			const struct str *v;
			size_t n;
		} strs;
	};
};

struct attrs {
	struct attr v[ATTRS_MAX];
	u16 n;
	u16 dropped;
};

static inline struct attr *attrs_add(struct attrs *a, const char *key, enum attr_type type)
{
	static struct attr sink; /* over the limit: written, never read */

	if (a->n == ATTRS_MAX) {
		a->dropped++;
		return &sink;
	}
	a->v[a->n] = (struct attr){ .key = key, .type = type };
	return &a->v[a->n++];
}

static inline void attr_str(struct attrs *a, const char *key, struct str s)
{
	attrs_add(a, key, ATTR_STR)->s = s;
}

static inline void attr_int(struct attrs *a, const char *key, s64 i)
{
	attrs_add(a, key, ATTR_INT)->i = i;
}

static inline void attr_double(struct attrs *a, const char *key, double d)
{
	attrs_add(a, key, ATTR_DOUBLE)->d = d;
}

static inline void attr_bool(struct attrs *a, const char *key, bool b)
{
	attrs_add(a, key, ATTR_BOOL)->b = b;
}

static inline void attr_strs(struct attrs *a, const char *key, const struct str *v, size_t n)
{
	struct attr *at = attrs_add(a, key, ATTR_STRS);

	at->strs.v = v;
	at->strs.n = n;
}

enum otel_signal { SIGNAL_TRACES, SIGNAL_METRICS, SIGNAL_LOGS, SIGNAL_COUNT };

/* opentelemetry.proto.trace.v1.Span.SpanKind */
enum span_kind { SPAN_INTERNAL = 1, SPAN_SERVER, SPAN_CLIENT, SPAN_PRODUCER, SPAN_CONSUMER };
/* opentelemetry.proto.trace.v1.Status.StatusCode; instrumentation never sets OK. */
enum span_status { STATUS_UNSET = 0, STATUS_ERROR = 2 };

/* Span.flags: the low byte holds the W3C trace flags (trace-context-2), the next two bits say
 * whether the parent is in another process. For an id of our own making: SAMPLED | RANDOM. */
enum span_flags {
	SPAN_SAMPLED = 0x01,
	SPAN_RANDOM = 0x02,
	SPAN_PARENT_LOCAL = 0x100,
	SPAN_PARENT_REMOTE = 0x300,
};

struct span {
	u8 trace_id[16];
	u8 span_id[8];
	u8 parent_span_id[8];	/* all zero: root */
	const char *scope;	/* "podtrace/tcp": static */
	u32 flags;		/* SPAN_*; 0: nothing known */
	struct str name;
	enum span_kind kind;
	u64 start_ns, end_ns;	/* UNIX time, end >= start */
	enum span_status status;
	struct attrs attrs;
};

/* opentelemetry.proto.logs.v1.SeverityNumber */
enum note_severity { NOTE_INFO = 9, NOTE_WARN = 13, NOTE_ERROR = 17 };

/* A log record that is an event: event_name says what, attributes the rest, body is only
 * for a person's eyes. */
struct note {
	const char *scope;
	const char *event_name;	/* "podtrace.process.exec_failed": static */
	enum note_severity severity;
	u64 time_ns, observed_ns; /* UNIX time */
	struct str body;	/* may be empty */
	u8 trace_id[16], span_id[8]; /* all zero: none */
	struct attrs attrs;
};

enum metric_type { METRIC_COUNTER, METRIC_UPDOWN, METRIC_GAUGE, METRIC_HISTOGRAM };

/* One metric's identity: static tables hold these, so its address identifies it. */
struct metric_desc {
	const char *scope;
	const char *name;	/* "podtrace.tcp.connections" */
	const char *unit;	/* UCUM: "s", "By", "{connection}" */
	const char *description;
	enum metric_type type;
	const double *bounds;	/* histogram: bounds_n upper bounds, strictly increasing */
	size_t bounds_n;	/* <= METRIC_BOUNDS_MAX */
};
#define METRIC_BOUNDS_MAX 256

struct point {
	const struct metric_desc *desc;
	u64 start_ns, time_ns;	/* UNIX time; start is the first measurement of this series */
	struct attrs attrs;
	bool gone;		/* the series ended: no value, DataPointFlags NO_RECORDED_VALUE */
	bool is_double;		/* counter, gauge: which of the two below */
	s64 i;
	double d;
	/* histogram: bounds_n + 1 counts in (lower, upper] buckets; count is their sum */
	const u64 *buckets;
	double sum;
};

#endif
