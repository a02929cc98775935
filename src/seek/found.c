/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening what a process has mapped, without being held up by whoever made the file. A mapping's
 * own entry in /proc is best: it is the file itself, renamed or deleted as it may be. Where it is
 * not allowed the path is looked up inside of the process's root, as far as it is cached.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parse.h"
#include "seek/impl.h"

#define PATH_ROOM 4096	       /* of what is looked up; a longer path is none */
#define MOUNTS_CHUNK 8192      /* a line has at most three paths: what is cut is not found */
#define MOUNTS_MAX (1u << 20)  /* of one process */

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* Linux 5.12 */
#endif

/* ---- naming -------------------------------------------------------------------------------- */

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
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS |
					   RESOLVE_CACHED };
	char path[PATH_ROOM], root[512];
	int dir, fd;

	if (name.n < 2 || name.n >= sizeof(path) || name.p[0] != '/')
		return -ENOENT;
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

/* ---- whose file system ---------------------------------------------------------------------- */

/* Files of these are served by somebody: by a process, which can be a container's own, or by
 * another machine, which can be down. */
static const char *const served[] = { "fuse", "nfs", "cifs", "smb", "9p", "ceph", "afs", "virtiofs",
				      "gfs2", "ocfs2", "lustre", "gpfs", "beegfs", "orangefs" };

static bool is_served(struct str type)
{
	for (size_t i = 0; i < ARRAY_SIZE(served); i++)
		if (str_starts(type, str_of(served[i])))
			return true;
	return false;
}

/* "mnt_id:\t29" of our own descriptor */
static int mount_of(int fd, u64 *ret)
{
	static const struct str key = STR("mnt_id:");
	char path[64], text[512];
	struct str rest, line;
	int n;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	n = file_read(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return n;
	rest = (struct str){ text, (size_t)n };
	while (str_cut(&rest, '\n', &line))
		if (str_starts(line, key))
			return parse_u64(str_trim(str_slice(line, key.n, line.n)), 0, INT32_MAX, ret);
	return -ENOENT;
}

/* "29 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw"; blanks in paths are escaped */
static bool is_mount(struct str line, u64 id, struct str *ret_type)
{
	struct str word;
	u64 n;

	if (!str_cut(&line, ' ', &word) || parse_u64(word, 0, INT32_MAX, &n) || n != id)
		return false;
	while (str_cut(&line, ' ', &word))
		if (str_eq(word, STR("-")))
			return str_cut(&line, ' ', ret_type);
	return false;
}

/* The type of the file system that is mounted there, as the process has its mounts. */
static int type_of(const char *proc_base, u32 pid, u64 mount, char *dst, size_t cap)
{
	char path[512], chunk[MOUNTS_CHUNK];
	size_t n = 0, all = 0;
	struct str rest, line, type;
	ssize_t got;
	int err = -ENOENT, fd;

	snprintf(path, sizeof(path), "%s/%u/mountinfo", proc_base, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (err && all < MOUNTS_MAX && (got = read(fd, chunk + n, sizeof(chunk) - n)) > 0) {
		size_t end;

		all += (size_t)got;
		rest = (struct str){ chunk, n + (size_t)got };
		while (err && (end = str_find(rest, '\n')) < rest.n) {
			line = str_slice(rest, 0, end);
			rest = str_slice(rest, end + 1, rest.n);
			if (is_mount(line, mount, &type)) {
				str_copy(dst, cap, type);
				err = 0;
			}
		}
		n = rest.n < sizeof(chunk) ? rest.n : 0;
		memmove(chunk, rest.p, n);
	}
	close(fd);
	return err;
}

/* ---- what it is ----------------------------------------------------------------------------- */

static u64 ns_of(struct statx_timestamp t)
{
	return (u64)t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static int key_of(int named, struct found_key *ret)
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

bool found_same(const struct found_key *known, const struct found_key *now)
{
	return known->ino == now->ino && known->size == now->size &&
	       known->mtime_ns == now->mtime_ns && known->ctime_ns == now->ctime_ns &&
	       (known->dev == now->dev || known->dev == FOUND_ANY_DEV);
}

int found_name(struct found *ret, const char *proc_base, u32 pid, const struct mapping *m)
{
	int err, fd = open_mapped(proc_base, pid, m);

	if (fd == -EPERM && m->path.n)
		fd = open_in_root(proc_base, pid, m->path);
	if (fd < 0)
		return fd;
	ret->named = fd;
	err = key_of(fd, &ret->key);
	if (err)
		close(fd);
	return err;
}

/* A mount that the process does not have (any more) may be of any type. */
int found_look(struct found *f, const char *proc_base, u32 pid)
{
	char type[32];
	u64 mount;

	if (mount_of(f->named, &mount) || type_of(proc_base, pid, mount, type, sizeof(type)) ||
	    is_served(str_of(type)))
		return -EOPNOTSUPP;
	if (!strcmp(type, "overlay"))
		f->key.dev = FOUND_ANY_DEV;
	return 0;
}

int found_open(const struct found *f)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->named);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
