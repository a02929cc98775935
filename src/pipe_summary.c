/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen, what was lost, what the exporter did with it. */
#include <string.h>
#include "pipe_impl.h"

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
	if (p->config.otel)
		sum_exports(p, ret);
}
