// SPDX-License-Identifier: Apache-2.0
#include "ask/api_book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

struct uid {
	char text[40]; /* the rest is zero */
};

struct known {
	u64 round;	  /* of the last list or event that had it */
	struct pod *held; /* its owner is asked for; NULL: told for good */
	u64 held_ns;	  /* since when */
	bool told;	  /* without the answer */
};

struct api_book {
	struct loop *loop;
	struct api_config cfg;
	struct table *pods;
	struct api_owners *owners;
	struct loop_timer *timer; /* those held longest are told */
	bool waiting;		  /* it is armed */
	bool closing;
	u64 round;
	size_t held;
	size_t bytes; /* of held pods */
};

static struct uid uid_of(const char *text)
{
	struct uid u = { "" };

	str_copy(u.text, sizeof(u.text), str_of(text));
	return u;
}

static void let_go(struct api_book *b, struct known *k)
{
	if (!k->held)
		return;
	b->held--;
	b->bytes -= pod_bytes(k->held);
	pod_unref(k->held);
	k->held = NULL;
}

/* ---- held until their owner is known ------------------------------------------------------- */

/* Tell it as far as it is known, if it is known or `now`. */
static void tell_held(struct api_book *b, struct known *k, bool now)
{
	struct pod draft = *k->held;
	bool done = api_owners_fill(b->owners, &draft, loop_now(b->loop));

	if (done || (now && !k->told)) {
		k->told = true;
		b->cfg.pod(b->cfg.ctx, &draft);
	}
	if (done)
		let_go(b, k);
}

static void on_drop(void *ctx, const void *key, void *value, bool evicted)
{
	struct api_book *b = ctx;
	const struct uid *u = key;

	(void)evicted;
	if (b->closing) {
		let_go(b, value);
		return;
	}
	/* Short-lived as it was, it had a name. */
	if (((struct known *)value)->held)
		tell_held(b, value, true);
	let_go(b, value);
	b->cfg.pod_gone(b->cfg.ctx, str_of(u->text));
}

/* All that wait; those that have waited long enough in any case. */
static void tell_all(struct api_book *b)
{
	u64 now = loop_now(b->loop), first = UINT64_MAX;
	const void *key;
	void *value;
	size_t pos = 0;

	while (b->held && table_next(b->pods, &pos, &key, &value)) {
		struct known *k = value;

		if (!k->held)
			continue;
		tell_held(b, k, now >= k->held_ns + API_HOLD_NS);
		if (k->held && !k->told && k->held_ns < first)
			first = k->held_ns;
	}
	b->waiting = first != UINT64_MAX;
	if (b->waiting)
		loop_arm(b->timer, first + API_HOLD_NS - now, 0);
}

static void on_time(void *ctx)
{
	tell_all(ctx);
}

static void hold(struct api_book *b, struct known *k, const struct pod *draft)
{
	struct pod *copy = pod_new(draft);
	bool anew = !k->held;

	let_go(b, k);
	if (!copy) { /* better now and without than never */
		b->cfg.pod(b->cfg.ctx, draft);
		return;
	}
	k->held = copy;
	b->held++;
	b->bytes += pod_bytes(copy);
	if (anew) {
		k->held_ns = loop_now(b->loop);
		k->told = false;
	}
	if (!b->waiting && !k->told) {
		b->waiting = true;
		loop_arm(b->timer, API_HOLD_NS, 0);
	}
}

void api_book_answered(struct api_book *b)
{
	tell_all(b);
}

/* ---- pods ---------------------------------------------------------------------------------- */

void api_book_pod(struct api_book *b, const struct api_pod *p)
{
	struct uid u = uid_of(p->draft.uid);
	struct pod draft = p->draft;
	struct known *k = table_add(b->pods, &u, NULL);

	k->round = b->round;
	if (api_owners_fill(b->owners, &draft, loop_now(b->loop))) {
		let_go(b, k);
		b->cfg.pod(b->cfg.ctx, &draft);
	} else if (k->held && k->told) {
		/* It has a name already: news of it need not wait. */
		hold(b, k, &draft);
		b->cfg.pod(b->cfg.ctx, &draft);
	} else {
		hold(b, k, &draft);
	}
	for (size_t i = 0; i < p->containers_n; i++)
		b->cfg.container(b->cfg.ctx, &p->containers[i]);
}

void api_book_gone(struct api_book *b, const char *uid)
{
	struct uid u = uid_of(uid);

	table_del(b->pods, &u);
}

void api_book_begin(struct api_book *b)
{
	b->round++;
}

void api_book_end(struct api_book *b)
{
	const void *key;
	void *value;
	size_t pos = 0;

	while (table_next(b->pods, &pos, &key, &value)) {
		struct uid u = *(const struct uid *)key;

		if (((const struct known *)value)->round != b->round)
			table_del(b->pods, &u);
	}
}

/* ---- life ---------------------------------------------------------------------------------- */

int api_book_new(struct api_book **ret, struct loop *l, const struct api_config *cfg)
{
	struct api_book *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->loop = l;
	b->cfg = *cfg;
	b->timer = loop_timer_new(l, on_time, b);
	b->pods = table_new(API_PODS_MAX, sizeof(struct uid), sizeof(struct known), on_drop, b);
	if (!b->timer || !b->pods || api_owners_new(&b->owners)) {
		api_book_free(b);
		return -ENOMEM;
	}
	*ret = b;
	return 0;
}

void api_book_free(struct api_book *b)
{
	if (!b)
		return;
	b->closing = true;
	table_free(b->pods);
	api_owners_free(b->owners);
	loop_timer_free(b->timer);
	free(b);
}

size_t api_book_bytes(const struct api_book *b)
{
	return sizeof(*b) + table_bytes(b->pods) + api_owners_bytes(b->owners) + b->bytes;
}

struct api_owners *api_book_owners(struct api_book *b)
{
	return b->owners;
}

size_t api_book_len(const struct api_book *b)
{
	return table_len(b->pods);
}

u64 api_book_evicted(const struct api_book *b)
{
	return table_evictions(b->pods);
}
