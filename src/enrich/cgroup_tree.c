// SPDX-License-Identifier: Apache-2.0
#include "enrich/cgroup_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "enrich/cgroup.h"
#include "enrich/cgroup_path.h"
#include "enrich/cgroup_walk.h"

/* In this order. A controller's folder is a link where it shares its hierarchy: both names. */
static const struct place {
	enum cgroup_tree tree;
	const char *dir;
} places_v2[] = { { CGROUP_TREE_V2, "" }, { CGROUP_TREE_V2, "unified" } },
  places_v1[] = { { CGROUP_TREE_MEMORY, "memory" },
		  { CGROUP_TREE_PIDS, "pids" },
		  { CGROUP_TREE_CPU, "cpu" },
		  { CGROUP_TREE_CPU, "cpu,cpuacct" },
		  { CGROUP_TREE_DEVICES, "devices" } };

/* The first place that has a file system of this kind: its descriptor, or -ENOENT. */
static int first_of(int base, const struct place *places, size_t n, u64 magic,
		    enum cgroup_tree *ret)
{
	for (size_t i = 0; i < n; i++) {
		const char *dir = places[i].dir[0] ? places[i].dir : ".";
		int fd = openat(base, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs fs;

		if (fd < 0)
			continue;
		if (fstatfs(fd, &fs) == 0 && (u64)fs.f_type == magic) {
			*ret = places[i].tree;
			return fd;
		}
		close(fd);
	}
	return -ENOENT;
}

/* Not a folder that was left behind, nor one that is still being made. */
static bool has_process(int root, const char *dir)
{
	char path[CGROUPS_PATH_MAX + sizeof("/cgroup.procs")], byte;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, &byte, 1);
	close(fd);
	return n == 1;
}

/* Is a container in the v1 tree that the v2 tree does not have? */
static bool only_in_v1(int v1, int v2)
{
	struct cgroup_walk walk = { 0 };
	bool found = false;

	cgroup_walk_run(&walk, v1); /* a failed one is empty */
	for (u32 i = 0; i < walk.n && !found; i++) {
		char path[CGROUPS_PATH_MAX];
		struct who who;
		int n = cgroup_walk_path(&walk, walk.dirs[i].id, path, sizeof(path));
		struct str text = { path, n > 0 ? (size_t)n : 0 };

		cgroup_path_parse(text, &who);
		if (who.kind != WHO_CONTAINER || cgroup_path_own(text) != text.n)
			continue;
		found = faccessat(v2, path + 1, F_OK, 0) < 0 && errno == ENOENT &&
			has_process(v1, path + 1);
	}
	cgroup_walk_free(&walk);
	return found;
}

static int open_base(const char *base, char *err, size_t err_cap)
{
	int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int e = errno;

	if (fd >= 0)
		return fd;
	snprintf(err, err_cap, "cannot open %s: %s", base, strerror(e));
	return -e;
}

int cgroup_tree_open(const char *base, enum cgroup_tree *ret, char *err, size_t err_cap)
{
	enum cgroup_tree tree_v2, tree_v1;
	int fd = open_base(base, err, err_cap), v1, v2;

	if (fd < 0)
		return fd;
	v2 = first_of(fd, places_v2, ARRAY_SIZE(places_v2), CGROUP2_SUPER_MAGIC, &tree_v2);
	v1 = first_of(fd, places_v1, ARRAY_SIZE(places_v1), CGROUP_SUPER_MAGIC, &tree_v1);
	close(fd);
	if (v2 >= 0 && v1 >= 0 && only_in_v1(v1, v2)) {
		close(v2);
		v2 = -1;
	}
	if (v2 >= 0) {
		if (v1 >= 0)
			close(v1);
		*ret = tree_v2;
		return v2;
	}
	if (v1 >= 0) {
		*ret = tree_v1;
		return v1;
	}
	snprintf(err, err_cap,
		 "no cgroups are mounted at %s: neither the v2 tree, there or as \"unified\", nor "
		 "\"memory\", \"pids\", \"cpu\" or \"devices\" of v1",
		 base);
	return -ENODEV;
}

const char *cgroup_tree_name(enum cgroup_tree tree)
{
	static const char *const names[CGROUP_TREE_COUNT] = {
		[CGROUP_TREE_V2] = "v2",	   [CGROUP_TREE_MEMORY] = "memory",
		[CGROUP_TREE_PIDS] = "pids",	   [CGROUP_TREE_CPU] = "cpu",
		[CGROUP_TREE_DEVICES] = "devices",
	};

	return names[tree];
}

bool cgroup_tree_partial(int fd, enum cgroup_tree tree)
{
	if (tree == CGROUP_TREE_V2)
		return faccessat(fd, "cgroup.events", F_OK, 0) == 0; /* the root has none */
	return faccessat(fd, "cgroup.sane_behavior", F_OK, 0) < 0;   /* only the root has it */
}
