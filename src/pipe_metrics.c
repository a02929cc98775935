/* SPDX-License-Identifier: Apache-2.0 */
/* Collections: the kernel's meters, the ledger, features, and what the exporter did. */
#include <string.h>
#include "base/clock.h"
#include "gauge/gauge.h"
#include "pipe_impl.h"

static int resource_of_self(struct pipe *p)
{
	if (p->self >= 0 && otel_resource_known(p->config.otel, p->self))
		return p->self;
	map_self(p->config.host, p->config.service_name, p->config.version, &p->resource);
	p->self = otel_resource(p->config.otel, &p->resource.attrs);
	return p->self;
}

/* Brings his names up to date as well. */
static bool is_renamed(void *ctx, const struct who *who)
{
	struct pipe *p = ctx;

	enrich_waits(p->enrich, (struct who *)who, p->now_ns);
	return who->metric_told && who->metric_names != who->names;
}

void pipe_collect_begin(struct pipe *p, u64 now_ns)
{
	series_renamed(p->series, is_renamed, p);
	if (p->gauge)
		gauge_renamed(p->gauge, is_renamed, p);
	p->before_ns = p->now_ns;
	p->now_ns = now_ns;
	series_begin(p->series, now_ns);
	if (p->config.otel)
		otel_metrics_begin(p->config.otel);
}

static struct who *who_of(void *ctx, u64 cgroup)
{
	struct pipe *p = ctx;

	return enrich_cgroup(p->enrich, cgroup, p->now_ns);
}

void pipe_meter(struct pipe *p, const struct meter_key *key, const struct meter_cell *cell)
{
	series_add(p->series, key, cell, who_of, p);
}

u64 pipe_start_of(const struct pipe *p, u64 boot_ns)
{
	u64 start = clock_wall_ns(boot_ns, p->start_offset_ns);
	u64 now = clock_wall_ns(p->now_ns, p->map.wall_offset_ns);

	return start < now ? start : now;
}

/* A target, or one until after the collection before. */
static bool is_target(struct pipe *p, struct who *who)
{
	return pipe_match(p, who) == TARGET_YES || who->wanted ||
	       (who->left_ns && who->left_ns >= p->before_ns);
}

/* Sums are not lost if not told: the next collection has them, under the right name. */
bool pipe_is_told(struct pipe *p, struct who *who)
{
	if (enrich_waits(p->enrich, who, p->now_ns) || !is_target(p, who))
		return false;
	who->metric_names = who->names;
	who->metric_told = true;
	return true;
}

static void export_series(void *ctx, const struct series_point *sp)
{
	const struct meter *meter = &meters[sp->key.meter];
	struct pipe *p = ctx;
	struct point point = {
		.desc = map_meter((enum wire_meter)sp->key.meter),
		.start_ns = pipe_start_of(p, sp->start_ns),
		.time_ns = clock_wall_ns(p->now_ns, p->map.wall_offset_ns),
	};

	if (!pipe_is_told(p, sp->who))
		return;
	if (meter->type == METER_HISTOGRAM) {
		point.buckets = sp->cell.slots;
		point.sum = (double)sp->cell.sum / (double)NSEC_PER_SEC;
	} else {
		point.i = (s64)sp->cell.sum;
	}
	map_dim(&sp->key, &point.attrs);
	otel_point(p->config.otel, pipe_resource(p, sp->who), &point);
}

/* What became of each event, by kind: so that loss shows on a dashboard. */
static void export_ledger(struct pipe *p)
{
	static const struct metric_desc desc = {
		.scope = "podtrace",
		.name = "podtrace.events",
		.unit = "{event}",
		.description = "Events by what became of them; sent ones crossed the ring.",
		.type = METRIC_COUNTER,
	};
	static const char *const outcomes[LEDGER_END] = {
		[LEDGER_FILTERED] = "filtered",	      [LEDGER_COUNTED] = "counted",
		[LEDGER_SENT] = "sent",		      [LEDGER_SAMPLED] = "sampled",
		[LEDGER_CAPPED] = "capped",	      [LEDGER_LOST_RING] = "lost_ring",
		[LEDGER_LOST_SCRATCH] = "lost_scratch", [LEDGER_LOST_FILE] = "lost_file",
		[LEDGER_LOST_METER] = "lost_meter",
		[LEDGER_LOST_STATE] = "lost_state",   [LEDGER_UNSEEN] = "unseen",
	};
	struct point point = { .desc = &desc,
			       .start_ns = pipe_start_of(p, p->config.start_ns),
			       .time_ns = clock_wall_ns(p->now_ns, p->map.wall_offset_ns) };

	for (size_t k = 1; k < KIND_END; k++) {
		for (size_t i = 0; i < LEDGER_END; i++) {
			if (!outcomes[i] || !p->ledger.kind[k].n[i])
				continue;
			point.attrs.n = 0;
			attr_str(&point.attrs, "podtrace.event.kind", str_of(kinds[k].id));
			attr_str(&point.attrs, "podtrace.event.outcome", str_of(outcomes[i]));
			point.i = (s64)p->ledger.kind[k].n[i];
			otel_point(p->config.otel, resource_of_self(p), &point);
		}
	}
}

static void put_state(struct pipe *p, const struct metric_desc *desc, enum feature_state state,
		      const char *family, const char *feature, const char *rung)
{
	static const double values[] = { 1, 0.5, 0 };
	struct point point = { .desc = desc,
			       .time_ns = clock_wall_ns(p->now_ns, p->map.wall_offset_ns),
			       .is_double = true,
			       .d = values[state] };

	attr_str(&point.attrs, "podtrace.family", str_of(family));
	attr_str(&point.attrs, "podtrace.feature", str_of(feature));
	attr_str(&point.attrs, "podtrace.feature.rung", str_of(rung));
	otel_point(p->config.otel, resource_of_self(p), &point);
}

static void put_count(struct pipe *p, const struct metric_desc *desc, const char *what, u64 n)
{
	struct point point = { .desc = desc,
			       .start_ns = pipe_start_of(p, p->config.start_ns),
			       .time_ns = clock_wall_ns(p->now_ns, p->map.wall_offset_ns),
			       .i = (s64)n };

	if (!n)
		return;
	attr_str(&point.attrs, "podtrace.identity", str_of(what));
	otel_point(p->config.otel, resource_of_self(p), &point);
}

/* 1 on, 0.5 reduced, 0 off: a dashboard shows what this node cannot see. */
static void export_features(struct pipe *p)
{
	static const struct metric_desc desc = {
		.scope = "podtrace",
		.name = "podtrace.feature.state",
		.unit = "1",
		.description = "1: on, 0.5: reduced, 0: off.",
		.type = METRIC_GAUGE,
	};
	for (size_t i = 0; i < p->features_n; i++) {
		const struct feature_status *f = &p->features[i];

		put_state(p, &desc, f->state, families[f->feature->family].name, f->feature->name,
			  f->state == FEATURE_OFF ? "none" : rung_name(f->rung));
	}
	for (size_t i = 0; i < p->checks_n; i++) {
		const struct pipe_check *c = &p->checks[i];

		put_state(p, &desc, c->state, c->family, c->name, c->rung);
	}
}

/* How well containers are named: what is known, and what stayed without a name, by cause. */
static void export_identity(struct pipe *p)
{
	static const struct metric_desc unknown = {
		.scope = "podtrace",
		.name = "podtrace.identity.unknown",
		.unit = "1",
		.description = "Look-ups and events that stayed without a name, by reason.",
		.type = METRIC_COUNTER,
	};
	static const struct metric_desc known = {
		.scope = "podtrace",
		.name = "podtrace.identity.known",
		.unit = "1",
		.description = "Names that are remembered now.",
		.type = METRIC_GAUGE,
	};
	static const struct metric_desc asked = {
		.scope = "podtrace",
		.name = "podtrace.identity.requests",
		.unit = "{request}",
		.description = "Asking runtime and API server, and what did not come of it.",
		.type = METRIC_COUNTER,
	};
	struct hold_stats held;
	struct enrich_stats e;

	enrich_stats(p->enrich, &e);
	if (p->follow) {
		struct follow_stats f;

		follow_stats(p->follow, &f);
		put_count(p, &unknown, "target_refused", f.refused + f.evicted);
	}
	if (p->gauge) {
		struct gauge_stats g;

		gauge_stats(p->gauge, &g);
		put_count(p, &unknown, "figures_refused", g.refused);
	}
	hold_stats(p->hold, &held);
	put_count(p, &unknown, "event_pushed_out", held.pushed_out);
	put_count(p, &asked, "sent", p->asked.requests);
	put_count(p, &asked, "failed", p->asked.failures);
	put_count(p, &asked, "refused", p->asked.refused);
	put_count(p, &unknown, "name_forgotten", p->asked.forgotten);
	put_count(p, &unknown, "container_unasked", p->asked.unasked);
	put_count(p, &unknown, "container_unanswered", p->asked.unanswered);
	put_count(p, &unknown, "cgroup_gone", e.cgroup_gone);
	put_count(p, &unknown, "cgroup_unread", e.cgroup_unread);
	put_count(p, &unknown, "container_forged", e.names_forged);
	put_count(p, &unknown, "name_late", p->names_late);
	put_count(p, &known, "cgroup", e.cgroups);
	put_count(p, &known, "container", e.containers);
	put_count(p, &known, "pod", e.pods);
}

/* otel.sdk.exporter.*.exported: each item once, after its final attempt (semconv). */
static void export_exporter(struct pipe *p)
{
	static const struct metric_desc descs[SIGNAL_COUNT] = {
		[SIGNAL_TRACES] = { "podtrace", "otel.sdk.exporter.span.exported", "{span}",
				    "Spans whose export has ended.", METRIC_COUNTER, NULL, 0 },
		[SIGNAL_METRICS] = { "podtrace", "otel.sdk.exporter.metric_data_point.exported",
				     "{data_point}", "Data points whose export has ended.",
				     METRIC_COUNTER, NULL, 0 },
		[SIGNAL_LOGS] = { "podtrace", "otel.sdk.exporter.log.exported", "{log_record}",
				  "Log records whose export has ended.", METRIC_COUNTER, NULL, 0 },
	};
	const struct otel_stats *stats = otel_stats(p->config.otel);

	for (int s = 0; s < SIGNAL_COUNT; s++) {
		for (int loss = -1; loss < LOSS_COUNT; loss++) {
			struct point point = {
				.desc = &descs[s],
				.start_ns = pipe_start_of(p, p->config.start_ns),
				.time_ns = clock_wall_ns(p->now_ns, p->map.wall_offset_ns),
				.i = (s64)(loss < 0 ? stats->signal[s].exported :
						      stats->signal[s].lost[loss]),
			};

			if (!point.i)
				continue;
			if (loss >= 0)
				attr_str(&point.attrs, "error.type",
					 str_of(otel_loss_name((enum otel_loss)loss)));
			otel_point(p->config.otel, resource_of_self(p), &point);
		}
	}
}

static void add_tallied(void *ctx, const struct meter_key *key, const struct meter_cell *cell)
{
	pipe_meter(ctx, key, cell);
}

void pipe_collect_end(struct pipe *p)
{
	tally_walk(fold_tally(p->fold), add_tallied, p);
	if (p->now_ns > p->last_ns)
		p->last_ns = p->now_ns;
	series_expire(p->series, pipe_cell_gone, p);
	if (!p->config.otel)
		return;
	series_walk(p->series, export_series, p);
	export_ledger(p);
	export_features(p);
	export_identity(p);
	export_exporter(p);
	otel_metrics_end(p->config.otel);
}

void pipe_ledger(struct pipe *p, const struct ledger_page *page)
{
	p->ledger = *page;
}

void pipe_feature(struct pipe *p, const struct feature_status *status)
{
	if (p->features_n < FEATURES_MAX)
		p->features[p->features_n++] = *status;
}

