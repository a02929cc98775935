/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/random.h"
#include "fold/series.h"
#include "otel/map/map.h"
#include "pipe.h"
#include "report/live.h"

/* A record's texts with every byte escaped, and the names around them. */
#define LINE_MAX_BYTES (6 * REC_SIZE_MAX + 8192)

struct pipe {
	struct pipe_config config;
	struct map_config map;
	struct enrich *enrich;
	struct series *series;
	struct decode_room room;
	struct mapped mapped;	/* large: not on the stack */
	struct buf line;
	int self;		/* our own resource, -1: not registered yet */
	u64 now_ns;		/* of the running collection */
	u64 last_ns;		/* newest record or collection */
	u64 delivered[KIND_END];
	u64 damaged[KIND_END];
	u64 unknown_kind;
	u64 sampled_out;
	struct ledger_page ledger;
	struct feature_status features[FEATURES_MAX];
	size_t features_n;
};

/* ---- life ------------------------------------------------------------------------------- */

static void on_cell_gone(void *ctx, const struct meter_key *key)
{
	struct pipe *p = ctx;

	if (p->config.meter_gone)
		p->config.meter_gone(p->config.ctx, key);
}

static void on_who_gone(void *ctx, struct who *who)
{
	struct pipe *p = ctx;

	series_forget(p->series, who, on_cell_gone, p);
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
	p->self = -1;
	p->last_ns = config->start_ns;
	buf_init(&p->line, LINE_MAX_BYTES);
	p->series = series_new(config->start_ns);
	if (!p->series)
		goto fail;
	enrich.who_gone = on_who_gone;
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
}

int pipe_cgroup_id(const struct pipe *p, const char *dir, u64 *ret_id)
{
	return enrich_cgroup_id(p->enrich, dir, ret_id);
}

/* ---- resources ---------------------------------------------------------------------------- */

/* The exporter's number of who; < 0: no room, the item is counted by the exporter. */
static int resource_of(struct pipe *p, struct who *who)
{
	struct attrs attrs;

	if (who->resource >= 0 && otel_resource_known(p->config.otel, who->resource))
		return who->resource;
	map_who(who, p->config.host, &attrs);
	who->resource = otel_resource(p->config.otel, &attrs);
	return who->resource;
}

static int resource_of_self(struct pipe *p)
{
	struct attrs attrs;

	if (p->self >= 0 && otel_resource_known(p->config.otel, p->self))
		return p->self;
	map_self(p->config.host, p->config.service_name, p->config.version, &attrs);
	p->self = otel_resource(p->config.otel, &attrs);
	return p->self;
}

/* ---- events ------------------------------------------------------------------------------- */

static void export_event(struct pipe *p, struct who *who)
{
	struct mapped *m = &p->mapped;

	if (m->has_span) {
		random_bytes(m->span.trace_id, sizeof(m->span.trace_id));
		random_bytes(m->span.span_id, sizeof(m->span.span_id));
		if (sample_keep(&p->config.sampler, m->span.trace_id)) {
			m->span.flags = SPAN_SAMPLED | SPAN_RANDOM;
			memcpy(m->note.trace_id, m->span.trace_id, sizeof(m->note.trace_id));
			memcpy(m->note.span_id, m->span.span_id, sizeof(m->note.span_id));
			otel_span(p->config.otel, resource_of(p, who), &m->span);
		} else {
			p->sampled_out++;
		}
	}
	if (m->has_note)
		otel_note(p->config.otel, resource_of(p, who), &m->note);
}

static void put_json_attr(struct buf *out, const struct attr *a)
{
	buf_printf(out, ",\"%s\":", a->key);
	switch (a->type) {
	case ATTR_STR:
		buf_char(out, '"');
		buf_json_str(out, a->s);
		buf_char(out, '"');
		break;
	case ATTR_INT:
		buf_printf(out, "%" PRI_S64, a->i);
		break;
	case ATTR_DOUBLE:
		buf_printf(out, "%.9g", a->d);
		break;
	case ATTR_BOOL:
		buf_cstr(out, a->b ? "true" : "false");
		break;
	case ATTR_STRS:
		buf_char(out, '[');
		for (size_t i = 0; i < a->strs.n; i++) {
			buf_cstr(out, i ? ",\"" : "\"");
			buf_json_str(out, a->strs.v[i]);
			buf_char(out, '"');
		}
		buf_char(out, ']');
		break;
	}
}

/* The same names as in OTLP, so that who knows one knows the other. */
static void put_json_line(struct pipe *p, const struct event *ev)
{
	const struct note *n = &p->mapped.note;
	char when[CLOCK_TEXT_MAX];
	struct attrs who;

	clock_text(when, n->time_ns);
	buf_printf(&p->line, "{\"time\":\"%s\",\"event\":\"%s\"", when, n->event_name);
	map_who(ev->who, p->config.host, &who);
	for (size_t i = 0; i < who.n; i++)
		put_json_attr(&p->line, &who.v[i]);
	for (size_t i = 0; i < n->attrs.n; i++)
		put_json_attr(&p->line, &n->attrs.v[i]);
	buf_cstr(&p->line, "}\n");
}

static void show_event(struct pipe *p, const struct event *ev)
{
	buf_reset(&p->line);
	if (p->config.live == LIVE_JSON)
		put_json_line(p, ev);
	else
		live_line(ev, p->map.wall_offset_ns, p->config.colour, &p->line);
	if (!p->line.err)
		p->config.line(p->config.ctx, buf_view(&p->line));
}

/* What the agent would have streamed: a live view gets more than that from the kernel. */
static bool exported(const struct event *ev)
{
	enum stream stream = kinds[ev->kind].stream;

	return stream == STREAM_ALL || (stream == STREAM_FAILED && ev->flags & REC_FAILED);
}

static void count_damaged(struct pipe *p, const void *record, size_t size, enum decode_fault fault)
{
	const struct rec_head *head = record;

	if (fault == DECODE_KIND || size < sizeof(*head) || head->kind >= KIND_END)
		p->unknown_kind++;
	else
		p->damaged[head->kind]++;
}

void pipe_record(struct pipe *p, const void *record, size_t size)
{
	enum decode_fault fault;
	struct event ev;

	fault = decode(record, size, &p->room, &ev);
	if (fault) {
		count_damaged(p, record, size, fault);
		if (size >= sizeof(struct rec_head) && fault != DECODE_KIND)
			p->delivered[((const struct rec_head *)record)->kind]++;
		return;
	}
	p->delivered[ev.kind]++;
	if (ev.when_ns > p->last_ns)
		p->last_ns = ev.when_ns;
	enrich_event(p->enrich, &ev);
	if (p->config.otel || p->config.live == LIVE_JSON)
		map_event(&ev, &p->map, &p->mapped);
	if (p->config.otel && exported(&ev))
		export_event(p, ev.who);
	if (p->config.live != LIVE_NONE && kinds[ev.kind].live)
		show_event(p, &ev);
}

/* ---- metrics ------------------------------------------------------------------------------ */

void pipe_collect_begin(struct pipe *p, u64 now_ns)
{
	p->now_ns = now_ns;
	series_begin(p->series, now_ns);
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

static void export_series(void *ctx, const struct series_point *sp)
{
	const struct meter *meter = &meters[sp->key.meter];
	struct pipe *p = ctx;
	struct point point = {
		.desc = map_meter((enum wire_meter)sp->key.meter),
		.start_ns = clock_wall_ns(sp->start_ns, p->map.wall_offset_ns),
		.time_ns = clock_wall_ns(p->now_ns, p->map.wall_offset_ns),
	};

	if (meter->type == METER_HISTOGRAM) {
		point.buckets = sp->cell.slots;
		point.sum = (double)sp->cell.sum / (double)NSEC_PER_SEC;
	} else {
		point.i = (s64)sp->cell.sum;
	}
	map_dim(&sp->key, &point.attrs);
	otel_point(p->config.otel, resource_of(p, sp->who), &point);
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
		[LEDGER_SENT] = "sent",		      [LEDGER_LOST_RING] = "lost_ring",
		[LEDGER_LOST_SCRATCH] = "lost_scratch", [LEDGER_LOST_FILE] = "lost_file",
		[LEDGER_LOST_METER] = "lost_meter",
		[LEDGER_LOST_STATE] = "lost_state",
	};
	struct point point = { .desc = &desc,
			       .start_ns = clock_wall_ns(p->config.start_ns, p->map.wall_offset_ns),
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

static const char *state_name(enum feature_state state)
{
	static const char *const names[] = { "on", "reduced", "off" };

	return names[state];
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
	static const double values[] = { 1, 0.5, 0 };

	for (size_t i = 0; i < p->features_n; i++) {
		const struct feature_status *f = &p->features[i];
		struct point point = { .desc = &desc,
				       .time_ns = clock_wall_ns(p->now_ns, p->map.wall_offset_ns),
				       .is_double = true,
				       .d = values[f->state] };

		attr_str(&point.attrs, "podtrace.family", str_of(families[f->feature->family].name));
		attr_str(&point.attrs, "podtrace.feature", str_of(f->feature->name));
		attr_str(&point.attrs, "podtrace.feature.rung",
			 f->state == FEATURE_OFF ? STR("none") : str_of(rung_name(f->rung)));
		otel_point(p->config.otel, resource_of_self(p), &point);
	}
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
				.start_ns = clock_wall_ns(p->config.start_ns,
							  p->map.wall_offset_ns),
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

void pipe_collect_end(struct pipe *p)
{
	if (p->now_ns > p->last_ns)
		p->last_ns = p->now_ns;
	series_expire(p->series, on_cell_gone, p);
	if (!p->config.otel)
		return;
	otel_metrics_begin(p->config.otel);
	series_walk(p->series, export_series, p);
	export_ledger(p);
	export_features(p);
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

/* ---- summary ------------------------------------------------------------------------------ */

static void sum_exports(const struct pipe *p, struct summary *ret)
{
	const struct otel_stats *stats = otel_stats(p->config.otel);

	for (int s = 0; s < SIGNAL_COUNT; s++) {
		struct summary_export *e = &ret->exports[ret->exports_n++];

		e->signal = otel_signal_name((enum otel_signal)s);
		e->created = stats->signal[s].created;
		e->exported = stats->signal[s].exported;
		for (int l = 0; l < LOSS_COUNT; l++) {
			u64 n = stats->signal[s].lost[l];

			e->lost += n;
			if (!n || e->causes_n == ARRAY_SIZE(e->causes))
				continue;
			e->causes[e->causes_n] = otel_loss_name((enum otel_loss)l);
			e->lost_by[e->causes_n++] = n;
		}
		e->superseded = stats->signal[s].superseded;
	}
}

void pipe_summary(const struct pipe *p, struct summary *ret)
{
	struct enrich_stats enrich;

	memset(ret, 0, sizeof(*ret));
	ret->ledger = p->ledger;
	memcpy(ret->delivered, p->delivered, sizeof(ret->delivered));
	memcpy(ret->damaged, p->damaged, sizeof(ret->damaged));
	ret->unknown_kind = p->unknown_kind;
	ret->sampled_out = p->sampled_out;
	ret->duration_ns = p->last_ns - p->config.start_ns;
	enrich_stats(p->enrich, &enrich);
	ret->cgroup_gone = enrich.cgroup_gone;
	ret->cgroup_unread = enrich.cgroup_unread;
	ret->cgroup_by_walk = p->config.enrich.cgroup_base && !enrich.cgroup_by_handle;
	ret->cgroup_partial = enrich.cgroup_partial;
	for (size_t i = 0; i < p->features_n; i++) {
		const struct feature_status *f = &p->features[i];

		ret->features[ret->features_n++] = (struct summary_feature){
			.family = families[f->feature->family].name,
			.name = f->feature->name,
			.state = state_name(f->state),
			.rung = f->state == FEATURE_OFF ? "" : rung_name(f->rung),
			.reason = f->reason,
			.fix = f->fix,
			.without = f->feature->without,
			.err = f->err,
		};
	}
	if (p->config.otel)
		sum_exports(p, ret);
}
