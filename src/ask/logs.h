/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kubelet's log directory, the hint of last resort: when neither runtime nor API server
 * answers, /var/log/containers still has a link POD_NAMESPACE_CONTAINER-ID.log for each
 * container, and /var/log/pods a directory NAMESPACE_POD_UID for each pod
 * (kubernetes pkg/kubelet/kuberuntime/legacy.go, helpers.go). Names only.
 */
#ifndef ASK_LOGS_H
#define ASK_LOGS_H

#include "pod.h"

#define LOGS_ENTRIES_MAX 16384u	/* of a directory, looked at in one reading */

struct logs_config {
	const char *root;	/* "" or where the host's / is ("/host"): /var/log is below it */
	void (*container)(void *ctx, const struct container *draft);	/* as in ask/cri.h */
	void (*pod)(void *ctx, const struct pod *draft);
	void *ctx;
};

/* Read both directories now. Number of names told, or -errno of the first directory that could
 * not be read when neither could. */
int logs_read(const struct logs_config *config);

/* One name of either directory, for tests and the fuzzer: views into name. false: not of that
 * form. */
bool logs_container_name(struct str name, struct str *ret_pod, struct str *ret_namespace,
			 struct str *ret_container, struct str *ret_id);
bool logs_pod_name(struct str name, struct str *ret_namespace, struct str *ret_pod,
		   struct str *ret_uid);

#endif
