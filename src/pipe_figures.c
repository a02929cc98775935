/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of containers from the files of their cgroups: read in turns, exported by collections. */
#include "base/clock.h"
#include "gauge/gauge.h"
#include "pipe_impl.h"

void pipe_met(void *ctx, struct who *who, u64 cgroup, struct str path, u64 made_ns)
{
	struct pipe *p = ctx;

	if (p->gauge)
		gauge_add(p->gauge, who, cgroup, path, made_ns);
}

static void on_alive(void *ctx, u64 cgroup)
{
	struct pipe *p = ctx;

	enrich_alive(p->enrich, cgroup, clock_boot_ns());
}

void pipe_figures(struct pipe *p, u64 turn_ns, u64 round_ns)
{
	if (p->gauge && p->config.otel)
		gauge_turn(p->gauge, turn_ns, round_ns, on_alive, p);
}

bool pipe_figures_lack(struct pipe *p, struct str path, enum wire_family family,
		       struct gauge_lack *ret)
{
	if (!p->gauge || !(p->config.figures >> family & 1))
		return false;
	gauge_try(p->gauge, path, family, ret);
	return true;
}

static void export_set(struct pipe *p, struct who *who, const struct reading_set *set)
{
	if (!p->config.otel || !pipe_is_told(p, who))
		return;
	for (size_t f = 0; f < READING_END; f++) {
		const struct figure *figure = &figures[readings[f].figure];
		const struct metric_desc *desc = map_figure(readings[f].figure);
		struct point point = {
			.desc = desc,
			.start_ns = pipe_start_of(p, set->start_ns),
			.time_ns = clock_wall_ns(set->read_ns, p->map.wall_offset_ns),
			.i = (s64)set->value[f],
		};

		if (!(set->has >> f & 1))
			continue;
		if (point.time_ns < point.start_ns) /* the clock of the day was set back */
			point.time_ns = point.start_ns;
		if (desc->unit[0] == 's') {
			point.is_double = true;
			point.d = (double)set->value[f] / (double)NSEC_PER_SEC;
		}
		if (figure->attr)
			attr_str(&point.attrs, figure->attr, str_of(readings[f].value));
		otel_point(p->config.otel, pipe_resource(p, who), &point);
	}
}

void pipe_reading_set(struct pipe *p, const struct reading_set *set)
{
	struct who *who = enrich_cgroup(p->enrich, set->cgroup, p->now_ns);

	if (who->kind == WHO_CONTAINER)
		export_set(p, who, set);
}

struct walk {
	struct pipe *pipe;
	pipe_set_fn fn;
	void *ctx;
};

static void on_set(void *ctx, struct who *who, const struct reading_set *set)
{
	struct walk *w = ctx;

	export_set(w->pipe, who, set);
	w->fn(w->ctx, set);
}

void pipe_collect_figures(struct pipe *p, pipe_set_fn fn, void *ctx)
{
	struct walk w = { p, fn, ctx };

	if (p->gauge)
		gauge_walk(p->gauge, on_set, &w);
}
