/* SPDX-License-Identifier: Apache-2.0 */
#include "report/live.h"
#include "report/summary.h"

static u64 lost_of(const struct ledger_cell *c)
{
	return c->n[LEDGER_LOST_RING] + c->n[LEDGER_LOST_SCRATCH] + c->n[LEDGER_LOST_FILE];
}

static u64 difference(u64 a, u64 b)
{
	return a > b ? a - b : b - a;
}

u64 summary_lost(const struct summary *s)
{
	u64 lost = s->unknown_kind;

	for (size_t k = 1; k < KIND_END; k++)
		lost += lost_of(&s->ledger.kind[k]) + s->damaged[k];
	return lost;
}

u64 summary_unaccounted(const struct summary *s)
{
	u64 sum = 0;

	for (size_t k = 1; k < KIND_END; k++) {
		const struct ledger_cell *c = &s->ledger.kind[k];

		sum += difference(c->n[LEDGER_SEEN],
				  c->n[LEDGER_FILTERED] + c->n[LEDGER_COUNTED] +
					  c->n[LEDGER_SENT] + c->n[LEDGER_SAMPLED] +
					  c->n[LEDGER_CAPPED] + lost_of(c));
		sum += difference(c->n[LEDGER_SENT], s->delivered[k]);
	}
	return sum;
}

static u64 sum_of(const struct summary *s, enum ledger what)
{
	u64 sum = 0;

	for (size_t k = 1; k < KIND_END; k++)
		sum += s->ledger.kind[k].n[what];
	return sum;
}

static void put_events(const struct summary *s, struct buf *out)
{
	buf_printf(out, "\n  %-22s %10s %10s %10s %10s %8s\n", "event", "seen", "filtered",
		   "counted", "streamed", "lost");
	for (size_t k = 1; k < KIND_END; k++) {
		const struct ledger_cell *c = &s->ledger.kind[k];

		if (!c->n[LEDGER_SEEN])
			continue;
		buf_printf(out,
			   "  %-22s %10" PRI_U64 " %10" PRI_U64 " %10" PRI_U64 " %10" PRI_U64
			   " %8" PRI_U64 "\n",
			   kinds[k].id, c->n[LEDGER_SEEN], c->n[LEDGER_FILTERED],
			   c->n[LEDGER_COUNTED], s->delivered[k], lost_of(c) + s->damaged[k]);
	}
}

static void put_losses(const struct summary *s, struct buf *out)
{
	u64 damaged = s->unknown_kind;

	for (size_t k = 1; k < KIND_END; k++)
		damaged += s->damaged[k];
	buf_printf(out, "\n  lost: %" PRI_U64, summary_lost(s));
	if (summary_lost(s))
		buf_printf(out,
			   " (ring full %" PRI_U64 ", scratch buffer in use %" PRI_U64
			   ", no room in the capture file %" PRI_U64 ", damaged %" PRI_U64 ")",
			   sum_of(s, LEDGER_LOST_RING), sum_of(s, LEDGER_LOST_SCRATCH),
			   sum_of(s, LEDGER_LOST_FILE), damaged);
	buf_printf(out, "; unaccounted: %" PRI_U64 "\n", summary_unaccounted(s));
	if (sum_of(s, LEDGER_LOST_METER))
		buf_printf(out, "  metrics miss %" PRI_U64 " updates: their table was full\n",
			   sum_of(s, LEDGER_LOST_METER));
	if (sum_of(s, LEDGER_LOST_STATE))
		buf_printf(out, "  state unknown of %" PRI_U64 " sockets or calls: their table was full\n",
			   sum_of(s, LEDGER_LOST_STATE));
	if (sum_of(s, LEDGER_UNSEEN))
		buf_printf(out,
			   "  at most %" PRI_U64 " events unseen, of all cgroups: a program was "
			   "running on that CPU already\n",
			   sum_of(s, LEDGER_UNSEEN));
	if (sum_of(s, LEDGER_SAMPLED) || sum_of(s, LEDGER_CAPPED))
		buf_printf(out,
			   "  left out, but in the metrics: %" PRI_U64 " by --sample, %" PRI_U64
			   " over --event-cap\n",
			   sum_of(s, LEDGER_SAMPLED), sum_of(s, LEDGER_CAPPED));
	if (s->sampled_out)
		buf_printf(out, "  spans left out by the sampler: %" PRI_U64 "\n", s->sampled_out);
	if (s->cgroup_gone)
		buf_printf(out, "  events of cgroups gone before they could be named: %" PRI_U64 "\n",
			   s->cgroup_gone);
	if (s->cgroup_unread)
		buf_printf(out,
			   "  look-ups of cgroups without an answer: %" PRI_U64 "%s%s\n",
			   s->cgroup_unread,
			   s->cgroup_by_walk ? ": give it the capability DAC_READ_SEARCH" : "",
			   s->cgroup_partial ? ": mount the node's whole cgroup tree" : "");
	if (s->names_forged)
		buf_printf(out,
			   "  cgroups with the id of another pod's container, not believed: %" PRI_U64
			   "\n", s->names_forged);
	if (s->names_late)
		buf_printf(out, "  events without their container's name, which came late or never: "
			   "%" PRI_U64 "\n", s->names_late);
	if (s->unwanted)
		buf_printf(out, "  events of new containers that turned out not to be meant: %" PRI_U64
			   "\n", s->unwanted);
}

static void put_suspects(const struct summary *s, struct buf *out)
{
	if (s->suspects_n)
		buf_cstr(out, "\n  DNS lookups that nobody answered\n");
	for (size_t i = 0; i < s->suspects_n; i++) {
		const struct summary_suspect *of = &s->suspects[i];

		buf_cstr(out, "  ");
		live_text(out, str_of(of->name), sizeof(of->name));
		buf_printf(out, ": %" PRI_U64 " of %" PRI_U64 "\n", of->unanswered, of->lookups);
	}
}

static void put_exports(const struct summary *s, struct buf *out)
{
	if (!s->destination)
		return;
	buf_cstr(out, "\n  exported to ");
	live_text(out, str_of(s->destination), 200);
	buf_cstr(out, ":\n");
	for (size_t i = 0; i < s->exports_n; i++) {
		const struct summary_export *e = &s->exports[i];

		buf_printf(out, "  %-8s %" PRI_U64 " of %" PRI_U64, e->signal, e->exported,
			   e->created);
		for (size_t c = 0; c < e->causes_n; c++)
			buf_printf(out, ", %" PRI_U64 " lost (%s)", e->lost_by[c], e->causes[c]);
		if (e->superseded)
			buf_printf(out, ", %" PRI_U64 " superseded by newer ones", e->superseded);
		buf_char(out, '\n');
	}
}

static void put_aside(struct buf *out, const char *what, const char *text)
{
	buf_printf(out, "  %27s %s: ", "", what);
	live_text(out, str_of(text), 200);
	buf_char(out, '\n');
}

static void put_features(const struct summary *s, struct buf *out)
{
	buf_cstr(out, "\n  features\n");
	for (size_t i = 0; i < s->features_n; i++) {
		const struct summary_feature *f = &s->features[i];

		buf_printf(out, "  %-8s %-18s %-8s %-7s", f->family, f->name, f->state, f->rung);
		if (f->reason[0]) {
			buf_char(out, ' ');
			live_text(out, str_of(f->reason), 160);
		}
		buf_char(out, '\n');
		if (!f->rung[0])
			put_aside(out, "without it", f->without);
		if (f->fix[0])
			put_aside(out, "to do", f->fix);
	}
}

void summary_text(const struct summary *s, struct buf *out)
{
	buf_cstr(out, "\nwatched for ");
	live_time(out, s->duration_ns);
	if (s->transport)
		buf_printf(out, " through a %s", s->transport);
	if (s->map_bytes) {
		buf_cstr(out, ", ");
		live_bytes(out, s->map_bytes);
		buf_cstr(out, " of kernel memory");
	}
	buf_char(out, '\n');
	put_events(s, out);
	put_losses(s, out);
	put_suspects(s, out);
	put_exports(s, out);
	put_features(s, out);
}

static void put_json_text(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "\"%s\":\"", key);
	buf_json_str(out, str_of(value));
	buf_char(out, '"');
}

static void put_json_events(const struct summary *s, struct buf *out)
{
	bool first = true;

	buf_cstr(out, "\"events\":{");
	for (size_t k = 1; k < KIND_END; k++) {
		const struct ledger_cell *c = &s->ledger.kind[k];

		buf_printf(out,
			   "%s\"%s\":{\"seen\":%" PRI_U64 ",\"filtered\":%" PRI_U64
			   ",\"counted\":%" PRI_U64 ",\"sent\":%" PRI_U64 ",\"delivered\":%" PRI_U64
			   ",\"sampled\":%" PRI_U64 ",\"capped\":%" PRI_U64 ",\"lost_ring\":%" PRI_U64 ",\"lost_scratch\":%" PRI_U64
			   ",\"lost_file\":%" PRI_U64 ",\"lost_meter\":%" PRI_U64 ",\"lost_state\":%" PRI_U64
			   ",\"unseen\":%" PRI_U64 ",\"damaged\":%" PRI_U64 "}",
			   first ? "" : ",", kinds[k].id, c->n[LEDGER_SEEN], c->n[LEDGER_FILTERED],
			   c->n[LEDGER_COUNTED], c->n[LEDGER_SENT], s->delivered[k],
			   c->n[LEDGER_SAMPLED], c->n[LEDGER_CAPPED],
			   c->n[LEDGER_LOST_RING], c->n[LEDGER_LOST_SCRATCH],
			   c->n[LEDGER_LOST_FILE], c->n[LEDGER_LOST_METER], c->n[LEDGER_LOST_STATE],
			   c->n[LEDGER_UNSEEN], s->damaged[k]);
		first = false;
	}
	buf_char(out, '}');
}

static void put_json_features(const struct summary *s, struct buf *out)
{
	buf_cstr(out, ",\"features\":[");
	for (size_t i = 0; i < s->features_n; i++) {
		const struct summary_feature *f = &s->features[i];

		buf_cstr(out, i ? ",{" : "{");
		put_json_text(out, "family", f->family);
		buf_char(out, ',');
		put_json_text(out, "feature", f->name);
		buf_char(out, ',');
		put_json_text(out, "state", f->state);
		buf_char(out, ',');
		put_json_text(out, "rung", f->rung);
		buf_printf(out, ",\"errno\":%d,", f->err);
		put_json_text(out, "reason", f->reason);
		buf_char(out, ',');
		put_json_text(out, "fix", f->fix);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

static void put_json_suspects(const struct summary *s, struct buf *out)
{
	buf_cstr(out, ",\"dns_suspects\":[");
	for (size_t i = 0; i < s->suspects_n; i++) {
		buf_cstr(out, i ? ",{" : "{");
		put_json_text(out, "name", s->suspects[i].name);
		buf_printf(out, ",\"lookups\":%" PRI_U64 ",\"unanswered\":%" PRI_U64 "}",
			   s->suspects[i].lookups, s->suspects[i].unanswered);
	}
	buf_char(out, ']');
}

static void put_json_exports(const struct summary *s, struct buf *out)
{
	buf_cstr(out, ",\"exports\":{");
	for (size_t i = 0; i < s->exports_n; i++) {
		const struct summary_export *e = &s->exports[i];

		buf_printf(out,
			   "%s\"%s\":{\"created\":%" PRI_U64 ",\"exported\":%" PRI_U64
			   ",\"superseded\":%" PRI_U64 ",\"lost\":{",
			   i ? "," : "", e->signal, e->created, e->exported, e->superseded);
		for (size_t c = 0; c < e->causes_n; c++)
			buf_printf(out, "%s\"%s\":%" PRI_U64, c ? "," : "", e->causes[c],
				   e->lost_by[c]);
		buf_cstr(out, "}}");
	}
	buf_char(out, '}');
}

void summary_json(const struct summary *s, struct buf *out)
{
	buf_printf(out, "{\"summary\":{\"duration_ns\":%" PRI_U64 ",", s->duration_ns);
	put_json_text(out, "transport", s->transport ? s->transport : "");
	buf_printf(out,
		   ",\"map_bytes\":%" PRI_U64 ",\"lost\":%" PRI_U64 ",\"unaccounted\":%" PRI_U64
		   ",\"unknown_kind\":%" PRI_U64 ",\"sampled_out\":%" PRI_U64
		   ",\"cgroups_gone\":%" PRI_U64 ",\"cgroups_unread\":%" PRI_U64
		   ",\"names_forged\":%" PRI_U64 ",\"names_late\":%" PRI_U64
		   ",\"unwanted\":%" PRI_U64 ",",
		   s->map_bytes, summary_lost(s), summary_unaccounted(s), s->unknown_kind,
		   s->sampled_out, s->cgroup_gone, s->cgroup_unread, s->names_forged, s->names_late,
		   s->unwanted);
	put_json_events(s, out);
	put_json_features(s, out);
	put_json_suspects(s, out);
	put_json_exports(s, out);
	buf_cstr(out, "}}\n");
}
