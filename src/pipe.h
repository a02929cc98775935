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
#include "otel/otel.h"
#include "report/summary.h"

enum live_view { LIVE_NONE, LIVE_TEXT, LIVE_JSON };

struct pipe_config {
	struct otel *otel;		/* NULL: nothing is exported */
	const struct host *host;
	const char *version;
	const char *service_name;	/* ours; NULL: "podtrace" */
	struct sampling sampler;
	bool command_args;
	enum live_view live;
	bool colour;
	/* Lines of the live view, to be written at once. */
	void (*line)(void *ctx, struct str text);
	/* Kernel cells that nobody needs any more; may be NULL. */
	void (*meter_gone)(void *ctx, const struct meter_key *key);
	void *ctx;
	u64 start_ns;			/* boot ns */
	s64 wall_offset_ns;
	struct enrich_config enrich;	/* its who_gone and ctx are the pipe's */
};

struct pipe;

int pipe_new(struct pipe **ret, const struct pipe_config *config, char *err, size_t err_cap);
void pipe_free(struct pipe *p);		/* NULL is fine */

void pipe_clock(struct pipe *p, s64 wall_offset_ns);	/* a newer measurement */
void pipe_record(struct pipe *p, const void *record, size_t size);

/* One collection of the kernel's meters: begin, every cell, end (exports). */
void pipe_collect_begin(struct pipe *p, u64 now_ns);
void pipe_meter(struct pipe *p, const struct meter_key *key, const struct meter_cell *cell);
void pipe_collect_end(struct pipe *p);

void pipe_ledger(struct pipe *p, const struct ledger_page *page);	/* the latest sums */
void pipe_feature(struct pipe *p, const struct feature_status *status);
void pipe_expire(struct pipe *p, u64 now_ns);

/* Id of a cgroup directory, for targets. */
int pipe_cgroup_id(const struct pipe *p, const char *dir, u64 *ret_id);

/* What was seen, what was lost; valid until the pipe is freed. */
void pipe_summary(const struct pipe *p, struct summary *ret);

#endif
