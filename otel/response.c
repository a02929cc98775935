// SPDX-License-Identifier: Apache-2.0
#include "otel/response.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/parse.h"

enum { WIRE_VARINT, WIRE_I64, WIRE_LEN, WIRE_I32 = 5 };

struct field {
	u64 number;
	u8 type;
	u64 v;	      /* varint */
	struct str s; /* LEN: cut at the end of what we kept of the body */
};

static bool get_varint(struct str *in, u64 *ret)
{
	u64 v = 0;

	for (u32 i = 0; i < 10 && in->n; i++) {
		u8 c = (u8)in->p[0];

		*in = str_slice(*in, 1, in->n);
		v |= (u64)(c & 0x7f) << (7 * i);
		if (c < 0x80) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* The next field of a protobuf message; false: end, or not one. */
static bool get_field(struct str *in, struct field *ret)
{
	u64 tag, n = 0;

	if (!get_varint(in, &tag) || tag >> 3 == 0)
		return false;
	*ret = (struct field){ .number = tag >> 3, .type = tag & 7 };
	switch (ret->type) {
	case WIRE_VARINT:
		return get_varint(in, &ret->v);
	case WIRE_LEN:
		if (!get_varint(in, &n))
			return false;
		break;
	case WIRE_I64:
	case WIRE_I32:
		n = ret->type == WIRE_I64 ? 8 : 4;
		break;
	default:
		return false;
	}
	if (n > in->n)
		n = in->n;
	ret->s = str_slice(*in, 0, n);
	*in = str_slice(*in, n, in->n);
	return true;
}

static void keep(struct response *r, struct str s)
{
	str_copy_utf8(r->message, sizeof(r->message), s, NULL);
}

void response_success(struct response *ret, struct str body)
{
	struct field f, part;

	*ret = (struct response){ 0 };
	while (get_field(&body, &f)) {
		if (f.number != 1 || f.type != WIRE_LEN)
			continue;
		while (get_field(&f.s, &part)) {
			if (part.number == 1 && part.type == WIRE_VARINT)
				ret->rejected = part.v > INT64_MAX ? 0 : part.v;
			else if (part.number == 2 && part.type == WIRE_LEN)
				keep(ret, part.s);
		}
	}
}

/* A line or so of text/plain, and of HTML what is left. */
static bool is_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		u8 c = (u8)s.p[i];

		if (c < 0x20 && c != '\n' && c != '\r' && c != '\t')
			return false;
	}
	return s.n > 0;
}

void response_failure(struct response *ret, struct str body)
{
	struct field f;

	*ret = (struct response){ 0 };
	if (is_text(body)) {
		keep(ret, str_trim(str_slice(body, 0, RESPONSE_TEXT_MAX)));
		return;
	}
	while (get_field(&body, &f)) {
		if (f.number == 2 && f.type == WIRE_LEN)
			keep(ret, f.s);
	}
}

/* Two digits at s[i]. */
static int two(const char *s)
{
	return (s[0] - '0') * 10 + s[1] - '0';
}

/* Does s have the shape of the pattern: 9 a digit, a a letter, 8 a digit or blank? */
static bool shaped(struct str s, const char *pattern)
{
	if (s.n != strlen(pattern))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		bool digit = s.p[i] >= '0' && s.p[i] <= '9';
		bool letter = (s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z';

		switch (pattern[i]) {
		case '9':
			if (!digit)
				return false;
			break;
		case '8':
			if (!digit && s.p[i] != ' ')
				return false;
			break;
		case 'a':
			if (!letter)
				return false;
			break;
		default:
			if (s.p[i] != pattern[i])
				return false;
		}
	}
	return true;
}

static int month_of(const char *s)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++) {
		if (!strncmp(s, names + 3 * i, 3))
			return i;
	}
	return -1;
}

/* time: "08:49:37" */
static bool set_time(struct tm *tm, const char *time)
{
	tm->tm_hour = two(time);
	tm->tm_min = two(time + 3);
	tm->tm_sec = two(time + 6);
	return tm->tm_mon >= 0 && tm->tm_mday >= 1 && tm->tm_mday <= 31 && tm->tm_hour < 24 &&
	       tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* A two-digit year more than 50 years ahead is of the past century (RFC 9110 5.6.7). */
static int full_year(int two_digits, u64 wall_s)
{
	int now = (int)(1970 + wall_s / 31556952);
	int year = now - now % 100 + two_digits;

	return year > now + 50 ? year - 100 : year;
}

static bool http_date(struct str s, u64 wall_s, u64 *ret_s)
{
	struct tm tm = { 0 };
	size_t comma = str_find(s, ',');
	time_t t;
	bool ok;

	if (shaped(s, "aaa, 99 aaa 9999 99:99:99 GMT")) { /* IMF-fixdate */
		tm.tm_mday = two(s.p + 5);
		tm.tm_mon = month_of(s.p + 8);
		tm.tm_year = two(s.p + 12) * 100 + two(s.p + 14) - 1900;
		ok = set_time(&tm, s.p + 17);
	} else if (shaped(s, "aaa aaa 89 99:99:99 9999")) { /* asctime */
		tm.tm_mon = month_of(s.p + 4);
		tm.tm_mday = s.p[8] == ' ' ? s.p[9] - '0' : two(s.p + 8);
		tm.tm_year = two(s.p + 20) * 100 + two(s.p + 22) - 1900;
		ok = set_time(&tm, s.p + 11);
	} else { /* RFC 850 */
		s = str_slice(s, comma, s.n);
		if (!shaped(s, ", 99-aaa-99 99:99:99 GMT"))
			return false;
		tm.tm_mday = two(s.p + 2);
		tm.tm_mon = month_of(s.p + 5);
		tm.tm_year = full_year(two(s.p + 9), wall_s) - 1900;
		ok = set_time(&tm, s.p + 12);
	}
	t = ok ? timegm(&tm) : -1;
	*ret_s = t > 0 ? (u64)t : 0;
	return ok;
}

/* -ERANGE: more digits than a number holds, a long time too. */
static bool after_seconds(struct str value, u64 wall_s, u64 *ret_s)
{
	u64 at;

	switch (parse_u64(value, 0, RETRY_AFTER_MAX_S, ret_s)) {
	case 0:
		return true;
	case -ERANGE:
		*ret_s = RETRY_AFTER_MAX_S;
		return true;
	}
	if (!http_date(value, wall_s, &at))
		return false;
	*ret_s = at > wall_s ? at - wall_s : 0;
	return true;
}

bool response_retry_after(struct str value, u64 wall_s, u64 *ret_ns)
{
	u64 s;

	if (!after_seconds(str_trim(value), wall_s, &s))
		return false;
	*ret_ns = (s < RETRY_AFTER_MAX_S ? s : RETRY_AFTER_MAX_S) * NSEC_PER_SEC;
	return true;
}
