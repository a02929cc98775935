// SPDX-License-Identifier: Apache-2.0
#include "otel/map/declared.h"

#include <assert.h>

#include "base/percent.h"

/* Decoded into the room; false: malformed. */
static bool decode(struct declared *d, struct str s, struct str *ret)
{
	char *p = d->room + d->room_n;
	size_t n = 0;

	while (s.n) {
		int c = percent_take(&s);

		if (c < 0)
			return false;
		p[n++] = (char)c;
	}
	d->room_n += n;
	*ret = (struct str){ p, n };
	return true;
}

static struct label *slot_of(struct declared *d, struct str key)
{
	for (size_t i = 0; i < d->n; i++)
		if (str_eq(d->v[i].key, key))
			return &d->v[i];
	return d->n < DECLARED_MAX ? &d->v[d->n] : NULL;
}

/* A key's NUL has the room of its '=', so the room is never longer than the list. */
static bool take(struct declared *d, struct str item)
{
	struct str key, value;
	struct label *slot;

	if (!str_cut(&item, '=', &key) || !item.p)
		return false;
	if (!decode(d, str_trim(key), &key) || !key.n)
		return false;
	d->room[d->room_n++] = '\0';
	if (!decode(d, str_trim(item), &value))
		return false;
	assert(d->room_n <= sizeof(d->room));
	slot = slot_of(d, key);
	if (!slot) {
		d->left_out++;
		return true;
	}
	if (slot == &d->v[d->n])
		d->n++;
	*slot = (struct label){ key, value };
	return true;
}

void declared_parse(struct str text, struct declared *ret)
{
	struct str item;

	ret->n = ret->left_out = ret->room_n = 0;
	ret->malformed = text.n > DECLARED_BYTES_MAX;
	while (!ret->malformed && str_cut(&text, ',', &item)) {
		item = str_trim(item);
		ret->malformed = item.n && !take(ret, item);
	}
	if (ret->malformed)
		ret->n = ret->left_out = 0;
}
