/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod as the API server writes it (v1 Pod in JSON) to drafts of pod.h. Every field is
 * foreign: what has another type than it should counts as not there.
 *
 * A static pod's uid is the kubelet's hash of its file (annotation kubernetes.io/config.mirror,
 * or .hash), because that stands in cgroup paths; its mirror's own uid becomes api_uid. Anybody
 * can write that annotation on a pod of their own, so it is taken only if it looks like the
 * hash (32 hex digits, kubelet pkg/kubelet/config/common.go applyDefaults): with it no pod can
 * pass for another that has a uid of the API server's.
 *
 * Containers are those whose status tells an id. The image is the one in the pod's spec, as
 * somebody wrote it; created_ns is not told (startedAt is something else).
 */
#ifndef ASK_API_POD_H
#define ASK_API_POD_H

#include "ask/api_json.h"
#include "pod.h"

#define API_CONTAINERS_MAX 64u	/* of one pod, all three sorts together */

/* Views into the document it was read from. */
struct api_pod {
	struct pod draft;
	struct label labels[POD_LABELS_MAX], annotations[POD_LABELS_MAX];
	struct container containers[API_CONTAINERS_MAX];
	size_t containers_n;
	size_t containers_bad;	/* with an id that is none, or over the limit */
};

/* 0, or -EBADMSG: without uid, name or namespace it is no pod. */
int api_pod_read(struct api_pod *ret, yyjson_val *pod);

/* The controller among metadata.ownerReferences of any object. NONE: there is none, or it is
 * the node (of a static pod's mirror). */
struct workload api_controller(yyjson_val *object);

/* "2026-11-21T10:56:00Z", the one form that Kubernetes writes times in, as UNIX time in ns;
 * 0: it is none. */
u64 api_time(struct str s);

/* A uid as it may stand in a path of cgroups: 1..WHO_UID_MAX - 1 letters, digits and dashes. */
bool api_uid_copy(char dst[static WHO_UID_MAX], struct str uid);

#endif
