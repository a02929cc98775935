// SPDX-License-Identifier: Apache-2.0
#include "base/percent.h"

#include <assert.h>
#include <errno.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int percent_take(struct str *rest)
{
	struct str s = *rest;
	int hi, lo;

	assert(s.n > 0);
	if (s.p[0] != '%') {
		*rest = str_slice(s, 1, s.n);
		return (u8)s.p[0];
	}
	hi = s.n > 2 ? hex_digit(s.p[1]) : -1;
	lo = s.n > 2 ? hex_digit(s.p[2]) : -1;
	if (hi < 0 || lo < 0)
		return -EINVAL;
	*rest = str_slice(s, 3, s.n);
	return hi << 4 | lo;
}
