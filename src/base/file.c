// SPDX-License-Identifier: Apache-2.0
/* Reads the beginning of a regular file. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static int fill(int fd, char *dst, size_t cap)
{
	size_t n = 0;

	while (n < cap - 1) {
		ssize_t got = read(fd, dst + n, cap - 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	dst[n] = '\0';
	return (int)n;
}

static int read_and_close(int fd, char *dst, size_t cap)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else
		r = fill(fd, dst, cap);
	close(fd);
	return r;
}

int file_read(int dir, const char *path, char *dst, size_t cap)
{
	int fd = openat(dir, path, FLAGS);

	return fd < 0 ? -errno : read_and_close(fd, dst, cap);
}

int file_read_in(int root, const char *path, char *dst, size_t cap)
{
	struct open_how how = { .flags = FLAGS, .resolve = RESOLVE_IN_ROOT };
	const char *rel = path + strspn(path, "/");
	int fd = (int)syscall(SYS_openat2, root, rel, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return file_read(root, rel, dst, cap);
	return fd < 0 ? -errno : read_and_close(fd, dst, cap);
}
