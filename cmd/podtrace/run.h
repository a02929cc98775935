/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands share: an exit code, an exporter, standard output. */
#ifndef RUN_H
#define RUN_H

#include "cmd/podtrace/options.h"
#include "node/tree.h"
#include "otel/otel.h"
#include "pipe.h"
#include "select/target.h"

/* Exit codes. REDUCED: doctor found features that are reduced or off. */
enum { EXIT_OK = 0, EXIT_RUN = 1, EXIT_USAGE = 2, EXIT_REDUCED = 3 };

/* Say one line on stderr and return the code. */
int fail(int code, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same of a thing that could not be made: why (errno), and what to do; EXIT_RUN. */
int fail_setup(const char *what, int err);

/* trace, agent, capture: from this kernel, now. */
int run_live(const struct options *o);
/* replay: from a capture file. */
int run_replay(const struct options *o);
/* doctor: what works here, what does not, why, and what to do. */
int run_doctor(const struct options *o);
/* In one line of the log, at every start: what node this is. */
void doctor_brief(const struct options *o);

/* Where the node is read: at the bases of the options. */
struct node_roots roots_of(const struct options *o);
/* "/x (--proc-base) is no proc file system" */
#define NO_PROC_MAX 200
const char *no_proc(const struct options *o, char dst[static NO_PROC_MAX]);
#define FIX_PROC                                                                                   \
	"mount the node's /proc (in a pod: hostPath, with hostPID: true; else mount -t proc proc " \
	"/proc) and name it by --proc-base or PODTRACE_PROC_BASE"
#define FIX_CGROUP                                                                                 \
	"mount the node's /sys/fs/cgroup (in a pod: hostPath) and name it by --cgroup-base or "    \
	"PODTRACE_CGROUP_BASE"

/* Families, forbidden means, types and ring of the options. An exit code. */
int kernel_options(const struct options *o, struct capture_config *config);

/* Namespaces, pods, selector, containers and ids of the options; *ret stays NULL if there are
 * none. An exit code: EXIT_USAGE if they are wrong, or mean the whole node and nobody said so. */
int target_options(const struct options *o, struct target **ret);

/* The exporter the options ask for; *ret stays NULL if they ask for none. An exit code. */
int exporter_new(struct otel **ret, struct loop *l, const struct options *o);
/* Where it sends, for the report. NULL: nowhere. */
const char *exporter_destination(const struct options *o);
/* EXIT_RUN, and a line, if the file that was asked for lacks something. */
int exporter_verdict(const struct otel *otel, const struct options *o);
/* Run the loop until everything is sent or the deadline is over. */
void exporter_drain(struct otel *otel, struct loop *l, u64 timeout_ns);

/* What the options say about the pipe; the caller adds time, source and hooks. */
struct pipe_config pipe_options(const struct options *o, struct otel *otel,
				const struct host *host);

/* Standard output, gathered and written at the end of each turn. */
struct out {
	struct buf buf;
	bool closed;	/* the reader went away (EPIPE) */
	int err;	/* -errno of a write; -ETIMEDOUT: out_finish waited in vain */
	u64 left_out;	/* lines for which there was no room */
};

void out_init(struct out *out);
void out_line(void *ctx, struct str text);	/* a pipe_config.line; ctx is the out */
void out_flush(struct out *out);		/* what can be written without waiting */
void out_finish(struct out *out, u64 wait_ns);	/* all of it, waiting at most so long for room */
void out_free(struct out *out);
/* All of it, then out_free: for what is said once. An exit code. */
int out_say(struct out *out);
void out_summary(struct out *out, const struct summary *s, int format);

#endif
