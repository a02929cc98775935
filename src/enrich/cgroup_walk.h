/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All directories of a cgroup tree, as one walk found them: id to path, for those who may
 * not ask the kernel for a directory by its id (cgroup.h). A directory costs 28 bytes and
 * its own name, since it names its parent. Zero-initialise; cgroup_walk_free leaves it so.
 */
#ifndef ENRICH_CGROUP_WALK_H
#define ENRICH_CGROUP_WALK_H

#include "base/buf.h"

struct cgroup_dir {
	u64 id;
	u32 parent;	/* index; of the root its own: 0 */
	u32 name;	/* offset in names */
	u32 name_n;
	u32 depth;
};

struct cgroup_walk {
	struct cgroup_dir *dirs;	/* breadth first, [0] is the root */
	u32 *by_id;			/* indices of dirs, sorted by id */
	u32 n, cap;
	struct buf names;
	bool cut;			/* a limit was met: not everything is here */
};

/* Replace what w holds by the tree below root_fd. 0, or -errno; w is then empty. A directory
 * that goes away meanwhile is no error. Limits: cgroup.h. */
int cgroup_walk_run(struct cgroup_walk *w, int root_fd);
void cgroup_walk_free(struct cgroup_walk *w);

/* Path of id, "/" or "/a/b", as cgroups_path gives it. Length, -ENOENT, -ENAMETOOLONG. */
int cgroup_walk_path(const struct cgroup_walk *w, u64 id, char *dst, size_t cap);

/* All of them, the root first; path is valid during the call, too long ones are left out. */
void cgroup_walk_each(const struct cgroup_walk *w, void (*fn)(void *ctx, u64 id, struct str path),
		      void *ctx);

/* Path of the topmost directory that has part in its own name and of which match says yes.
 * Length, -ENOENT, -ENAMETOOLONG: it is there and does not fit. */
int cgroup_walk_find(const struct cgroup_walk *w, struct str part,
		     bool (*match)(void *ctx, struct str path), void *ctx, char *dst, size_t cap);

size_t cgroup_walk_bytes(const struct cgroup_walk *w);

/* Id of the directory `name` below fd ("" is fd itself), by its file handle or, where there
 * are none, by its inode: equal since Linux 5.5 on 64 bits. */
int cgroup_handle_id(int fd, const char *name, u64 *ret_id, int *ret_type);

#endif
