// SPDX-License-Identifier: Apache-2.0
/* links: otel/response.c otel/retry.c otel/headers.c */
/* otel/response, otel/retry, otel/headers: what comes from outside as text, row by row. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "otel/headers.h"
#include "otel/response.h"
#include "otel/retry.h"

/* The whole table of otel/retry.h: every status there is. */
static void test_judge(void **state)
{
	(void)state;
	assert_int_equal(retry_judge(0), RETRY_AGAIN);
	for (long status = 200; status < 600; status++) {
		bool again = status == 429 || status == 502 || status == 503 || status == 504;

		assert_int_equal(retry_judge(status), status < 300 ? RETRY_DONE
						      : again	   ? RETRY_AGAIN
								   : RETRY_NEVER);
	}
}

/* Full jitter: everywhere in 0..limit, and never beyond the cap. */
static void test_backoff(void **state)
{
	static const struct {
		u32 failures;
		u64 limit_s;
	} rows[] = { { 1, 1 },	{ 2, 2 },  { 3, 4 },	      { 5, 16 },
		     { 6, 30 }, { 7, 30 }, { UINT32_MAX, 30 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 limit = rows[i].limit_s * NSEC_PER_SEC, most = 0, least = UINT64_MAX;

		for (int k = 0; k < 2000; k++) {
			u64 ns = retry_backoff_ns(rows[i].failures);

			assert_true(ns <= limit);
			most = ns > most ? ns : most;
			least = ns < least ? ns : least;
		}
		assert_true(most > limit / 100 * 97);
		assert_true(least < limit / 100 * 3);
	}
}

static void test_partial_success(void **state)
{
	static const struct {
		struct str body;
		u64 rejected;
		const char *message;
	} rows[] = {
		{ { "", 0 }, 0, "" },
		{ { "\x0a\x00", 2 }, 0, "" }, /* a Collector's success */
		{ { "\x0a\x02\x08\x05", 4 }, 5, "" },
		{ { "\x0a\x08\x08\x05\x12\x04oops", 10 }, 5, "oops" },
		{ { "\x0a\x06\x12\x04warn", 8 }, 0, "warn" }, /* a warning only */
		{ { "\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13 }, 0, "" }, /* -1 */
		{ { "<html>OK</html>", 15 }, 0, "" },
		{ { "\x0a\x7f\x08\x05", 4 }, 5, "" }, /* cut off */
		{ { "\x0a\x06\x12\x7fwarn", 8 }, 0, "warn" },
		{ { "\x0a\x04\x12\x02\xff\xfe", 6 }, 0, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ { "\x12\x02\x08\x05", 4 }, 0, "" }, /* another field */
		{ { "\x08\x05", 2 }, 0, "" },
		{ { "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 11 }, 0, "" },
		{ { "\x19"
		    "12345678\x0a\x02\x08\x01",
		    13 },
		  1,
		  "" }, /* unknown fixed64 before */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct response r;

		response_success(&r, rows[i].body);
		assert_int_equal(r.rejected, rows[i].rejected);
		assert_string_equal(r.message, rows[i].message);
	}
}

static void test_status(void **state)
{
	static const struct {
		struct str body;
		const char *message;
	} rows[] = {
		{ { "", 0 }, "" },
		{ { "\x08\x03\x12\x05wrong", 9 }, "wrong" },
		{ { "\x12\x05wrong", 7 }, "wrong" },
		{ { "404 page not found\n", 19 }, "404 page not found" },
		{ { "\x08\x03", 2 }, "" },
		{ { "\x00\x01\x02", 3 }, "" },
	};
	struct response r;
	char text[1000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		response_failure(&r, rows[i].body);
		assert_string_equal(r.message, rows[i].message);
	}
	memset(text, 'x', sizeof(text));
	response_failure(&r, (struct str){ text, sizeof(text) });
	assert_int_equal(strlen(r.message), RESPONSE_TEXT_MAX - 1);
}

#define NOW 784111777ull /* Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 */

static void test_retry_after(void **state)
{
	static const struct {
		const char *text;
		u64 s;
	} rows[] = {
		{ "0", 0 },
		{ "120", 120 },
		{ "  7 ", 7 },
		{ "3601", RETRY_AFTER_MAX_S },
		{ "99999999999999999999999", RETRY_AFTER_MAX_S },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:40 GMT", 3 },
		{ "Sunday, 06-Nov-94 08:50:37 GMT", 60 },
		{ "Sun Nov  6 08:49:38 1994", 1 },
		{ "Thu Nov 10 08:49:38 1994", RETRY_AFTER_MAX_S },
		{ "Sun, 06 Nov 1994 08:49:30 GMT", 0 }, /* past */
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", RETRY_AFTER_MAX_S },
	};
	static const char *const bad[] = {
		"",
		"-1",
		"+1",
		"1.5",
		"1s",
		"soon",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 CET",
		"Sun, 06 Xyz 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 00 Nov 1994 08:00:00 GMT",
		"Sun, 6 Nov 1994 08:00:00 GMT",
		"Sunday, 06-Nov-1994 08:50:37 GMT",
		",",
	};
	u64 ns = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(response_retry_after(str_of(rows[i].text), NOW, &ns));
		assert_int_equal(ns, rows[i].s * NSEC_PER_SEC);
	}
	ns = 42;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(response_retry_after(str_of(bad[i]), NOW, &ns));
	assert_int_equal(ns, 42);
	/* Two digits of a year: 2026 is near, 99 is long ago. */
	assert_true(response_retry_after(STR("Saturday, 21-Nov-26 10:56:01 GMT"), 1795258560, &ns));
	assert_int_equal(ns, NSEC_PER_SEC);
	assert_true(response_retry_after(STR("Sunday, 21-Nov-99 10:56:01 GMT"), 1795258560, &ns));
	assert_int_equal(ns, 0);
}

static int collect(void *ctx, struct str name, struct str value)
{
	char *out = ctx;

	sprintf(out + strlen(out), "[%.*s|%.*s]", (int)name.n, name.p, (int)value.n, value.p);
	return 0;
}

static void test_headers(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" },
		{ " , ,", "" },
		{ "a=b", "[a|b]" },
		{ "a=b,c=d", "[a|b][c|d]" },
		{ " a = b , c = d ,", "[a|b][c|d]" },
		{ "Authorization=Bearer%20x%3D%3D", "[Authorization|Bearer x==]" },
		{ "Authorization=Basic YTpi==", "[Authorization|Basic YTpi==]" }, /* first '=' */
		{ "a=%2C%25", "[a|,%]" },
		{ "a=", "[a|]" },
		{ "a%b=c", "[a%b|c]" },	    /* names are not decoded */
		{ "a=b;x=y", "[a|b;x=y]" }, /* no metadata */
		{ "a=gr\xc3\xbc%C3%BC", "[a|gr\xc3\xbc\xc3\xbc]" },
	};
	static const char *const bad[] = {
		"a",	       "=b",
		"a=%",	       "a=%2",
		"a=%zz",       "a=%0d%0aEvil:1",
		"a=x\ny",      "a=%00",
		"a=%7F",       "a b=c",
		"a:b=c",       "\xc3\xbc=c",
		"Host=x",      "content-TYPE=x",
		"ok=1,secret", "a=b,Content-Length=0",
	};
	char out[256], err[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		out[0] = 0;
		assert_int_equal(headers_parse(str_of(rows[i].in), collect, out, err, sizeof(err)),
				 0);
		assert_string_equal(out, rows[i].out);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		out[0] = err[0] = 0;
		assert_int_equal(headers_parse(str_of(bad[i]), collect, out, err, sizeof(err)),
				 -EINVAL);
		assert_string_equal(out, ""); /* nothing of a bad list is used */
		assert_non_null(strstr(err, "header "));
		assert_null(strstr(err, "secret"));
		assert_null(strchr(err, '\n'));
	}
}

static int stop(void *ctx, struct str name, struct str value)
{
	(void)name;
	(void)value;
	return ++*(int *)ctx;
}

static void test_headers_limits(void **state)
{
	char text[HEADER_VALUE_MAX + 16], err[256];
	int calls = 0, n = 0;

	(void)state;
	for (int i = 0; i < HEADERS_MAX; i++)
		n += sprintf(text + n, "h%d=v,", i);
	assert_int_equal(headers_parse(str_of(text), NULL, NULL, err, sizeof(err)), 0);
	sprintf(text + n, "more=v");
	assert_int_equal(headers_parse(str_of(text), NULL, NULL, err, sizeof(err)), -EINVAL);
	assert_int_equal(headers_parse(STR("a=1,b=2"), stop, &calls, err, sizeof(err)), 1);
	memset(text, 'v', sizeof(text));
	memcpy(text, "a=", 2);
	assert_int_equal(headers_parse((struct str){ text, HEADER_VALUE_MAX + 2 }, NULL, NULL, err,
				       sizeof(err)),
			 0);
	assert_int_equal(headers_parse((struct str){ text, HEADER_VALUE_MAX + 3 }, NULL, NULL, err,
				       sizeof(err)),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_partial_success), cmocka_unit_test(test_status),
		cmocka_unit_test(test_retry_after),	cmocka_unit_test(test_headers),
		cmocka_unit_test(test_headers_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
