// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/fold/fold.c src/fold/dns.c src/fold/dns_stream.c src/fold/http.c src/fold/tally.c src/decode/[a-z]*.c */
/* fold/http: which heads make which requests, with which lengths and times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "decode/decode.h"
#include "fold/fold.h"

#define MS NSEC_PER_MSEC
#define START (100 * NSEC_PER_SEC)
#define CONNS 3

#define C TCP_SENT     /* on a client's connection it is the request that is sent */
#define S TCP_RECEIVED /* and the response that is received */

#define GET "GET /a HTTP/1.1\r\nHost: h\r\n\n"
#define OK5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\n"
#define BODYLESS(n) "HTTP/1.1 " #n " x\r\nContent-Length: 5\r\n\n"
#define ENDLESS "HTTP/1.1 200 OK\r\n\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\n"

static struct fold *fold;
static char told[8192]; /* of each request a line */
static size_t made;
static u64 now_ms;
/* What the kernel side has of each connection. */
static struct {
	u32 seq, number;
} ways[CONNS][2];

static void put_bytes(char *to, size_t cap, u64 n)
{
	if (n == HTTP_BYTES_UNKNOWN)
		snprintf(to, cap, "?");
	else
		snprintf(to, cap, "%llu", (unsigned long long)n);
}

static void on_made(void *ctx, const void *record, size_t size)
{
	static const char *const outcomes[] = { "", " closed", " unanswered" };
	const struct ev_http_request *r;
	static struct decode_room room;
	char request[24], response[24];
	struct event ev;
	size_t n = strlen(told);

	(void)ctx;
	made++;
	assert_int_equal(decode(record, size, &room, &ev), DECODE_OK);
	assert_int_equal(ev.kind, KIND_http_request);
	r = &ev.http_request;
	put_bytes(request, sizeof(request), r->request_bytes);
	put_bytes(response, sizeof(response), r->response_bytes);
	if (made < 100)
		snprintf(told + n, sizeof(told) - n, "%s %.*s %.*s%s %u%s %llums %s>%s\n",
			 r->tuple.role == TCP_ROLE_CLIENT ? "client" : "server", (int)r->method.n,
			 r->method.p, (int)r->path.n, r->path.p, outcomes[r->outcome], r->status,
			 ev.flags & REC_FAILED ? " failed" : "", (unsigned long long)(r->duration_ns / MS),
			 request, response);
}

static int setup(void **state)
{
	(void)state;
	told[0] = 0;
	made = now_ms = 0;
	memset(ways, 0, sizeof(ways));
	fold = fold_new(on_made, NULL);
	return fold ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fold_free(fold);
	return 0;
}

static void assert_told(const char *wanted)
{
	assert_string_equal(told, wanted);
	told[0] = 0;
}

/* A piece of a head: n bytes, of which text is told. */
static void piece(u64 conn, enum tcp_direction direction, u16 part, struct str text, u32 n)
{
	struct event ev = { .kind = KIND_http_head, .when_ns = START + now_ms * MS, .cgroup = 7,
			    .key = 1 + conn, .pid = 42, .tid = 43, .comm = STR("curl") };

	ways[conn][direction].number += (part & HTTP_BEGINS) != 0;
	ev.http_head.direction = direction;
	ev.http_head.part = part;
	ev.http_head.seq = ways[conn][direction].seq;
	ev.http_head.other = ways[conn][!direction].seq;
	ev.http_head.number = ways[conn][direction].number;
	ev.http_head.size = n;
	ev.http_head.text = text;
	ways[conn][direction].seq += n;
	assert_true(fold_event(fold, &ev));
}

/* What is told of a head: of the headers that are told letters instead of their names. */
static struct str told_of(const char *head)
{
	static const char *const headers[][2] = {
		{ "Host:", "h" }, { "Content-Length:", "l" }, { "Transfer-Encoding:", "c" }
	};
	static char text[256];
	struct str rest = str_of(head), line;
	size_t n = 0;

	while (str_cut(&rest, '\n', &line) && rest.p) {
		for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
			if (!str_starts(line, str_of(headers[i][0])))
				continue;
			text[n++] = headers[i][1][0];
			line = str_slice(line, strlen(headers[i][0]), line.n);
		}
		memcpy(text + n, line.p, line.n);
		n += line.n;
		text[n++] = '\n';
	}
	return (struct str){ text, n };
}

static void say_on(u64 conn, enum tcp_direction direction, const char *head)
{
	piece(conn, direction, HTTP_BEGINS | HTTP_ENDS, told_of(head), (u32)strlen(head));
}

/* A whole head, and what is behind it. */
static void say(enum tcp_direction direction, const char *head, u32 body)
{
	say_on(0, direction, head);
	ways[0][direction].seq += body;
}

static void close_conn(u64 conn)
{
	struct event ev = { .kind = KIND_http_close, .when_ns = START + now_ms * MS, .cgroup = 7,
			    .key = 1 + conn };

	ev.http_close.seq[C] = ways[conn][C].seq;
	ev.http_close.seq[S] = ways[conn][S].seq;
	assert_true(fold_event(fold, &ev));
}

struct count {
	enum wire_meter meter;
	u16 dim;
	u64 n;
};

static void add_count(void *ctx, const struct meter_key *key, const struct meter_cell *cell)
{
	struct count *c = ctx;

	if (key->meter == c->meter && key->dim == c->dim)
		c->n += cell->sum;
}

/* How many messages were discarded for that reason. */
static u64 count_of(enum http_discarded why)
{
	struct count c = { .meter = METER_http_discarded, .dim = (u16)why };

	tally_walk(fold_tally(fold), add_count, &c);
	return c.n;
}

static void assert_discarded(u64 unreadable, u64 unasked, u64 evicted, u64 lost)
{
	assert_int_equal(count_of(HTTP_UNREADABLE), unreadable);
	assert_int_equal(count_of(HTTP_UNASKED), unasked);
	assert_int_equal(count_of(HTTP_EVICTED), evicted);
	assert_int_equal(count_of(HTTP_LOST), lost);
}

/* ---- pairs ---------------------------------------------------------------------------------- */

static void test_pair(void **state)
{
	struct event other = { .kind = KIND_tcp_connect };

	(void)state;
	assert_false(fold_event(fold, &other));
	say(C, GET, 0);
	now_ms = 3;
	assert_told("");
	say(S, OK5, 5);
	assert_told("client GET /a 200 3ms 27>42\n");
	say(C, GET, 0);
	say(S, "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\n", 0);
	assert_told("client GET /a 404 failed 0ms 27>36\n");
	say(S, OK5, 5); /* once more: of nothing */
	assert_told("");
	assert_discarded(0, 1, 0, 0);
}

/* Who receives requests is the server; a client's mistake is not its failure. */
static void test_server(void **state)
{
	(void)state;
	say(S, "POST /in?x HTTP/1.1\r\nContent-Length: 9\r\n\n", 9);
	say(C, "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\n", 0);
	say(S, GET, 0);
	say(C, "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\n", 0);
	assert_told("server POST /in? 404 0ms 50>36\nserver GET /a 500 failed 0ms 27>36\n");
}

/* Both ends, and another connection between the same addresses. */
static void test_connections(void **state)
{
	(void)state;
	say_on(0, C, GET);
	say_on(1, S, GET);
	now_ms = 1;
	say_on(2, C, GET);
	now_ms = 5;
	say_on(1, C, BODYLESS(201));
	say_on(2, S, BODYLESS(202));
	say_on(0, S, BODYLESS(203));
	assert_told("server GET /a 201 5ms 27>41\nclient GET /a 202 4ms 27>41\nclient GET /a 203 5ms 27>41\n");
	ways[1][C].seq += 5;
	say_on(1, C, BODYLESS(200));
	assert_discarded(0, 1, 0, 0);
}

static void test_pipelining(void **state)
{
	static const char *const wanted =
		"client GET /1 200 4ms 17>42\nclient GET /2 503 failed 3ms 17>36\nclient GET /3 200 3ms 17>42\n";

	(void)state;
	say(C, "GET /1 HTTP/1.1\r\n", 0);
	now_ms = 1;
	say(C, "GET /2 HTTP/1.1\r\n", 0);
	now_ms = 2;
	say(C, "GET /3 HTTP/1.1\r\n", 0);
	now_ms = 4;
	say(S, OK5, 5);
	say(S, "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\n", 0);
	now_ms = 5;
	say(S, OK5, 5);
	assert_told(wanted);
	assert_discarded(0, 0, 0, 0);
}

static void test_pipelined_too_far(void **state)
{
	(void)state;
	for (int i = 0; i < 257; i++)
		say(C, GET, 0);
	assert_discarded(0, 0, 1, 0);
	for (int i = 0; i < 256; i++)
		say(S, OK5, 5);
	assert_int_equal(made, 256);
	assert_discarded(0, 0, 1, 0);
	say(S, OK5, 5);
	assert_int_equal(made, 256);
	assert_discarded(0, 1, 1, 0);
}

/* ---- lengths -------------------------------------------------------------------------------- */

static void test_without_a_body(void **state)
{
	(void)state;
	say(C, "HEAD /a HTTP/1.1\r\n", 0);
	say(S, OK5, 0);
	say(C, GET, 0);
	say(S, BODYLESS(204), 0);
	say(C, GET, 0);
	say(S, BODYLESS(304), 0);
	say(C, GET, 0);
	say(S, OK5, 5); /* the control: it has one */
	assert_told("client HEAD /a 200 0ms 18>37\nclient GET /a 204 0ms 27>36\n"
		    "client GET /a 304 0ms 27>36\nclient GET /a 200 0ms 27>42\n");
}

/* It is as long as there is something. */
static void test_chunked(void **state)
{
	(void)state;
	say(C, "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\n", 100);
	now_ms = 7;
	say(S, CHUNKED, 50);
	assert_told("");
	say(C, GET, 0); /* now it is known */
	assert_told("client PUT /a 200 7ms 146>96\n");
	say(S, ENDLESS, 1000);
	close_conn(0);
	assert_told("client GET /a 200 0ms 27>1018\n");
	close_conn(0);
	fold_end(fold, START);
	assert_told("");
}

static void test_chunked_pipelined(void **state)
{
	(void)state;
	say(C, GET, 0);
	say(C, "GET /b HTTP/1.1\r\n", 0);
	say(S, CHUNKED, 50);
	assert_told("");
	say(S, OK5, 5);
	assert_told("client GET /a 200 0ms 27>96\nclient GET /b 200 0ms 17>42\n");
}

static void test_length_is_waited_for(void **state)
{
	(void)state;
	say(C, GET, 0);
	say(S, CHUNKED, 50);
	fold_tick(fold, START + NSEC_PER_SEC - 1);
	assert_told("");
	fold_tick(fold, START + NSEC_PER_SEC);
	assert_told("client GET /a 200 0ms 27>?\n");
	ways[0][S].seq += 50;
	say(C, GET, 0); /* what comes is as it was */
	say(S, OK5, 5);
	assert_told("client GET /a 200 0ms 27>42\n");
	assert_discarded(0, 0, 0, 0);
}

/* A message in a body is none: before the body's end; there, it is one. */
static void test_in_a_body(void **state)
{
	(void)state;
	say(C, "PUT /a HTTP/1.1\r\nContent-Length: 26\r\n\n", 0);
	say(C, GET, 0);
	say(S, BODYLESS(204), 0);
	assert_told("client PUT /a 204 0ms 64>36\n");
	say(C, GET, 0);
	say(S, BODYLESS(204), 0);
	assert_told("client GET /a 204 0ms 27>36\n");
	assert_discarded(0, 0, 0, 0);
}

static void test_places_begin_anew(void **state)
{
	(void)state;
	ways[0][C].seq = UINT32_MAX - 10;
	ways[0][S].seq = UINT32_MAX - 60;
	say(C, GET, 0);
	say(S, CHUNKED, 50);
	say(C, GET, 0);
	assert_told("client GET /a 200 0ms 27>96\n");
}

/* ---- more than one response, or none ------------------------------------------------------------- */

static void test_continue(void **state)
{
	(void)state;
	say(C, "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\n", 0);
	now_ms = 2;
	say(S, "HTTP/1.1 100 Continue\r\n\n", 0);
	say(S, "HTTP/1.1 103 Early Hints\r\n\n", 0);
	ways[0][C].seq += 10;
	now_ms = 5;
	assert_told("");
	say(S, BODYLESS(204), 0);
	assert_told("client PUT /a 204 5ms 70>36\n");
	assert_discarded(0, 0, 0, 0);
}

static void test_upgrade(void **state)
{
	(void)state;
	say(C, GET, 0);
	say(S, "HTTP/1.1 101 x\r\n\n", 0);
	assert_told("client GET /a 101 0ms 27>17\n");
	say(C, GET, 0);
	say(S, OK5, 5);
	close_conn(0);
	assert_told("");
	assert_discarded(0, 0, 0, 0);
}

static void test_tunnel(void **state)
{
	(void)state;
	say_on(0, C, "CONNECT h:443 HTTP/1.1\r\n");
	say_on(0, S, ENDLESS);
	say_on(0, C, GET);
	say_on(1, C, "CONNECT h:443 HTTP/1.1\r\n");
	say_on(1, S, "HTTP/1.1 407 x\r\nContent-Length: 0\r\n\n"); /* then it is none */
	say_on(1, C, GET);
	say_on(1, S, BODYLESS(204));
	assert_told("client CONNECT h:443 200 0ms 24>18\nclient CONNECT h:443 407 failed 0ms 24>36\n"
		    "client GET /a 204 0ms 27>36\n");
}

static void test_closed(void **state)
{
	(void)state;
	say(C, GET, 0);
	say(C, "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\n", 0);
	now_ms = 9;
	close_conn(0);
	assert_told("client GET /a closed 0 failed 9ms 27>?\nclient POST /b closed 0 failed 9ms ?>?\n");
	assert_discarded(0, 0, 0, 0);
}

static void test_end(void **state)
{
	(void)state;
	say_on(0, C, GET);
	say_on(1, C, GET);
	say_on(1, S, CHUNKED);
	fold_tick(fold, START + NSEC_PER_SEC - 1); /* a request may wait for ever */
	assert_told("");
	fold_end(fold, START + 30 * MS);
	assert_told("client GET /a unanswered 0 failed 30ms 27>?\nclient GET /a 200 0ms 27>?\n");
}

/* ---- pieces --------------------------------------------------------------------------------- */

/* In two and three pieces, wherever they are cut; some bytes are not told. */
static void test_pieces(void **state)
{
	struct str told_text = told_of(GET);
	char head[64];
	u32 n = (u32)told_text.n;

	(void)state;
	memcpy(head, told_text.p, n);
	for (u32 i = 1; i < n; i++) {
		for (u32 k = i; k < n; k += 5) {
			piece(0, C, HTTP_BEGINS, (struct str){ head, i }, i + 14);
			if (k > i)
				piece(0, C, 0, (struct str){ head + i, k - i }, k - i);
			piece(0, C, HTTP_ENDS, (struct str){ head + k, n - k }, n - k);
			say(S, OK5, 5);
			assert_told("client GET /a 200 0ms 37>42\n");
		}
	}
	assert_discarded(0, 0, 0, 0);
}

static void test_cut_off(void **state)
{
	(void)state;
	piece(0, C, HTTP_BEGINS, STR("GET /a"), 6);
	close_conn(0);
	assert_discarded(1, 0, 0, 0);
	fold_end(fold, START);
	assert_told("");
}

/* As long as a head may be, and what of it is kept. */
static void test_long(void **state)
{
	char path[8300], wanted[1200];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	for (u32 n = 1000; n <= 8300; n += 7300) { /* one that is cut, one that cannot be read */
		piece(0, C, HTTP_BEGINS, STR("GET "), 4);
		piece(0, C, 0, (struct str){ path, n }, n);
		piece(0, C, HTTP_ENDS, STR(" HTTP/1.1\r\n\n"), 12);
	}
	assert_discarded(1, 0, 0, 0);
	say(S, OK5, 5);
	snprintf(wanted, sizeof(wanted), "client GET %.1000s 200 0ms 1016>42\n", path);
	assert_told(wanted);
	piece(0, C, HTTP_BEGINS, STR("GET "), 4);
	piece(0, C, 0, (struct str){ path, 1025 }, 1025);
	piece(0, C, HTTP_ENDS | HTTP_GIVEN_UP, STR(" HTTP/1.1\r\nh \n"), 15);
	say(S, OK5, 5);
	snprintf(wanted, sizeof(wanted), "client GET %.1024s 200 0ms 1044>42\n", path);
	assert_told(wanted);
}

/* ---- what was lost on its way ------------------------------------------------------------------- */

static void test_lost_request(void **state)
{
	(void)state;
	say(C, GET, 0);
	ways[0][C].number++; /* another one that nobody was told of */
	ways[0][C].seq += 20;
	say(S, BODYLESS(201), 5);
	say(S, BODYLESS(202), 5);
	say(C, "GET /b HTTP/1.1\r\n", 0);
	say(S, BODYLESS(203), 5);
	assert_told("client GET /a 201 0ms 27>41\nclient GET /b 203 0ms 17>41\n");
	assert_discarded(0, 1, 0, 1);
}

static void test_lost_response(void **state)
{
	(void)state;
	say(C, GET, 0);
	ways[0][S].number++;
	ways[0][S].seq += 43;
	say(C, "GET /b HTTP/1.1\r\n", 0);
	say(S, BODYLESS(202), 5); /* whose? */
	assert_told("");
	assert_discarded(0, 1, 0, 3);
	say(C, "GET /c HTTP/1.1\r\n", 0);
	say(S, BODYLESS(203), 5);
	assert_told("client GET /c 203 0ms 17>41\n");
	assert_discarded(0, 1, 0, 3);
}

/* One in the middle, the last one, the first one. */
static void test_lost_pieces(void **state)
{
	for (int lost = 0; lost < 3; lost++) {
		say(C, GET, 0);
		if (lost != 2)
			piece(0, S, HTTP_BEGINS, STR("HTTP/1.1 "), 9);
		else
			ways[0][S].number++;
		ways[0][S].seq += 20;
		if (lost != 1)
			piece(0, S, HTTP_ENDS, STR("5\r\n\n"), 4);
		say(C, GET, 0);
		say(S, BODYLESS(201), 5);
		if (lost == 1) { /* it shows when the next one begins */
			assert_told("");
			say(C, GET, 0);
			say(S, BODYLESS(201), 5);
		}
		assert_told("client GET /a 201 0ms 27>41\n");
		assert_discarded(0, lost == 1, 0, lost == 1 ? 3 : 2);
		teardown(state);
		setup(state);
	}
}

/* A length that would have been known by now is not. */
static void test_lost_while_growing(void **state)
{
	(void)state;
	say(C, GET, 0);
	say(S, CHUNKED, 50);
	ways[0][S].number++;
	ways[0][S].seq += 100;
	say(S, OK5, 5);
	assert_told("client GET /a 200 0ms 27>?\n");
	assert_discarded(0, 1, 0, 1);
}

/* ---- garbage ---------------------------------------------------------------------------------- */

static void test_garbage(void **state)
{
	(void)state;
	say(C, "GET the best\r\n\n", 0);
	say(S, "HTTP/1.1 twohundred\r\n\n", 0);
	say(S, "\n", 0);
	assert_discarded(3, 0, 0, 0);
	say(C, GET, 0);
	say(C, OK5, 5); /* who asks does not answer */
	say(S, GET, 0);
	assert_discarded(5, 0, 0, 0);
	say(S, OK5, 5);
	assert_told("client GET /a 200 0ms 27>42\n");
}

/* ---- limits ----------------------------------------------------------------------------------- */

static void on_many(u64 conn, enum tcp_direction direction, u16 part, const char *text)
{
	struct event ev = { .kind = KIND_http_head, .when_ns = START, .cgroup = 7, .key = 100 + conn,
			    .comm = STR("curl") };

	ev.http_head.direction = direction;
	ev.http_head.part = part;
	ev.http_head.number = 1;
	ev.http_head.text = told_of(text);
	ev.http_head.size = (u32)strlen(text);
	fold_event(fold, &ev);
}

static void test_full_of_requests(void **state)
{
	(void)state;
	for (u64 i = 0; i < 4097; i++)
		on_many(i, C, HTTP_BEGINS | HTTP_ENDS, GET);
	assert_discarded(0, 0, 1, 0);
	on_many(0, S, HTTP_BEGINS | HTTP_ENDS, OK5);
	assert_discarded(0, 1, 1, 0);
	on_many(4096, S, HTTP_BEGINS | HTTP_ENDS, OK5);
	assert_told("client GET /a 200 0ms 27>42\n");
}

static void test_full_of_connections(void **state)
{
	(void)state;
	for (u64 i = 0; i < 3; i++)
		on_many(i, C, HTTP_BEGINS | HTTP_ENDS, GET);
	on_many(1, S, HTTP_BEGINS | HTTP_ENDS, CHUNKED);
	for (u64 i = 3; i < 16384; i++) /* of these nobody was asked anything */
		on_many(i, S, HTTP_BEGINS | HTTP_ENDS, OK5);
	assert_discarded(0, 16381, 0, 0);
	on_many(16384, S, HTTP_BEGINS | HTTP_ENDS, OK5); /* the first makes room, with its request */
	assert_discarded(0, 16382, 1, 0);
	on_many(16385, S, HTTP_BEGINS | HTTP_ENDS, OK5); /* the third: the second has said something since */
	on_many(16386, S, HTTP_BEGINS | HTTP_ENDS, OK5);
	assert_discarded(0, 16384, 2, 0);
	fold_end(fold, START);
	assert_told("client GET /a 200 0ms 27>?\n");
}

static void test_full_of_heads(void **state)
{
	(void)state;
	on_many(0, C, HTTP_BEGINS | HTTP_ENDS, GET);
	on_many(0, S, HTTP_BEGINS, "HTTP/1.1 2");
	for (u64 i = 1; i < 512; i++)
		on_many(i, C, HTTP_BEGINS, "GET ");
	assert_discarded(0, 0, 0, 0);
	on_many(512, C, HTTP_BEGINS, "GET ");
	assert_discarded(0, 0, 2, 0); /* a response, and what it would have answered */
	on_many(0, S, HTTP_ENDS, "00 OK\n");
	assert_discarded(0, 0, 2, 0);
	fold_end(fold, START);
	assert_told("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pair),
		TEST(test_server),
		TEST(test_connections),
		TEST(test_pipelining),
		TEST(test_pipelined_too_far),
		TEST(test_without_a_body),
		TEST(test_chunked),
		TEST(test_chunked_pipelined),
		TEST(test_length_is_waited_for),
		TEST(test_in_a_body),
		TEST(test_places_begin_anew),
		TEST(test_continue),
		TEST(test_upgrade),
		TEST(test_tunnel),
		TEST(test_closed),
		TEST(test_end),
		TEST(test_pieces),
		TEST(test_cut_off),
		TEST(test_long),
		TEST(test_lost_request),
		TEST(test_lost_response),
		TEST(test_lost_pieces),
		TEST(test_lost_while_growing),
		TEST(test_garbage),
		TEST(test_full_of_requests),
		TEST(test_full_of_connections),
		TEST(test_full_of_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
