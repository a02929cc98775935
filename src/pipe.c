/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gauge/gauge.h"
#include "pipe_impl.h"

/* A record's texts and those of its resource with every byte escaped, and the names around them. */
#define LINE_MAX_BYTES (6 * (REC_SIZE_MAX + RESOURCE_BYTES_MAX) + 8192)

void pipe_cell_gone(void *ctx, const struct meter_key *key)
{
	struct pipe *p = ctx;

	tally_forget(fold_tally(p->fold), key);
	if (p->config.meter_gone)
		p->config.meter_gone(p->config.ctx, key);
}

/* ---- named targets ----------------------------------------------------------------------- */

static u64 now_of(const struct pipe *p)
{
	return p->tick_ns > p->last_ns ? p->tick_ns : p->last_ns;
}

enum target_match pipe_match(struct pipe *p, struct who *who)
{
	if (!p->config.target || who->placed)
		return TARGET_YES;
	return target_match(p->config.target, who, enrich_waits(p->enrich, who, now_of(p)));
}

/* One that nothing was heard of for long is looked up again. NULL: it is gone. */
static struct who *who_to_ask(struct pipe *p, u64 cgroup)
{
	struct who *who = enrich_peek(p->enrich, cgroup);

	if (!who && enrich_cgroup_exists(p->enrich, cgroup))
		who = enrich_cgroup(p->enrich, cgroup, now_of(p));
	return who;
}

/* One that was a target until now is shown with what it did so far, and its sums once more. */
static void note_decision(struct pipe *p, struct who *who, enum target_match match)
{
	if (who->wanted && match != TARGET_YES)
		who->left_ns = now_of(p);
	who->wanted = match == TARGET_YES;
	if (match != TARGET_NO || who->metric_told)
		return;
	/* What the kernel side counted before is nobody's: if it becomes a target one day, its
	 * sums begin then, like those of one with a new name. */
	who->metric_told = true;
	who->metric_names = who->names;
}

static enum target_match on_ask(void *ctx, u64 cgroup)
{
	struct pipe *p = ctx;
	struct who *who = who_to_ask(p, cgroup);
	enum target_match match;

	if (!who)
		return TARGET_NO;
	if (who->placed)
		return TARGET_YES;
	match = target_match(p->config.target, who, !enrich_is_named(who));
	note_decision(p, who, match);
	return match;
}

static bool on_waits(void *ctx, u64 cgroup)
{
	struct pipe *p = ctx;
	struct who *who = enrich_peek(p->enrich, cgroup);

	return who && enrich_waits(p->enrich, who, now_of(p));
}

static int on_watch(void *ctx, u64 cgroup, bool on)
{
	struct pipe *p = ctx;

	return p->config.watch ? p->config.watch(p->config.ctx, cgroup, on) : 0;
}

static bool on_exists(void *ctx, u64 cgroup)
{
	return enrich_cgroup_exists(((struct pipe *)ctx)->enrich, cgroup);
}

static int follow_start(struct pipe *p)
{
	struct follow_config config = { on_watch, on_ask, on_waits, on_exists, p };

	if (!p->config.target)
		return 0;
	p->follow = follow_new(&config);
	return p->follow ? 0 : -ENOMEM;
}

void pipe_meet(struct pipe *p, u64 cgroup, struct str path, u64 now_ns)
{
	enrich_learn(p->enrich, cgroup, path, now_ns);
	if (p->follow)
		follow_met(p->follow, cgroup, false);
}

void pipe_watched(struct pipe *p, u64 cgroup)
{
	if (!p->follow || enrich_peek(p->enrich, cgroup))
		return;
	enrich_cgroup(p->enrich, cgroup, p->last_ns);
	follow_met(p->follow, cgroup, true);
}

bool pipe_relabelled(struct pipe *p, u64 now_ns)
{
	struct names_stats stats;

	if (!p->follow || !target_needs_labels(p->config.target))
		return false;
	names_stats(enrich_names(p->enrich), &stats);
	if (stats.relabelled == p->relabelled)
		return false;
	p->relabelled = stats.relabelled;
	p->tick_ns = now_ns;
	follow_reconsider(p->follow);
	return true;
}

/* ---- names -------------------------------------------------------------------------------- */

void pipe_container(struct pipe *p, const struct container *draft)
{
	enrich_container(p->enrich, draft);
}

void pipe_pod(struct pipe *p, const struct pod *draft)
{
	enrich_pod(p->enrich, draft);
}

void pipe_container_gone(struct pipe *p, struct str id, u64 now_ns)
{
	enrich_container_gone(p->enrich, id, now_ns);
}

void pipe_pod_gone(struct pipe *p, struct str uid, u64 now_ns)
{
	enrich_pod_gone(p->enrich, uid, now_ns);
}

void pipe_environ(struct pipe *p, u64 cgroup, const struct environ_otel *found)
{
	enrich_environ(p->enrich, cgroup, p->last_ns, found);
}

void pipe_expect_names(struct pipe *p, bool expected)
{
	enrich_expect_names(p->enrich, expected);
}

const struct enrich *pipe_enrich(const struct pipe *p)
{
	return p->enrich;
}

void pipe_asked(struct pipe *p, const struct pipe_asked *asked)
{
	p->asked = *asked;
}

void pipe_runtime(struct pipe *p, const char *name, const char *version)
{
	str_copy(p->runtime_name, sizeof(p->runtime_name), str_of(name));
	str_copy(p->runtime_version, sizeof(p->runtime_version), str_of(version));
	p->config.resource.runtime_name = str_of(p->runtime_name);
	p->config.resource.runtime_version = str_of(p->runtime_version);
}

static bool is_ready(void *ctx, struct who *who)
{
	struct pipe *p = ctx;

	return !enrich_waits(p->enrich, who, now_of(p));
}

void pipe_tick(struct pipe *p, u64 now_ns)
{
	p->tick_ns = now_ns;
	fold_tick(p->fold, now_ns);
	if (p->follow)
		follow_decide(p->follow);
	hold_release(p->hold, is_ready, p);
}

size_t pipe_wanted(const struct pipe *p)
{
	struct follow_stats stats = { 0 };

	if (p->follow)
		follow_stats(p->follow, &stats);
	return stats.wanted;
}

size_t pipe_held(const struct pipe *p)
{
	struct hold_stats stats;

	hold_stats(p->hold, &stats);
	return stats.events;
}

void pipe_let_all_go(struct pipe *p)
{
	enrich_expect_names(p->enrich, false);
	fold_end(p->fold, now_of(p));
	if (p->follow)
		follow_decide(p->follow);
	hold_release(p->hold, NULL, NULL);
}

/* ---- life ------------------------------------------------------------------------------- */

static void on_who_gone(void *ctx, struct who *who)
{
	struct pipe *p = ctx;

	hold_release_who(p->hold, who);
	if (p->gauge)
		gauge_forget(p->gauge, who);
	series_forget(p->series, who, pipe_cell_gone, p);
	if (p->config.otel && who->resource >= 0)
		otel_resource_drop(p->config.otel, who->resource);
}

int pipe_new(struct pipe **ret, const struct pipe_config *config, char *err, size_t err_cap)
{
	struct enrich_config enrich = config->enrich;
	struct pipe *p = calloc(1, sizeof(*p));
	int e = -ENOMEM;

	if (!p)
		goto fail;
	p->config = *config;
	p->map = (struct map_config){ .wall_offset_ns = config->wall_offset_ns,
				      .command_args = config->command_args };
	p->start_offset_ns = config->wall_offset_ns;
	p->self = -1;
	p->last_ns = config->start_ns;
	buf_init(&p->line, LINE_MAX_BYTES);
	p->series = series_new(config->start_ns);
	p->hold = hold_new(pipe_let_go, p);
	p->fold = fold_new(pipe_made, p);
	if (!p->series || !p->hold || !p->fold || follow_start(p))
		goto fail;
	if (config->figures && enrich.cgroup_base)
		p->gauge = gauge_new(enrich.cgroup_base, config->figures);
	enrich.who_gone = on_who_gone;
	enrich.met = pipe_met;
	enrich.ctx = p;
	e = enrich_new(&p->enrich, &enrich, err, err_cap);
	if (e)
		goto fail_told;
	*ret = p;
	return 0;
fail:
	snprintf(err, err_cap, "out of memory");
fail_told:
	pipe_free(p);
	return e;
}

void pipe_free(struct pipe *p)
{
	if (!p)
		return;
	enrich_free(p->enrich);
	series_free(p->series);
	gauge_free(p->gauge);
	hold_free(p->hold);
	fold_free(p->fold);
	follow_free(p->follow);
	buf_free(&p->line);
	free(p);
}

void pipe_clock(struct pipe *p, s64 wall_offset_ns)
{
	p->config.wall_offset_ns = p->map.wall_offset_ns = wall_offset_ns;
}

void pipe_expire(struct pipe *p, u64 now_ns)
{
	enrich_expire(p->enrich, now_ns);
	if (p->follow)
		follow_sweep(p->follow);
}

void pipe_check(struct pipe *p, const struct pipe_check *check)
{
	size_t i = 0;

	while (i < p->checks_n && (strcmp(p->checks[i].family, check->family) ||
				   strcmp(p->checks[i].name, check->name)))
		i++;
	if (i == PIPE_CHECKS_MAX)
		return;
	if (i == p->checks_n)
		p->checks_n++;
	p->checks[i] = *check;
}

int pipe_cgroup_id(const struct pipe *p, const char *dir, u64 *ret_id)
{
	return enrich_cgroup_id(p->enrich, dir, ret_id);
}

enum cgroup_tree pipe_cgroup_tree(const struct pipe *p)
{
	struct enrich_stats stats;

	enrich_stats(p->enrich, &stats);
	return stats.cgroup_tree;
}

/* The exporter's number of who; < 0: no room, the item is counted by the exporter. */
int pipe_resource(struct pipe *p, struct who *who)
{
	if (who->resource >= 0 && who->resource_names == who->names &&
	    otel_resource_known(p->config.otel, who->resource))
		return who->resource;
	if (who->resource >= 0) /* it has another name now; what is queued keeps the old one */
		otel_resource_drop(p->config.otel, who->resource);
	who->resource_names = who->names;
	map_who(who, p->config.host, &p->config.resource, &p->resource);
	who->resource = otel_resource(p->config.otel, &p->resource.attrs);
	return who->resource;
}

