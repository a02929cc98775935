// SPDX-License-Identifier: Apache-2.0
#include "fold/hold.h"

#include <stdlib.h>
#include <string.h>

struct held {
	struct held *next;
	struct who *who;
	size_t size; /* of the record */
	bool has_process;
	struct process process;
	u64 record[]; /* aligned as the kernel's records are */
};

struct hold {
	hold_fn fn;
	void *ctx;
	struct held *first, **last; /* in the order of arrival */
	struct hold_stats stats;
};

struct hold *hold_new(hold_fn fn, void *ctx)
{
	struct hold *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->fn = fn;
	h->ctx = ctx;
	h->last = &h->first;
	return h;
}

void hold_free(struct hold *h)
{
	if (!h)
		return;
	while (h->first) {
		struct held *e = h->first;

		h->first = e->next;
		free(e);
	}
	free(h);
}

static size_t bytes_of(const struct held *e)
{
	return sizeof(*e) + e->size;
}

/* Take *at out of the list and hand it on. */
static void let_go(struct hold *h, struct held **at)
{
	struct held *e = *at;

	*at = e->next;
	if (h->last == &e->next)
		h->last = at;
	h->stats.events--;
	h->stats.bytes -= bytes_of(e);
	e->who->held--;
	h->fn(h->ctx, e->record, e->size, e->who, e->has_process ? &e->process : NULL);
	free(e);
}

void hold_put(struct hold *h, const void *record, size_t size, struct who *who,
	      const struct process *process)
{
	struct held *e = malloc(sizeof(*e) + size);

	if (!e) {
		h->stats.pushed_out++;
		h->fn(h->ctx, record, size, who, process);
		return;
	}
	e->next = NULL;
	e->who = who;
	e->size = size;
	e->has_process = process;
	if (process)
		e->process = *process;
	memcpy(e->record, record, size);
	*h->last = e;
	h->last = &e->next;
	who->held++;
	h->stats.held++;
	h->stats.events++;
	h->stats.bytes += bytes_of(e);
	while (h->stats.bytes > HOLD_BYTES_MAX) {
		h->stats.pushed_out++;
		let_go(h, &h->first);
	}
}

void hold_release(struct hold *h, hold_ready_fn ready, void *ctx)
{
	for (struct held **at = &h->first; *at;) {
		if (!ready || ready(ctx, (*at)->who))
			let_go(h, at);
		else
			at = &(*at)->next;
	}
}

static bool is_that(void *ctx, struct who *who)
{
	return who == ctx;
}

void hold_release_who(struct hold *h, const struct who *who)
{
	if (who->held)
		hold_release(h, is_that, (void *)who);
}

void hold_stats(const struct hold *h, struct hold_stats *ret)
{
	*ret = h->stats;
}
