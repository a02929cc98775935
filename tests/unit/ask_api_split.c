// SPDX-License-Identifier: Apache-2.0
/* links: src/ask/api_split.c */
/* ask/api_split: the same objects come out however the bytes come in; all limits hold. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ask/api_split.h"

static struct api_split s;
static struct buf got; /* objects, each with a | behind it */
static int answer;     /* of on_object */

static int on_object(void *ctx, struct buf *object)
{
	assert_ptr_equal(ctx, &got);
	buf_str(&got, buf_view(object));
	buf_char(&got, '|');
	if (object->n)
		memset(object->p, 'X', object->n); /* it is ours to overwrite */
	return answer;
}

/* Fed in pieces of that size. */
static int feed(bool list, const char *text, size_t piece)
{
	struct str rest = str_of(text);
	int ret = 0;

	buf_reset(&got);
	api_split_start(&s, list);
	while (rest.n && !ret) {
		ret = api_split_feed(&s, str_slice(rest, 0, piece), on_object, &got);
		rest = str_slice(rest, piece, rest.n);
	}
	return ret;
}

static void assert_is(struct buf *b, const char *want)
{
	buf_char(b, 0);
	assert_string_equal(b->p, want);
}

static void test_list(void **state)
{
	static const char list[] =
		"{\"kind\":\"PodList\",\"metadata\":{\"items\":[{}]},\"items\":[ "
		"{\"a\":[{\"items\":[1]}]} , {\"b\":\"}]\\\"{\"},\n{}],\"x\":{}}\n";

	(void)state;
	for (size_t piece = 1; piece <= sizeof(list); piece++) {
		assert_int_equal(feed(true, list, piece), 0);
		assert_is(&got, "{\"a\":[{\"items\":[1]}]}|{\"b\":\"}]\\\"{\"}|{}|");
		assert_is(&s.rest,
			  "{\"kind\":\"PodList\",\"metadata\":{\"items\":[{}]},\"items\":[],"
			  "\"x\":{}}\n");
	}
	assert_int_equal(s.too_large, 0);
}

static void test_lists_without_items(void **state)
{
	static const char *const lists[] = {
		"{\"items\":null,\"metadata\":{}}",
		"{\"items\":[]}",
		"{\"items\":[ \n]}",
		"{}",
		"{\"kind\":\"items\",\"x\":[{}]}",
		"{\"it\\u0065ms\":[{}]}",
		"{\"itemsitems\":[{}]}",
		"{\"items\":{\"items\":[{}]}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		assert_int_equal(feed(true, lists[i], 3), 0);
		assert_int_equal(got.n, 0);
	}
}

/* Lines, no lines, lines within objects: what counts is the bracket. */
static void test_stream(void **state)
{
	static const char stream[] =
		"{\"type\":\"ADDED\",\"object\":{}}\n{}\r\n \t{\n\"a\": [\n{}]}{}";

	(void)state;
	for (size_t piece = 1; piece <= sizeof(stream); piece++) {
		assert_int_equal(feed(false, stream, piece), 0);
		assert_is(&got, "{\"type\":\"ADDED\",\"object\":{}}|{}|{\n\"a\": [\n{}]}|{}|");
		assert_int_equal(s.rest.n, 0);
	}
}

static void test_wrong_shapes(void **state)
{
	static const struct {
		bool list;
		const char *text;
	} cases[] = {
		{ false, "[]" },
		{ false, "{},{}" },
		{ false, "x" },
		{ false, "{}}" },
		{ false, "\"{}\"" },
		{ true, "{\"items\":[1]}" },
		{ true, "{\"items\":[[]]}" },
		{ true, "{\"items\":[\"{}\"]}" },
		{ true, "{\"items\":[null]}" },
		{ true, "]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(feed(cases[i].list, cases[i].text, 1), -EBADMSG);
}

/* What breaks off is no object. */
static void test_cut(void **state)
{
	static const char list[] = "{\"items\":[{\"a\":\"b\"},{}],\"metadata\":{}}";
	static const char stream[] = "{\"a\":\"b\"}";
	char text[64];

	(void)state;
	for (size_t n = 0; n < sizeof(list) - 1; n++) {
		snprintf(text, sizeof(text), "%.*s", (int)n, list);
		assert_int_equal(feed(true, text, 5), 0);
		assert_is(&got, n < 19 ? "" : n < 22 ? "{\"a\":\"b\"}|" : "{\"a\":\"b\"}|{}|");
	}
	for (size_t n = 1; n < sizeof(stream) - 1; n++) {
		snprintf(text, sizeof(text), "%.*s", (int)n, stream);
		assert_int_equal(feed(false, text, 5), 0);
		assert_int_equal(got.n, 0);
	}
}

static void test_depth(void **state)
{
	char text[2 * API_DEPTH_MAX + 16];
	size_t n = 0;

	(void)state;
	text[n++] = '{';
	while (n < API_DEPTH_MAX)
		text[n++] = '[';
	text[n] = 0;
	assert_int_equal(feed(false, text, 7), 0);
	text[n++] = '{';
	text[n] = 0;
	assert_int_equal(feed(false, text, 7), -EBADMSG);
	assert_int_equal(feed(true, text, 7), -EBADMSG);
}

static void test_answer(void **state)
{
	(void)state;
	answer = -ECANCELED;
	assert_int_equal(feed(false, "{}{}{}", 6), -ECANCELED);
	answer = 0;
	assert_is(&got, "{}|");
}

/* One object of n bytes, among others. */
static int feed_large(bool list, size_t n)
{
	static char chunk[1 << 16];
	struct str begin = str_of(list ? "{\"items\":[{}," : "{}\n");
	struct str end = str_of(list ? ",{\"last\":1}],\"metadata\":{}}" : "\n{\"last\":1}\n");
	int ret;

	memset(chunk, 'a', sizeof(chunk));
	buf_reset(&got);
	api_split_start(&s, list);
	ret = api_split_feed(&s, begin, on_object, &got);
	ret = ret ? ret : api_split_feed(&s, STR("{\""), on_object, &got);
	for (size_t left = n - 4; left && !ret; left -= left < sizeof(chunk) ? left : sizeof(chunk))
		ret = api_split_feed(
			&s, (struct str){ chunk, left < sizeof(chunk) ? left : sizeof(chunk) },
			on_object, &got);
	ret = ret ? ret : api_split_feed(&s, STR("\"}"), on_object, &got);
	return ret ? ret : api_split_feed(&s, end, on_object, &got);
}

static void test_large(void **state)
{
	u64 before = s.too_large;

	(void)state;
	for (int list = 0; list <= 1; list++) {
		assert_int_equal(feed_large(list, API_OBJECT_MAX), 0);
		assert_int_equal(got.n, 3 + API_OBJECT_MAX + 1 + 11);
		assert_int_equal(s.too_large, before);
		/* Its buffer does not stay. */
		assert_true(s.object.cap <= 4096);
		/* One byte over: it is left out, the others come. */
		assert_int_equal(feed_large(list, API_OBJECT_MAX + 1), 0);
		assert_is(&got, "{}|{\"last\":1}|");
		assert_int_equal(s.too_large, ++before);
		/* 17 MiB: the same. Over API_BODY_MAX it is over. */
		assert_int_equal(feed_large(list, 17u << 20), 0);
		assert_int_equal(s.too_large, ++before);
		assert_int_equal(feed_large(list, API_BODY_MAX + 1), -EFBIG);
	}
	/* A stream has no end of its own; a list has. */
	api_split_start(&s, false);
	buf_reset(&got);
	for (size_t n = 0; n <= API_BODY_MAX / (3u << 20) + 1; n++) {
		buf_reset(&got);
		assert_int_equal(api_split_feed(&s, STR("{\""), on_object, &got), 0);
		for (size_t i = 0; i < 3u << 20; i += 1 << 16) {
			static char chunk[1 << 16];

			memset(chunk, 'a', sizeof(chunk));
			assert_int_equal(api_split_feed(&s, (struct str){ chunk, sizeof(chunk) },
							on_object, &got),
					 0);
		}
		assert_int_equal(api_split_feed(&s, STR("\"}"), on_object, &got), 0);
	}
}

/* A list that is no list, without end. */
static void test_rest(void **state)
{
	char chunk[4096];
	size_t n = 0;
	int ret;

	(void)state;
	memset(chunk, ' ', sizeof(chunk));
	api_split_start(&s, true);
	while (!(ret = api_split_feed(&s, (struct str){ chunk, sizeof(chunk) }, on_object, &got)))
		n += sizeof(chunk);
	assert_int_equal(ret, -EBADMSG);
	assert_int_equal(n, API_REST_MAX);
}

static int setup(void **state)
{
	(void)state;
	api_split_init(&s);
	buf_init(&got, 8u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	api_split_free(&s);
	buf_free(&got);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),   cmocka_unit_test(test_lists_without_items),
		cmocka_unit_test(test_stream), cmocka_unit_test(test_wrong_shapes),
		cmocka_unit_test(test_cut),    cmocka_unit_test(test_depth),
		cmocka_unit_test(test_answer), cmocka_unit_test(test_large),
		cmocka_unit_test(test_rest),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
