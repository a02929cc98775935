/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the pipe, for its own files: pipe.c (life, names), pipe_event.c (records),
 * pipe_metrics.c (collections), pipe_summary.c. */
#ifndef PIPE_IMPL_H
#define PIPE_IMPL_H

#include "fold/fold.h"
#include "fold/hold.h"
#include "fold/series.h"
#include "otel/map/map.h"
#include "pipe.h"
#include "select/follow.h"

#define PIPE_CHECKS_MAX 8

struct pipe {
	struct pipe_config config;
	struct map_config map;
	struct enrich *enrich;
	struct series *series;
	struct hold *hold;
	struct gauge *gauge;	/* NULL: no figures */
	struct follow *follow;	/* NULL: no named targets */
	struct fold *fold;
	/* an event is let go, or made of others, while another is decoded */
	struct decode_room room, held_room, made_room;
	struct mapped mapped;	/* large: not on the stack */
	struct mapped_resource resource; /* likewise */
	struct buf line;
	int self;		/* our own resource, -1: not registered yet */
	u64 now_ns;		/* of the running collection */
	u64 before_ns;		/* of the one before */
	u64 relabelled;		/* of names, when targets were last decided */
	u64 last_ns;		/* newest record or collection */
	s64 start_offset_ns;	/* to wall time, of starts: one that moves means a reset */
	u64 tick_ns;		/* of the last tick */
	u64 delivered[KIND_END];
	u64 damaged[KIND_END];
	u64 unknown_kind;
	u64 sampled_out;
	u64 names_late;		/* events that left without the name they waited for */
	u64 unwanted;		/* let in by the kernel side until they had a name */
	struct ledger_page ledger;
	struct feature_status features[FEATURES_MAX];
	size_t features_n;
	struct pipe_asked asked;
	char runtime_name[32], runtime_version[64];
	struct pipe_check checks[PIPE_CHECKS_MAX];
	size_t checks_n;
};

/* Tell the kernel side that a cell is not needed any more; ctx is the pipe. */
void pipe_cell_gone(void *ctx, const struct meter_key *key);
/* The exporter's number of who; < 0: no room, the item is counted by the exporter. */
int pipe_resource(struct pipe *p, struct who *who);
/* Is it meant by the named targets, as far as its names are known? */
enum target_match pipe_match(struct pipe *p, struct who *who);
/* Called by fold for a record that it made. */
void pipe_made(void *ctx, const void *record, size_t size);
/* When a series began, in wall time: the same at every collection, whatever the clock of the day
 * does; but never after its end. */
u64 pipe_start_of(const struct pipe *p, u64 boot_ns);
/* Whether metrics of his are exported by this collection; if so, his names are told now. */
bool pipe_is_told(struct pipe *p, struct who *who);
/* Enrich's hook; ctx is the pipe. */
void pipe_met(void *ctx, struct who *who, u64 cgroup, struct str path, u64 made_ns);
/* Called by hold for an event that leaves. */
void pipe_let_go(void *ctx, const void *record, size_t size, struct who *who,
		 const struct process *process);

#endif
