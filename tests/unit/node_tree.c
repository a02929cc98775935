// SPDX-License-Identifier: Apache-2.0
/* links: src/node/tree.c src/node/read.c */
/* node/tree: version and driver of the cgroup tree, and mounts that are missing. */
#include "node_fixture.h"

#include <linux/magic.h>

#include "node/tree.h"

static struct node_tree tree;

static void v2(void **state)
{
	(void)state;
	node_mount("cgroup", CGROUP2_SUPER_MAGIC);
	tree_read(&roots, &tree);
	assert_string_equal(cgroup_version_name(tree.version), "v2");
	assert_int_equal(tree.missing & 1u << MOUNT_CGROUP, 0);
}

static void hybrid(void **state)
{
	(void)state;
	node_dir("cgroup/unified");
	node_dir("cgroup/memory");
	node_mount("cgroup", TMPFS_MAGIC);
	node_mount("cgroup/unified", CGROUP2_SUPER_MAGIC);
	node_mount("cgroup/memory", CGROUP_SUPER_MAGIC);
	tree_read(&roots, &tree);
	assert_string_equal(cgroup_version_name(tree.version), "hybrid");
}

static void v1(void **state)
{
	(void)state;
	node_dir("cgroup/memory");
	node_mount("cgroup", TMPFS_MAGIC);
	node_mount("cgroup/memory", CGROUP_SUPER_MAGIC);
	tree_read(&roots, &tree);
	assert_string_equal(cgroup_version_name(tree.version), "v1");
	assert_int_equal(tree.missing & 1u << MOUNT_CGROUP, 0);
}

/* An empty folder is not v1; a folder that is not there is not an empty one. */
static void none_and_unknown(void **state)
{
	char gone[NODE_PATH_MAX];

	(void)state;
	tree_read(&roots, &tree);
	assert_string_equal(cgroup_version_name(tree.version), "none");
	assert_int_equal(tree.err, 0);
	assert_true(tree.missing & 1u << MOUNT_CGROUP);
	node_name(gone, "gone");
	roots.cgroup = gone;
	tree_read(&roots, &tree);
	assert_string_equal(cgroup_version_name(tree.version), "unknown");
	assert_int_equal(tree.err, ENOENT);
	assert_true(tree.missing & 1u << MOUNT_CGROUP);
	assert_string_equal(cgroup_driver_name(tree.driver), "unknown");
}

static const char *driver(void)
{
	tree_read(&roots, &tree);
	return cgroup_driver_name(tree.driver);
}

static void drivers(void **state)
{
	static const struct {
		const char *dir, *driver;
	} cases[] = {
		{ "cgroup/kubepods.slice", "systemd" },
		{ "cgroup/kubelet.slice/kubelet-kubepods.slice", "systemd" },
		{ "cgroup/systemd/kubepods.slice", "systemd" },
		{ "cgroup/unified/kubepods.slice", "systemd" },
		{ "cgroup/kubepods", "cgroupfs" },
		{ "cgroup/kubelet/kubepods", "cgroupfs" },
		{ "cgroup/memory/kubepods", "cgroupfs" },
		{ "cgroup/cpu,cpuacct/kubepods", "cgroupfs" },
		{ "cgroup/system.slice", "unknown" },
		{ "cgroup/kubepods.slices", "unknown" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		node_teardown(state);
		node_setup(state);
		node_dir(cases[i].dir);
		assert_string_equal(driver(), cases[i].driver);
	}
	node_teardown(state);
	node_setup(state);
	node_file("cgroup/kubepods", "a file is no folder of a kubelet");
	assert_string_equal(driver(), "unknown");
	node_dir("cgroup/memory/kubepods");
	node_dir("cgroup/kubepods.slice");
	assert_string_equal(driver(), "both");
}

static void missing(void **state)
{
	(void)state;
	tree_read(&roots, &tree);
	assert_int_equal(tree.missing, (1u << MOUNT_COUNT) - 1);
	node_mount("proc", PROC_SUPER_MAGIC);
	node_mount("sys", SYSFS_MAGIC);
	node_mount("sys/kernel/security", SECURITYFS_MAGIC);
	node_mount("cgroup", CGROUP2_SUPER_MAGIC);
	tree_read(&roots, &tree);
	assert_int_equal(tree.missing, 0);
}

/* A kernel that has no securityfs cannot mount it. */
static void securityfs_not_built(void **state)
{
	(void)state;
	node_file("proc/filesystems", "nodev\tsysfs\nnodev\tsecurityfs\n\text4\n");
	tree_read(&roots, &tree);
	assert_true(tree.missing & 1u << MOUNT_SECURITYFS);
	node_file("proc/filesystems", "nodev\tsysfs\nnodev\tsecurityfs2\n\text4\n");
	tree_read(&roots, &tree);
	assert_false(tree.missing & 1u << MOUNT_SECURITYFS);
}

/* The kernel's own statfs, on the same folder: /proc is one everywhere. */
static void here(void **state)
{
	struct node_roots real = { "/proc", "/sys", "/proc", "", NULL };

	(void)state;
	tree_read(&real, &tree);
	assert_false(tree.missing & 1u << MOUNT_PROC);
	assert_string_equal(cgroup_version_name(tree.version), "none");
	real.proc = "/tmp";
	tree_read(&real, &tree);
	assert_true(tree.missing & 1u << MOUNT_PROC);
}

static void long_root(void **state)
{
	static char path[NODE_PATH_MAX];

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	roots.cgroup = path;
	tree_read(&roots, &tree);
	assert_int_equal(tree.version, CGROUP_UNKNOWN);
	assert_int_equal(tree.err, ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(v2),
		NODE_TEST(hybrid),
		NODE_TEST(v1),
		NODE_TEST(none_and_unknown),
		NODE_TEST(drivers),
		NODE_TEST(missing),
		NODE_TEST(securityfs_not_built),
		NODE_TEST(here),
		NODE_TEST(long_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
