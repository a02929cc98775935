/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder that stands for a node: proc/, sys/, cgroup/, root/ below a folder of the test's
 * own, gone with it. What is mounted where is told by node_mounts instead of statfs.
 */
#ifndef TEST_NODE_FIXTURE_H
#define TEST_NODE_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "node/read.h"

static char node_top[64];
static char node_dirs[4][NODE_PATH_MAX];
static struct node_roots roots;

/* path (below node_top) → magic; not in it: NODE_PLAIN if it exists */
#define NODE_PLAIN 0xef53u
static struct {
	const char *path;
	u64 magic;
} node_mounts[8];

static inline int node_fake_magic(const char *path, u64 *ret)
{
	struct str name = str_of(path + strlen(node_top) + 1);
	struct stat st;

	while (str_ends(name, STR("/")))
		name.n--;
	for (size_t i = 0; i < ARRAY_SIZE(node_mounts) && node_mounts[i].path; i++) {
		if (!str_eq(name, str_of(node_mounts[i].path)))
			continue;
		*ret = node_mounts[i].magic;
		return 0;
	}
	if (stat(path, &st))
		return -errno;
	*ret = NODE_PLAIN;
	return 0;
}

static inline void node_mount(const char *path, u64 magic)
{
	for (size_t i = 0; i < ARRAY_SIZE(node_mounts); i++) {
		if (node_mounts[i].path)
			continue;
		node_mounts[i].path = path;
		node_mounts[i].magic = magic;
		return;
	}
	fail_msg("too many mounts");
}

static inline void node_name(char dst[static NODE_PATH_MAX], const char *path)
{
	assert_true(snprintf(dst, NODE_PATH_MAX, "%s/%s", node_top, path) < NODE_PATH_MAX);
}

/* mkdir -p */
static inline void node_dir(const char *path)
{
	char name[NODE_PATH_MAX];

	node_name(name, path);
	for (char *p = name + strlen(node_top) + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(name, 0755) && errno != EEXIST)
			fail_msg("%s: %s", name, strerror(errno));
		*p = c;
		if (!c)
			return;
	}
}

static inline void node_file_n(const char *path, const char *text, size_t n)
{
	char name[NODE_PATH_MAX], *slash;
	FILE *f;

	node_name(name, path);
	slash = strrchr(name, '/');
	*slash = '\0';
	node_dir(name + strlen(node_top) + 1);
	*slash = '/';
	f = fopen(name, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static inline void node_file(const char *path, const char *text)
{
	node_file_n(path, text, strlen(text));
}

static inline int node_setup(void **state)
{
	static const char *const names[] = { "proc", "sys", "cgroup", "root" };

	(void)state;
	str_copy(node_top, sizeof(node_top), STR("/tmp/podtrace-node-XXXXXX"));
	if (!mkdtemp(node_top))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(node_dirs[i], sizeof(node_dirs[i]), "%s/%s", node_top, names[i]);
		node_dir(names[i]);
	}
	memset(node_mounts, 0, sizeof(node_mounts));
	roots = (struct node_roots){ node_dirs[0], node_dirs[1], node_dirs[2], node_dirs[3],
				     node_fake_magic };
	return 0;
}

static inline int node_remove_one(const char *path, const struct stat *st, int flag,
				  struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline int node_teardown(void **state)
{
	(void)state;
	return nftw(node_top, node_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#define NODE_TEST(f) cmocka_unit_test_setup_teardown(f, node_setup, node_teardown)

#endif
