/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of cgroup paths: which container, pod, service a path names. Pure: text in,
 * facts out. Productions and their sources (kubelet, containerd, CRI-O, crun, podman,
 * docker, kind, minikube, Talos) stand in cgroup_path.c. What holds for every path:
 *
 *  - Of nested pods (kind in a pod) the first counts, which this node's API server knows, and
 *    in it the first container: docker in a pod is that pod's container. Outside of pods the
 *    innermost container counts (kind, minikube: a node is one).
 *  - Below user.slice and below services that make no containers somebody else may have made
 *    the directories: there are no pods there, and only containers that users run (podman).
 *  - Children of a container (crun's "container", exec sessions, systemd inside) are the
 *    container, children of a pod that are no container are the pod, children of a unit
 *    are the unit.
 *  - container_id is 64 lower-case hex digits or "". Machines of LXC and systemd-nspawn have
 *    names and no ids: they are units. So are Talos's services ("podruntime/kubelet").
 *  - unit is set for WHO_UNIT only; it is valid UTF-8 without control characters, cut.
 */
#ifndef ENRICH_CGROUP_PATH_H
#define ENRICH_CGROUP_PATH_H

#include "who.h"

/* Fills ret (zeroed first; resource -1). Never fails: a path it does not know is the host's
 * or a unit's. The path may be hostile: any bytes, any length. */
void cgroup_path_parse(struct str path, struct who *ret);

/* Length of the prefix of path that names the container itself (or the pod, or the unit):
 * what is behind it are its children. path.n when it is all of it. */
size_t cgroup_path_own(struct str path);

#endif
