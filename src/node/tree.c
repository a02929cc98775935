/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include "node/tree.h"

/* Controllers of v1 that a kubelet's folder stands in; systemd's is always mounted. */
static const char *const controllers[] = { "systemd", "memory",	     "pids",
					   "cpu",     "cpu,cpuacct", "devices" };

static bool is(const struct node_roots *roots, const char *root, const char *path, u64 wanted)
{
	u64 magic;

	return !node_magic(roots, root, path, &magic) && magic == wanted;
}

static void read_version(const struct node_roots *roots, struct node_tree *ret)
{
	u64 magic;
	int err = node_magic(roots, roots->cgroup, "", &magic);

	if (err) {
		ret->err = -err;
		return;
	}
	ret->version = CGROUP_NONE;
	if (magic == CGROUP2_SUPER_MAGIC) {
		ret->version = CGROUP_V2;
		return;
	}
	if (is(roots, roots->cgroup, "unified", CGROUP2_SUPER_MAGIC)) {
		ret->version = CGROUP_HYBRID;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (is(roots, roots->cgroup, controllers[i], CGROUP_SUPER_MAGIC))
			ret->version = CGROUP_V1;
}

bool node_has_proc(const struct node_roots *roots)
{
	return is(roots, roots->proc, "", PROC_SUPER_MAGIC);
}

/* What a kubelet makes; the second of each: one that has its own --cgroup-root (kind). */
static const struct {
	enum cgroup_driver driver;
	const char *dir;
} kubelet_roots[] = {
	{ DRIVER_SYSTEMD, "kubepods.slice" },
	{ DRIVER_SYSTEMD, "kubelet.slice/kubelet-kubepods.slice" },
	{ DRIVER_CGROUPFS, "kubepods" },
	{ DRIVER_CGROUPFS, "kubelet/kubepods" },
};

static u32 drivers_in(const char *tree, struct node_tree *ret)
{
	u32 found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kubelet_roots); i++) {
		if (!node_is_dir(tree, kubelet_roots[i].dir))
			continue;
		found |= 1u << kubelet_roots[i].driver;
		if (!ret->kubelet_root[0])
			str_copy(ret->kubelet_root, sizeof(ret->kubelet_root),
				 str_of(kubelet_roots[i].dir));
	}
	return found;
}

static void read_driver(const struct node_roots *roots, struct node_tree *ret)
{
	char tree[NODE_PATH_MAX];
	u32 found = drivers_in(roots->cgroup, ret);

	if (node_path(tree, roots->cgroup, "unified"))
		found |= drivers_in(tree, ret);
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (node_path(tree, roots->cgroup, controllers[i]))
			found |= drivers_in(tree, ret);
	if (found == (1u << DRIVER_CGROUPFS | 1u << DRIVER_SYSTEMD))
		ret->driver = DRIVER_BOTH;
	else if (found)
		ret->driver = found >> DRIVER_SYSTEMD & 1 ? DRIVER_SYSTEMD : DRIVER_CGROUPFS;
}

/* A kernel without securityfs cannot miss it; where its list cannot be read, it may. */
static bool kernel_has(const struct node_roots *roots, const char *fs)
{
	char text[NODE_FILE_MAX];
	int n = node_read(roots->proc, "filesystems", text, sizeof(text));
	struct str rest = { text, n > 0 ? (size_t)n : 0 }, line, flag;

	if (n <= 0)
		return true;
	while (str_cut(&rest, '\n', &line))
		if (str_cut(&line, '\t', &flag) && str_eq(line, str_of(fs)))
			return true;
	return false;
}

static void read_mounts(const struct node_roots *roots, struct node_tree *ret)
{
	if (!node_has_proc(roots))
		ret->missing |= 1u << MOUNT_PROC;
	if (!is(roots, roots->sys, "", SYSFS_MAGIC))
		ret->missing |= 1u << MOUNT_SYS;
	if (!is(roots, roots->sys, "kernel/security", SECURITYFS_MAGIC) &&
	    kernel_has(roots, "securityfs"))
		ret->missing |= 1u << MOUNT_SECURITYFS;
	if (ret->version == CGROUP_UNKNOWN || ret->version == CGROUP_NONE)
		ret->missing |= 1u << MOUNT_CGROUP;
}

void tree_read(const struct node_roots *roots, struct node_tree *ret)
{
	memset(ret, 0, sizeof(*ret));
	read_version(roots, ret);
	read_driver(roots, ret);
	read_mounts(roots, ret);
}

const char *cgroup_version_name(enum cgroup_version version)
{
	static const char *const names[] = {
		[CGROUP_UNKNOWN] = "unknown", [CGROUP_NONE] = "none", [CGROUP_V1] = "v1",
		[CGROUP_HYBRID] = "hybrid",   [CGROUP_V2] = "v2",
	};

	return names[version];
}

const char *cgroup_driver_name(enum cgroup_driver driver)
{
	static const char *const names[] = {
		[DRIVER_UNKNOWN] = "unknown",
		[DRIVER_CGROUPFS] = "cgroupfs",
		[DRIVER_SYSTEMD] = "systemd",
		[DRIVER_BOTH] = "both",
	};

	return names[driver];
}

const char *node_mount_name(enum node_mount mount)
{
	static const char *const names[MOUNT_COUNT] = {
		[MOUNT_PROC] = "proc",
		[MOUNT_SYS] = "sysfs",
		[MOUNT_SECURITYFS] = "securityfs",
		[MOUNT_CGROUP] = "cgroup",
	};

	return names[mount];
}
