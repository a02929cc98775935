// SPDX-License-Identifier: Apache-2.0
/* links: src/net/transfer.c libs: curl */
/* net/transfer: each transfer's end is told once, from the loop; what is given up is not told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/transfer.h"
#include "tests/unit/otel_server.h"

struct get {
	struct transfer x;
	struct transfers *t;
	struct loop *loop;
	int again;	    /* start it so many times more */
	struct get *cancel; /* with the end of this one */
	bool free_all;	    /* the same way, with the transfers themselves */
	int ended;
	CURLcode result;
};

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	(void)data;
	(void)ctx;
	return size * n;
}

static void on_done(void *ctx, CURLcode result)
{
	struct get *g = ctx;

	assert_false(g->x.active);
	g->ended++;
	g->result = result;
	if (g->cancel)
		transfer_cancel(g->t, &g->cancel->x);
	if (g->free_all) {
		curl_easy_cleanup(g->x.easy);
		transfers_free(g->t);
	}
	if (g->again-- > 0)
		assert_int_equal(transfer_start(g->t, &g->x), 0);
	else
		loop_stop(g->loop, 0);
}

static void get_init(struct get *g, struct transfers *t, struct loop *l, int port)
{
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
	*g = (struct get){ .x = { .easy = curl_easy_init(), .fn = on_done, .ctx = g },
			   .t = t,
			   .loop = l };
	assert_non_null(g->x.easy);
	curl_easy_setopt(g->x.easy, CURLOPT_URL, url);
	curl_easy_setopt(g->x.easy, CURLOPT_PROXY, "");
	curl_easy_setopt(g->x.easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(g->x.easy, CURLOPT_TIMEOUT_MS, 5000L);
}

static void get_end(struct get *g)
{
	transfer_cancel(g->t, &g->x);
	curl_easy_cleanup(g->x.easy);
}

/* An easy handle is used again from its own end; the connection is kept. */
static void test_again(void **state)
{
	struct loop *l = loop_new();
	struct server s;
	struct transfers *t;
	struct get g;

	(void)state;
	server_start(&s, NULL, 0);
	assert_int_equal(transfers_new(&t, l, 1), 0);
	get_init(&g, t, l, s.port);
	g.again = 2;
	assert_int_equal(transfer_start(t, &g.x), 0);
	assert_true(g.x.active);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(g.ended, 3);
	assert_int_equal(g.result, CURLE_OK);
	assert_int_equal(server_requests(&s), 3);
	assert_int_equal(s.connections, 1);
	get_end(&g);
	transfers_free(t);
	server_stop(&s);
	loop_free(l);
}

/* The second hangs at the server when the first ends and gives it up. */
static void test_cancel(void **state)
{
	static const struct reply script[] = { { .act = ACT_HANG } };
	struct loop *l = loop_new();
	struct server slow, s;
	struct transfers *t;
	struct get hangs, g;

	(void)state;
	server_start(&slow, script, 1);
	server_start(&s, NULL, 0);
	assert_int_equal(transfers_new(&t, l, 2), 0);
	get_init(&hangs, t, l, slow.port);
	get_init(&g, t, l, s.port);
	g.cancel = &hangs;
	g.again = 1;
	assert_int_equal(transfer_start(t, &hangs.x), 0);
	assert_int_equal(transfer_start(t, &g.x), 0);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(g.ended, 2);
	assert_false(hangs.x.active);
	assert_int_equal(hangs.ended, 0);
	/* Nothing in flight is fine. */
	transfer_cancel(t, &hangs.x);
	get_end(&g);
	get_end(&hangs);
	transfers_free(t);
	server_stop(&s);
	server_stop(&slow);
	loop_free(l);
}

/* All is freed from the end of the last one. */
static void test_free_at_end(void **state)
{
	struct loop *l = loop_new();
	struct server s;
	struct transfers *t;
	struct get g;

	(void)state;
	server_start(&s, NULL, 0);
	assert_int_equal(transfers_new(&t, l, 1), 0);
	get_init(&g, t, l, s.port);
	g.free_all = true;
	assert_int_equal(transfer_start(t, &g.x), 0);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(g.ended, 1);
	server_stop(&s);
	loop_free(l);
}

/* Nobody listens; a time limit passes. Both are told by curl's own code. */
static void test_failures(void **state)
{
	static const struct reply script[] = { { .act = ACT_HANG } };
	struct loop *l = loop_new();
	struct server s;
	struct transfers *t;
	struct get g;

	(void)state;
	server_start(&s, script, 1);
	assert_int_equal(transfers_new(&t, l, 1), 0);
	get_init(&g, t, l, 1);
	assert_int_equal(transfer_start(t, &g.x), 0);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(g.result, CURLE_COULDNT_CONNECT);
	get_end(&g);
	get_init(&g, t, l, s.port);
	curl_easy_setopt(g.x.easy, CURLOPT_TIMEOUT_MS, 50L);
	assert_int_equal(transfer_start(t, &g.x), 0);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(g.result, CURLE_OPERATION_TIMEDOUT);
	assert_int_equal(g.ended, 1);
	get_end(&g);
	transfers_free(t);
	transfers_free(NULL);
	server_stop(&s);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_free_at_end),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
