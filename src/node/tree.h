/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's cgroup tree: which version is mounted, who drives it, and which other mounts
 * podtrace reads are missing. What is mounted is told by the magic of the file system
 * (statfs), which the caller can inject (node_roots).
 */
#ifndef NODE_TREE_H
#define NODE_TREE_H

#include "node/read.h"

enum cgroup_version {
	CGROUP_UNKNOWN,	/* the folder cannot be looked at */
	CGROUP_NONE,	/* it can, and no cgroups are mounted there */
	CGROUP_V1,
	CGROUP_HYBRID,	/* v1, and the v2 tree as "unified" (systemd's way) */
	CGROUP_V2,
};

/* By the folder the kubelet makes: kubepods.slice or kubepods. */
enum cgroup_driver {
	DRIVER_UNKNOWN,	/* no kubelet's folder to be seen */
	DRIVER_CGROUPFS,
	DRIVER_SYSTEMD,
	DRIVER_BOTH,	/* one of them is left from an earlier configuration */
};

enum node_mount { MOUNT_PROC, MOUNT_SYS, MOUNT_SECURITYFS, MOUNT_CGROUP, MOUNT_COUNT };

struct node_tree {
	enum cgroup_version version;
	int err;		/* errno why it is unknown */
	enum cgroup_driver driver;
	char kubelet_root[48];	/* "kubepods.slice": the first that is there; "" none */
	u32 missing;		/* bit per enum node_mount */
};

void tree_read(const struct node_roots *roots, struct node_tree *ret);
/* Is a proc file system at roots->proc? */
bool node_has_proc(const struct node_roots *roots);

const char *cgroup_version_name(enum cgroup_version version);
const char *cgroup_driver_name(enum cgroup_driver driver);
const char *node_mount_name(enum node_mount mount);	/* "securityfs" */

#endif
