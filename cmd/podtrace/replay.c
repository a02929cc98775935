/* SPDX-License-Identifier: Apache-2.0 */
/* replay: the same stages, fed by a capture file instead of the kernel. */
#include <errno.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"
#include "capture/tap.h"
#include "cmd/podtrace/run.h"

#define CGROUPS_MAX 16384
#define OUT_WAITING_MAX (128 * 1024) /* bytes of lines not written yet */
#define FRAMES_TURN 16 /* a turn of the loop: the exporter sends in between */

struct cgroup_name {
	char path[512]; /* longer ones are cut: what identifies a container stands in 300 */
};

struct replay {
	const struct options *o;
	struct loop *loop;
	struct otel *otel;
	struct pipe *pipe;
	struct tap_file *file;
	struct tap_player player;
	struct table *cgroups;	/* id → path, as the capture saw them */
	struct loop_timer *turn;
	struct host host;
	struct out out;
};

static void on_record(void *ctx, const void *record, size_t size)
{
	pipe_record(((struct replay *)ctx)->pipe, record, size);
}

static void on_cgroup(void *ctx, u64 id, struct str path)
{
	struct cgroup_name *name = table_add(((struct replay *)ctx)->cgroups, &id, NULL);

	str_copy(name->path, sizeof(name->path), path);
}

static int look_up(void *ctx, u64 id, char *dst, size_t cap)
{
	struct cgroup_name *name = table_get(((struct replay *)ctx)->cgroups, &id);

	if (!name || !name->path[0])
		return -ENOENT;
	return (int)str_copy(dst, cap, str_of(name->path));
}

static void on_container(void *ctx, const struct container *draft)
{
	struct replay *r = ctx;

	pipe_container(r->pipe, draft);
	pipe_tick(r->pipe, 0); /* its clock is that of the records */
}

static void on_pod(void *ctx, const struct pod *draft)
{
	struct replay *r = ctx;

	pipe_pod(r->pipe, draft);
	pipe_tick(r->pipe, 0);
}

static void on_environ(void *ctx, u64 cgroup, const struct environ_otel *found)
{
	pipe_environ(((struct replay *)ctx)->pipe, cgroup, found);
}

static void on_expect(void *ctx, bool names)
{
	pipe_expect_names(((struct replay *)ctx)->pipe, names);
}

static void on_check(void *ctx, const struct tap_check *check)
{
	struct pipe_check c = { .state = (enum feature_state)check->state };

	memcpy(c.family, check->family, sizeof(c.family));
	memcpy(c.name, check->name, sizeof(c.name));
	memcpy(c.rung, check->rung, sizeof(c.rung));
	pipe_check(((struct replay *)ctx)->pipe, &c);
}

static void on_runtime(void *ctx, const struct tap_runtime *runtime)
{
	pipe_runtime(((struct replay *)ctx)->pipe, runtime->name, runtime->version);
}

static void on_meter(void *ctx, const struct meter_key *key, const struct meter_cell *cell)
{
	pipe_meter(((struct replay *)ctx)->pipe, key, cell);
}

static void on_figures(void *ctx, const struct reading_set *set)
{
	pipe_reading_set(((struct replay *)ctx)->pipe, set);
}

static void on_collect(void *ctx, u64 now_ns)
{
	struct replay *r = ctx;

	pipe_tick(r->pipe, now_ns);
	pipe_collect_begin(r->pipe, now_ns);
}

static void on_ledger(void *ctx, const struct ledger_page *page)
{
	struct replay *r = ctx;

	pipe_ledger(r->pipe, page);
	pipe_collect_end(r->pipe);
}

static void on_feature(void *ctx, const struct feature_status *status)
{
	pipe_feature(((struct replay *)ctx)->pipe, status);
}

static void on_line(void *ctx, struct str text)
{
	out_line(&((struct replay *)ctx)->out, text);
}

/*
 * Who cannot keep up holds the file back: a replay loses nothing. What the exporter has is
 * less than a batch when it goes on, so that the batches depend on the file alone.
 */
static bool has_room(const struct replay *r)
{
	const struct otel_stats *stats;

	if (r->out.buf.n > OUT_WAITING_MAX)
		return false;
	if (!r->otel)
		return true;
	stats = otel_stats(r->otel);
	return stats->signal[SIGNAL_TRACES].queued < r->o->batch_items &&
	       stats->signal[SIGNAL_LOGS].queued < r->o->batch_items &&
	       !stats->signal[SIGNAL_METRICS].queued;
}

static void on_turn(void *ctx)
{
	struct replay *r = ctx;

	out_flush(&r->out);
	if (r->out.closed || r->out.err) {
		loop_stop(r->loop, EXIT_OK);
		return;
	}
	if (!has_room(r)) { /* full batches leave by themselves: two replays are alike */
		loop_arm(r->turn, NSEC_PER_MSEC, 0);
		return;
	}
	for (int i = 0; i < FRAMES_TURN; i++) {
		if (!tap_next(r->file, &r->player)) {
			loop_stop(r->loop, EXIT_OK);
			return;
		}
	}
	loop_arm(r->turn, 0, 0);
}

/* The node that was captured, not this one. */
static void host_of(const struct tap_origin *o, struct host *ret)
{
	str_copy_utf8(ret->name, sizeof(ret->name), str_of(o->host), NULL);
	str_copy_utf8(ret->node, sizeof(ret->node), str_of(o->node), NULL);
	str_copy_utf8(ret->id, sizeof(ret->id), str_of(o->host_id), NULL);
	str_copy_utf8(ret->arch, sizeof(ret->arch), str_of(o->arch), NULL);
	str_copy_utf8(ret->os_name, sizeof(ret->os_name), str_of(o->os_name), NULL);
	str_copy_utf8(ret->os_version, sizeof(ret->os_version), str_of(o->os_version), NULL);
	str_copy_utf8(ret->os_description, sizeof(ret->os_description), str_of(o->os_description),
		      NULL);
}

static int start(struct replay *r)
{
	struct pipe_config config;
	struct tap_origin origin;
	char err[512];
	int code;

	if (tap_open(&r->file, r->o->args[0], &origin, err, sizeof(err)))
		return fail(EXIT_RUN, "capture file \"%s\" %s", r->o->args[0], err);
	code = exporter_new(&r->otel, r->loop, r->o);
	if (code)
		return code;
	host_of(&origin, &r->host);
	r->cgroups = table_new(CGROUPS_MAX, sizeof(u64), sizeof(struct cgroup_name), NULL, NULL);
	r->turn = loop_timer_new(r->loop, on_turn, r);
	if (!r->cgroups || !r->turn)
		return fail_setup("the replay", errno);
	config = pipe_options(r->o, r->otel, &r->host);
	config.command_args = r->o->command_args && origin.command_args;
	config.line = on_line;
	config.ctx = r;
	config.start_ns = origin.boot_ns;
	config.wall_offset_ns = origin.wall_offset_ns;
	config.enrich.lookup = look_up;
	config.enrich.lookup_ctx = r;
	if (pipe_new(&r->pipe, &config, err, sizeof(err)))
		return fail(EXIT_RUN, "%s", err);
	r->player = (struct tap_player){ on_record,  on_cgroup, on_container, on_pod, on_environ, on_expect,
					 on_check, on_runtime,
					 on_meter,   on_figures, on_collect, on_ledger, on_feature, r };
	loop_arm(r->turn, 0, 0);
	return EXIT_OK;
}

static int finish(struct replay *r)
{
	struct summary s;

	pipe_let_all_go(r->pipe);
	if (r->otel)
		exporter_drain(r->otel, r->loop, r->o->shutdown_timeout_ns);
	pipe_summary(r->pipe, &s);
	s.destination = exporter_destination(r->o);
	out_summary(&r->out, &s, r->o->output);
	out_finish(&r->out, r->o->shutdown_timeout_ns);
	if (r->out.err)
		return fail(EXIT_RUN, "cannot write to standard output: %s", strerror(-r->out.err));
	return r->otel ? exporter_verdict(r->otel, r->o) : EXIT_OK;
}

int run_replay(const struct options *o)
{
	struct replay r = { .o = o };
	int code;

	out_init(&r.out);
	r.loop = loop_new();
	if (!r.loop)
		return fail(EXIT_RUN, "cannot set up the event loop: %s", strerror(errno));
	code = start(&r);
	if (!code) {
		loop_run(r.loop);
		code = finish(&r);
	}
	loop_timer_free(r.turn);
	otel_free(r.otel);
	pipe_free(r.pipe);
	table_free(r.cgroups);
	tap_close(r.file);
	loop_free(r.loop);
	out_free(&r.out);
	return code;
}
