// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/fold/fold.c src/fold/dns.c src/fold/dns_stream.c src/fold/http.c src/fold/tally.c src/decode/[a-z]*.c */
/* fold/dns: which packets make which lookups, by their own times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "decode/decode.h"
#include "fold/fold.h"

#define MS NSEC_PER_MSEC
#define START (100 * NSEC_PER_SEC)

static struct fold *fold;
static char told[4096];	/* of each lookup a line */
static size_t made;

static void on_made(void *ctx, const void *record, size_t size)
{
	static const char *const outcomes[] = { "", " timeout", " unanswered" };
	const struct ev_dns_lookup *l;
	static struct decode_room room;
	char server[ADDR_TEXT_MAX];
	struct event ev;
	size_t n = strlen(told);

	(void)ctx;
	made++;
	assert_int_equal(decode(record, size, &room, &ev), DECODE_OK);
	assert_int_equal(ev.kind, KIND_dns_lookup);
	l = &ev.dns_lookup;
	addr_text(server, l->tuple.remote, false);
	snprintf(told + n, sizeof(told) - n, "%s %.*s%s%s %s %llums x%u\n",
		 l->tuple.role == TCP_ROLE_CLIENT ? "client" : "server", (int)l->name.n, l->name.p,
		 outcomes[l->outcome], l->rcode ? " failed" : "", server,
		 (unsigned long long)(l->duration_ns / MS), l->attempts);
}

static int setup(void **state)
{
	(void)state;
	told[0] = 0;
	made = 0;
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

struct packet {
	u64 ms;
	u64 socket;
	bool received;
	u8 server;	/* 127.0.0.x */
	u16 id;
	const char *name;
	u8 rcode;
	bool answer;
};

static size_t message(u8 *m, const struct packet *p)
{
	size_t n = strlen(p->name);

	memset(m, 0, 17 + n + 1);
	m[0] = (u8)(p->id >> 8);
	m[1] = (u8)p->id;
	m[2] = p->answer ? 0x81 : 1;
	m[3] = p->rcode;
	m[5] = 1;
	m[12] = (u8)n;
	memcpy(m + 13, p->name, n);
	m[15 + n] = 1;
	m[17 + n] = 1;
	return 18 + n;
}

static struct event event_of(const struct packet *p, const u8 *bytes, size_t n)
{
	struct event ev = { .kind = KIND_dns_packet,
			    .when_ns = START + p->ms * MS,
			    .cgroup = 7,
			    .key = p->socket };

	ev.dns_packet.tuple = (struct tcp_tuple){ .local = { 127, 0, 0, 1 },
						  .remote = { 127, 0, 0, p->server },
						  .local_port = 4000, .remote_port = 53 };
	ev.dns_packet.direction = p->received ? TCP_RECEIVED : TCP_SENT;
	ev.dns_packet.payload = (struct str){ (const char *)bytes, n };
	ev.dns_packet.size = (u32)n;
	return ev;
}

static void udp(struct packet p)
{
	u8 m[300];
	size_t n = message(m, &p);
	struct event ev = event_of(&p, m, n);

	assert_true(fold_event(fold, &ev));
}

/* the last one of a field counts */
#pragma GCC diagnostic ignored "-Woverride-init"
#define ASK(...) udp((struct packet){ .socket = 1, .server = 53, .id = 9, .name = "a", __VA_ARGS__ })
#define TELL(...) ASK(.answer = true, .received = true, __VA_ARGS__)

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

static u64 count_of(enum wire_meter meter, u16 dim)
{
	struct count c = { .meter = meter, .dim = dim };

	tally_walk(fold_tally(fold), add_count, &c);
	return c.n;
}

static u64 discarded(enum dns_discarded why)
{
	return count_of(METER_dns_discarded, (u16)why);
}

/* ---- pairs ---------------------------------------------------------------------------------- */

static void test_pair(void **state)
{
	struct event other = { .kind = KIND_tcp_connect };

	(void)state;
	assert_false(fold_event(fold, &other));
	ASK(.ms = 0);
	assert_told("");
	TELL(.ms = 3);
	assert_told("client a 127.0.0.53 3ms x1\n");
	ASK(.ms = 4, .received = true); /* the other way: we are asked */
	TELL(.ms = 6, .received = false, .rcode = 2);
	assert_told("server a failed 127.0.0.53 2ms x1\n");
	assert_int_equal(discarded(DNS_UNASKED), 0);
}

/* Each of what belongs together, when it is another. */
static void test_others(void **state)
{
	(void)state;
	ASK(.ms = 0);
	TELL(.ms = 1, .id = 8);
	TELL(.ms = 1, .name = "b");
	TELL(.ms = 1, .socket = 2);
	TELL(.ms = 1, .server = 54);
	TELL(.ms = 1, .received = false);
	assert_told("");
	assert_int_equal(discarded(DNS_UNASKED), 5);
	TELL(.ms = 2, .name = "A"); /* the case of letters is no difference */
	assert_told("client a 127.0.0.53 2ms x1\n");
	TELL(.ms = 3);
	assert_told("");
	assert_int_equal(discarded(DNS_UNASKED), 6);
}

static void test_clients_of_a_server(void **state)
{
	(void)state;
	ASK(.ms = 0, .received = true, .server = 2);
	ASK(.ms = 1, .received = true, .server = 3);
	TELL(.ms = 5, .received = false, .server = 3);
	TELL(.ms = 7, .received = false, .server = 2);
	assert_told("server a 127.0.0.3 4ms x1\nserver a 127.0.0.2 7ms x1\n");
}

static void test_attempts(void **state)
{
	(void)state;
	ASK(.ms = 0);
	ASK(.ms = 10);
	ASK(.ms = 20, .server = 54);
	TELL(.ms = 30, .server = 53);
	assert_told("client a 127.0.0.53 30ms x3\n");
	TELL(.ms = 31, .server = 54);
	assert_told("");
}

/* ---- nobody answers ---------------------------------------------------------------------------- */

static void test_timeout(void **state)
{
	(void)state;
	ASK(.ms = 0);
	ASK(.ms = 2000, .name = "b");
	fold_tick(fold, START + 5999 * MS); /* its answer may be on its way to us */
	assert_told("");
	fold_tick(fold, START + 6000 * MS);
	assert_told("client a timeout 127.0.0.53 5000ms x1\n");
	TELL(.ms = 6999, .name = "b"); /* by its own time it came */
	assert_told("client b 127.0.0.53 4999ms x1\n");
	assert_int_equal(count_of(METER_dns_unanswered, TCP_ROLE_CLIENT), 1);
}

/* Late by the times of packets, whenever somebody looks. */
static void test_late(void **state)
{
	(void)state;
	ASK(.ms = 0);
	TELL(.ms = 5000);
	assert_told("client a timeout 127.0.0.53 5000ms x1\n");
	assert_int_equal(discarded(DNS_UNASKED), 1);
	ASK(.ms = 10000);
	ASK(.ms = 15000); /* a new one */
	assert_told("client a timeout 127.0.0.53 5000ms x1\n");
	ASK(.ms = 19999); /* not yet */
	TELL(.ms = 20000);
	assert_told("client a 127.0.0.53 5000ms x2\n");
}

static void test_end(void **state)
{
	(void)state;
	ASK(.ms = 0);
	ASK(.ms = 5000, .name = "b");
	fold_end(fold, START + 7000 * MS);
	assert_told("client a timeout 127.0.0.53 5000ms x1\nclient b unanswered 127.0.0.53 2000ms x1\n");
	fold_end(fold, START + 8000 * MS);
	assert_told("");
}

static void test_full(void **state)
{
	(void)state;
	for (u32 i = 0; i < 4097; i++)
		ASK(.ms = 0, .id = (u16)i);
	assert_int_equal(discarded(DNS_EVICTED), 1);
	TELL(.ms = 1, .id = 0);
	assert_int_equal(discarded(DNS_UNASKED), 1);
	TELL(.ms = 1, .id = 4096);
	assert_told("client a 127.0.0.53 1ms x1\n");
}

static void test_unreadable(void **state)
{
	struct packet p = { .socket = 1, .name = "a" };
	u8 m[300];
	size_t n = message(m, &p);
	struct event ev;

	(void)state;
	m[12] = 0xc0;
	m[13] = 12;
	ev = event_of(&p, m, n);
	fold_event(fold, &ev);
	assert_int_equal(discarded(DNS_UNREADABLE), 1);
	fold_end(fold, START);
	assert_told("");
}

/* ---- segments ----------------------------------------------------------------------------------- */

static u32 seq;

/* size: more than n, when not all bytes were copied. */
static void segment(const u8 *bytes, size_t n, size_t size)
{
	struct packet p = { .socket = 5, .server = 53 };
	struct event ev = event_of(&p, bytes, n);

	ev.dns_packet.transport = DNS_TCP;
	ev.dns_packet.seq = seq;
	ev.dns_packet.size = (u32)size;
	fold_event(fold, &ev);
	seq += (u32)size;
}

static size_t prefixed(u8 *to, const char *name, u16 id)
{
	struct packet p = { .id = id, .name = name };
	size_t n = message(to + 2, &p);

	to[0] = (u8)(n >> 8);
	to[1] = (u8)n;
	return n + 2;
}

/* What was asked by the segments, all of it unanswered; then a connection begins anew. */
static void assert_asked(size_t n)
{
	fold_end(fold, START);
	assert_int_equal(made, n);
	assert_int_equal(teardown(NULL), 0);
	assert_int_equal(setup(NULL), 0);
}

/* Three messages, cut in two and in three anywhere, at the end of sequence numbers too. */
static void test_segments(void **state)
{
	u8 m[200];
	size_t n = prefixed(m, "a", 1);

	(void)state;
	n += prefixed(m + n, "bb", 2);
	n += prefixed(m + n, "ccc", 3);
	for (size_t i = 0; i <= n; i++) {
		for (size_t k = i; k <= n; k += 7) {
			seq = UINT32_MAX - 20;
			segment(m, i, i);
			segment(m + i, k - i, k - i);
			segment(m + k, n - k, n - k);
			assert_int_equal(discarded(DNS_UNREADABLE), 0);
			assert_asked(3);
		}
	}
}

static void test_again(void **state)
{
	u8 m[200];
	size_t n = prefixed(m, "a", 1);

	(void)state;
	seq = 0;
	segment(m, n, n);
	seq = 0;
	segment(m, n, n); /* sent again, then again with more behind it */
	seq = 0;
	segment(m, n + prefixed(m + n, "b", 2), n * 2);
	assert_asked(2);
}

static void test_gap(void **state)
{
	u8 m[200];
	size_t n = prefixed(m, "a", 1);

	(void)state;
	seq = 0;
	segment(m, 5, 5);
	seq = 1000;
	segment(m, n, n);
	assert_int_equal(discarded(DNS_UNREADABLE), 1);
	assert_asked(1);
}

/* Only the first bytes of a long segment are copied. */
static void test_unseen(void **state)
{
	u8 m[700] = { 0 };
	size_t n = prefixed(m, "a", 1);

	(void)state;
	m[0] = 600 >> 8; /* it is 600 bytes long, which its question does not mind */
	m[1] = 600 & 0xff;
	seq = 0;
	segment(m, 512, 602);
	n = prefixed(m, "b", 2);
	segment(m, n, n);
	assert_int_equal(discarded(DNS_UNREADABLE), 0);
	m[0] = 600 >> 8;
	m[1] = 600 & 0xff;
	m[3] = 3;
	segment(m, 512, 700); /* something begins behind what was copied */
	assert_int_equal(discarded(DNS_UNREADABLE), 1);
	assert_asked(3);
}

static void test_no_dns(void **state)
{
	u8 m[200] = "\0\5hello";
	size_t n;

	(void)state;
	seq = 0;
	segment(m, 7, 7);
	n = prefixed(m, "a", 1);
	for (int i = 0; i < 3; i++)
		segment(m, n, n);
	assert_int_equal(discarded(DNS_UNREADABLE), 1);
	assert_asked(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pair),     TEST(test_others), TEST(test_clients_of_a_server),
		TEST(test_attempts), TEST(test_timeout), TEST(test_late),
		TEST(test_end),	     TEST(test_full),	 TEST(test_unreadable),
		TEST(test_segments), TEST(test_again),	 TEST(test_gap),
		TEST(test_unseen),   TEST(test_no_dns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
