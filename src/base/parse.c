// SPDX-License-Identifier: Apache-2.0
/* Strict readers of numbers, durations, sizes and booleans, and their writers. */
#include "base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FRACTION_TEXT_MAX 64 /* bytes; more digits than a double can tell apart */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes the digits s starts with; *ret_over when they do not fit. Returns how many. */
static size_t take_digits(struct str *s, u64 *ret, bool *ret_over)
{
	u64 v = 0;
	size_t i;

	*ret_over = false;
	for (i = 0; i < s->n && is_digit(s->p[i]); i++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (u64)(s->p[i] - '0'), &v))
			*ret_over = true;
	}
	*s = str_slice(*s, i, s->n);
	*ret = v;
	return i;
}

int parse_u64(struct str s, u64 min, u64 max, u64 *ret)
{
	bool over;
	u64 v;

	if (take_digits(&s, &v, &over) == 0 || s.n)
		return -EINVAL;
	if (over || v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int parse_s64(struct str s, s64 min, s64 max, s64 *ret)
{
	bool negative = s.n && s.p[0] == '-';
	bool over;
	u64 v;
	s64 out;

	if (negative)
		s = str_slice(s, 1, s.n);
	if (take_digits(&s, &v, &over) == 0 || s.n)
		return -EINVAL;
	if (over || v > (u64)INT64_MAX + negative)
		return -ERANGE;
	out = negative ? (s64)(0 - v) : (s64)v;
	if (out < min || out > max)
		return -ERANGE;
	*ret = out;
	return 0;
}

int parse_hex(struct str s, u64 *ret)
{
	u64 v = 0;

	if (s.n == 0 || s.n > 16)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (is_digit(c))
			v = v << 4 | (u64)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v << 4 | (u64)((c | 0x20) - 'a' + 10);
		else
			return -EINVAL;
	}
	*ret = v;
	return 0;
}

/* digits* ["." digits+] [("e"|"E") ["+"|"-"] digits+], with a digit before the exponent. */
static bool is_decimal(struct str s)
{
	bool over;
	u64 v;
	size_t n = take_digits(&s, &v, &over);

	if (s.n && s.p[0] == '.') {
		size_t more;

		s = str_slice(s, 1, s.n);
		more = take_digits(&s, &v, &over);
		if (more == 0)
			return false;
		n += more;
	}
	if (n && s.n && (s.p[0] == 'e' || s.p[0] == 'E')) {
		s = str_slice(s, 1, s.n);
		if (s.n && (s.p[0] == '+' || s.p[0] == '-'))
			s = str_slice(s, 1, s.n);
		if (take_digits(&s, &v, &over) == 0)
			return false;
	}
	return n && s.n == 0;
}

int parse_fraction(struct str s, double *ret)
{
	char text[FRACTION_TEXT_MAX];
	double v;

	if (s.n >= sizeof(text) || !is_decimal(s))
		return -EINVAL;
	str_copy(text, sizeof(text), s);
	v = strtod(text, NULL); /* no setlocale anywhere: the point is a point */
	if (!(v >= 0 && v <= 1))
		return -ERANGE;
	*ret = v;
	return 0;
}

struct unit {
	struct str name;
	u64 scale;
};

#define UNIT(name, scale) { { (name), sizeof(name) - 1 }, (scale) }

/* Large to small: the order parse_duration demands and format_* follow. */
static const struct unit duration_units[] = {
	UNIT("h", 3600 * NSEC_PER_SEC),
	UNIT("m", 60 * NSEC_PER_SEC),
	UNIT("s", NSEC_PER_SEC),
	UNIT("ms", NSEC_PER_MSEC),
	UNIT("us", 1000),
	UNIT("ns", 1),
};

/* The unit s starts with (letters up to the next digit or the end), from index `from` on. */
static const struct unit *take_duration_unit(struct str *s, size_t from)
{
	size_t n = 0;

	while (n < s->n && s->p[n] >= 'a' && s->p[n] <= 'z')
		n++;
	for (size_t i = from; i < ARRAY_SIZE(duration_units); i++) {
		if (str_eq(str_slice(*s, 0, n), duration_units[i].name)) {
			*s = str_slice(*s, n, s->n);
			return &duration_units[i];
		}
	}
	return NULL;
}

/* digits as a decimal fraction of scale; false if that is no whole number. */
static bool fraction_of(struct str digits, u64 scale, u64 *ret)
{
	u64 v = 0;

	for (size_t i = 0; i < digits.n; i++) {
		u64 digit = (u64)(digits.p[i] - '0');

		if (scale % 10 == 0) {
			scale /= 10;
			v += digit * scale;
		} else if (digit) {
			/* 36 s of an hour's 11th decimal place do not divide by 10. */
			return false;
		} else {
			continue;
		}
	}
	*ret = v;
	return true;
}

int parse_duration(struct str s, u64 min_ns, u64 max_ns, u64 *ret)
{
	bool over_any = false;
	u64 sum = 0;
	size_t from = 0;

	if (s.n == 0)
		return -EINVAL;
	if (str_eq(s, STR("0")))
		s = STR("");
	while (s.n) {
		struct str digits = { NULL, 0 };
		const struct unit *unit;
		bool over, ignored;
		u64 whole, part;

		if (take_digits(&s, &whole, &over) == 0)
			return -EINVAL;
		if (s.n && s.p[0] == '.') {
			struct str rest = str_slice(s, 1, s.n);

			digits = rest;
			digits.n = take_digits(&rest, &part, &ignored);
			if (digits.n == 0)
				return -EINVAL;
			s = rest;
		}
		unit = take_duration_unit(&s, from);
		if (!unit || !fraction_of(digits, unit->scale, &part))
			return -EINVAL;
		from = (size_t)(unit - duration_units) + 1;
		if (__builtin_mul_overflow(whole, unit->scale, &whole) ||
		    __builtin_add_overflow(sum, whole, &sum) ||
		    __builtin_add_overflow(sum, part, &sum))
			over = true;
		over_any |= over;
	}
	if (over_any || sum < min_ns || sum > max_ns)
		return -ERANGE;
	*ret = sum;
	return 0;
}

static const struct unit size_units[] = {
	UNIT("GiB", 1ull << 30), UNIT("Gi", 1ull << 30),
	UNIT("G", 1ull << 30),	 UNIT("MiB", 1ull << 20),
	UNIT("Mi", 1ull << 20),	 UNIT("M", 1ull << 20),
	UNIT("KiB", 1ull << 10), UNIT("Ki", 1ull << 10),
	UNIT("K", 1ull << 10),	 UNIT("", 1),
};

int parse_size(struct str s, u64 min, u64 max, u64 *ret)
{
	bool over;
	u64 v;

	if (take_digits(&s, &v, &over) == 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(size_units); i++) {
		if (!str_eq(s, size_units[i].name))
			continue;
		if (over || __builtin_mul_overflow(v, size_units[i].scale, &v) || v < min ||
		    v > max)
			return -ERANGE;
		*ret = v;
		return 0;
	}
	return -EINVAL;
}

int parse_bool(struct str s, bool *ret)
{
	static const struct {
		struct str text;
		bool value;
	} words[] = {
		{ { "true", 4 }, true }, { { "false", 5 }, false }, { { "1", 1 }, true },
		{ { "0", 1 }, false },	 { { "yes", 3 }, true },    { { "no", 2 }, false },
		{ { "on", 2 }, true },	 { { "off", 3 }, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (str_eqi(s, words[i].text)) {
			*ret = words[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

void format_duration(char dst[static PARSE_TEXT_MAX], u64 ns)
{
	size_t n = str_copy(dst, PARSE_TEXT_MAX, ns ? STR("") : STR("0"));

	for (size_t i = 0; i < ARRAY_SIZE(duration_units); i++) {
		u64 count = ns / duration_units[i].scale;

		ns %= duration_units[i].scale;
		if (count)
			n += (size_t)snprintf(dst + n, PARSE_TEXT_MAX - n, "%" PRI_U64 "%s", count,
					      duration_units[i].name.p);
	}
}

void format_size(char dst[static PARSE_TEXT_MAX], u64 bytes)
{
	size_t i = 0;

	while (bytes == 0 ? size_units[i].scale > 1 : bytes % size_units[i].scale)
		i++;
	snprintf(dst, PARSE_TEXT_MAX, "%" PRI_U64 "%s", bytes / size_units[i].scale,
		 size_units[i].name.p);
}
