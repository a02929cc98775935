// SPDX-License-Identifier: Apache-2.0
/* Who is to be read, and in which order. What is read: files.c. */
#include "gauge/gauge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/table.h"
#include "gauge/files.h"

struct member {
	struct who *who;
	struct reading_set set;
	u64 seen[READING_END]; /* what counters told last */
	u64 known;	   /* of which bits */
	bool whole;	   /* counters count from 0: we were told when it was made */
	size_t at;	   /* in order */
	size_t path_n;
	char path[];
};

struct gauge {
	struct gauge_files files;
	struct table *members; /* struct who * → struct member * */
	struct member **order; /* of a round; new ones are put where it goes on */
	size_t n, next;
	u64 counters;	       /* bits */
	u64 refused;
	size_t path_bytes;
};

struct gauge *gauge_new(const char *base, u32 of)
{
	struct gauge *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return NULL;
	for (size_t i = 0; i < READING_END; i++)
		if (figures[readings[i].figure].type == FIGURE_COUNTER)
			g->counters |= 1ull << i;
	err = gauge_files_open(&g->files, base, of);
	g->members = err ? NULL : table_new(GAUGE_MAX, sizeof(struct who *),
					    sizeof(struct member *), NULL, NULL);
	g->order = calloc(GAUGE_MAX, sizeof(struct member *));
	if (err || !g->members || !g->order) {
		gauge_free(g);
		errno = err ? -err : ENOMEM;
		return NULL;
	}
	return g;
}

void gauge_free(struct gauge *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++)
		free(g->order[i]);
	free(g->order);
	table_free(g->members);
	gauge_files_close(&g->files);
	free(g);
}

static struct member *find(const struct gauge *g, const struct who *who)
{
	struct member **m = table_peek(g->members, &who);

	return m ? *m : NULL;
}

static void put(struct gauge *g, struct member *m, size_t at)
{
	g->order[at] = m;
	m->at = at;
}

static void again(struct member *m, u64 cgroup, u64 made_ns)
{
	if (!made_ns)
		return;
	m->set.cgroup = cgroup;
	memset(m->seen, 0, sizeof(m->seen));
}

void gauge_add(struct gauge *g, struct who *who, u64 cgroup, struct str path, u64 made_ns)
{
	struct member *m = find(g, who), **slot;

	if (m) {
		again(m, cgroup, made_ns);
		return;
	}
	m = g->n < GAUGE_MAX ? calloc(1, sizeof(*m) + path.n + 1) : NULL;
	if (!m) {
		g->refused++;
		return;
	}
	m->who = who;
	m->set.start_ns = made_ns;
	m->set.cgroup = cgroup;
	m->whole = made_ns;
	m->path_n = path.n;
	memcpy(m->path, path.p, path.n);
	slot = table_add(g->members, &who, NULL);
	*slot = m;
	if (g->next > g->n)
		g->next = 0;
	if (g->next < g->n)
		put(g, g->order[g->next], g->n);
	put(g, m, g->next);
	g->n++;
	g->path_bytes += path.n + 1;
}

void gauge_forget(struct gauge *g, const struct who *who)
{
	struct member *m = find(g, who);

	if (!m)
		return;
	put(g, g->order[--g->n], m->at);
	table_del(g->members, &who);
	g->path_bytes -= m->path_n + 1;
	free(m);
}

void gauge_renamed(struct gauge *g, bool (*is)(void *ctx, const struct who *who), void *ctx)
{
	for (size_t i = 0; i < g->n; i++) {
		struct reading_set *p = &g->order[i]->set;

		if (!p->read_ns || !is(ctx, g->order[i]->who))
			continue;
		for (size_t f = 0; f < READING_END; f++)
			if (g->counters >> f & 1)
				p->value[f] = 0;
		p->start_ns = p->read_ns;
	}
}

/* A counter that is less than before was made again without our being told. */
static void add_up(struct member *m, size_t f, u64 value)
{
	struct reading_set *p = &m->set;
	bool first = !(m->known >> f & 1);

	if (!first || m->whole)
		p->value[f] += value < m->seen[f] ? value : value - m->seen[f];
	m->seen[f] = value;
	m->known |= 1ull << f;
}

static bool read_one(struct gauge *g, struct member *m)
{
	struct reading_set *p = &m->set;
	u64 value[READING_END];

	p->has = gauge_files_read(&g->files, (struct str){ m->path, m->path_n }, value, NULL);
	p->read_ns = clock_boot_ns();
	if (!p->start_ns)
		p->start_ns = p->read_ns;
	for (size_t f = 0; f < READING_END; f++) {
		if (!(p->has >> f & 1))
			continue;
		if (g->counters >> f & 1)
			add_up(m, f, value[f]);
		else
			p->value[f] = value[f];
	}
	return p->has;
}

void gauge_turn(struct gauge *g, u64 turn_ns, u64 round_ns, gauge_alive_fn fn, void *ctx)
{
	size_t left = round_ns > turn_ns ? (g->n * turn_ns + round_ns - 1) / round_ns : g->n;
	u64 until_ns = clock_boot_ns() + (round_ns ? GAUGE_TURN_NS : GAUGE_ALL_NS);

	while (left--) {
		struct member *m;

		if (g->next >= g->n)
			g->next = 0;
		m = g->order[g->next++];
		if (read_one(g, m))
			fn(ctx, m->set.cgroup);
		if (clock_boot_ns() >= until_ns)
			return;
	}
}

void gauge_walk(const struct gauge *g, gauge_fn fn, void *ctx)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->order[i]->set.has)
			fn(ctx, g->order[i]->who, &g->order[i]->set);
}

/* A file is named once, though several readings may be in it. */
static void add_file(struct gauge_lack *ret, const char *file)
{
	size_t n = strlen(ret->files);

	if (!strstr(ret->files, file))
		snprintf(ret->files + n, sizeof(ret->files) - n, "%s%s", n ? ", " : "", file);
}

void gauge_try(struct gauge *g, struct str path, enum wire_family family, struct gauge_lack *ret)
{
	struct gauge_seen seen;
	u64 value[READING_END];

	memset(ret, 0, sizeof(*ret));
	gauge_files_read(&g->files, path, value, &seen);
	for (size_t f = 0; f < READING_END; f++) {
		if (figures[readings[f].figure].family != family)
			continue;
		ret->wanted++;
		if (seen.readable >> f & 1)
			continue;
		ret->missing++;
		if (!ret->err)
			ret->err = seen.err[f];
		add_file(ret, readings[f].of[0].file);
	}
}

void gauge_stats(const struct gauge *g, struct gauge_stats *ret)
{
	*ret = (struct gauge_stats){
		.containers = g->n,
		.bytes = sizeof(*g) + table_bytes(g->members) + GAUGE_MAX * sizeof(*g->order) +
			 g->n * sizeof(struct member) + g->path_bytes,
		.refused = g->refused,
	};
}
