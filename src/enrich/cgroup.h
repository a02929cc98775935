/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the id of a cgroup to the path of its directory, and back. The id is what
 * bpf_get_current_cgroup_id() gives: the kernfs id of a directory, never used again after it is
 * gone (kernfs ids carry a generation), but unique only in its tree. Which tree is used, v2 or
 * one of v1, is decided at the start (cgroup_tree.h). Two ways:
 *
 *  - The id is the file handle of the directory (8 bytes, FILEID_KERNFS since 5.5, the
 *    same bytes as FILEID_INO32_GEN before): open_by_handle_at, then the name of the open
 *    file. Two system calls, about 5 us, exact. Needs CAP_DAC_READ_SEARCH.
 *  - Otherwise a walk of the tree that remembers every directory of this walk and of the
 *    one before. At most one walk each CGROUPS_WALK_EVERY_NS, and walks take at most a
 *    tenth of the time. What a walk did not find is remembered for CGROUPS_GONE_NS.
 *
 * Which of them works is found by trying, at the start and again when the first is refused.
 */
#ifndef ENRICH_CGROUP_H
#define ENRICH_CGROUP_H

#include "base/str.h"
#include "kinds.h"

#define CGROUPS_PATH_MAX      4096			/* with NUL */
#define CGROUPS_WALK_EVERY_NS (200 * NSEC_PER_MSEC)
#define CGROUPS_WALK_DIRS     16384u			/* of one walk; more are not seen */
#define CGROUPS_WALK_NAMES    (1024u * 1024)		/* bytes of names of one walk */
#define CGROUPS_GONE_NS	      (10 * NSEC_PER_SEC)
#define CGROUPS_GONE_MAX      1024u			/* ids remembered as gone */

struct cgroups;

struct cgroups_stats {
	enum cgroup_tree tree;
	bool by_handle;		/* the first way works */
	bool partial;		/* what is mounted is not the root of the tree: the paths
				 * begin in its middle, cgroups outside cannot be seen */
	u64 walks;
	u64 walks_cut;		/* a walk that met a limit */
	size_t dirs;		/* known from walks */
	size_t bytes;
};

/*
 * base: where cgroups are mounted, the v2 tree itself or the directory that has "unified" or the
 * hierarchies of v1. proc_base: a /proc in which we are "self". -ENODEV when there is nothing of
 * that, else the errno of the call that failed; err says which.
 */
int cgroups_open(struct cgroups **ret, const char *base, const char *proc_base, char *err,
		 size_t err_cap);
void cgroups_close(struct cgroups *c);	/* NULL is fine */

/*
 * Path of the directory, from the root of the tree: "/" or "/kubepods/...". Its length, or
 *	-ENOENT	there is no such cgroup (any more)
 *	-EAGAIN	not known, and the next walk is not due yet
 *	-EXDEV	it lies outside of what we see (partial)
 *	-ENAMETOOLONG, or another errno of the calls
 */
int cgroups_path(struct cgroups *c, u64 id, u64 now_ns, char *dst, size_t cap);

/* Id of a directory: absolute, or from the root of the tree. 0; -EINVAL: not of the tree;
 * -ENOTDIR; or another errno. */
int cgroups_id(const struct cgroups *c, const char *dir, u64 *ret_id);

/* The smallest pid in the directory, as our pid namespace has it: of a container its main
 * process, unless pids have begun anew. 0: none that we see. */
u32 cgroups_first_pid(const struct cgroups *c, struct str path);

/* Each directory there is now, by a walk of its own. 0 or -errno of the walk. */
int cgroups_each(const struct cgroups *c, void (*fn)(void *ctx, u64 id, struct str path),
		 void *ctx);

/*
 * The other way round: path of the topmost directory that has part in its own name (what
 * does not is passed over at little cost) and of which match says yes, given its path as
 * cgroups_path gives it. By a new walk, or, if none is due yet, in the newest. Length, or
 *	-ENOENT	none (stats tell whether the walk was cut)
 *	-EAGAIN	none, and the next walk is not due yet
 *	-ENAMETOOLONG, or another errno of the walk
 */
int cgroups_find(struct cgroups *c, struct str part, bool (*match)(void *ctx, struct str path),
		 void *ctx, u64 now_ns, char *dst, size_t cap);

void cgroups_stats(const struct cgroups *c, struct cgroups_stats *ret);

#endif
