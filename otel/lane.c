// SPDX-License-Identifier: Apache-2.0
#include "otel/lane.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "otel/response.h"
#include "otel/retry.h"

#define FILE_BATCHES_A_TURN 8 /* at 256 KiB each: some 10 ms */
#define LOG_EVERY_S	    30
#define WHY_MAX		    256
#define NEVER		    UINT64_MAX

static void kick(void *ctx);

static u64 later(u64 a, u64 b)
{
	return a > b ? a : b;
}

/* ---- when ------------------------------------------------------------------------------ */

/* Is there a whole batch's worth in the queue? */
static bool is_full(const struct lane *l)
{
	return l->queue.items >= l->env->batch_items ||
	       l->counts->queued_bytes - l->batch.bytes >= l->batch_bytes;
}

/* The boot time at which something is to be done, NEVER if nothing is there. */
static u64 due(const struct lane *l)
{
	const struct lane_env *env = l->env;
	u64 at = 0;
	size_t cursor = queue_start(&l->queue);
	u32 off;

	if (l->batch.in_flight)
		return NEVER;
	if (!l->batch.items && !lane_points_left(l)) {
		if (!l->queue.items)
			return NEVER;
		if (!l->flush_items && !is_full(l))
			at = queue_next(&l->queue, &cursor, &off)->at_ns + env->batch_delay_ns;
	}
	return later(at, later(l->retry_ns, l->server_ns));
}

static void arm(struct lane *l)
{
	u64 at = due(l), now;

	if (at == l->armed_ns)
		return;
	l->armed_ns = at;
	if (at == NEVER) {
		loop_disarm(l->timer);
		return;
	}
	now = clock_boot_ns();
	loop_arm(l->timer, at > now ? at - now : 0, 0);
}

/* ---- what is said ---------------------------------------------------------------------- */

static const char *target(const struct lane *l)
{
	return l->peer ? http_peer_name(l->peer) : file_name(l->file);
}

/* Losses have a rate of their own: retries that went well must not hide them. */
static void say(struct lane *l, struct log_rate *rate, u64 items, const char *why,
		const char *message, const char *then)
{
	char held[48] = "";

	if (!log_rate_ok(rate))
		return;
	if (rate->held)
		snprintf(held, sizeof(held), " (%" PRI_U64 " more like this)", rate->held);
	log_warn("otlp", "%s to %s: %s%s%s; %" PRI_U64 " %s%s", otel_signal_name(l->signal),
		 target(l), why, message[0] ? ": " : "", message, items, then, held);
}

/* ---- an attempt at an endpoint ---------------------------------------------------------- */

static u64 left(u64 until, u64 now)
{
	return until > now ? until - now : 0;
}

/* May the batch be sent again, and when? Sets retry_ns. */
static bool plan_retry(struct lane *l, u64 now)
{
	const struct lane_env *env = l->env;
	u64 at = later(now + retry_backoff_ns(l->failures), l->server_ns);

	l->retry_ns = at;
	if (l->batch.attempts >= env->retry_attempts)
		return false;
	return at - l->batch.first_ns <= env->retry_max_ns;
}

static void hear_retry_after(struct lane *l, const struct http_answer *a, u64 now)
{
	u64 wait, wall_ns = clock_wall_ns(now, clock_wall_offset_ns());

	if (a->retry_after.n && response_retry_after(a->retry_after, wall_ns / NSEC_PER_SEC, &wait))
		l->server_ns = now + wait;
}

static void on_again(struct lane *l, const struct http_answer *a, const char *why,
		     const char *message)
{
	u64 now = clock_boot_ns(), items = l->batch.items;
	char then[96];

	l->failures++;
	hear_retry_after(l, a, now);
	if (l->batch.stale) {
		plan_retry(l, now);
		lane_batch_end(l, &l->counts->superseded);
		say(l, &l->failed, items, why, message, "points go with the newer collection");
	} else if (a->too_long || !plan_retry(l, now)) {
		snprintf(then, sizeof(then), "items lost after %u attempts", l->batch.attempts);
		lane_batch_end(l, &l->counts->lost[a->too_long ? LOSS_REFUSED : LOSS_RETRIES]);
		say(l, &l->lost, items, why, message, then);
	} else {
		snprintf(then, sizeof(then), "items kept, attempt %u of %u in %.1f s",
			 l->batch.attempts + 1, l->env->retry_attempts,
			 (double)left(l->retry_ns, now) / NSEC_PER_SEC);
		say(l, &l->failed, items, why, message, then);
	}
	if (l->env->deadline_ns)
		lane_deadline(l);
}

static void on_success(struct lane *l, const struct response *r)
{
	u64 rejected = r->rejected < l->batch.items ? r->rejected : l->batch.items;

	if (l->failures && log_rate_ok(&l->recovered))
		log_info("otlp", "%s to %s: accepted again after %u failed attempts",
			 otel_signal_name(l->signal), target(l), l->failures);
	l->failures = 0;
	l->retry_ns = l->server_ns = 0;
	l->counts->last_success_ns = clock_boot_ns();
	if (rejected)
		say(l, &l->lost, rejected, "partial success", r->message,
		    "items rejected and lost");
	else if (r->message[0])
		say(l, &l->failed, l->batch.items, "accepted with a warning", r->message,
		    "items exported");
	l->batch.items -= rejected;
	lane_batch_end(l, &l->counts->exported);
	l->counts->queued -= rejected;
	l->counts->lost[LOSS_REJECTED] += rejected;
}

static void on_never(struct lane *l, const char *why, const char *message)
{
	u64 items = l->batch.items;

	/* It is there and answers: the next batch need not wait. */
	l->failures = 0;
	l->retry_ns = l->server_ns = 0;
	lane_batch_end(l, &l->counts->lost[LOSS_REFUSED]);
	say(l, &l->lost, items, why, message, "items lost, not sent again for this status");
}

static void on_answer(void *ctx, const struct http_answer *a)
{
	struct lane *l = ctx;
	struct response r;
	char why[WHY_MAX];

	l->batch.in_flight = false;
	snprintf(why, sizeof(why), "status %ld", a->status);
	if (!a->status)
		snprintf(why, sizeof(why), "%s", a->error);
	switch (retry_judge(a->status)) {
	case RETRY_DONE:
		response_success(&r, a->body);
		on_success(l, &r);
		break;
	case RETRY_AGAIN:
		l->counts->failures++;
		response_failure(&r, a->body);
		on_again(l, a, why, r.message);
		break;
	case RETRY_NEVER:
		l->counts->failures++;
		response_failure(&r, a->body);
		on_never(l, why, r.message);
		break;
	}
	kick(l);
}

static void attempt(struct lane *l)
{
	struct lane_batch *b = &l->batch;
	u64 now = clock_boot_ns(), timeout = l->timeout_ns;
	struct http_answer none = { .error = "out of memory" };

	if (!b->attempts++)
		b->first_ns = now;
	if (l->env->deadline_ns && left(l->env->deadline_ns, now) < timeout)
		timeout = left(l->env->deadline_ns, now);
	l->counts->requests++;
	l->counts->request_bytes += b->raw_bytes;
	l->counts->wire_bytes += b->body.n;
	b->in_flight = true;
	if (http_post(l->peer, buf_view(&b->body), timeout, on_answer, l)) {
		b->in_flight = false;
		l->counts->failures++;
		on_again(l, &none, none.error, "");
	}
}

/* ---- a line of a file ------------------------------------------------------------------ */

static void write_line(struct lane *l)
{
	u64 items = l->batch.items, bytes = 0;
	int bad = file_write(l->file, l->signal, buf_view(&l->batch.body), &bytes);

	if (bad) {
		l->counts->failures++;
		lane_batch_end(l, &l->counts->lost[LOSS_WRITE]);
		say(l, &l->lost, items, strerror(-bad), "",
		    "items lost, no part of them is written");
		return;
	}
	l->counts->requests++;
	l->counts->request_bytes += l->batch.raw_bytes;
	l->counts->wire_bytes += bytes;
	l->counts->last_success_ns = clock_boot_ns();
	lane_batch_end(l, &l->counts->exported);
}

/* ---- the lane ---------------------------------------------------------------------------- */

static void kick(void *ctx)
{
	struct lane *l = ctx;
	u64 now = clock_boot_ns();

	l->armed_ns = NEVER;
	for (int i = 0; due(l) <= now; i++) {
		if (!l->peer && i == FILE_BATCHES_A_TURN)
			break;
		if (!l->batch.items && !lane_take(l))
			break;
		if (l->peer)
			attempt(l);
		else
			write_line(l);
	}
	arm(l);
}

int lane_init(struct lane *l, struct lane_env *env, enum otel_signal signal,
	      struct otel_counts *counts, u64 queue_bytes)
{
	int bad = 0;

	l->env = env;
	l->signal = signal;
	l->counts = counts;
	l->armed_ns = NEVER;
	l->failed.every_s = l->lost.every_s = l->recovered.every_s = LOG_EVERY_S;
	l->batch_bytes = env->batch_bytes;
	if (!l->peer && l->batch_bytes > FILE_REQUEST_MAX)
		l->batch_bytes = FILE_REQUEST_MAX;
	/* Never reached: a request has its own limit, and gzip adds 0.1 % at worst. */
	buf_init(&l->batch.body, 2 * env->batch_bytes + 1024);
	l->timer = loop_timer_new(env->loop, kick, l);
	if (!l->timer)
		return -errno;
	if (signal != SIGNAL_METRICS)
		bad = queue_init(&l->queue, queue_bytes);
	return bad;
}

void lane_free(struct lane *l)
{
	if (!l->env)
		return;
	lane_close(l);
	http_peer_free(l->peer);
	loop_timer_free(l->timer);
	queue_free(&l->queue);
	buf_free(&l->batch.body);
	*l = (struct lane){ 0 };
}

void lane_lose(struct lane *l, enum otel_loss loss)
{
	l->counts->created++;
	l->counts->lost[loss]++;
}

void lane_created(struct lane *l, u64 bytes)
{
	l->counts->created++;
	l->counts->queued++;
	l->counts->queued_bytes += bytes;
}

void lane_settle(struct lane *l, u64 items, u64 bytes, u64 *where)
{
	assert(l->counts->queued >= items && l->counts->queued_bytes >= bytes);
	l->counts->queued -= items;
	l->counts->queued_bytes -= bytes;
	*where += items;
}

void lane_push(struct lane *l, u32 resource, u32 scope, struct str bytes)
{
	struct queue_item item = { .n = (u32)bytes.n,
				   .resource = (u16)resource,
				   .scope = (u16)scope,
				   .at_ns = loop_now(l->env->loop) };
	struct frame_new alone = { .resource = true, .scope = true };

	if (l->closed) {
		lane_lose(l, LOSS_SHUTDOWN);
		return;
	}
	if (frame_cost(l->env->book, frame_key(resource, scope, 0, 0), bytes.n, alone) >
	    l->batch_bytes) {
		lane_lose(l, LOSS_TOO_LARGE);
		return;
	}
	if (!queue_push(&l->queue, &item, bytes.p)) {
		lane_lose(l, LOSS_QUEUE_FULL);
		return;
	}
	book_ref_slot(l->env->book, (int)resource);
	lane_created(l, bytes.n);
	/* The timer is a system call: only for an item that can change when it fires. */
	if (l->queue.items == 1 || (l->armed_ns > item.at_ns && is_full(l)))
		arm(l);
}

/* Points of the collection that are in no batch yet: counted, and gone from here. */
static void settle_points(struct lane *l, u64 *where)
{
	u64 items = lane_points_left(l), bytes = 0;

	for (; l->points && l->points_at < l->points->n; l->points_at++)
		bytes += l->points->v[l->points_at].n;
	lane_settle(l, items, bytes, where);
	l->points = NULL;
	l->points_at = 0;
}

void lane_points(struct lane *l, const struct collection *c)
{
	settle_points(l, &l->counts->superseded);
	if (l->batch.items && !l->batch.in_flight)
		lane_batch_end(l, &l->counts->superseded);
	l->batch.stale = l->batch.in_flight;
	l->points = c;
	if (l->closed)
		settle_points(l, &l->counts->lost[LOSS_SHUTDOWN]);
	arm(l);
}

void lane_flush(struct lane *l)
{
	l->flush_items = l->queue.items;
	while (l->file && lane_take(l))
		write_line(l);
	arm(l);
}

void lane_deadline(struct lane *l)
{
	u64 now = clock_boot_ns(), end = l->env->deadline_ns;

	if (l->server_ns > end || end <= now) {
		lane_close(l);
		return;
	}
	/* One more attempt at half of what is left, and again. */
	if (l->retry_ns > now + (end - now) / 2)
		l->retry_ns = later(now + (end - now) / 2, l->server_ns);
	l->flush_items = l->queue.items;
	arm(l);
}

void lane_close(struct lane *l)
{
	u64 *lost = &l->counts->lost[LOSS_SHUTDOWN], before = *lost;
	size_t cursor = queue_start(&l->queue);
	u64 n = l->queue.items, bytes = 0;

	if (l->peer)
		http_cancel(l->peer);
	lane_batch_end(l, lost);
	settle_points(l, lost);
	for (u64 i = 0; i < n; i++) {
		u32 off;
		const struct queue_item *item = queue_next(&l->queue, &cursor, &off);

		bytes += item->n;
		book_unref(l->env->book, item->resource);
	}
	if (n)
		queue_pop(&l->queue, n, cursor);
	lane_settle(l, n, bytes, lost);
	l->flush_items = 0;
	l->closed = true;
	arm(l);
	if (*lost > before)
		log_warn("otlp", "%s to %s: %" PRI_U64 " items lost, not sent before the end",
			 otel_signal_name(l->signal), target(l), *lost - before);
}
