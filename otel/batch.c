// SPDX-License-Identifier: Apache-2.0
/* A batch out of a lane's queue or collection: which items, grouped, framed, compressed. */
#include <assert.h>

#include "otel/lane.h"

#define BODY_KEPT (256u << 10) /* memory of a batch that is kept for the next */

u64 lane_points_left(const struct lane *l)
{
	return l->points ? l->points->n - l->points_at : 0;
}

void lane_batch_end(struct lane *l, u64 *where)
{
	struct lane_batch *b = &l->batch;

	lane_settle(l, b->items, b->bytes, where);
	b->items = b->bytes = 0;
	b->in_flight = b->stale = false;
	b->attempts = 0;
	if (b->body.cap > BODY_KEPT)
		buf_free(&b->body);
}

/* The first items of the queue that fit, into env->pieces; their bytes stay where they are. */
static size_t pick_items(struct lane *l, size_t *ret_cursor)
{
	const struct lane_env *env = l->env;
	size_t n = 0, cursor = queue_start(&l->queue);
	u64 size = 0;

	book_mark_reset(env->book);
	*ret_cursor = cursor;
	while (n < l->queue.items && n < env->batch_items) {
		u32 off;
		const struct queue_item *item = queue_next(&l->queue, &cursor, &off);
		u64 key = frame_key(item->resource, item->scope, 0, (u32)n);
		struct frame_new is_new = {
			.resource = book_mark_resource(env->book, item->resource),
			.scope = book_mark_scope(env->book, item->resource, item->scope),
		};

		size += frame_cost(env->book, key, item->n, is_new);
		if (size > l->batch_bytes)
			break;
		*ret_cursor = cursor;
		env->pieces[n++] = (struct frame_piece){ .key = key, .off = off, .n = item->n };
		l->batch.bytes += item->n;
	}
	return n;
}

static struct str take_items(struct lane *l)
{
	struct lane_env *env = l->env;
	size_t cursor, n = pick_items(l, &cursor);
	struct str raw;

	assert(n); /* lane_push let nothing in that is too large alone */
	frame_sort(env->pieces, env->pieces + env->batch_items, n);
	raw = frame_build(env->book, env->pieces, n, l->queue.mem, false, env->raw.mem,
			  env->batch_bytes);
	for (size_t i = 0; i < n; i++)
		book_unref(env->book, (int)frame_key_resource(env->pieces[i].key));
	queue_pop(&l->queue, n, cursor);
	l->flush_items -= l->flush_items < n ? l->flush_items : n;
	l->batch.items = n;
	return raw;
}

static struct str take_points(struct lane *l)
{
	const struct frame_piece *v = l->points->v + l->points_at;
	size_t n = 0, left = lane_points_left(l);
	u64 size = 0, before = UINT64_MAX;

	for (; n < left && n < l->env->batch_items; n++) {
		u64 group = v[n].key >> 32, changed = before ^ group;
		struct frame_new is_new = {
			.resource = changed >> (FRAME_KEY_DESC_BITS + FRAME_KEY_SCOPE_BITS),
			.scope = changed >> FRAME_KEY_DESC_BITS,
			.metric = changed,
		};

		size += frame_cost(l->env->book, v[n].key, v[n].n, is_new);
		if (size > l->batch_bytes)
			break;
		before = group;
		l->batch.bytes += v[n].n;
	}
	l->points_at += n;
	l->batch.items = n;
	if (!n)
		return (struct str){ NULL, 0 };
	return frame_build(l->env->book, v, n, (const u8 *)l->points->store.p, true,
			   l->env->raw.mem, l->env->batch_bytes);
}

/* A point whose metric and resource alone fill a request. */
static void skip_point(struct lane *l)
{
	l->batch.items = 1;
	l->batch.bytes = l->points->v[l->points_at++].n;
	lane_batch_end(l, &l->counts->lost[LOSS_TOO_LARGE]);
}

static int pack(struct lane *l, struct str raw)
{
	l->batch.raw_bytes = raw.n;
	if (l->gzip)
		return gzip_pack(l->env->gzip, raw, &l->batch.body);
	buf_reset(&l->batch.body);
	buf_str(&l->batch.body, raw);
	return l->batch.body.err;
}

bool lane_take(struct lane *l)
{
	struct str raw;
	int bad;

	for (;;) {
		l->batch.items = l->batch.bytes = 0;
		if (l->signal == SIGNAL_METRICS && lane_points_left(l)) {
			raw = take_points(l);
			if (!l->batch.items) {
				skip_point(l);
				continue;
			}
		} else if (l->queue.items) {
			raw = take_items(l);
		} else {
			return false;
		}
		assert(raw.n); /* frame_cost is an upper bound */
		bad = pack(l, raw);
		if (!l->queue.items && !lane_points_left(l)) {
			scratch_rest(&l->env->raw);
			gzip_rest(l->env->gzip);
		}
		if (!bad)
			return true;
		lane_batch_end(l, &l->counts->lost[LOSS_ENCODE]);
	}
}
