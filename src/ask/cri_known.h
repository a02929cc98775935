/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has been told of a runtime's containers and pods: enough to tell each of them once, and
 * again only when something about it is new, and to tell which are gone when a list comes
 * without them. A sandbox is both a pod and a container.
 */
#ifndef ASK_CRI_KNOWN_H
#define ASK_CRI_KNOWN_H

#include "ask/cri.h"
#include "base/table.h"

struct cri_known {
	const struct cri_config *config;	/* whom to tell */
	struct cri_status *status;		/* where to count */
	struct table *ids, *pods;		/* id: what was told; uid: sandboxes that bear it */
	u64 seed[2];
	u32 round;				/* of lists */
	char orphan[WHO_ID_MAX];	/* sandbox of the last told container whose pod is not known */
};

/* 0 or -ENOMEM; both stay the caller's. */
int cri_known_init(struct cri_known *k, const struct cri_config *config, struct cri_status *status);
void cri_known_end(struct cri_known *k);

/* A lower-case hex id of 32 to 64 digits. */
bool cri_id_ok(struct str id);

/*
 * Tell a draft if it is news. CRI_FULL: it comes from an answer that says all there is, an event
 * or a status; a list says less, and what it alone does not say is no news. CRI_DEAD: a sandbox
 * that ended; its pod is told only while no other sandbox of it is known.
 */
#define CRI_FULL 1u
#define CRI_DEAD 2u
void cri_known_pod(struct cri_known *k, const struct pod *pod, const struct container *sandbox,
		   u32 flags);
void cri_known_container(struct cri_known *k, const struct container *c, struct str sandbox_id,
			 u32 flags);

/* A living sandbox that only a list has told, each once: into ret, or false. */
bool cri_known_thin(struct cri_known *k, char ret[static WHO_ID_MAX]);

/* Told, and not to be told again. */
bool cri_known_has(const struct cri_known *k, struct str id);
/* The uid of a sandbox's pod, "" not known. */
const char *cri_known_uid(const struct cri_known *k, struct str sandbox_id);
/* Tell it again when it comes next: somebody asked for it. */
void cri_known_retell(struct cri_known *k, struct str id);

/* It is gone; told even of ids that are not known. */
void cri_known_gone(struct cri_known *k, struct str id);

/* Lists: a new round begins with the requests; at the answer all of that kind that nothing has
 * told of since then are gone. */
void cri_known_round(struct cri_known *k);
void cri_known_sweep(struct cri_known *k, bool sandboxes);

#endif
