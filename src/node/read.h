/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How facts about the node are read: small files below a root that the caller names, so that
 * a test names a fixture and a container the folder where the node is mounted. A file that
 * cannot be read is a fact too: its reader says "unknown", never a default.
 */
#ifndef NODE_READ_H
#define NODE_READ_H

#include "base/str.h"

#define NODE_PATH_MAX 4096
#define NODE_FILE_MAX 8192 /* of any file that is read; the rest is not looked at */

/* Where things are. Never NULL. */
struct node_roots {
	const char *proc;	/* "/proc", of our own pid namespace or one above */
	const char *sys;	/* "/sys" */
	const char *cgroup;	/* "/sys/fs/cgroup" */
	const char *root;	/* "" for "/": last resort for os-release */
	/* Magic number of the file system at path (statfs): 0 or -errno. NULL: the kernel's. */
	int (*magic)(const char *path, u64 *ret);
};

/* root/path joined; false: it does not fit. */
bool node_path(char dst[static NODE_PATH_MAX], const char *root, const char *path);

/* The first cap - 1 bytes of a file, NUL-terminated; their number or -errno. A fifo, a device
 * or a socket is -EINVAL. */
int node_read(const char *root, const char *path, char *dst, size_t cap);

/* 0: can be opened for reading; else -errno. */
int node_readable(const char *root, const char *path);
bool node_is_dir(const char *root, const char *path);
int node_magic(const struct node_roots *roots, const char *root, const char *path, u64 *ret);

/* The value behind "Key:" at the start of a line, blanks trimmed (/proc/self/status). */
bool node_field(struct str text, struct str key, struct str *ret);

#endif
