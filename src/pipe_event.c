/* SPDX-License-Identifier: Apache-2.0 */
/* Records to events to whoever wants them: the exporter, the live view. */
#include <string.h>
#include "base/clock.h"
#include "base/random.h"
#include "pipe_impl.h"
#include "report/live.h"

static void export_event(struct pipe *p, struct who *who)
{
	struct mapped *m = &p->mapped;

	if (m->has_span) {
		if (!m->has_parent) {
			random_bytes(m->span.trace_id, sizeof(m->span.trace_id));
			m->span.flags = SPAN_RANDOM;
		}
		random_bytes(m->span.span_id, sizeof(m->span.span_id));
		if (sample_keep(&p->config.sampler, m->span.trace_id)) {
			m->span.flags |= SPAN_SAMPLED;
			memcpy(m->note.trace_id, m->span.trace_id, sizeof(m->note.trace_id));
			memcpy(m->note.span_id, m->span.span_id, sizeof(m->note.span_id));
			otel_span(p->config.otel, pipe_resource(p, who), &m->span);
		} else {
			p->sampled_out++;
		}
	}
	if (m->has_note)
		otel_note(p->config.otel, pipe_resource(p, who), &m->note);
}

static void put_json_attr(struct buf *out, const struct attr *a)
{
	buf_cstr(out, ",\"");
	buf_json_str(out, str_of(a->key)); /* of a label: foreign */
	buf_cstr(out, "\":");
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

static bool has_attr(const struct attrs *a, const char *key)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->v[i].key, key))
			return true;
	return false;
}

/* The same names as in OTLP, so that who knows one knows the other; what a resource declares
 * must not hide what the event says. */
static void put_json_line(struct pipe *p, const struct event *ev)
{
	const struct note *n = &p->mapped.note;
	const struct mapped_resource *who = &p->resource;
	char when[CLOCK_TEXT_MAX];

	clock_text(when, n->time_ns);
	buf_printf(&p->line, "{\"time\":\"%s\",\"event\":\"%s\"", when, n->event_name);
	map_who(ev->who, p->config.host, &p->config.resource, &p->resource);
	for (size_t i = 0; i < who->attrs.n; i++)
		if (i < who->known || !has_attr(&n->attrs, who->attrs.v[i].key))
			put_json_attr(&p->line, &who->attrs.v[i]);
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

/* A live view and the exporter get the same from the kernel, and a replay all there is: each takes
 * its own. */
static bool is_of(enum stream stream, const struct event *ev)
{
	return stream == STREAM_ALL || (stream == STREAM_FAILED && ev->flags & (REC_FAILED | REC_SLOW));
}

static void count_damaged(struct pipe *p, const void *record, size_t size, enum decode_fault fault)
{
	const struct rec_head *head = record;

	if (fault == DECODE_KIND || size < sizeof(*head) || head->kind >= KIND_END)
		p->unknown_kind++;
	else
		p->damaged[head->kind]++;
}

/* By what is known now; but the event is of a moment in which something else may have been known:
 * of a target until it was turned down, and of one that was not yet. */
static bool is_meant(struct pipe *p, const struct event *ev)
{
	return !p->follow || pipe_match(p, ev->who) == TARGET_YES || ev->who->wanted ||
	       ev->when_ns < ev->who->left_ns;
}

/* To whoever wants it, unless only the kernel side let it in. */
static void deliver(struct pipe *p, const struct event *ev)
{
	if (p->config.hidden >> kinds[ev->kind].family & 1)
		return;
	if (!is_meant(p, ev)) {
		p->unwanted++;
		return;
	}
	if (p->config.otel || p->config.live == LIVE_JSON)
		map_event(ev, &p->map, &p->mapped);
	if (p->config.otel && is_of(kinds[ev->kind].stream, ev))
		export_event(p, ev->who);
	if (p->config.live != LIVE_NONE && is_of(kinds[ev->kind].live, ev))
		show_event(p, ev);
}

/* Its name may come within moments, and with it perhaps whether it is wanted at all. */
static bool must_wait(struct pipe *p, struct who *who)
{
	return enrich_waits(p->enrich, who, p->tick_ns > p->last_ns ? p->tick_ns : p->last_ns);
}

/* Whatever it came from. */
static void take(struct pipe *p, const void *record, size_t size, struct event *ev)
{
	if (ev->when_ns > p->last_ns)
		p->last_ns = ev->when_ns;
	enrich_event(p->enrich, ev);
	if (p->follow && ev->kind == KIND_cgroup_mkdir)
		follow_met(p->follow, ev->cgroup, true);
	if (fold_event(p->fold, ev))
		return;
	if (must_wait(p, ev->who)) {
		hold_put(p->hold, record, size, ev->who, ev->process);
		return;
	}
	hold_release_who(p->hold, ev->who); /* its name is known since now: they come first */
	deliver(p, ev);
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
	take(p, record, size, &ev);
}

void pipe_made(void *ctx, const void *record, size_t size)
{
	struct pipe *p = ctx;
	struct event ev;

	if (decode(record, size, &p->made_room, &ev))
		return; /* what it was made of was sound */
	take(p, record, size, &ev);
}

void pipe_let_go(void *ctx, const void *record, size_t size, struct who *who,
		 const struct process *process)
{
	struct pipe *p = ctx;
	struct event ev;

	if (decode(record, size, &p->held_room, &ev))
		return; /* it was sound when it came */
	ev.who = who;
	ev.process = process;
	p->names_late += !enrich_is_named(who);
	deliver(p, &ev);
}
