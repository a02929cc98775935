// SPDX-License-Identifier: Apache-2.0
#include "otel/otel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "otel/lane.h"

enum { TO_ENDPOINT, TO_FILE, DESTINATIONS };

struct otel {
	struct lane_env env;
	struct encoder *encoder;
	struct http *http;			      /* NULL: no network */
	struct file *file;			      /* NULL: none */
	struct lane lane[SIGNAL_COUNT][DESTINATIONS]; /* env NULL: no such destination */
	/* One is being filled, the other being sent to the endpoint. */
	struct collection collection[2];
	u32 filling;
	struct loop_timer *deadline;
	struct otel_stats stats;
};

static const char *const loss_names[LOSS_COUNT] = {
	[LOSS_QUEUE_FULL] = "queue_full", [LOSS_TOO_LARGE] = "too_large",
	[LOSS_REJECTED] = "rejected",	  [LOSS_REFUSED] = "refused",
	[LOSS_RETRIES] = "retries",	  [LOSS_SHUTDOWN] = "shutdown",
	[LOSS_WRITE] = "write",		  [LOSS_ENCODE] = "encode",
	[LOSS_FORGOTTEN] = "forgotten",
};

static const char *const signal_names[SIGNAL_COUNT] = {
	[SIGNAL_TRACES] = "traces",
	[SIGNAL_METRICS] = "metrics",
	[SIGNAL_LOGS] = "logs",
};

const char *otel_loss_name(enum otel_loss loss)
{
	return loss_names[loss];
}

const char *otel_signal_name(enum otel_signal signal)
{
	return signal_names[signal];
}

/* The n-th lane of the signal that is there; start with *at = 0. */
static struct lane *next_lane(struct otel *o, enum otel_signal signal, size_t *at)
{
	while (*at < DESTINATIONS) {
		struct lane *l = &o->lane[signal][(*at)++];

		if (l->env)
			return l;
	}
	return NULL;
}

#define for_each_lane(l, o, signal) for (size_t at_ = 0; ((l) = next_lane((o), (signal), &at_));)

#define for_all_lanes(l, o)                                                                        \
	for (u32 signal_ = 0; signal_ < SIGNAL_COUNT; signal_++)                                   \
	for_each_lane(l, o, signal_)

/* ---- birth and death --------------------------------------------------------------------- */

static int check_config(const struct otel_config *c, char *err, size_t err_cap)
{
	const struct {
		const char *name;
		u64 v, min, max;
	} rows[] = {
		{ "batch bytes", c->batch_bytes, OTEL_BATCH_BYTES_MIN, OTEL_BATCH_BYTES_MAX },
		{ "batch items", c->batch_items, 1, OTEL_BATCH_ITEMS_MAX },
		{ "queue bytes", c->queue_bytes, c->batch_bytes, OTEL_QUEUE_BYTES_MAX },
		{ "retry attempts", c->retry_attempts, 1, UINT32_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].v < rows[i].min || rows[i].v > rows[i].max) {
			snprintf(err, err_cap,
				 "OTLP %s %" PRI_U64 " is not in %" PRI_U64 "..%" PRI_U64,
				 rows[i].name, rows[i].v, rows[i].min, rows[i].max);
			return -ERANGE;
		}
	}
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		if (c->endpoint[i].on && (!c->endpoint[i].url || !c->endpoint[i].timeout_ns)) {
			snprintf(err, err_cap, "the OTLP endpoint for %s has no %s",
				 signal_names[i], c->endpoint[i].url ? "timeout" : "URL");
			return -EINVAL;
		}
	}
	return 0;
}

static int new_endpoint(struct otel *o, enum otel_signal signal, const struct otel_config *c,
			const char *version, char *err, size_t err_cap)
{
	const struct otel_endpoint *e = &c->endpoint[signal];
	struct lane *l = &o->lane[signal][TO_ENDPOINT];
	int bad = 0;

	if (!o->http)
		bad = http_new(&o->http, o->env.loop, version);
	if (!bad && e->gzip && !o->env.gzip) {
		o->env.gzip = gzip_new();
		bad = o->env.gzip ? 0 : -ENOMEM;
	}
	if (!bad)
		bad = http_peer_new(&l->peer, o->http, e, err, err_cap);
	if (bad)
		return bad;
	l->gzip = e->gzip;
	l->timeout_ns = e->timeout_ns;
	return lane_init(l, &o->env, signal, &o->stats.signal[signal], c->queue_bytes);
}

static int new_lanes(struct otel *o, const struct otel_config *c, char *err, size_t err_cap)
{
	const char *version = c->version ? c->version : "";
	int bad = 0;

	if (c->file)
		bad = file_new(&o->file, c->file, err, err_cap);
	for (u32 s = 0; s < SIGNAL_COUNT && !bad; s++) {
		bool on = c->endpoint[s].on;

		if (on)
			bad = new_endpoint(o, s, c, version, err, err_cap);
		if (c->file && !bad) {
			o->lane[s][TO_FILE].file = o->file;
			bad = lane_init(&o->lane[s][TO_FILE], &o->env, s,
					on ? &o->stats.copy[s] : &o->stats.signal[s],
					c->queue_bytes);
		}
	}
	return bad;
}

static void on_deadline(void *ctx)
{
	struct otel *o = ctx;

	for (u32 s = 0; s < SIGNAL_COUNT; s++) {
		if (o->lane[s][TO_ENDPOINT].env)
			lane_close(&o->lane[s][TO_ENDPOINT]);
	}
}

int otel_new(struct otel **ret, struct loop *l, const struct otel_config *config, char *err,
	     size_t err_cap)
{
	struct otel *o;
	int bad = check_config(config, err, err_cap);

	if (bad)
		return bad;
	snprintf(err, err_cap, "out of memory");
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->env = (struct lane_env){
		.loop = l,
		.batch_bytes = config->batch_bytes,
		.batch_items = config->batch_items,
		.batch_delay_ns = config->batch_delay_ns,
		.retry_max_ns = config->retry_max_ns,
		.retry_attempts = config->retry_attempts,
		.pieces = calloc(2 * config->batch_items, sizeof(struct frame_piece)),
		.book = book_new(config->version),
	};
	collection_init(&o->collection[0], config->queue_bytes);
	collection_init(&o->collection[1], config->queue_bytes);
	o->encoder = encoder_new();
	o->deadline = loop_timer_new(l, on_deadline, o);
	if (scratch_init(&o->env.raw, config->batch_bytes) || !o->env.pieces || !o->env.book ||
	    !o->encoder || !o->deadline)
		bad = -ENOMEM;
	else
		bad = new_lanes(o, config, err, err_cap);
	if (bad) {
		file_abandon(o->file);
		o->file = NULL;
		otel_free(o);
		return bad;
	}
	*ret = o;
	return 0;
}

/* The points of the collection that is being filled leave it. */
static void empty_filling(struct otel *o, bool superseded)
{
	struct collection *c = &o->collection[o->filling];
	struct lane *l;

	for_each_lane(l, o, SIGNAL_METRICS)
		lane_settle(l, c->n, c->store.n,
			    superseded ? &l->counts->superseded : &l->counts->lost[LOSS_SHUTDOWN]);
	collection_empty(c, o->env.book);
}

void otel_free(struct otel *o)
{
	struct lane *l;

	if (!o)
		return;
	empty_filling(o, false);
	for_all_lanes(l, o)
	{
		if (l->file)
			lane_flush(l);
		lane_free(l);
	}
	collection_free(&o->collection[0], o->env.book);
	collection_free(&o->collection[1], o->env.book);
	file_close(o->file);
	http_free(o->http);
	loop_timer_free(o->deadline);
	gzip_free(o->env.gzip);
	book_free(o->env.book);
	encoder_free(o->encoder);
	free(o->env.pieces);
	scratch_free(&o->env.raw);
	free(o);
}

/* ---- resources ---------------------------------------------------------------------------- */

int otel_resource(struct otel *o, const struct attrs *attrs)
{
	struct str bytes = encode_resource(o->encoder, attrs);

	return bytes.n > o->env.batch_bytes / 2 ? -E2BIG : book_resource(o->env.book, bytes);
}

bool otel_resource_known(const struct otel *o, int resource)
{
	return book_resource_known(o->env.book, resource);
}

void otel_resource_drop(struct otel *o, int resource)
{
	book_resource_drop(o->env.book, resource);
}

/* ---- items ---------------------------------------------------------------------------------- */

static void lose(struct otel *o, enum otel_signal signal, enum otel_loss loss)
{
	struct lane *l;

	for_each_lane(l, o, signal) lane_lose(l, loss);
}

/* A reference to the resource and the scope's slot, for an item that somebody wants. */
static bool item_begin(struct otel *o, enum otel_signal signal, int resource, const char *scope,
		       int *ret_slot, int *ret_scope)
{
	size_t at = 0;

	if (!next_lane(o, signal, &at))
		return false;
	*ret_slot = book_ref(o->env.book, resource);
	if (*ret_slot < 0) {
		lose(o, signal, LOSS_FORGOTTEN);
		return false;
	}
	*ret_scope = book_scope(o->env.book, o->encoder, scope);
	if (*ret_scope < 0) {
		book_unref(o->env.book, *ret_slot);
		lose(o, signal, LOSS_ENCODE);
		return false;
	}
	return true;
}

static void item_push(struct otel *o, enum otel_signal signal, int slot, int scope,
		      struct str bytes)
{
	struct lane *l;

	for_each_lane(l, o, signal) lane_push(l, (u32)slot, (u32)scope, bytes);
	book_unref(o->env.book, slot);
}

void otel_span(struct otel *o, int resource, const struct span *s)
{
	int slot, scope;

	if (item_begin(o, SIGNAL_TRACES, resource, s->scope, &slot, &scope))
		item_push(o, SIGNAL_TRACES, slot, scope, encode_span(o->encoder, s));
}

void otel_note(struct otel *o, int resource, const struct note *n)
{
	int slot, scope;

	if (item_begin(o, SIGNAL_LOGS, resource, n->scope, &slot, &scope))
		item_push(o, SIGNAL_LOGS, slot, scope, encode_note(o->encoder, n));
}

/* ---- metrics ----------------------------------------------------------------------------------
 */

void otel_metrics_begin(struct otel *o)
{
	empty_filling(o, true);
}

void otel_point(struct otel *o, int resource, const struct point *p)
{
	struct collection *c = &o->collection[o->filling];
	struct lane *l;
	struct str bytes = { NULL, 0 };
	int slot, scope, desc, bad = 0;

	if (!item_begin(o, SIGNAL_METRICS, resource, p->desc->scope, &slot, &scope))
		return;
	desc = book_desc(o->env.book, o->encoder, p->desc);
	if (desc >= 0)
		bytes = encode_point(o->encoder, p);
	bad = bytes.n ? collection_add(c, (u32)slot, (u32)scope, (u32)desc, bytes) : -EINVAL;
	if (bad) {
		book_unref(o->env.book, slot);
		lose(o, SIGNAL_METRICS, bad == -ENOSPC ? LOSS_QUEUE_FULL : LOSS_ENCODE);
		return;
	}
	for_each_lane(l, o, SIGNAL_METRICS) lane_created(l, bytes.n);
}

void otel_metrics_end(struct otel *o)
{
	struct collection *c = &o->collection[o->filling];
	struct lane *endpoint = &o->lane[SIGNAL_METRICS][TO_ENDPOINT];
	struct lane *file = &o->lane[SIGNAL_METRICS][TO_FILE];

	if (!c->n)
		return; /* nothing was measured: what waits is still the newest */
	collection_sort(c);
	if (file->env) {
		lane_points(file, c);
		lane_flush(file);
		lane_points(file, NULL);
	}
	if (endpoint->env) {
		lane_points(endpoint, c);
		o->filling = !o->filling;
	}
	collection_empty(&o->collection[o->filling], o->env.book);
}

/* ---- the end, and what is asked --------------------------------------------------------- */

void otel_flush(struct otel *o)
{
	struct lane *l;

	for_all_lanes(l, o) lane_flush(l);
}

bool otel_idle(const struct otel *o)
{
	for (u32 s = 0; s < SIGNAL_COUNT; s++) {
		if (o->stats.signal[s].queued || o->stats.copy[s].queued)
			return false;
	}
	return true;
}

void otel_deadline(struct otel *o, u64 boot_ns)
{
	u64 now = clock_boot_ns();
	struct lane *l;

	o->env.deadline_ns = boot_ns ? boot_ns : 1;
	loop_arm(o->deadline, boot_ns > now ? boot_ns - now : 0, 0);
	for_all_lanes(l, o)
	{
		lane_flush(l);
		if (l->peer)
			lane_deadline(l);
	}
}

const struct otel_stats *otel_stats(const struct otel *o)
{
	return &o->stats;
}
