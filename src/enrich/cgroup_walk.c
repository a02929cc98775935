// SPDX-License-Identifier: Apache-2.0
/*
 * Breadth first: the list of directories found is the list of those still to be read, so
 * there is no recursion and at most one directory is open at a time.
 */
#include "enrich/cgroup_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enrich/cgroup.h"

#define WALK_DEPTH 64 /* components; kind in a pod with systemd inside needs about 15 */
#define WALK_FIRST 256

int cgroup_handle_id(int fd, const char *name, u64 *ret_id, int *ret_type)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} x;
	struct stat st;
	int mount;

	memset(&x, 0, sizeof(x));
	x.h.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(fd, name, &x.h, &mount, AT_EMPTY_PATH) == 0) {
		if (x.h.handle_bytes != sizeof(*ret_id))
			return -EINVAL;
		memcpy(ret_id, x.room + offsetof(struct file_handle, f_handle), sizeof(*ret_id));
		*ret_type = x.h.handle_type;
		return 0;
	}
	/* EPERM: only a seccomp filter says so. */
	if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EPERM)
		return errno == EOVERFLOW ? -EINVAL : -errno;
	if (fstatat(fd, name, &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	*ret_id = st.st_ino;
	*ret_type = 0;
	return 0;
}

static int dirs_room(struct cgroup_walk *w)
{
	u32 cap = w->cap ? w->cap * 2 : WALK_FIRST;
	struct cgroup_dir *dirs;

	if (w->n < w->cap)
		return 0;
	if (w->n >= CGROUPS_WALK_DIRS)
		return -ENOSPC;
	if (cap > CGROUPS_WALK_DIRS)
		cap = CGROUPS_WALK_DIRS;
	dirs = realloc(w->dirs, cap * sizeof(*dirs));
	if (!dirs)
		return -ENOMEM;
	w->dirs = dirs;
	w->cap = cap;
	return 0;
}

static int add(struct cgroup_walk *w, u32 parent, struct str name, u64 id)
{
	size_t at = w->names.n;
	int r = dirs_room(w);

	if (r < 0)
		return r;
	buf_str(&w->names, name);
	if (w->names.err)
		return w->names.err;
	w->dirs[w->n] = (struct cgroup_dir){
		.id = id,
		.parent = parent,
		.name = (u32)at,
		.name_n = (u32)name.n,
		.depth = w->n ? w->dirs[parent].depth + 1 : 0,
	};
	w->n++;
	return 0;
}

/* Written from its end, where the walk up to the root begins. */
static int path_of(const struct cgroup_walk *w, u32 i, char *dst, size_t cap)
{
	size_t n = 0, at;

	for (u32 d = i; w->dirs[d].depth; d = w->dirs[d].parent)
		n += w->dirs[d].name_n + 1;
	if (n == 0)
		return (int)str_copy(dst, cap, STR("/"));
	if (n >= cap)
		return -ENAMETOOLONG;
	at = n;
	dst[n] = '\0';
	for (u32 d = i; w->dirs[d].depth; d = w->dirs[d].parent) {
		at -= w->dirs[d].name_n;
		memcpy(dst + at, w->names.p + w->dirs[d].name, w->dirs[d].name_n);
		dst[--at] = '/';
	}
	return (int)n;
}

/* A child that cannot be asked went away while we looked. */
static int read_dir(struct cgroup_walk *w, u32 parent, DIR *dir)
{
	struct dirent *e;

	while ((e = readdir(dir))) {
		u64 id;
		int type, r;

		if (e->d_type != DT_DIR || !strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (cgroup_handle_id(dirfd(dir), e->d_name, &id, &type) < 0)
			continue;
		r = add(w, parent, str_of(e->d_name), id);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_below(struct cgroup_walk *w, u32 i, int root_fd)
{
	char path[CGROUPS_PATH_MAX] = "";
	DIR *dir;
	int fd, r;

	r = w->dirs[i].depth < WALK_DEPTH ? path_of(w, i, path, sizeof(path)) : -ENAMETOOLONG;
	if (r < 0) {
		w->cut = true;
		return 0;
	}
	fd = openat(root_fd, r > 1 ? path + 1 : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? -errno : 0;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	r = read_dir(w, i, dir);
	closedir(dir);
	return r;
}

static int by_id(const void *a, const void *b, void *ctx)
{
	const struct cgroup_walk *w = ctx;
	u64 x = w->dirs[*(const u32 *)a].id, y = w->dirs[*(const u32 *)b].id;

	return (x > y) - (x < y);
}

static int sort(struct cgroup_walk *w)
{
	u32 *order = realloc(w->by_id, w->cap * sizeof(*order));

	if (!order)
		return -ENOMEM;
	w->by_id = order;
	for (u32 i = 0; i < w->n; i++)
		order[i] = i;
	qsort_r(order, w->n, sizeof(*order), by_id, w);
	return 0;
}

int cgroup_walk_run(struct cgroup_walk *w, int root_fd)
{
	u64 id;
	int type, r;

	if (!w->names.max)
		buf_init(&w->names, CGROUPS_WALK_NAMES);
	buf_reset(&w->names);
	w->n = 0;
	w->cut = false;
	r = cgroup_handle_id(root_fd, "", &id, &type);
	if (r == 0)
		r = add(w, 0, STR(""), id);
	for (u32 i = 0; r == 0 && i < w->n; i++)
		r = read_below(w, i, root_fd);
	if (r == -ENOSPC) { /* full: what is here is still true */
		w->cut = true;
		r = 0;
	}
	if (r == 0)
		r = sort(w);
	if (r < 0)
		w->n = 0;
	return r;
}

int cgroup_walk_path(const struct cgroup_walk *w, u64 id, char *dst, size_t cap)
{
	u32 lo = 0, hi = w->n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		const struct cgroup_dir *d = &w->dirs[w->by_id[mid]];

		if (d->id == id)
			return path_of(w, w->by_id[mid], dst, cap);
		if (d->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return -ENOENT;
}

void cgroup_walk_each(const struct cgroup_walk *w, void (*fn)(void *ctx, u64 id, struct str path),
		      void *ctx)
{
	char path[CGROUPS_PATH_MAX];

	for (u32 i = 0; i < w->n; i++) {
		int n = path_of(w, i, path, sizeof(path));

		if (n > 0)
			fn(ctx, w->dirs[i].id, (struct str){ path, (size_t)n });
	}
}

int cgroup_walk_find(const struct cgroup_walk *w, struct str part,
		     bool (*match)(void *ctx, struct str path), void *ctx, char *dst, size_t cap)
{
	char path[CGROUPS_PATH_MAX];

	for (u32 i = 0; i < w->n; i++) {
		const struct cgroup_dir *d = &w->dirs[i];
		struct str s = { path, 0 };
		int r;

		if (d->name_n < part.n ||
		    (part.n && !memmem(w->names.p + d->name, d->name_n, part.p, part.n)))
			continue;
		r = path_of(w, i, path, sizeof(path));
		if (r < 0)
			continue; /* nobody can open it by that path either */
		s.n = (size_t)r;
		if (!match(ctx, s))
			continue;
		return s.n < cap ? (int)str_copy(dst, cap, s) : -ENAMETOOLONG;
	}
	return -ENOENT;
}

void cgroup_walk_free(struct cgroup_walk *w)
{
	free(w->dirs);
	free(w->by_id);
	buf_free(&w->names);
	memset(w, 0, sizeof(*w));
}

size_t cgroup_walk_bytes(const struct cgroup_walk *w)
{
	return w->cap * (sizeof(*w->dirs) + sizeof(*w->by_id)) + w->names.cap;
}
