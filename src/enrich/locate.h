/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a container's id to the directory of its cgroup, for targets that are named. Three
 * ways, each with its own voice: what the runtime says (ContainerStatus), what /proc says
 * (a process whose /proc/PID/cgroup bears the id), a walk of the cgroup tree. When all fail
 * a person reads which way failed why, and what to do.
 *
 * Directories are given relative to the v2 tree ("/kubepods/..."), the container's own and
 * not a child's: cgroup_path_own decides. conmon's scopes, which bear the same id, never. A
 * container can make directories below its own and name them like another's: one that lies
 * in no other container's directory is preferred, of those the one nearest to the root.
 */
#ifndef ENRICH_LOCATE_H
#define ENRICH_LOCATE_H

#include "base/str.h"
#include "enrich/cgroup.h"

#define LOCATE_WHY_MAX	 256
#define LOCATE_FIX_MAX	 160
#define LOCATE_PROCS_MAX 65536u	/* processes looked at */

enum locate_way { LOCATE_RUNTIME, LOCATE_PROC, LOCATE_WALK, LOCATE_WAYS };

struct locate {
	struct cgroups *cgroups;	/* borrowed; NULL: there is no tree (cgroups_open failed) */
	const char *cgroup_base;	/* "/sys/fs/cgroup", for messages */
	const char *proc_base;		/* "/proc" */
	/* Why each way failed, filled as they are tried; "" not tried or it worked. */
	char why[LOCATE_WAYS][LOCATE_WHY_MAX];
	char fix[LOCATE_WAYS][LOCATE_FIX_MAX];
};

/*
 * told: what the runtime wrote: a path ("/kubepods/burstable/pod.../ID", with or without its
 * first part: CRI-O leaves "kubepods.slice" out) or systemd's "slice:prefix:ID", which is
 * expanded (a-b-c.slice lies in a.slice/a-b.slice). "" with why_not, if it told none: the CRI's
 * own reason. What it told must bear the id: a wider path is not taken.
 *
 * All three: length of the path in dst, -ENOENT with l->why filled, or -ENAMETOOLONG. by_proc
 * reads one small file per process, by_walk one directory per cgroup: for targets that a
 * person named, not for every container.
 */
int locate_by_runtime(struct locate *l, struct str id, struct str told, const char *why_not,
		      char *dst, size_t cap);
int locate_by_proc(struct locate *l, struct str id, char *dst, size_t cap);
int locate_by_walk(struct locate *l, struct str id, char *dst, size_t cap);

/*
 * "cgroup path not found for container ID: runtime: WHY (FIX); /proc: WHY (FIX); cgroup tree:
 * WHY (FIX)", of the ways that were tried. Texts of others in it (paths, the runtime's reason)
 * are UTF-8 without control characters, cut.
 */
void locate_explain(const struct locate *l, struct str id, char *dst, size_t cap);

/* systemd's three-part form to its path: its length; -EINVAL if told is not of that form,
 * -ENAMETOOLONG. */
int locate_expand(struct str told, char *dst, size_t cap);

#endif
