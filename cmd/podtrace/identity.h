/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who tells names: the container runtime, the API server, and the kubelet's log directory
 * while the runtime is away. Joins src/ask with whoever wants names (live.c, doctor); says in
 * the log what it found and what it lost, each once.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "ask/api.h"
#include "ask/cri.h"
#include "cmd/podtrace/options.h"
#include "node/host.h"
#include "pipe.h"

struct identity;

struct identity_config {
	const struct options *o;
	const struct host *host;
	bool quiet;	/* doctor: its table says it all */
	/* As in ask/cri.h. */
	void (*container)(void *ctx, const struct container *draft);
	void (*pod)(void *ctx, const struct pod *draft);
	void (*container_gone)(void *ctx, struct str id);
	void (*pod_gone)(void *ctx, struct str uid);
	/* The state of a source, or whether names may still come, changed. */
	void (*changed)(void *ctx, const struct identity *i);
	void *ctx;
};

/* An exit code, with what is wrong said. */
int identity_new(struct identity **ret, struct loop *l, const struct identity_config *config);
void identity_free(struct identity *i);	/* NULL is fine */

/* Whether a name that is not known may still come. */
bool identity_expects(const struct identity *i);

/* A container without a name was met. */
void identity_want(struct identity *i, struct str id);

/* Every source has told what it has, or has failed: who is not known now is not there. */
bool identity_settled(const struct identity *i);

/* What asking cost, and what did not come of it. */
void identity_asked(const struct identity *i, struct pipe_asked *ret);

/* There is a place where a runtime's socket is, or was said to be. */
bool identity_has_runtime(const struct identity *i);

/* NULL: not asked (PODTRACE_CRI_RESOLVE=false). */
struct cri *identity_cri(const struct identity *i);
const struct cri_status *identity_cri_status(const struct identity *i);
struct api *identity_api(const struct identity *i); /* likewise */
const struct api_status *identity_api_status(const struct identity *i);

#endif
