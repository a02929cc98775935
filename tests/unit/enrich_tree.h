/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests that need the machine's own cgroup v2 tree: a directory of the test's own in it,
 * and the capability without which cgroups are found by walks. Kept in a header because each
 * test is one file.
 */
#ifndef TEST_ENRICH_TREE_H
#define TEST_ENRICH_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/types.h"

#define CGROUP_BASE "/sys/fs/cgroup"

static char tree_root[PATH_MAX]; /* the v2 tree; "" when there is none */
static char tree_top[PATH_MAX];	 /* our directory in it, absolute */

static inline void tree_path(char dst[static PATH_MAX], const char *rel)
{
	if (snprintf(dst, PATH_MAX, "%s/%s", tree_top, rel) >= PATH_MAX)
		abort();
}

/* mkdir -p of a path below tree_top. */
static inline void tree_make(const char *rel)
{
	char path[PATH_MAX];

	tree_path(path, rel);
	for (char *p = path + strlen(tree_top) + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST) {
			perror(path);
			abort();
		}
		*p = c;
		if (!c)
			return;
	}
}

/* rmdir of a path below tree_top and of what is left empty above it. */
static inline void tree_remove(const char *rel)
{
	char path[PATH_MAX];

	tree_path(path, rel);
	while (strlen(path) > strlen(tree_top) && rmdir(path) == 0)
		*strrchr(path, '/') = '\0';
}

/* Group setup: never fails; tests ask tree_missing(). */
static inline int tree_setup(void **state)
{
	static const char *const places[] = { CGROUP_BASE, CGROUP_BASE "/unified" };
	struct statfs fs;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			snprintf(tree_root, sizeof(tree_root), "%s", places[i]);
	}
	snprintf(tree_top, sizeof(tree_top), "%.64s/podtrace-test-%d", tree_root, getpid());
	if (tree_root[0] && mkdir(tree_top, 0755) < 0)
		tree_root[0] = '\0';
	return 0;
}

static inline int tree_rmdir(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type == FTW_DP && rmdir(path) < 0)
		perror(path);
	return 0;
}

/* With whatever a failed test left behind. */
static inline int tree_teardown(void **state)
{
	(void)state;
	if (tree_root[0])
		nftw(tree_top, tree_rmdir, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* Why these tests cannot run here, or NULL. */
static inline const char *tree_missing(void)
{
	if (tree_root[0])
		return NULL;
	if (geteuid() != 0)
		return "not root: cannot make cgroups";
	return "no writable cgroup v2 tree at " CGROUP_BASE " or " CGROUP_BASE "/unified";
}

#define TREE_NEEDED()                                                                              \
	do {                                                                                       \
		if (tree_missing()) {                                                              \
			print_message("SKIP %s: %s\n", __func__, tree_missing());                  \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

/* Turn CAP_DAC_READ_SEARCH off or on again (it stays permitted). */
static inline void tree_capability(bool on)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		abort();
	data[0].effective &= ~(1u << CAP_DAC_READ_SEARCH);
	if (on)
		data[0].effective |= data[0].permitted & (1u << CAP_DAC_READ_SEARCH);
	if (syscall(SYS_capset, &head, data) < 0)
		abort();
}

static inline bool tree_has_capability(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	return syscall(SYS_capget, &head, data) == 0 &&
	       (data[0].effective & (1u << CAP_DAC_READ_SEARCH));
}

#endif
