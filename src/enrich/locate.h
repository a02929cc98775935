/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a container's id to the directory of its cgroup, for targets that are named. Three
 * ways, each with its own voice: what the runtime says (ContainerStatus), what /proc says
 * (a process whose /proc/PID/cgroup bears the id), a walk of the cgroup tree. When all fail
 * a person reads which way failed why, and what to do.
 *
 * Directories are given relative to the v2 tree ("/kubepods/..."), the container's own and
 * not a child's: cgroup_path_own decides. conmon's scopes, which bear the same id, never.
 */
#ifndef ENRICH_LOCATE_H
#define ENRICH_LOCATE_H

#include "base/str.h"
#include "enrich/cgroup.h"

#define LOCATE_PROCS_MAX 65536u	/* processes looked at */

enum locate_way { LOCATE_RUNTIME, LOCATE_PROC, LOCATE_WALK, LOCATE_WAYS };

struct locate {
	struct cgroups *cgroups;	/* borrowed */
	const char *cgroup_base;	/* "/sys/fs/cgroup", for messages */
	const char *proc_base;		/* "/proc" */
	/* Why each way failed, filled as they are tried; "" not tried or it worked. */
	char why[LOCATE_WAYS][200];
	char fix[LOCATE_WAYS][160];
};

/*
 * told: what the runtime wrote: a path ("/kubepods/burstable/pod.../ID", with or without its
 * first part: CRI-O leaves "kubepods.slice" out) or systemd's "slice:prefix:ID", which is
 * expanded (a-b-c.slice lies in a.slice/a-b.slice). "" with why_not, if it told none: the CRI's
 * own reason. Length of the path in dst, or -ENOENT with l->why filled.
 */
int locate_by_runtime(struct locate *l, struct str id, struct str told, const char *why_not,
		      char *dst, size_t cap);
int locate_by_proc(struct locate *l, struct str id, char *dst, size_t cap);
int locate_by_walk(struct locate *l, struct str id, char *dst, size_t cap);

/* "cgroup path not found for container ID: runtime: ...; /proc: ...; cgroup tree: ...; FIX" */
void locate_explain(const struct locate *l, struct str id, char *dst, size_t cap);

/* systemd's three-part form to its path; -EINVAL if told is not of that form. */
int locate_expand(struct str told, char *dst, size_t cap);

#endif
