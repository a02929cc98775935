/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beginning of a small file: of /proc, of a configuration. Never more than the caller has
 * room for, never waiting: a fifo, a device, a socket in its place is -EINVAL, a directory
 * -EISDIR.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/types.h"

/* The first cap - 1 bytes and a NUL; their number or -errno. path as openat takes it: from the
 * directory dir, or AT_FDCWD. A file that is as long as there is room may be longer. */
int file_read(int dir, const char *path, char *dst, size_t cap);

/*
 * The same for an absolute path of another root (root: /proc/PID/root): a symbolic link in it
 * leads to where its own processes find it, not out of it (RESOLVE_IN_ROOT). Linux before 5.6
 * and seccomp filters that do not know openat2 have no such thing: there an absolute link
 * leads into our own root.
 */
int file_read_in(int root, const char *path, char *dst, size_t cap);

#endif
