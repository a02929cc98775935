/* SPDX-License-Identifier: Apache-2.0 */
/* What goes where: from the kernel to the pipe and into the capture file, and back. */
#include <string.h>
#include "base/clock.h"
#include "cmd/podtrace/live.h"
#include "enrich/cgroup_path.h"

/* ---- what goes where ---------------------------------------------------------------------- */

void live_record(void *ctx, const void *record, size_t size)
{
	struct decode_veil veil;
	struct live *v = ctx;

	/* the name of its cgroup is looked up first: in the file it stands before the record */
	pipe_record(v->pipe, record, size);
	if (v->tap) {
		record = decode_veiled(record, &size, &veil);
		tap_record(v->tap, record, size);
	}
}

static void on_meter(void *ctx, const struct meter_key *key, const struct meter_cell *cell)
{
	struct live *v = ctx;

	/* the name first: in the file it stands before what needs it */
	pipe_meter(v->pipe, key, cell);
	if (v->tap)
		tap_meter(v->tap, key, cell);
}

static void on_set(void *ctx, const struct reading_set *set)
{
	struct live *v = ctx;

	if (v->tap)
		tap_figures(v->tap, set);
}

static void on_meter_gone(void *ctx, const struct meter_key *key)
{
	capture_meter_delete(((struct live *)ctx)->capture, key);
}

static void on_line(void *ctx, struct str text)
{
	out_line(&((struct live *)ctx)->out, text);
}

static void on_cgroup(void *ctx, u64 id, struct str path)
{
	struct live *v = ctx;

	if (v->tap)
		tap_cgroup(v->tap, id, path);
}

/* ---- names: to the pipe, and into the file ------------------------------------------------ */

static void on_container(void *ctx, const struct container *draft)
{
	struct live *v = ctx;

	if (v->tap)
		tap_container(v->tap, draft);
	pipe_container(v->pipe, draft);
	loop_arm(v->names, 0, 0);
}

static void on_pod(void *ctx, const struct pod *draft)
{
	struct live *v = ctx;

	if (v->tap)
		tap_pod(v->tap, draft);
	pipe_pod(v->pipe, draft);
	loop_arm(v->names, 0, 0);
}

static void on_container_gone(void *ctx, struct str id)
{
	pipe_container_gone(((struct live *)ctx)->pipe, id, clock_boot_ns());
}

static void on_pod_gone(void *ctx, struct str uid)
{
	pipe_pod_gone(((struct live *)ctx)->pipe, uid, clock_boot_ns());
}

void live_check(struct live *v, const struct pipe_check *check)
{
	struct tap_check frame = { .state = check->state };

	pipe_check(v->pipe, check);
	if (!v->tap)
		return;
	memcpy(frame.family, check->family, sizeof(frame.family));
	memcpy(frame.name, check->name, sizeof(frame.name));
	memcpy(frame.rung, check->rung, sizeof(frame.rung));
	tap_check(v->tap, &frame);
}

static void put_runtime(struct live *v, const struct cri_status *s)
{
	struct tap_runtime frame = { 0 };

	pipe_runtime(v->pipe, s->runtime, s->version);
	str_copy(frame.name, sizeof(frame.name), str_of(s->runtime));
	str_copy(frame.version, sizeof(frame.version), str_of(s->version));
	if (v->tap)
		tap_runtime(v->tap, &frame);
}

static void check_runtime(struct live *v, const struct cri_status *s)
{
	struct pipe_check check = { .family = "identity", .name = "runtime" };

	check.state = !s || s->state != CRI_UP ? FEATURE_OFF
		      : s->events	       ? FEATURE_ON
					       : FEATURE_REDUCED;
	str_copy(check.rung, sizeof(check.rung),
		 check.state == FEATURE_OFF ? STR("none")
		 : s->events		    ? STR("events")
					    : STR("polling"));
	live_check(v, &check);
	if (check.state != FEATURE_OFF)
		put_runtime(v, s);
}

static void check_kubernetes(struct live *v, const struct api_status *s)
{
	struct pipe_check check = { .family = "identity", .name = "kubernetes" };

	check.state = s && s->state == API_WATCHING ? FEATURE_ON : FEATURE_OFF;
	str_copy(check.rung, sizeof(check.rung),
		 check.state == FEATURE_ON ? STR("watch") : STR("none"));
	live_check(v, &check);
}

static void on_changed(void *ctx, const struct identity *i)
{
	struct live *v = ctx;

	if (v->expects != identity_expects(i)) {
		v->expects = !v->expects;
		pipe_expect_names(v->pipe, v->expects);
		if (v->tap)
			tap_expect(v->tap, v->expects);
	}
	check_runtime(v, identity_cri_status(i));
	check_kubernetes(v, identity_api_status(i));
}

static void on_want(void *ctx, struct str id)
{
	struct live *v = ctx;

	if (v->identity)
		identity_want(v->identity, id);
}

static void on_environ(void *ctx, u64 cgroup, const struct environ_otel *found)
{
	struct live *v = ctx;

	if (v->tap)
		tap_environ(v->tap, cgroup, found);
}

static int on_watch(void *ctx, u64 cgroup, bool on)
{
	return capture_target(((struct live *)ctx)->capture, cgroup, on);
}

/* Where only directories are wanted the kernel lets nobody else in; all others than containers are
 * met when they do something. */
static bool has_figures(const struct live *v, struct str path)
{
	struct who who;

	if (targets_any(v->targets) && !targets_placed(v->targets, path))
		return false;
	cgroup_path_parse(path, &who);
	return who.kind == WHO_CONTAINER;
}

void live_meet(void *ctx, u64 cgroup, struct str path)
{
	struct live *v = ctx;

	if (!targets_named(v->targets) && !has_figures(v, path))
		return;
	/* the container's own directory: what is below it goes with it */
	if (cgroup_path_own(path) == path.n)
		pipe_meet(v->pipe, cgroup, path, clock_boot_ns());
}

void live_relabelled(struct live *v)
{
	u64 now = clock_boot_ns();

	if (now - v->relabelled_ns < NSEC_PER_SEC || !pipe_relabelled(v->pipe, now))
		return;
	v->relabelled_ns = now;
	enrich_walk(pipe_enrich(v->pipe), live_meet, v);
}

void live_collect(struct live *v)
{
	struct pipe_asked asked;
	struct ledger_page page;
	u64 now = clock_boot_ns();

	if (v->identity) {
		identity_asked(v->identity, &asked);
		pipe_asked(v->pipe, &asked);
	}
	capture_ledger(v->capture, &page);
	pipe_ledger(v->pipe, &page);
	pipe_collect_begin(v->pipe, now);
	if (v->tap)
		tap_collect(v->tap, now);
	capture_meters(v->capture, on_meter, v);
	pipe_collect_figures(v->pipe, on_set, v);
	if (v->tap)
		tap_ledger(v->tap, &page);
	pipe_collect_end(v->pipe);
}

void live_pipe_hooks(struct live *v, struct pipe_config *config)
{
	config->line = on_line;
	config->meter_gone = on_meter_gone;
	config->watch = on_watch;
	config->ctx = v;
	config->enrich.looked_up = on_cgroup;
	config->enrich.lookup_ctx = v;
	config->enrich.want = on_want;
	config->enrich.want_ctx = v;
	config->enrich.placed = targets_placed;
	config->enrich.placed_ctx = v->targets;
	config->enrich.environ = on_environ;
	config->enrich.environ_ctx = v;
}

void live_identity_hooks(struct live *v, struct identity_config *config)
{
	config->container = on_container;
	config->pod = on_pod;
	config->container_gone = on_container_gone;
	config->pod_gone = on_pod_gone;
	config->changed = on_changed;
	config->ctx = v;
}
