/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen, what was lost, what the exporter did with it. */
#include <string.h>
#include "pipe_impl.h"
#include "report/live.h"

static const char *state_name(enum feature_state state)
{
	static const char *const names[] = { "on", "reduced", "off" };

	return names[state];
}

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

struct suspects {
	const struct who *who[ARRAY_SIZE(((struct summary *)0)->suspects)];
	struct summary *of;
};

static bool of_client(const struct series_point *sp, enum wire_meter meter)
{
	return sp->key.meter == meter && (sp->key.dim & 3) == TCP_ROLE_CLIENT;
}

/* Those with the most stay, the most first. */
static void add_suspect(void *ctx, const struct series_point *sp)
{
	struct suspects *s = ctx;
	struct summary *of = s->of;
	size_t at = of->suspects_n;
	struct buf name;

	if (!of_client(sp, METER_dns_unanswered))
		return;
	while (at && of->suspects[at - 1].unanswered < sp->cell.sum)
		at--;
	if (at == ARRAY_SIZE(s->who))
		return;
	if (of->suspects_n < ARRAY_SIZE(s->who))
		of->suspects_n++;
	for (size_t i = of->suspects_n - 1; i > at; i--) {
		of->suspects[i] = of->suspects[i - 1];
		s->who[i] = s->who[i - 1];
	}
	s->who[at] = sp->who;
	of->suspects[at] = (struct summary_suspect){ .unanswered = sp->cell.sum };
	buf_fixed(&name, of->suspects[at].name, sizeof(of->suspects[at].name));
	live_who(sp->who, &name);
}

static void add_lookups(void *ctx, const struct series_point *sp)
{
	struct suspects *s = ctx;

	for (size_t i = 0; i < s->of->suspects_n; i++)
		for (size_t k = 0; s->who[i] == sp->who && k < METER_SLOTS &&
				   of_client(sp, METER_dns_lookup_duration); k++)
			s->of->suspects[i].lookups += sp->cell.slots[k];
}

void pipe_summary(const struct pipe *p, struct summary *ret)
{
	struct suspects suspects = { .of = ret };
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
	ret->names_forged = enrich.names_forged;
	ret->names_late = p->names_late;
	ret->unwanted = p->unwanted;
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
	series_walk(p->series, add_suspect, &suspects);
	series_walk(p->series, add_lookups, &suspects);
	if (p->config.otel)
		sum_exports(p, ret);
}
