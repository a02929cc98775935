/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of the v2 tree, where programs of cgroups are attached: whatever socket there is, it is
 * below. It is there on v1 nodes too, mounted or not.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "capture/internal.h"

#define ROOT_ID 1 /* kernfs counts from the root */

/* Not a part of it either: another cgroup namespace shows its own root there. */
static bool is_root(int fd)
{
	struct statfs fs;
	struct stat st;

	return !fstatfs(fd, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC && !fstat(fd, &st) &&
	       st.st_ino == ROOT_ID;
}

/* -1: something else is there, or nothing. */
static int open_dir(const char *base, const char *below)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s%s", base, below);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && !is_root(fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A mount that nobody else sees (5.2), gone with its descriptor. */
static int mount_own(void)
{
	int fs = (int)syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC), fd = -1;

	if (fs < 0)
		return -1;
	if (!syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	close(fs);
	if (fd >= 0 && !is_root(fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

int cgroup_root_open(const char *base)
{
	int fd = base ? open_dir(base, "") : -1;

	if (fd < 0 && base)
		fd = open_dir(base, "/unified");
	return fd < 0 ? mount_own() : fd;
}
