// SPDX-License-Identifier: Apache-2.0
#include "gauge/number.h"

#include "base/parse.h"

static bool number(struct str s, u64 *ret)
{
	return parse_u64(str_trim(s), 0, GAUGE_NUMBER_MAX - 1, ret) == 0;
}

/* What is behind "name=" in "a=1 b=2". */
static bool field(struct str line, struct str name, u64 *ret)
{
	struct str item, key;

	while (str_cut(&line, ' ', &item))
		if (str_cut(&item, '=', &key) && item.p && str_eq(key, name))
			return number(item, ret);
	return false;
}

bool gauge_number(struct str text, struct str key, u64 *ret)
{
	struct str line, name, first;

	if (!key.n)
		return number(text, ret);
	str_cut(&key, ' ', &name);
	while (str_cut(&text, '\n', &line))
		if (str_cut(&line, ' ', &first) && str_eq(first, name))
			return key.p ? field(line, key, ret) : number(line, ret);
	return false;
}
