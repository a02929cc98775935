/* SPDX-License-Identifier: Apache-2.0 */
/* All processes, one after the other, in small steps. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "seek/impl.h"

#define STEP_NS NSEC_PER_MSEC
#define MAPS_MAX (8u << 20)	/* of one process: 65,530 mappings with short names */
#define CHUNK 8192		/* at least a line: a path has at most 4,095 bytes, escapes four each */

struct walk {
	const char *proc_base;
	walk_fn fn;
	void *ctx;
	DIR *dir; /* NULL: at the beginning */
	u64 hidden;
	char chunk[2 * CHUNK];
};

struct walk *walk_new(const char *proc_base, walk_fn fn, void *ctx)
{
	struct walk *w = calloc(1, sizeof(*w));

	if (w)
		*w = (struct walk){ .proc_base = proc_base, .fn = fn, .ctx = ctx };
	return w;
}

void walk_free(struct walk *w)
{
	if (w && w->dir)
		closedir(w->dir);
	free(w);
}

static void look_at(struct walk *w, u32 pid, struct str line)
{
	struct mapping m;

	if (mapping_of_line(line, &m) && m.exec && str_starts(m.path, STR("/")))
		w->fn(w->ctx, pid, &m);
}

/* Lines of what is in the chunk; what is left of the last one goes to its beginning. */
static size_t take_lines(struct walk *w, u32 pid, size_t n)
{
	struct str rest = { w->chunk, n }, line;
	size_t i;

	while ((i = str_find(rest, '\n')) < rest.n) {
		line = str_slice(rest, 0, i);
		rest = str_slice(rest, i + 1, rest.n);
		look_at(w, pid, line);
	}
	if (rest.n > CHUNK)
		rest.n = 0; /* no line: one is never as long */
	memmove(w->chunk, rest.p, rest.n);
	return rest.n;
}

static void read_maps(struct walk *w, u32 pid)
{
	size_t left = 0, all = 0;
	char path[512];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%u/maps", w->proc_base, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		w->hidden += errno == EACCES || errno == EPERM;
		return; /* else it is gone */
	}
	while (all < MAPS_MAX && (got = read(fd, w->chunk + left, CHUNK)) > 0) {
		all += (size_t)got;
		left = take_lines(w, pid, left + (size_t)got);
	}
	close(fd);
}

u64 walk_hidden(const struct walk *w)
{
	return w->hidden;
}

int walk_step(struct walk *w, bool *ret_done)
{
	u64 begin = clock_boot_ns();
	struct dirent *e;
	u64 pid;

	*ret_done = false;
	if (!w->dir)
		w->dir = opendir(w->proc_base);
	if (!w->dir)
		return -errno;
	while ((e = readdir(w->dir))) {
		if (parse_u64(str_of(e->d_name), 1, UINT32_MAX, &pid))
			continue;
		read_maps(w, (u32)pid);
		if (clock_boot_ns() - begin >= STEP_NS)
			return 0;
	}
	closedir(w->dir);
	w->dir = NULL;
	*ret_done = true;
	return 0;
}
