/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a live run, for its own files: live.c (life) and live_feed.c (what goes where). */
#ifndef LIVE_H
#define LIVE_H

#include "capture/tap.h"
#include "cmd/podtrace/identity.h"
#include "cmd/podtrace/libraries.h"
#include "cmd/podtrace/missing.h"
#include "cmd/podtrace/run.h"
#include "cmd/podtrace/targets.h"

struct live {
	const struct options *o;
	struct loop *loop;
	struct capture *capture;
	struct pipe *pipe;
	struct otel *otel;
	struct tap *tap;
	struct identity *identity;
	struct targets *targets;
	struct missing *missing;
	struct libraries *libraries;
	struct host host;
	struct out out;
	s64 wall_offset_ns; /* at the start */
	u64 start_ns, clock_ns, expire_ns;
	u64 lost_told;
	u64 relabelled_ns; /* targets were met again because of labels */
	struct loop_timer *metrics, *tick, *end;
	struct loop_timer *names; /* armed when a name came: once for all that came together */
	bool figures; /* they are read */
	bool stopping;
	bool expects; /* names may come */
};

/* Records of the kernel; ctx is the live. */
void live_record(void *ctx, const void *record, size_t size);
/* One collection of the kernel's meters and its ledger. */
void live_collect(struct live *v);
/* Set the hooks through which the pipe asks for something. */
void live_pipe_hooks(struct live *v, struct pipe_config *config);
/* Those through which names come. */
void live_identity_hooks(struct live *v, struct identity_config *config);
/* A feature that is no program's: to the pipe, and into the file. */
void live_check(struct live *v, const struct pipe_check *check);
/* What this node cannot give. */
void live_tell(struct live *v);
/* A cgroup that was there before us. */
void live_meet(void *ctx, u64 cgroup, struct str path);
/* Meet all of them again when labels changed by which targets are chosen: once a second at most,
 * since it costs a walk of the tree and everybody who may change a label could ask for it. */
void live_relabelled(struct live *v);

#endif
