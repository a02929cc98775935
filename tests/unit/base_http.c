// SPDX-License-Identifier: Apache-2.0
/* base/http: what the head of a message says, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/http.h"

static char copy[4096];
static struct http_message http;

/* Of exactly these bytes, so that the sanitizer sees one that is read too much. */
static bool readn(const char *text, size_t n)
{
	char *exact = malloc(n + !n);
	bool ret;

	memcpy(exact, text, n);
	ret = http_read((struct str){ exact, n }, &http);
	free(exact);
	return ret;
}

/* What is found is read, so its bytes must live on. */
static bool read(const char *text)
{
	assert_true(strlen(text) < sizeof(copy));
	strcpy(copy, text);
	assert_int_equal(readn(text, strlen(text)), http_read(str_of(copy), &http));
	return http_read(str_of(copy), &http);
}

static void assert_text(struct str got, const char *wanted)
{
	if (!str_eq(got, str_of(wanted)))
		fail_msg("\"%.*s\" instead of \"%s\"", (int)got.n, got.p, wanted);
}

static void test_request(void **state)
{
	(void)state;
	assert_true(read("POST /a/b?c HTTP/1.1\r\nh\t shop.test:8080 \r\nl 12\r\n"
			 "p 00-x\r\n\n"));
	assert_false(http.is_response);
	assert_int_equal(http.version, 1);
	assert_text(http.method, "POST");
	assert_text(http.target, "/a/b?c");
	assert_text(http.host, "shop.test:8080");
	assert_text(http.parent, "00-x");
	assert_true(http.has_length);
	assert_false(http.chunked);
	assert_int_equal(http.length, 12);
	assert_true(read("M-SEARCH * HTTP/1.0\n"));
	assert_text(http.method, "M-SEARCH");
	assert_int_equal(http.version, 0);
	assert_false(http.has_length);
	assert_text(http.host, "");
}

static void test_response(void **state)
{
	(void)state;
	assert_true(read("HTTP/1.0 404 Not Found\r\nl 0\r\n\n"));
	assert_true(http.is_response);
	assert_int_equal(http.status, 404);
	assert_int_equal(http.version, 0);
	assert_true(http.has_length);
	assert_int_equal(http.length, 0);
	assert_true(read("HTTP/1.1 999\r\n")); /* no reason is told */
	assert_int_equal(http.status, 999);
	assert_true(read("HTTP/1.1 100 \r\n"));
	assert_int_equal(http.status, 100);
}

static void test_no_messages(void **state)
{
	static const char *const bad[] = {
		"", "\n", "\r\n\r\n", "GET", "GET / HTTP/1.1", "GET\n", "GET /\n", "GET / \n",
		"GET  HTTP/1.1\n", " / HTTP/1.1\n", "get / HTTP/1.1\n", "G=T / HTTP/1.1\n",
		"GET / HTTP/1.\n", "GET / HTTP/1.x\n", "GET / HTTP/2.0\n", "GET / HTTP/1.10\n",
		"GET / http/1.1\n", "GET / HTTP/1.1 x\n", "GET / x HTTP/1.1\n",
		"ABCDEFGHIJKLMNOPQRSTUVWXY / HTTP/1.1\n", /* 25 letters */
		"HTTP/1.1\n", "HTTP/1.1 \n", "HTTP/1.1 20 x\n", "HTTP/1.1 2000 x\n", "HTTP/1.1 099 x\n",
		"HTTP/1.1 +20 x\n", "HTTP/1.1 2x0 x\n", "HTTP/1. 200 x\n", "HTTP/1.11 200 x\n",
		"HTTP/1.x 200 x\n", "HTTP/1.1\t200 x\n", "HTTP/1.1  200 x\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (read(bad[i]))
			fail_msg("%zu is taken for a message: %s", i, bad[i]);
	assert_true(read("ABCDEFGHIJKLMNOPQRSTUVWX / HTTP/1.1\n"));
}

/* Cut anywhere it is a message from the end of its first line on, and never read too far. */
static void test_cut(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nh h\r\nl 7\r\n\r\n";

	(void)state;
	for (size_t n = 0; n < sizeof(head); n++)
		assert_int_equal(readn(head, n), n >= 16);
	for (unsigned c = 0; c < 256; c++) {
		char all[] = { 'G', 'E', 'T', ' ', (char)c, ' ', 'H', 'T', 'T', 'P', '/', '1', '.',
			       '1', '\n', (char)c, (char)c, '\n' };

		assert_int_equal(readn(all, sizeof(all)), c != ' ' && c != '\n');
	}
}

static void test_lengths(void **state)
{
	static const struct {
		const char *headers;
		bool has_length, chunked;
		u64 length;
	} all[] = {
		{ "l 5\r\n", true, false, 5 },
		{ "l5\n", true, false, 5 },
		{ "l4611686018427387904\r\n", true, false, 1ull << 62 },
		{ "l 4611686018427387905\r\n", false, false, 0 },
		{ "l 99999999999999999999999\r\n", false, false, 0 },
		{ "l -1\r\n", false, false, 0 },
		{ "l 5, 5\r\n", false, false, 0 },
		{ "l \r\n", false, false, 0 },
		{ "L 5\r\n", false, false, 0 },
		{ "Content-Length: 5\r\n", false, false, 0 },
		{ " l 5\r\n", false, false, 0 },
		{ "c chunked\r\n", false, true, 0 },
		{ "c gzip, Chunked\r\n", false, true, 0 },
		{ "c chunked, gzip\r\n", false, false, 0 },
		{ "c gzip\r\n", false, false, 0 },
		{ "c chunk\r\n", false, false, 0 },
		{ "l 5\r\nc chunked\r\n", false, true, 5 },
		{ "c chunked\r\nl 5\r\n", false, true, 5 },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		strcpy(text, "HTTP/1.1 200 OK\r\n");
		strcat(text, all[i].headers);
		assert_true(read(text));
		if (http.has_length != all[i].has_length || http.chunked != all[i].chunked ||
		    (http.has_length && http.length != all[i].length))
			fail_msg("%s: %d %d %llu", all[i].headers, http.has_length, http.chunked,
				 (unsigned long long)http.length);
	}
}

static void test_methods(void **state)
{
	(void)state;
	for (int i = HTTP_OTHER + 1; i < HTTP_METHOD_END; i++)
		assert_int_equal(http_method_of(str_of(http_method_name((enum http_method)i))), i);
	assert_int_equal(http_method_of(STR("get")), HTTP_OTHER);
	assert_int_equal(http_method_of(STR("GETS")), HTTP_OTHER);
	assert_int_equal(http_method_of(STR("")), HTTP_OTHER);
	assert_string_equal(http_method_name(HTTP_OTHER), "_OTHER");
}

static void test_paths(void **state)
{
	static const char *const all[][2] = {
		{ "/", "/" },
		{ "/a?b=c", "/a?" },
		{ "/a?b?c", "/a?" },
		{ "/a://b", "/a://b" },
		{ "*", "*" },
		{ "", "" },
		{ "http://user:secret@h.test:8080/a?b", "/a?" },
		{ "http://user:secret@h.test", "/" },
		{ "http://h?user@x", "/" },
		{ "://", "/" },
		{ "http:/a", "http:/a" },
		{ "h.test:443", "h.test:443" }, /* of CONNECT */
		{ "user:secret@h.test:443", "h.test:443" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_text(http_path(str_of(all[i][0])), all[i][1]);
}

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static void test_parent(void **state)
{
	static const char *const good[] = {
		"00-" TRACE "-" SPAN "-01",
		"cc-" TRACE "-" SPAN "-01-what-will-be",
		"cc-" TRACE "-" SPAN "-01",
	};
	static const char *const bad[] = {
		"", "00", "00-" TRACE "-" SPAN "-0", "00-" TRACE "-" SPAN "-01-more", "00-" TRACE "-" SPAN "-011",
		"cc-" TRACE "-" SPAN "-01.more", "ff-" TRACE "-" SPAN "-01", "00_" TRACE "-" SPAN "-01",
		"00-" TRACE "_" SPAN "-01", "00-" TRACE "-" SPAN "_01", "00-" SPAN SPAN "-0000000000000000-01",
		"00-00000000000000000000000000000000-" SPAN "-01", "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
		"00-" TRACE "-b7ad6b716920333g-01", "0g-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-0g",
		"00-" TRACE "-" SPAN "-0F",
	};
	struct http_parent parent;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(http_parent_read(str_of(good[i]), &parent));
		assert_memory_equal(parent.trace_id, "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c", 16);
		assert_memory_equal(parent.span_id, "\xb7\xad\x6b\x71\x69\x20\x33\x31", 8);
		assert_int_equal(parent.flags, 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (http_parent_read(str_of(bad[i]), &parent))
			fail_msg("%zu is taken for a traceparent: %s", i, bad[i]);
	assert_true(http_parent_read(STR("00-" TRACE "-" SPAN "-00"), &parent));
	assert_int_equal(parent.flags, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),	    cmocka_unit_test(test_response),
		cmocka_unit_test(test_no_messages), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_lengths),	    cmocka_unit_test(test_methods),
		cmocka_unit_test(test_paths),	    cmocka_unit_test(test_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
