/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRI's messages read: what a runtime answered becomes drafts of pods and containers, which
 * cri_known tells. Each message is unpacked into an arena of CRI_MEMORY_MAX at most, and is
 * gone when the function returns.
 *
 * Functions return 0, -EBADMSG (not of that type) or -EMSGSIZE (over the limit, or memory is
 * out); then nothing was told.
 */
#ifndef ASK_CRI_ANSWER_H
#define ASK_CRI_ANSWER_H

#include "ask/cri_known.h"

struct cri_version {
	char runtime[32], version[64];	/* printable ASCII; version without a leading v */
};

int cri_answer_version(struct cri_version *ret, struct str message);
/* "systemd", "cgroupfs", "" if it does not say. */
int cri_answer_driver(const char **ret, struct str message);
int cri_answer_pods(struct cri_known *k, struct str message);		/* ListPodSandbox */
int cri_answer_pod(struct cri_known *k, struct str message);		/* PodSandboxStatus */
int cri_answer_containers(struct cri_known *k, struct str message);	/* ListContainers */
int cri_answer_event(struct cri_known *k, struct str message);		/* GetContainerEvents */

/*
 * ContainerStatus, verbose: the container's pid and cgroup (cri.h, cri_locate). cgroup: the
 * first of `fields`, then runtimeSpec.linux.cgroupsPath, that is a string; else "" and
 * *ret_reason, static. All memory that held the answer is wiped.
 */
#define CRI_CGROUP_MAX 4096
struct cri_found {
	char cgroup[CRI_CGROUP_MAX];
	u32 pid;
	const char *reason;
};
int cri_answer_status(struct cri_found *ret, struct str message, const char *fields);
/* The same of the info's JSON itself. */
void cri_answer_info(struct cri_found *ret, struct str json, const char *fields);

#endif
