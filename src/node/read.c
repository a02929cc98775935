/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "base/file.h"
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

int node_read(const char *root, const char *path, char *dst, size_t cap)
{
	char name[NODE_PATH_MAX];

	if (!node_path(name, root, path))
		return -ENAMETOOLONG;
	return file_read(AT_FDCWD, name, dst, cap);
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
