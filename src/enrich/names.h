/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containers and pods are called: by container id and by pod uid, from whoever tells it
 * first and from whoever knows it best. Bounded by entries and by bytes; the least recently
 * used make room. What the runtime says is gone keeps its name for NAMES_MEMORY_NS, because
 * its events may still be on their way.
 */
#ifndef ENRICH_NAMES_H
#define ENRICH_NAMES_H

#include "pod.h"

#define NAMES_MEMORY_NS	     (600 * NSEC_PER_SEC)
#define NAMES_CONTAINERS_MAX 8192u
#define NAMES_PODS_MAX	     4096u
#define NAMES_BYTES_MAX	     (8u << 20) /* of all blocks, tables apart */

struct names;

struct names_stats {
	size_t containers, pods, bytes;
	u64 evicted;	/* by a limit, before their time */
	u64 refused;	/* out of memory */
	u64 relabelled;	/* times a pod's labels became others, or known at all */
};

struct names *names_new(void);		/* NULL and errno */
void names_free(struct names *n);	/* NULL is fine */

/* Learn; an answer of a worse source (pod.h) than the one there is changes nothing but brings
 * back what was gone. True if something changed. */
bool names_container(struct names *n, const struct container *draft);
bool names_pod(struct names *n, const struct pod *draft);

/* The runtime no longer lists it: forget it ten minutes from now. */
void names_container_gone(struct names *n, struct str id, u64 now_ns);
void names_pod_gone(struct names *n, struct str uid, u64 now_ns);
void names_expire(struct names *n, u64 now_ns);

/* NULL: not known. Valid until the next call that is not const; take a reference to keep it. */
struct container *names_find_container(struct names *n, const char *id);
struct pod *names_find_pod(struct names *n, const char *uid);

/* The i-th of the containers, in no lasting order; *pos begins at 0; NULL at the end. Nothing
 * may be learnt during the walk. */
const struct container *names_next(const struct names *n, size_t *pos);

void names_stats(const struct names *n, struct names_stats *ret);

#endif
