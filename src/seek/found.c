/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening what a process has mapped, without being held up by whoever made the file. A mapping's
 * own entry in /proc is best: it is the file itself, renamed or deleted as it may be. Where it is
 * not allowed the path is looked up inside of the process's root.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seek/impl.h"

static int open_mapped(const char *proc_base, u32 pid, const struct mapping *m)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%u/map_files/%" PRI_X64 "-%" PRI_X64, proc_base, pid,
		 m->from, m->to);
	fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_in_root(const char *proc_base, u32 pid, struct str name)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	char path[SEEK_PATH_MAX], root[512];
	int dir, fd;

	if (name.n >= sizeof(path) || !name.n || name.p[0] != '/')
		return -ENAMETOOLONG;
	str_copy(path, sizeof(path), str_slice(name, 1, name.n));
	snprintf(root, sizeof(root), "%s/%u/root", proc_base, pid);
	dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	fd = fd < 0 ? -errno : fd;
	close(dir);
	return fd;
}

int found_name(const char *proc_base, u32 pid, const struct mapping *m)
{
	int fd = open_mapped(proc_base, pid, m);

	return fd < 0 ? open_in_root(proc_base, pid, m->path) : fd;
}

static u64 ns_of(struct statx_timestamp t)
{
	return (u64)t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

int found_key(int named, struct found_key *ret)
{
	struct statx st;

	/* as it is known: a file system's server is not asked */
	if (statx(named, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st))
		return -errno;
	if (!S_ISREG(st.stx_mode))
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->dev = (u64)st.stx_dev_major << 32 | st.stx_dev_minor;
	ret->ino = st.stx_ino;
	ret->size = st.stx_size;
	ret->mtime_ns = ns_of(st.stx_mtime);
	ret->ctime_ns = ns_of(st.stx_ctime);
	return 0;
}

int found_open(const char *proc_base, u32 pid, int named)
{
	char path[32];
	int fd;

	(void)proc_base;
	(void)pid;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", named);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
