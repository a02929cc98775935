// SPDX-License-Identifier: Apache-2.0
/* Asks the tree: by file handle, else from the last two walks. */
#include "enrich/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/table.h"
#include "enrich/cgroup_tree.h"
#include "enrich/cgroup_walk.h"

#define FIRST_PIDS 4096 /* bytes of a list of pids that are looked at */
#define WALK_SHARE 10 /* walks take at most one part of this many of the time */

struct cgroups {
	int root;  /* the tree as it is mounted */
	dev_t dev; /* each hierarchy has its own */
	enum cgroup_tree tree;
	char self[64];		      /* "/proc/self/fd" */
	char mount[CGROUPS_PATH_MAX]; /* the name the kernel gives to root */
	size_t mount_n;
	int handle_type;
	bool by_handle, partial;
	struct cgroup_walk now, before;
	u64 walk_next_ns;   /* no walk earlier than this */
	struct table *gone; /* id → until when it is not looked for again, u64 */
	u64 walks, walks_cut;
};

/* The name of an open file, as /proc tells it. Length or -errno. */
static int fd_name(const struct cgroups *c, int fd, char *dst, size_t cap)
{
	char link[sizeof(c->self) + 16];
	ssize_t n;

	snprintf(link, sizeof(link), "%s/%d", c->self, fd);
	n = readlink(link, dst, cap);
	if (n < 0)
		return -errno;
	if ((size_t)n >= cap)
		return -ENAMETOOLONG;
	dst[n] = '\0';
	return (int)n;
}

/*
 * From the name of the mount to the path below it. A name that does not begin with the mount
 * is a cgroup outside of the part that is mounted (the kernel then says "/"). A directory
 * removed while we hold it open still tells its name, with " (deleted)" behind it.
 */
static int below_mount(const struct cgroups *c, struct str name, char *dst, size_t cap)
{
	static const struct str deleted = STR(" (deleted)");

	if (str_ends(name, deleted))
		name = str_slice(name, 0, name.n - deleted.n);
	if (!str_starts(name, (struct str){ c->mount, c->mount_n }))
		return -EXDEV;
	name = str_slice(name, c->mount_n, name.n);
	if (name.n == 0)
		name = STR("/");
	if (name.p[0] != '/')
		return -EXDEV;
	if (name.n >= cap)
		return -ENAMETOOLONG;
	return (int)str_copy(dst, cap, name);
}

static int open_handle(const struct cgroups *c, u64 id)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + sizeof(u64)];
	} x;
	int fd;

	memset(&x, 0, sizeof(x));
	x.h.handle_bytes = sizeof(id);
	x.h.handle_type = c->handle_type;
	memcpy(x.room + offsetof(struct file_handle, f_handle), &id, sizeof(id));
	fd = open_by_handle_at(c->root, &x.h, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ESTALE ? -ENOENT : -errno;
	return fd;
}

static int path_by_handle(const struct cgroups *c, u64 id, char *dst, size_t cap)
{
	char name[CGROUPS_PATH_MAX];
	int fd = open_handle(c, id);
	int r;

	if (fd < 0)
		return fd;
	r = fd_name(c, fd, name, sizeof(name));
	close(fd);
	return r < 0 ? r : below_mount(c, (struct str){ name, (size_t)r }, dst, cap);
}

/* Walk now; the walk before is kept, for who is gone already. */
static int walk_again(struct cgroups *c, u64 now_ns)
{
	struct cgroup_walk old = c->before;
	u64 from_ns, took_ns;
	int r;

	c->before = c->now;
	c->now = old;
	from_ns = clock_boot_ns();
	r = cgroup_walk_run(&c->now, c->root);
	took_ns = clock_boot_ns() - from_ns;
	c->walk_next_ns = now_ns + CGROUPS_WALK_EVERY_NS;
	if (took_ns * WALK_SHARE > CGROUPS_WALK_EVERY_NS)
		c->walk_next_ns = now_ns + took_ns * WALK_SHARE;
	c->walks++;
	if (r == 0 && c->now.cut)
		c->walks_cut++;
	return r;
}

static int path_by_walk(struct cgroups *c, u64 id, u64 now_ns, char *dst, size_t cap)
{
	int r = cgroup_walk_path(&c->now, id, dst, cap);

	if (r == -ENOENT)
		r = cgroup_walk_path(&c->before, id, dst, cap);
	if (r != -ENOENT)
		return r;
	if (now_ns < c->walk_next_ns)
		return -EAGAIN;
	r = walk_again(c, now_ns);
	return r < 0 ? r : cgroup_walk_path(&c->now, id, dst, cap);
}

int cgroups_find(struct cgroups *c, struct str part, bool (*match)(void *ctx, struct str path),
		 void *ctx, u64 now_ns, char *dst, size_t cap)
{
	bool due = now_ns >= c->walk_next_ns;
	int r = due ? walk_again(c, now_ns) : 0;

	if (r < 0)
		return r;
	r = cgroup_walk_find(&c->now, part, match, ctx, dst, cap);
	return r == -ENOENT && !due ? -EAGAIN : r;
}

/* Remembered so that the next events of that cgroup cost a look-up. */
static void gone_add(struct cgroups *c, u64 id, u64 now_ns)
{
	u64 *until = table_add(c->gone, &id, NULL);

	*until = now_ns + CGROUPS_GONE_NS;
}

int cgroups_path(struct cgroups *c, u64 id, u64 now_ns, char *dst, size_t cap)
{
	const u64 *until;
	int r;

	if (cap == 0)
		return -ENAMETOOLONG;
	if (id == 0)
		return -ENOENT;
	until = table_get(c->gone, &id);
	if (until && now_ns < *until)
		return -ENOENT;
	r = c->by_handle ? path_by_handle(c, id, dst, cap) : -EPERM;
	if (r == -EPERM) {
		c->by_handle = false; /* for good, should the capability have been taken */
		r = path_by_walk(c, id, now_ns, dst, cap);
	}
	if (r == -ENOENT)
		gone_add(c, id, now_ns);
	return r;
}

static bool in_tree(const struct cgroups *c, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == c->dev;
}

int cgroups_id(const struct cgroups *c, const char *dir, u64 *ret_id)
{
	struct stat st;
	int fd, type, r;

	fd = dir[0] == '/' ? open(dir, O_PATH | O_CLOEXEC) : -1;
	/* "/kubepods/..." is how we print a path: take it, unless the host has that too. */
	if (fd < 0 || !in_tree(c, fd)) {
		const char *rel = dir + strspn(dir, "/");
		int below = openat(c->root, *rel ? rel : ".", O_PATH | O_CLOEXEC);

		if (below < 0) {
			r = fd >= 0 ? -EINVAL : -errno;
			if (fd >= 0)
				close(fd);
			return r;
		}
		if (fd >= 0)
			close(fd);
		fd = below;
	}
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISDIR(st.st_mode))
		r = -ENOTDIR;
	else if (st.st_dev != c->dev)
		r = -EINVAL; /* ".." out of the tree, or a mount in it */
	else
		r = cgroup_handle_id(fd, "", ret_id, &type);
	close(fd);
	return r;
}

/* What works here is found by doing it once, with the root. */
static int probe(struct cgroups *c, const char *proc_base, char *err, size_t err_cap)
{
	struct stat st;
	u64 id;
	int fd, r;

	snprintf(c->self, sizeof(c->self), "%.40s/self/fd", proc_base);
	if (fstat(c->root, &st) < 0) {
		r = -errno;
		snprintf(err, err_cap, "cannot look at the root of the cgroups: %s", strerror(-r));
		return r;
	}
	c->dev = st.st_dev;
	r = cgroup_handle_id(c->root, "", &id, &c->handle_type);
	if (r < 0) {
		snprintf(err, err_cap, "cannot ask for the id of a cgroup: %s", strerror(-r));
		return r;
	}
	c->partial = cgroup_tree_partial(c->root, c->tree);
	r = fd_name(c, c->root, c->mount, sizeof(c->mount));
	/* Below a mount at "/" the name of an outside cgroup would look like the root's. */
	if (r <= 1 || c->handle_type == 0)
		return 0; /* by walk */
	c->mount_n = (size_t)r;
	fd = open_handle(c, id);
	c->by_handle = fd >= 0;
	if (fd >= 0)
		close(fd);
	return 0;
}

int cgroups_open(struct cgroups **ret, const char *base, const char *proc_base, char *err,
		 size_t err_cap)
{
	struct cgroups *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		snprintf(err, err_cap, "out of memory");
		return -ENOMEM;
	}
	c->root = -1;
	r = cgroup_tree_open(base, &c->tree, err, err_cap);
	if (r < 0)
		goto fail;
	c->root = r;
	c->gone = table_new(CGROUPS_GONE_MAX, sizeof(u64), sizeof(u64), NULL, NULL);
	if (!c->gone) {
		snprintf(err, err_cap, "out of memory");
		r = -ENOMEM;
		goto fail;
	}
	r = probe(c, proc_base, err, err_cap);
	if (r < 0)
		goto fail;
	*ret = c;
	return 0;
fail:
	cgroups_close(c);
	return r;
}

u32 cgroups_first_pid(const struct cgroups *c, struct str path)
{
	char name[CGROUPS_PATH_MAX], text[FIRST_PIDS];
	struct str rest, line;
	u64 pid, first = 0;
	ssize_t n;
	int fd;

	if (snprintf(name, sizeof(name), ".%.*s/cgroup.procs", (int)path.n, path.p) >=
	    (int)sizeof(name))
		return 0;
	fd = openat(c->root, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text));
	close(fd);
	rest = (struct str){ text, n > 0 ? (size_t)n : 0 };
	while (str_cut(&rest, '\n', &line)) {
		/* 0: of another pid namespace; a last line without its end may be cut */
		if (rest.p && parse_u64(line, 1, UINT32_MAX, &pid) == 0 && (!first || pid < first))
			first = pid;
	}
	return (u32)first;
}

int cgroups_each(const struct cgroups *c, void (*fn)(void *ctx, u64 id, struct str path),
		 void *ctx)
{
	struct cgroup_walk w = { 0 };
	int r = cgroup_walk_run(&w, c->root);

	if (r == 0)
		cgroup_walk_each(&w, fn, ctx);
	cgroup_walk_free(&w);
	return r;
}

void cgroups_close(struct cgroups *c)
{
	if (!c)
		return;
	if (c->root >= 0)
		close(c->root);
	table_free(c->gone);
	cgroup_walk_free(&c->now);
	cgroup_walk_free(&c->before);
	free(c);
}

void cgroups_stats(const struct cgroups *c, struct cgroups_stats *ret)
{
	*ret = (struct cgroups_stats){
		.tree = c->tree,
		.by_handle = c->by_handle,
		.partial = c->partial,
		.walks = c->walks,
		.walks_cut = c->walks_cut,
		.dirs = c->now.n,
		.bytes = sizeof(*c) + table_bytes(c->gone) + cgroup_walk_bytes(&c->now) +
			 cgroup_walk_bytes(&c->before),
	};
}
