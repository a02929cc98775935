/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages in the data's order: decode, enrich, fold, and then to whoever wants it: the
 * exporter, the live view, the summary. The only file that names them all. It does not care
 * where records come from: the kernel or a capture file.
 */
#ifndef PIPE_H
#define PIPE_H

#include "base/buf.h"
#include "capture/capture.h"
#include "decode/decode.h"
#include "enrich/enrich.h"
#include "fold/sample.h"
#include "node/host.h"
#include "otel/map/map.h"
#include "otel/otel.h"
#include "report/summary.h"
#include "select/target.h"

enum live_view { LIVE_NONE, LIVE_TEXT, LIVE_JSON };

struct pipe_config {
	struct otel *otel;		/* NULL: nothing is exported */
	const struct host *host;
	const char *version;
	const char *service_name;	/* ours; NULL: "podtrace" */
	struct map_resource_config resource;
	struct sampling sampler;
	bool command_args;
	u32 hidden;			/* families that are watched only to know whose events are */
	enum live_view live;
	bool colour;
	/* Lines of the live view, to be written at once. */
	void (*line)(void *ctx, struct str text);
	/* Kernel cells that nobody needs any more; may be NULL. */
	void (*meter_gone)(void *ctx, const struct meter_key *key);
	/* Named targets, borrowed; NULL: all that the kernel side lets in is wanted. */
	const struct target *target;
	/* Put a cgroup into the kernel's filter, or take it out: 0 or -errno; may be NULL. */
	int (*watch)(void *ctx, u64 cgroup, bool on);
	void *ctx;
	u64 start_ns;			/* boot ns */
	s64 wall_offset_ns;
	u32 figures;			/* families whose figures are read (src/gauge), bits */
	struct enrich_config enrich;	/* its who_gone and ctx are the pipe's */
};

struct pipe;

int pipe_new(struct pipe **ret, const struct pipe_config *config, char *err, size_t err_cap);
void pipe_free(struct pipe *p);		/* NULL is fine */

void pipe_clock(struct pipe *p, s64 wall_offset_ns);	/* a newer measurement */
void pipe_record(struct pipe *p, const void *record, size_t size);

/* Read the figures of some containers: all once in round_ns, if called each turn_ns; round_ns 0: all
 * now. */
void pipe_figures(struct pipe *p, u64 turn_ns, u64 round_ns);
/* What a family's figures lack in a cgroup (gauge.h), and as a check; false: none are read. */
struct gauge_lack;
bool pipe_figures_lack(struct pipe *p, struct str path, enum wire_family family,
		       struct gauge_lack *ret);

/* One collection of the kernel's meters: begin, every cell, figures, end (exports). */
void pipe_collect_begin(struct pipe *p, u64 now_ns);
void pipe_meter(struct pipe *p, const struct meter_key *key, const struct meter_cell *cell);
/* All figures as they were read last; fn is told them too, for the tap. */
typedef void (*pipe_set_fn)(void *ctx, const struct reading_set *set);
void pipe_collect_figures(struct pipe *p, pipe_set_fn fn, void *ctx);
/* The same of a container in a replay. */
void pipe_reading_set(struct pipe *p, const struct reading_set *set);
void pipe_collect_end(struct pipe *p);

void pipe_ledger(struct pipe *p, const struct ledger_page *page);	/* the latest sums */
void pipe_feature(struct pipe *p, const struct feature_status *status);
/* The same of what is no program's: where names come from. One of a name is kept, the newest. */
struct pipe_check {
	char family[16], name[16];	/* "identity", "runtime" */
	char rung[32];			/* how: "events", "polling"; "none" */
	enum feature_state state;
};
void pipe_check(struct pipe *p, const struct pipe_check *check);
void pipe_expire(struct pipe *p, u64 now_ns);

/*
 * What containers and pods are called (pod.h), whoever tells it. Events of a container whose
 * name is not known are held back for at most ENRICH_WAIT_NS, if names are expected, which
 * they are not at first.
 */
void pipe_container(struct pipe *p, const struct container *draft);
void pipe_pod(struct pipe *p, const struct pod *draft);
void pipe_container_gone(struct pipe *p, struct str id, u64 now_ns);
void pipe_pod_gone(struct pipe *p, struct str uid, u64 now_ns);
void pipe_environ(struct pipe *p, u64 cgroup, const struct environ_otel *found);
void pipe_expect_names(struct pipe *p, bool expected);
/* The node's container runtime, for the resources of its containers. Copied. */
void pipe_runtime(struct pipe *p, const char *name, const char *version);
/* What asking for names cost since the start, and what did not come of it. */
struct pipe_asked {
	u64 requests, failures;
	u64 refused;	/* answers, or things in them, that were over a limit or no sense */
	u64 forgotten;	/* names that had to make room */
	u64 unasked;	/* containers that nobody could be asked for: too many at once */
	u64 unanswered;	/* containers that the runtime did not know */
};
void pipe_asked(struct pipe *p, const struct pipe_asked *asked);
/* A cgroup that was there before us: may be a target. */
void pipe_meet(struct pipe *p, u64 cgroup, struct str path, u64 now_ns);
/* A cgroup that the kernel side watches: one whose making was not told (its record was lost) is
 * decided like others. */
void pipe_watched(struct pipe *p, u64 cgroup);
/* Decide and let go what waited for it. Ten times a second, and when names came. */
void pipe_tick(struct pipe *p, u64 now_ns);
/* True, once, when labels by which targets are chosen became others: those that are targets
 * were decided anew, and the caller meets all the others again (pipe_meet). What one that is
 * turned down did until now_ns is shown all the same, whenever it comes. */
bool pipe_relabelled(struct pipe *p, u64 now_ns);
/* Cgroups that named targets mean, as far as is known. */
size_t pipe_wanted(const struct pipe *p);
/* Events that wait now. */
size_t pipe_held(const struct pipe *p);
/* Let go all that waits, at the end. */
void pipe_let_all_go(struct pipe *p);
/* To look at what is known. */
const struct enrich *pipe_enrich(const struct pipe *p);

/* Id of a cgroup directory, for targets. */
int pipe_cgroup_id(const struct pipe *p, const char *dir, u64 *ret_id);

/* Whose ids the kernel side must give. */
enum cgroup_tree pipe_cgroup_tree(const struct pipe *p);

/* What was seen, what was lost; valid until the pipe is freed. */
void pipe_summary(const struct pipe *p, struct summary *ret);

#endif
