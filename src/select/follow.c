// SPDX-License-Identifier: Apache-2.0
#include "select/follow.h"

#include <errno.h>
#include <stdlib.h>

#include "base/table.h"

struct followed {
	bool wanted, watched;
};

struct follow {
	struct follow_config config;
	struct table *cgroups; /* u64 → struct followed */
	size_t wanted;
	u64 refused;
	bool closing; /* the kernel side may be gone already */
};

static void drop(void *ctx, const void *key, void *value, bool evicted)
{
	const struct followed *c = value;
	struct follow *f = ctx;
	u64 cgroup = *(const u64 *)key;

	(void)evicted;
	f->wanted -= c->wanted;
	if (c->watched && !f->closing)
		f->config.watch(f->config.ctx, cgroup, false);
}

struct follow *follow_new(const struct follow_config *config)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->config = *config;
	f->cgroups = table_new(FOLLOW_MAX, sizeof(u64), sizeof(struct followed), drop, f);
	if (!f->cgroups) {
		free(f);
		return NULL;
	}
	return f;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	f->closing = true;
	table_free(f->cgroups);
	free(f);
}

void follow_met(struct follow *f, u64 cgroup, bool watched)
{
	struct followed *c = table_add(f->cgroups, &cgroup, NULL);

	c->watched |= watched;
}

/* false: it is not wanted and leaves the table. */
static bool decide(struct follow *f, u64 cgroup, struct followed *c)
{
	enum target_match match = f->config.ask(f->config.ctx, cgroup);

	if (match == TARGET_NO)
		return false;
	if (match == TARGET_LATER) {
		if (c->watched && !f->config.waits(f->config.ctx, cgroup)) {
			f->config.watch(f->config.ctx, cgroup, false);
			c->watched = false;
		}
		return true;
	}
	if (!c->watched && f->config.watch(f->config.ctx, cgroup, true) < 0) {
		f->refused++;
		return false;
	}
	c->watched = c->wanted = true;
	f->wanted++;
	return true;
}

void follow_decide(struct follow *f)
{
	const void *key;
	size_t pos = 0;
	void *value;

	if (table_len(f->cgroups) == f->wanted)
		return;
	while (table_next(f->cgroups, &pos, &key, &value)) {
		struct followed *c = value;

		if (!c->wanted && !decide(f, *(const u64 *)key, c))
			table_del(f->cgroups, key);
	}
}

void follow_reconsider(struct follow *f)
{
	const void *key;
	size_t pos = 0;
	void *value;

	while (table_next(f->cgroups, &pos, &key, &value))
		((struct followed *)value)->wanted = false;
	f->wanted = 0;
	follow_decide(f);
}

void follow_sweep(struct follow *f)
{
	const void *key;
	size_t pos = 0;
	void *value;

	while (table_next(f->cgroups, &pos, &key, &value)) {
		if (!f->config.exists(f->config.ctx, *(const u64 *)key))
			table_del(f->cgroups, key);
	}
}

void follow_stats(const struct follow *f, struct follow_stats *ret)
{
	*ret = (struct follow_stats){
		.wanted = f->wanted,
		.undecided = table_len(f->cgroups) - f->wanted,
		.refused = f->refused,
		.evicted = table_evictions(f->cgroups),
		.bytes = sizeof(*f) + table_bytes(f->cgroups),
	};
}
