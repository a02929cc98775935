/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OTLP exporter: takes items of the model, encodes each at once (protobuf), keeps the
 * bytes in bounded queues, and sends batches to an OpenTelemetry Collector over OTLP/HTTP
 * or writes them to a file as OTLP/JSON lines (one ExportXServiceRequest a line, what the
 * Collector's file exporter writes and its otlpjsonfile receiver reads).
 *
 * No call here fails: what cannot be kept is counted by cause. None waits for the network.
 * Everything runs on the caller's loop, whose process ignores SIGPIPE. For each signal and
 * destination (endpoint, file) each item is counted exactly once, at every moment:
 *
 *   created = exported + lost (by cause) + superseded + queued (in flight included)
 *
 * An item of a signal that has no destination is not created.
 */
#ifndef OTEL_OTEL_H
#define OTEL_OTEL_H

#include "base/loop.h"
#include "otel/model.h"

/* Why an item did not reach a collector. One counter per signal and cause. */
enum otel_loss {
	LOSS_QUEUE_FULL,	/* the bounded queue had no room: collector too slow or away */
	LOSS_TOO_LARGE,		/* one item alone is over the request limit */
	LOSS_REJECTED,		/* partial success: the collector refused it */
	LOSS_REFUSED,		/* a status that must not be retried: 400, 401, 404 ... */
	LOSS_RETRIES,		/* retried until the attempts or the time were used up */
	LOSS_SHUTDOWN,		/* still queued when the shutdown deadline passed */
	LOSS_WRITE,		/* file exporter: the write failed */
	LOSS_ENCODE,		/* out of memory while encoding, or a table of names is full */
	LOSS_FORGOTTEN,		/* its resource is not known (any more), see otel_resource */
	LOSS_COUNT
};

/* One signal to one destination. Items are spans, log records, metric points. */
struct otel_counts {
	u64 created;		/* items given to otel_span, otel_note, otel_point */
	u64 exported;		/* accepted, counted after the final attempt */
	u64 lost[LOSS_COUNT];
	u64 superseded;		/* points whose totals went into a newer collection */
	u64 queued, queued_bytes; /* now; in flight included; bytes as encoded */
	u64 requests;		/* attempts started (file: lines), retries included */
	u64 request_bytes, wire_bytes; /* of those; before and after gzip (file: JSON) */
	u64 failures;		/* attempts that failed, retried ones included */
	u64 last_success_ns;	/* boot ns, 0: never */
};

struct otel_stats {
	/* The endpoint's counts; the file's for a signal whose endpoint is off. */
	struct otel_counts signal[SIGNAL_COUNT];
	/* The file's counts for a signal whose endpoint is on too, else all zero. */
	struct otel_counts copy[SIGNAL_COUNT];
};

struct otel_endpoint {
	bool on;
	const char *url;	/* complete: http://host:4318/v1/traces; no credentials in it */
	const char *headers;	/* "k1=v1,k2=v2", values percent-encoded; may be NULL */
	bool gzip;
	u64 timeout_ns;		/* one attempt; > 0 */
	const char *ca_file;	/* PEM, NULL: the system's bundle */
};

struct otel_config {
	struct otel_endpoint endpoint[SIGNAL_COUNT]; /* all off: no network at all */
	const char *file;	/* OTLP/JSON lines, "-" for stdout; NULL: none */
	u64 queue_bytes;	/* per signal and destination, encoded items; >= batch_bytes */
	u64 batch_bytes;	/* uncompressed request, at most; OTEL_BATCH_BYTES_MIN..MAX */
	u64 batch_items;	/* 1..OTEL_BATCH_ITEMS_MAX */
	u64 batch_delay_ns;	/* spans and logs wait this long at most */
	u64 retry_max_ns;	/* a batch is given up this long after its first attempt ... */
	u32 retry_attempts;	/* ... or after this many attempts (the first one counts); > 0 */
	const char *version;	/* ours: scope version and User-Agent */
};

#define OTEL_BATCH_BYTES_MIN 4096ull
/* A default Collector takes 20 MiB over HTTP, after decompression. */
#define OTEL_BATCH_BYTES_MAX (16ull << 20)
#define OTEL_BATCH_ITEMS_MAX 65536ull
#define OTEL_QUEUE_BYTES_MAX (1ull << 30)
/* Names kept at a time: scopes, metric_descs. More are LOSS_ENCODE. */
#define OTEL_SCOPES_MAX 64
#define OTEL_DESCS_MAX 1024

struct otel;

/* 0, or -errno with a sentence for the operator in err (what, which value, what to do).
 * The config's strings are copied. A file is written as FILE.part and renamed to FILE by
 * otel_free when complete: nothing half-written stands under the final name. Writes to
 * stdout wait for its reader. */
int otel_new(struct otel **ret, struct loop *l, const struct otel_config *config, char *err,
	     size_t err_cap);
/* NULL is fine. Writes what is queued for the file; what is left for an endpoint is logged as
 * lost to LOSS_SHUTDOWN. Call it before loop_free, not from a handler that otel called. */
void otel_free(struct otel *o);

/*
 * Resources are registered once and named by a number >= 0. attrs is encoded now. At most
 * OTEL_RESOURCES_MAX of OTEL_RESOURCE_BYTES_MAX together are known at a time; then the least
 * recently used one that nothing queued refers to is forgotten. Returns -ENOSPC when every
 * one is in use, -E2BIG when it alone would fill half a request, -ENOMEM.
 *
 * A number is never given twice (within 2^19 uses of its slot), so an item can not end up
 * under another's resource: an item of a forgotten one is LOSS_FORGOTTEN. Who keeps numbers
 * asks otel_resource_known first and registers again.
 */
#define OTEL_RESOURCES_MAX 4096
#define OTEL_RESOURCE_BYTES_MAX (8u << 20)
int otel_resource(struct otel *o, const struct attrs *attrs);
bool otel_resource_known(const struct otel *o, int resource);
/* Queued items keep it until they are sent; new ones are LOSS_FORGOTTEN at once. */
void otel_resource_drop(struct otel *o, int resource);

void otel_span(struct otel *o, int resource, const struct span *s);
void otel_note(struct otel *o, int resource, const struct note *n);

/*
 * Metrics are cumulative and never queued: begin a collection, give every point, end it.
 * An earlier collection that has not been sent yet is superseded, not lost. Points of the
 * same desc, resource may come in any order; they end in one Metric message each (or, over
 * batch_bytes, in one for each request).
 */
void otel_metrics_begin(struct otel *o);
void otel_point(struct otel *o, int resource, const struct point *p);
void otel_metrics_end(struct otel *o);

/* Send what is queued now, do not wait for a full batch. A pending back-off is kept. */
void otel_flush(struct otel *o);
/* Nothing queued and nothing in flight. */
bool otel_idle(const struct otel *o);
/* Shutdown: no retry waits longer than this boot time, attempts under way are cut there, what
 * is then queued for an endpoint is LOSS_SHUTDOWN, and so is all that comes later. Flushes. */
void otel_deadline(struct otel *o, u64 boot_ns);

const struct otel_stats *otel_stats(const struct otel *o);
const char *otel_loss_name(enum otel_loss loss);	/* "queue_full" ... */
const char *otel_signal_name(enum otel_signal signal);	/* "traces" ... */

#endif
