/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "node/read.h"

bool node_path(char dst[static NODE_PATH_MAX], const char *root, const char *path)
{
	int n = snprintf(dst, NODE_PATH_MAX, "%s/%s", root, path);

	return n >= 0 && n < NODE_PATH_MAX;
}

static int open_below(const char *root, const char *path, int flags)
{
	char name[NODE_PATH_MAX];
	int fd;

	if (!node_path(name, root, path))
		return -ENAMETOOLONG;
	fd = open(name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static ssize_t read_all(int fd, char *dst, size_t cap)
{
	size_t n = 0;

	while (n < cap) {
		ssize_t got = read(fd, dst + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

int node_read(const char *root, const char *path, char *dst, size_t cap)
{
	int fd = open_below(root, path, O_RDONLY | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		n = -errno;
	else if (!S_ISREG(st.st_mode))
		n = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else
		n = read_all(fd, dst, cap - 1);
	close(fd);
	if (n >= 0)
		dst[n] = '\0';
	return (int)n;
}

int node_readable(const char *root, const char *path)
{
	int fd = open_below(root, path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

bool node_is_dir(const char *root, const char *path)
{
	int fd = open_below(root, path, O_PATH | O_DIRECTORY);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static int magic_of(const char *path, u64 *ret)
{
	struct statfs fs;

	if (statfs(path, &fs))
		return -errno;
	*ret = (u32)fs.f_type;
	return 0;
}

int node_magic(const struct node_roots *roots, const char *root, const char *path, u64 *ret)
{
	char name[NODE_PATH_MAX];

	if (!node_path(name, root, path))
		return -ENAMETOOLONG;
	return (roots->magic ? roots->magic : magic_of)(name, ret);
}

bool node_field(struct str text, struct str key, struct str *ret)
{
	struct str line;

	while (str_cut(&text, '\n', &line)) {
		if (!str_starts(line, key) || line.n == key.n || line.p[key.n] != ':')
			continue;
		*ret = str_trim(str_slice(line, key.n + 1, line.n));
		return true;
	}
	return false;
}
