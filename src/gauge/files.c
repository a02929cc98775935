// SPDX-License-Identifier: Apache-2.0
#include "gauge/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "gauge/gauge.h"
#include "gauge/number.h"

_Static_assert(sizeof(((struct gauge_files *)0)->text) == GAUGE_FILE_MAX, "as the contract says");

#define PATH_BYTES 4096

/* The first of a tree that is there counts; a folder may be a link to a shared hierarchy. */
static const struct place {
	enum figure_tree tree;
	const char *dir;
} places[] = {
	{ FIGURE_V2, "." },
	{ FIGURE_V2, "unified" },
	{ FIGURE_MEMORY, "memory" },
	{ FIGURE_CPU, "cpu" },
	{ FIGURE_CPU, "cpu,cpuacct" },
	{ FIGURE_CPUACCT, "cpuacct" },
	{ FIGURE_CPUACCT, "cpu,cpuacct" },
	{ FIGURE_PIDS, "pids" },
};

static void open_place(struct gauge_files *g, int base, const struct place *p)
{
	u64 magic = p->tree == FIGURE_V2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC;
	struct statfs fs;
	int fd;

	if (g->root[p->tree] >= 0)
		return;
	fd = openat(base, p->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstatfs(fd, &fs) == 0 && (u64)fs.f_type == magic)
		g->root[p->tree] = fd;
	else
		close(fd);
}

static void add_source(struct gauge_files *g, const struct figure_source *s, size_t reading, bool v1,
		       bool less)
{
	if (s->tree != FIGURE_NOWHERE && g->root[s->tree] >= 0)
		g->sources[g->n++] = (struct gauge_source){ s, (u8)reading, v1, less };
}

/* By place, so that a directory and a file are opened once. */
static int by_file(const void *a, const void *b)
{
	const struct figure_source *x = ((const struct gauge_source *)a)->source;
	const struct figure_source *y = ((const struct gauge_source *)b)->source;

	if (x->tree != y->tree)
		return x->tree < y->tree ? -1 : 1;
	return strcmp(x->file, y->file);
}

int gauge_files_open(struct gauge_files *g, const char *base, u32 of)
{
	int fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 ? -errno : 0;
	bool any = false;

	for (size_t i = 0; i < FIGURE_TREES; i++)
		g->root[i] = -1;
	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		open_place(g, fd, &places[i]);
	close(fd);
	for (size_t i = 0; i < FIGURE_TREES; i++)
		any |= g->root[i] >= 0;
	for (size_t f = 0; f < READING_END; f++) {
		if (!(of >> figures[readings[f].figure].family & 1))
			continue;
		for (int v1 = 0; v1 < 2; v1++) {
			add_source(g, &readings[f].of[v1], f, v1, false);
			add_source(g, &readings[f].less[v1], f, v1, true);
		}
	}
	qsort(g->sources, g->n, sizeof(g->sources[0]), by_file);
	return any ? 0 : -ENODEV;
}

void gauge_files_close(struct gauge_files *g)
{
	for (size_t i = 0; i < FIGURE_TREES; i++)
		if (g->root[i] >= 0)
			close(g->root[i]);
}

/* What was found so far: of v2 and of v1, the numbers and what is taken from them. */
struct found {
	struct gauge_seen seen;
	u64 has[2][2];
	u64 value[2][2][READING_END];
};

static void take(struct found *found, const struct gauge_source *s, struct str text)
{
	u64 value;

	found->seen.readable |= 1ull << s->reading;
	if (!gauge_number(text, str_of(s->source->key), &value) ||
	    value > GAUGE_NUMBER_MAX / s->source->scale)
		return;
	found->has[s->v1][s->less] |= 1ull << s->reading;
	found->value[s->v1][s->less][s->reading] = value * s->source->scale;
}

static int open_dir(const struct gauge_files *g, enum figure_tree tree, struct str path)
{
	char name[PATH_BYTES];
	int fd;

	if (path.n + 2 > sizeof(name))
		return -ENAMETOOLONG;
	name[0] = '.'; /* "/a/b" is below the root of the tree */
	memcpy(name + 1, path.p, path.n);
	name[path.n + 1] = '\0';
	fd = openat(g->root[tree], name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* All sources of one tree, from `from` on: where the next tree begins. */
static size_t read_tree(struct gauge_files *g, size_t from, struct str path, struct found *found)
{
	enum figure_tree tree = g->sources[from].source->tree;
	int dir = open_dir(g, tree, path), n = 0;
	const char *file = NULL;
	size_t i;

	for (i = from; i < g->n && g->sources[i].source->tree == tree; i++) {
		const struct gauge_source *s = &g->sources[i];

		if (dir < 0) {
			n = dir;
		} else if (!file || strcmp(file, s->source->file)) {
			file = s->source->file;
			n = file_read(dir, file, g->text, sizeof(g->text));
			if (n == sizeof(g->text) - 1) /* its last number may go on */
				n = -EFBIG;
		}
		if (n >= 0)
			take(found, s, (struct str){ g->text, (size_t)n });
		else if (!found->seen.err[s->reading])
			found->seen.err[s->reading] = -n;
	}
	if (dir >= 0)
		close(dir);
	return i;
}

u64 gauge_files_read(struct gauge_files *g, struct str path, u64 value[static READING_END],
		     struct gauge_seen *ret_seen)
{
	struct found found = { 0 };
	u64 has = 0;

	for (size_t i = 0; i < g->n;)
		i = read_tree(g, i, path, &found);
	if (ret_seen)
		*ret_seen = found.seen;
	for (size_t f = 0; f < READING_END; f++) {
		for (int v1 = 0; v1 < 2 && !(has >> f & 1); v1++) {
			bool is_less = readings[f].less[v1].tree != FIGURE_NOWHERE;
			u64 less = is_less ? found.value[v1][1][f] : 0;

			if (!(found.has[v1][0] >> f & 1) ||
			    (is_less && !(found.has[v1][1] >> f & 1)))
				continue;
			/* files are read one after the other: it may seem to be less than nothing */
			value[f] = found.value[v1][0][f] > less ? found.value[v1][0][f] - less : 0;
			has |= 1ull << f;
		}
	}
	return has;
}
