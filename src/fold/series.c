/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/table.h"
#include "fold/series.h"

/* What a cell of the kernel held when we last looked, and whose it is. */
struct cell {
	struct who *who;
	u64 changed_ns;
	struct meter_cell seen;
};

struct series_key {
	struct who *who;
	struct meter_key key; /* cgroup 0: the sum of all of who's */
};

struct sum {
	u64 start_ns;
	struct meter_cell cell;
};

struct series {
	struct table *cells; /* meter_key → cell */
	struct table *sums;  /* series_key → sum */
	u64 last_ns, now_ns; /* collection before, and this one */
};

struct series *series_new(u64 now_ns)
{
	struct series *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->last_ns = s->now_ns = now_ns;
	s->cells = table_new(SERIES_CELLS_MAX, sizeof(struct meter_key), sizeof(struct cell), NULL,
			     NULL);
	s->sums = table_new(SERIES_MAX, sizeof(struct series_key), sizeof(struct sum), NULL, NULL);
	if (!s->cells || !s->sums) {
		series_free(s);
		errno = ENOMEM;
		return NULL;
	}
	return s;
}

void series_free(struct series *s)
{
	if (!s)
		return;
	table_free(s->cells);
	table_free(s->sums);
	free(s);
}

void series_begin(struct series *s, u64 now_ns)
{
	s->last_ns = s->now_ns;
	s->now_ns = now_ns;
}

void series_renamed(struct series *s, bool (*is)(void *ctx, const struct who *who), void *ctx)
{
	const void *key;
	size_t pos = 0;
	void *value;

	while (table_next(s->sums, &pos, &key, &value)) {
		struct sum *sum = value;

		if (!is(ctx, ((const struct series_key *)key)->who))
			continue;
		memset(&sum->cell, 0, sizeof(sum->cell));
		sum->start_ns = s->now_ns;
	}
}

/* A cell that holds less than before was deleted in the kernel and began anew. */
static bool began_anew(const struct meter_cell *now, const struct meter_cell *seen)
{
	if (now->sum < seen->sum)
		return true;
	for (size_t i = 0; i < METER_SLOTS; i++)
		if (now->slots[i] < seen->slots[i])
			return true;
	return false;
}

static void add_difference(struct meter_cell *to, const struct meter_cell *now,
			   const struct meter_cell *seen)
{
	static const struct meter_cell zero;

	if (began_anew(now, seen))
		seen = &zero;
	to->sum += now->sum - seen->sum;
	for (size_t i = 0; i < METER_SLOTS; i++)
		to->slots[i] += now->slots[i] - seen->slots[i];
}

void series_add(struct series *s, const struct meter_key *key, const struct meter_cell *cell,
		series_who_fn who, void *ctx)
{
	const struct cell *known = table_peek(s->cells, key);
	struct series_key sum_key;
	struct cell *c;
	struct sum *sum;
	bool new;

	if (known && !memcmp(&known->seen, cell, sizeof(*cell)))
		return; /* nothing happened: asking would keep the container's memory alive */
	memset(&sum_key, 0, sizeof(sum_key));
	sum_key.who = who(ctx, key->cgroup); /* may forget another, and cells with it */
	sum_key.key = *key;
	sum_key.key.cgroup = 0;
	c = table_add(s->cells, key, NULL);
	sum = table_add(s->sums, &sum_key, &new);
	if (new)
		sum->start_ns = s->last_ns;
	add_difference(&sum->cell, cell, &c->seen);
	c->who = sum_key.who;
	c->changed_ns = s->now_ns;
	c->seen = *cell;
}

/* How long a cell may be idle: the fuller the table, the shorter. */
static u64 patience_ns(const struct series *s)
{
	size_t n = table_len(s->cells);

	if (n < SERIES_CELLS_MAX / 4)
		return 600 * NSEC_PER_SEC;
	return n < SERIES_CELLS_MAX / 2 ? 60 * NSEC_PER_SEC : 0;
}

void series_expire(struct series *s, series_cell_fn fn, void *ctx)
{
	u64 patience = patience_ns(s);
	const void *k;
	size_t pos = 0;
	void *v;

	while (table_next(s->cells, &pos, &k, &v)) {
		struct meter_key key = *(const struct meter_key *)k;

		if (s->now_ns - ((struct cell *)v)->changed_ns <= patience)
			continue;
		fn(ctx, &key);
		table_del(s->cells, &key);
	}
}

void series_walk(const struct series *s, series_fn fn, void *ctx)
{
	const void *k;
	size_t pos = 0;
	void *v;

	while (table_next(s->sums, &pos, &k, &v)) {
		const struct series_key *key = k;
		const struct sum *sum = v;
		struct series_point point = { .who = key->who,
					      .key = key->key,
					      .start_ns = sum->start_ns,
					      .cell = sum->cell };

		fn(ctx, &point);
	}
}

void series_forget(struct series *s, const struct who *who, series_cell_fn fn, void *ctx)
{
	const void *k;
	size_t pos;
	void *v;

	for (pos = 0; table_next(s->cells, &pos, &k, &v);) {
		struct meter_key key = *(const struct meter_key *)k;

		if (((struct cell *)v)->who != who)
			continue;
		fn(ctx, &key);
		table_del(s->cells, &key);
	}
	for (pos = 0; table_next(s->sums, &pos, &k, &v);) {
		struct series_key key = *(const struct series_key *)k;

		if (key.who == who)
			table_del(s->sums, &key);
	}
}

void series_stats(const struct series *s, struct series_stats *ret)
{
	*ret = (struct series_stats){
		.cells = table_len(s->cells),
		.series = table_len(s->sums),
		.bytes = table_bytes(s->cells) + table_bytes(s->sums),
		.evicted = table_evictions(s->cells) + table_evictions(s->sums),
	};
}
