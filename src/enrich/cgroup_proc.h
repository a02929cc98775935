/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/PID/cgroup says: a line "N:controllers:/path" for each hierarchy, the v2 tree's
 * "0::/path" (last). A process has a place in each of them, and in hybrid mode not the same:
 * runtimes with the cgroupfs driver leave it in their own service's directory of the v2 tree,
 * docker exec in the root. Pure: text in, views of it out.
 *
 * A container can make directories below its own in any hierarchy it may write to and name
 * them as it likes (but no line feed in them): it cannot get out of the part that names it.
 */
#ifndef ENRICH_CGROUP_PROC_H
#define ENRICH_CGROUP_PROC_H

#include "base/str.h"

/* For who reads the file: 14 hierarchies with paths of PATH_MAX. A longer file is cut: lines
 * without their end are not looked at. */
#define CGROUP_PROC_MAX (56u << 10)

/*
 * The path that tells where the process belongs: of the lines that name a container or pod
 * the v2 one, else memory's, pids', systemd's, else any; if none does, in the same order the
 * first that is there. Without " (deleted)", which marks a directory that is gone. *ret_v2
 * (may be NULL) is whether it is the v2 tree's. false: there is no line.
 */
bool cgroup_proc_path(struct str text, struct str *ret, bool *ret_v2);

/*
 * Whether it is certain that the process is in no pod, as the node's own services are and a
 * container started by the node's administrator (a kubelet in docker, the nodes of kind).
 * Every line must say so. A container of which a cgroup namespace hides what is above is not
 * certain, nor is a text without lines.
 */
bool cgroup_proc_outside_pods(struct str text);

#endif
