/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace, agent and capture: they differ in what they stream, what they show and whether the
 * tap is open. A run is: set up, loop until a signal, the duration or an error, then stop the
 * programs, empty the ring, send what is queued within the deadline, report.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "cmd/podtrace/live.h"

#define CLOCK_EVERY_NS (5 * NSEC_PER_SEC)
#define EXPIRE_EVERY_NS (60 * NSEC_PER_SEC)
#define FLUSH_EVERY_NS (100 * NSEC_PER_MSEC)
#define LAST_NAMES_NS (500 * NSEC_PER_MSEC)

/* ---- the loop's events -------------------------------------------------------------------- */

/* An agent runs on: what it loses is said when it is lost, not only at the end. */
static void tell_losses(struct live *v)
{
	static struct summary s;
	u64 lost = 0;

	pipe_summary(v->pipe, &s);
	for (size_t k = 1; k < KIND_END; k++)
		lost += s.ledger.kind[k].n[LEDGER_LOST_METER] +
			s.ledger.kind[k].n[LEDGER_LOST_STATE];
	lost += summary_lost(&s);
	if (lost > v->lost_told)
		log_warn("run", "%" PRI_U64 " events or updates of metrics lost since the start; "
			 "podtrace.events tells which", lost);
	v->lost_told = lost;
}

static void on_names(void *ctx)
{
	struct live *v = ctx;

	live_relabelled(v);
	pipe_tick(v->pipe, clock_boot_ns());
}

static void on_metrics(void *ctx)
{
	live_collect(ctx);
	tell_losses(ctx);
}

static void on_end(void *ctx)
{
	loop_stop(((struct live *)ctx)->loop, EXIT_OK);
}

static void on_target(void *ctx, u64 cgroup)
{
	pipe_watched(((struct live *)ctx)->pipe, cgroup);
}

static void on_tick(void *ctx)
{
	struct live *v = ctx;
	u64 now = loop_now(v->loop);

	live_relabelled(v);
	pipe_tick(v->pipe, now);
	pipe_figures(v->pipe, FLUSH_EVERY_NS, v->o->metric_interval_ms * NSEC_PER_MSEC);
	out_flush(&v->out);
	if (v->out.closed || v->out.err || (v->tap && (tap_full(v->tap) || tap_error(v->tap))))
		loop_stop(v->loop, EXIT_OK);
	if (now - v->clock_ns >= CLOCK_EVERY_NS) {
		v->clock_ns = now;
		pipe_clock(v->pipe, clock_wall_offset_ns());
		targets_check(v->targets, v->pipe);
		libraries_tell(v->libraries);
	}
	if (now - v->expire_ns >= EXPIRE_EVERY_NS) {
		v->expire_ns = now;
		if (targets_named(v->targets))
			capture_targets(v->capture, on_target, v);
		pipe_expire(v->pipe, now);
	}
}

/* The first signal ends the run in order, a second one cuts the end short. */
static void on_signal(void *ctx, int signo)
{
	struct live *v = ctx;

	if (!v->stopping)
		log_info("run", "%s: stopping, sending what is queued", strsignal(signo));
	else if (v->otel)
		otel_deadline(v->otel, clock_boot_ns());
	loop_stop(v->loop, EXIT_OK);
}

/* ---- setting up --------------------------------------------------------------------------- */

/* Live views get what they show, captures everything, the agent what it exports. */
static void choose_streams(const struct options *o, struct capture_config *config)
{
	bool live = o->command == COMMAND_TRACE && !o->quiet;

	for (size_t i = 1; i < KIND_END; i++) {
		config->stream[i] = kinds[i].stream;
		if (live && kinds[i].live > kinds[i].stream)
			config->stream[i] = kinds[i].live;
		if (o->command == COMMAND_CAPTURE)
			config->stream[i] = STREAM_ALL;
	}
}

static int start_capture(struct live *v)
{
	const struct options *o = v->o;
	bool person = o->command == COMMAND_TRACE && !o->quiet;
	struct capture_config config = {
		/* a terminal shows arguments; what leaves the node only if asked for */
		.args_max = o->command_args || person ? ARGS_MAX : 0,
		.cgroup_tree = pipe_cgroup_tree(v->pipe),
		.filter = targets_any(v->targets),
		.follow = targets_named(v->targets),
		.slow_us = { [FAMILY_file] = (u32)(o->file_slow_ns / NSEC_PER_USEC),
			     [FAMILY_lock] = (u32)(o->lock_slow_ns / NSEC_PER_USEC),
			     [FAMILY_db] = (u32)(o->db_slow_ns / NSEC_PER_USEC) },
		.mariadb = o->mariadb,
		.record = live_record,
		.ctx = v,
	};
	char err[512];
	int code = kernel_options(o, &config);

	if (code)
		return code;
	/* new cgroups are how named targets are followed and figures begin, asked for or not */
	if (config.follow || v->figures)
		config.families |= 1u << FAMILY_cgroup;
	choose_streams(o, &config);
	if (capture_new(&v->capture, v->loop, &config, err, sizeof(err)))
		return fail(EXIT_RUN, "%s", err);
	return EXIT_OK;
}

static int check_options(const struct options *o)
{
	if (o->otlp_file && o->otlp_endpoint)
		return fail(EXIT_USAGE, "--otlp-file and --otlp-endpoint exclude each other: choose "
			    "where to export to");
	if (o->otlp_file && !strcmp(o->otlp_file, "-") && o->command == COMMAND_TRACE && !o->quiet)
		return fail(EXIT_USAGE, "--otlp-file - and live lines would mix on standard output: "
			    "add --quiet");
	return EXIT_OK;
}

static void origin_of(const struct host *host, struct tap_origin *ret)
{
	str_copy(ret->host, sizeof(ret->host), str_of(host->name));
	str_copy(ret->node, sizeof(ret->node), str_of(host->node));
	str_copy(ret->host_id, sizeof(ret->host_id), str_of(host->id));
	str_copy(ret->arch, sizeof(ret->arch), str_of(host->arch));
	str_copy(ret->kernel, sizeof(ret->kernel), str_of(host->kernel));
	str_copy(ret->os_name, sizeof(ret->os_name), str_of(host->os_name));
	str_copy(ret->os_version, sizeof(ret->os_version), str_of(host->os_version));
	str_copy(ret->os_description, sizeof(ret->os_description), str_of(host->os_description));
}

static int start_tap(struct live *v)
{
	struct tap_origin origin = { .boot_ns = v->start_ns,
				     .wall_offset_ns = v->wall_offset_ns,
				     .command_args = v->o->command_args };
	char err[512];

	if (v->o->command != COMMAND_CAPTURE)
		return EXIT_OK;
	origin_of(&v->host, &origin);
	if (tap_create(&v->tap, v->o->args[0], v->o->capture_max_bytes, &origin, err, sizeof(err)))
		return fail(EXIT_RUN, "%s", err);
	return EXIT_OK;
}

static int start_pipe(struct live *v)
{
	struct pipe_config config = pipe_options(v->o, v->otel, &v->host);
	struct capture_config kernel = { 0 };
	char err[512];
	int e;

	live_pipe_hooks(v, &config);
	e = kernel_options(v->o, &kernel);
	if (e)
		return e;
	config.figures = kernel.families & figure_families();
	v->figures = config.figures;
	if ((targets_named(v->targets) || v->figures) &&
	    !(kernel.families >> FAMILY_cgroup & 1))
		config.hidden = 1u << FAMILY_cgroup;
	config.start_ns = v->start_ns;
	config.wall_offset_ns = v->wall_offset_ns;
	config.enrich.cgroup_base = v->o->cgroup_base;
	config.enrich.proc_base = v->o->proc_base;
	config.target = targets_named(v->targets);
	e = pipe_new(&v->pipe, &config, err, sizeof(err));
	if (e == -ENODEV) {
		log_warn("identity", "%s: containers are not told apart; " FIX_CGROUP, err);
		config.enrich.cgroup_base = NULL;
		e = pipe_new(&v->pipe, &config, err, sizeof(err));
	}
	if (e && e != -ENOMEM && config.enrich.cgroup_base)
		return fail(EXIT_RUN, "%s; " FIX_CGROUP, err);
	return e ? fail(EXIT_RUN, "%s", err) : EXIT_OK;
}

static int resolve_targets(struct live *v)
{
	return targets_resolve(v->targets, v->pipe);
}

static int apply_targets(struct live *v)
{
	return targets_apply(v->targets, v->capture);
}

static int start_timers(struct live *v)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, 0 };
	u64 interval = v->o->metric_interval_ms * NSEC_PER_MSEC;

	v->metrics = loop_timer_new(v->loop, on_metrics, v);
	v->tick = loop_timer_new(v->loop, on_tick, v);
	v->end = loop_timer_new(v->loop, on_end, v);
	v->names = loop_timer_new(v->loop, on_names, v);
	if (!v->metrics || !v->tick || !v->end || !v->names || loop_signals(v->loop, signals, on_signal, v))
		return fail(EXIT_RUN, "cannot set up timers and signals: %s", strerror(errno));
	loop_arm(v->metrics, interval, interval);
	loop_arm(v->tick, FLUSH_EVERY_NS, FLUSH_EVERY_NS);
	if (v->o->duration_ns)
		loop_arm(v->end, v->o->duration_ns, 0);
	return EXIT_OK;
}

static int start_identity(struct live *v)
{
	struct identity_config config = { .o = v->o, .host = &v->host };

	live_identity_hooks(v, &config);
	return identity_new(&v->identity, v->loop, &config);
}

/* Programs run: what they do not tell any more is what was there before. */
static int start_following(struct live *v)
{
	if (targets_named(v->targets) || v->figures)
		enrich_walk(pipe_enrich(v->pipe), live_meet, v);
	pipe_figures(v->pipe, 0, 0);
	if (!targets_named(v->targets))
		return EXIT_OK;
	v->missing = missing_new(v->loop, v->o, targets_named(v->targets), v->pipe, v->identity);
	return v->missing ? EXIT_OK : fail_setup("the wait for targets", errno);
}

static int start_libraries(struct live *v)
{
	v->libraries = libraries_new(v->loop, v->o->proc_base, v->capture);
	return v->libraries ? EXIT_OK : fail(EXIT_RUN, "out of memory");
}

static int start(struct live *v)
{
	static int (*const steps[])(struct live *) = { start_tap, start_pipe, resolve_targets,
						       start_timers, start_identity, start_capture,
						       apply_targets, start_following,
						       start_libraries };
	int code = check_options(v->o);

	if (!code)
		code = targets_new(&v->targets, v->o);
	if (!code)
		code = exporter_new(&v->otel, v->loop, v->o);
	for (size_t i = 0; !code && i < ARRAY_SIZE(steps); i++)
		code = steps[i](v);
	if (!code) {
		doctor_brief(v->o);
		live_tell(v);
	}
	return code;
}

/* ---- the end ------------------------------------------------------------------------------ */

static void finish_report(struct live *v)
{
	struct summary s;

	pipe_summary(v->pipe, &s);
	s.duration_ns = clock_boot_ns() - v->start_ns;
	s.transport = capture_transport(v->capture);
	s.map_bytes = capture_map_bytes(v->capture);
	s.destination = exporter_destination(v->o);
	if (v->o->command == COMMAND_TRACE)
		out_summary(&v->out, &s, v->o->output);
	if (summary_lost(&s) || summary_unaccounted(&s))
		log_warn("run", "%" PRI_U64 " events lost, %" PRI_U64 " unaccounted for",
			 summary_lost(&s), summary_unaccounted(&s));
}

static int finish_tap(struct live *v)
{
	const char *path = v->o->args[0];
	int err = tap_finish(v->tap);

	if (err)
		return fail(EXIT_RUN, "cannot write capture file \"%s\": %s: nothing is left of it",
			    path, strerror(-err));
	if (tap_full(v->tap))
		log_warn("capture", "stopped at --capture-max: %" PRI_U64 " frames that came after "
			 "are not in the file", tap_refused(v->tap));
	log_info("capture", "%s: %" PRI_U64 " records, %" PRI_U64 " bytes", path,
		 tap_records(v->tap), tap_bytes(v->tap));
	return EXIT_OK;
}

struct last_names {
	struct live *live;
	u64 until_ns;
};

static void on_last_names(void *ctx)
{
	struct last_names *n = ctx;

	pipe_tick(n->live->pipe, clock_boot_ns());
	if (!pipe_held(n->live->pipe) || loop_now(n->live->loop) >= n->until_ns)
		loop_stop(n->live->loop, EXIT_OK);
}

/* What happened last may still wait for its name, which is on its way. */
static void await_names(struct live *v)
{
	struct last_names n = { .live = v, .until_ns = clock_boot_ns() + LAST_NAMES_NS };
	struct loop_timer *timer;

	if (!pipe_held(v->pipe))
		return;
	timer = loop_timer_new(v->loop, on_last_names, &n);
	if (!timer)
		return;
	loop_arm(timer, 0, 5 * NSEC_PER_MSEC);
	loop_run(v->loop);
	loop_timer_free(timer);
}

/* No event is lost by stopping: programs first, then the ring, then the queues. */
static int finish(struct live *v)
{
	int code = EXIT_OK;

	v->stopping = true;
	loop_disarm(v->metrics);
	loop_disarm(v->end);
	libraries_tell(v->libraries);
	libraries_free(v->libraries);
	v->libraries = NULL;
	capture_stop(v->capture);
	capture_drain(v->capture);
	await_names(v);
	pipe_let_all_go(v->pipe);
	pipe_figures(v->pipe, 0, 0);
	live_collect(v);
	if (v->otel)
		exporter_drain(v->otel, v->loop, v->o->shutdown_timeout_ns);
	if (v->tap)
		code = finish_tap(v);
	finish_report(v);
	out_finish(&v->out, v->o->shutdown_timeout_ns);
	if (v->out.left_out)
		log_warn("run", "%" PRI_U64 " lines left out: standard output was not read fast "
			 "enough", v->out.left_out);
	if (v->otel && exporter_verdict(v->otel, v->o))
		code = EXIT_RUN;
	if (v->out.err)
		code = fail(EXIT_RUN, "cannot write to standard output: %s", strerror(-v->out.err));
	return code;
}

int run_live(const struct options *o)
{
	const struct node_roots roots = roots_of(o);
	struct live v = { .o = o,
			  .start_ns = clock_boot_ns(),
			  .wall_offset_ns = clock_wall_offset_ns() };
	int code;

	out_init(&v.out);
	host_read(&roots, o->node_name, &v.host);
	v.clock_ns = v.expire_ns = v.start_ns;
	v.loop = loop_new();
	if (!v.loop)
		return fail(EXIT_RUN, "cannot set up the event loop: %s", strerror(errno));
	code = start(&v);
	if (!code) {
		code = loop_run(v.loop);
		if (code < 0)
			code = fail(EXIT_RUN, "the event loop failed: %s", strerror(-code));
		code = finish(&v) ? EXIT_RUN : code;
	}
	identity_free(v.identity);
	missing_free(v.missing);
	libraries_free(v.libraries);
	capture_free(v.capture);
	tap_free(v.tap);
	loop_timer_free(v.metrics);
	loop_timer_free(v.tick);
	loop_timer_free(v.end);
	loop_timer_free(v.names);
	otel_free(v.otel);
	pipe_free(v.pipe);
	targets_free(v.targets);
	loop_free(v.loop);
	out_free(&v.out);
	return code;
}
