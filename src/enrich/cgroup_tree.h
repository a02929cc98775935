/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the node's cgroup trees tells containers apart, found by looking at what is mounted
 * below base. The kernel side must count by the same one (capture_config.cgroup_tree).
 *
 *	v2 alone	base itself
 *	v1 alone	base/memory, else pids, cpu, devices: a container is in all of them
 *	hybrid		base/unified; but the v1 one if a container is there that the v2 tree
 *			does not have, since then the runtime knows nothing of v2 (runc before
 *			1.1): its processes would all be taken for those of a service
 *
 * It is looked for once. Where a hybrid node has no container when podtrace starts, it is v2.
 */
#ifndef ENRICH_CGROUP_TREE_H
#define ENRICH_CGROUP_TREE_H

#include "base/types.h"
#include "kinds.h"

/* A descriptor of the tree's root; -ENODEV: no cgroups are mounted there; or another -errno.
 * err says why. */
int cgroup_tree_open(const char *base, enum cgroup_tree *ret, char *err, size_t err_cap);

/* "v2", or the v1 controller's: "memory". */
const char *cgroup_tree_name(enum cgroup_tree tree);

/* What is open is not the tree's root but a cgroup in it: a private cgroup namespace. */
bool cgroup_tree_partial(int fd, enum cgroup_tree tree);

#endif
