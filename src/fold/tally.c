/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"
#include "fold/tally.h"

struct tally *tally_new(void)
{
	return (struct tally *)table_new(TALLY_MAX, sizeof(struct meter_key),
					 sizeof(struct meter_cell), NULL, NULL);
}

void tally_free(struct tally *t)
{
	table_free((struct table *)t);
}

static struct meter_cell *cell_of(struct tally *t, const struct meter_key *key)
{
	return table_add((struct table *)t, key, NULL);
}

void tally_add(struct tally *t, const struct meter_key *key)
{
	cell_of(t, key)->sum++;
}

void tally_time(struct tally *t, const struct meter_key *key, u64 ns)
{
	struct meter_cell *cell = cell_of(t, key);
	size_t n, slot = 0;
	const u64 *bounds = bounds_of(meters[key->meter].bounds, &n);

	while (slot < n && ns > bounds[slot])
		slot++;
	cell->slots[slot]++;
	cell->sum += ns;
}

void tally_walk(const struct tally *t, tally_fn fn, void *ctx)
{
	const void *key;
	size_t pos = 0;
	void *cell;

	while (table_next((const struct table *)t, &pos, &key, &cell))
		fn(ctx, key, cell);
}

void tally_forget(struct tally *t, const struct meter_key *key)
{
	table_del((struct table *)t, key);
}
