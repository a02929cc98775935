/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane takes one signal to one destination: the queue, the batch under way, when it is sent
 * (again), and the counts. Nothing leaves a lane without being counted, see otel.h. What the
 * lanes share is in struct lane_env; it and the memory it names outlive them.
 *
 * At an endpoint one batch is in flight at a time. Back-off belongs to the lane, not to the
 * batch: giving a batch up does not make a dead collector be asked more often.
 */
#ifndef OTEL_LANE_H
#define OTEL_LANE_H

#include "base/log.h"
#include "otel/collection.h"
#include "otel/file.h"
#include "otel/gzip.h"
#include "otel/http.h"
#include "otel/queue.h"
#include "otel/scratch.h"

struct lane_env {
	struct loop *loop;
	struct book *book;
	struct gzip *gzip;		/* NULL: nobody compresses */
	struct scratch raw;		/* batch_bytes: a request, before gzip */
	struct frame_piece *pieces;	/* scratch of 2 * batch_items */
	u64 batch_bytes, batch_items, batch_delay_ns, retry_max_ns;
	u32 retry_attempts;
	u64 deadline_ns;		/* boot time; 0: no shutdown yet */
};

struct lane_batch {
	u64 items, bytes;	/* 0 items: none. bytes as encoded */
	struct buf body;	/* what is sent */
	u64 raw_bytes;		/* before gzip */
	bool in_flight;
	bool stale;		/* a newer collection came: not again */
	u32 attempts;
	u64 first_ns;		/* of its attempts */
};

struct lane {
	struct lane_env *env;
	enum otel_signal signal;
	struct otel_counts *counts;
	struct http_peer *peer;		/* owned; NULL: a file's lane */
	struct file *file;		/* not owned */
	bool gzip;
	u64 timeout_ns;			/* of one attempt */
	u64 batch_bytes;		/* of this lane */
	struct loop_timer *timer;
	u64 armed_ns;			/* when it fires, UINT64_MAX: never */
	struct queue queue;		/* traces, logs */
	u64 flush_items;		/* of the queue: not to wait for company */
	const struct collection *points; /* metrics: what is being sent; not owned */
	size_t points_at;		/* the first that is in no batch yet */
	struct lane_batch batch;
	u32 failures;			/* in a row */
	u64 retry_ns;			/* back-off: not before this boot time */
	u64 server_ns;			/* Retry-After: the same, and no deadline shortens it */
	bool closed;			/* the deadline passed */
	struct log_rate failed, lost, recovered;
};

/* counts, queue_bytes, and peer (taken over also on failure) or file. 0 or -errno. */
int lane_init(struct lane *l, struct lane_env *env, enum otel_signal signal,
	      struct otel_counts *counts, u64 queue_bytes);
void lane_free(struct lane *l);	/* zero-initialised is fine; empties it as LOSS_SHUTDOWN */

/* An item that has no place in a lane: created and lost at once. */
void lane_lose(struct lane *l, enum otel_loss loss);
/* A span or log record; slots of the book, the resource's reference stays the caller's. */
void lane_push(struct lane *l, u32 resource, u32 scope, struct str bytes);
/* A point was put into the collection that is being made. */
void lane_created(struct lane *l, u64 bytes);
/* Queued ones leave the queue: counted into *where. */
void lane_settle(struct lane *l, u64 items, u64 bytes, u64 *where);
/* The complete collection; it stays unchanged until the lane has another or NULL. What is left
 * of the one before is superseded. */
void lane_points(struct lane *l, const struct collection *c);

void lane_flush(struct lane *l);	/* a file's lane is empty afterwards */
/* env->deadline_ns was set: waits that go beyond it make no sense. */
void lane_deadline(struct lane *l);
/* What is in it is lost, and what comes. */
void lane_close(struct lane *l);

/* batch.c: the next request into l->batch; false: nothing to send. */
bool lane_take(struct lane *l);
u64 lane_points_left(const struct lane *l);
/* The batch's items are counted into *where, and it is none any more. */
void lane_batch_end(struct lane *l, u64 *where);

#endif
