// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/decode/[a-z]*.c src/report/[a-z]*.c src/pod.c tests/kind/world.c libs: */
/* report/live: what a person reads, and that a hostile process cannot write to the terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/live.h"
#include "tests/kind/kind.h"

#define REC(kind, golden) ((struct rec_##kind *)(golden)->bytes)

static struct who who = { .kind = WHO_HOST };
static struct decode_room room;
static char text[16384];

static const char *terminated(struct buf *b)
{
	buf_char(b, '\0');
	assert_int_equal(b->err, 0);
	return text;
}

static const char *line(const struct golden *g, bool colour)
{
	struct event ev;
	struct buf b;

	assert_int_equal(decode(g->bytes, g->n, &room, &ev), DECODE_OK);
	ev.who = &who;
	buf_fixed(&b, text, sizeof(text));
	live_line(&ev, WORLD_WALL_OFFSET_NS, colour, &b);
	return terminated(&b);
}

static void assert_part(const char *have, const char *part)
{
	if (!strstr(have, part))
		fail_msg("\"%s\" is not in \"%s\"", part, have);
}

/* One line of UTF-8 in which nothing is a command to a terminal: no C0, DEL or C1. */
static void assert_harmless(const char *s)
{
	size_t n = strlen(s);

	assert_true(n > 0 && s[n - 1] == '\n');
	assert_true(str_is_utf8(str_of(s)));
	for (size_t i = 0; i + 1 < n; i++) {
		u8 c = (u8)s[i];

		if (c < 0x20 || c == 0x7f || (c == 0xc2 && (u8)s[i + 1] < 0xa0))
			fail_msg("byte 0x%02x at %zu of \"%s\"", c, i, s);
	}
}

/* ---- hostile texts -------------------------------------------------------------------------- */

static const struct {
	const char *name, *bytes;
} hostile[] = {
	{ "clear", "\033[2J" },		{ "title", "\033]0;x\007" },
	{ "return", "a\rb" },		{ "newline", "a\nb" },
	{ "tab", "a\tb" },		{ "delete", "a\177b" },
	{ "bell", "\a\b\v\f" },		{ "C1 CSI", "\302\2332J" },
	{ "C1 OSC", "\302\2350;x" },	{ "NEL", "a\302\205b" },
	{ "raw C1", "\233\062J" },	{ "not UTF-8", "\377\376" },
	{ "overlong", "\300\233" },	{ "half", "\342\202" },
};

static void test_hostile_comm(void **state)
{
	struct golden g;

	(void)state;
	golden_load("process_fork", &g);
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		memset(REC(process_fork, &g)->comm, 0, COMM_LEN);
		memcpy(REC(process_fork, &g)->comm, hostile[i].bytes, strlen(hostile[i].bytes));
		assert_harmless(line(&g, false));
	}
}

/* In the path, in an argument and in the working directory. */
static void test_hostile_exec(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		size_t n = strlen(hostile[i].bytes) + 1;
		struct rec_process_exec *rec;
		struct golden g;

		golden_load("process_exec", &g);
		rec = REC(process_exec, &g);
		rec->path = rec->args = rec->cwd = (struct rec_text){ sizeof(*rec), (u16)n };
		memcpy(g.bytes + sizeof(*rec), hostile[i].bytes, n);
		g.n = sizeof(*rec) + n;
		rec->head.size = (u16)g.n;
		assert_harmless(line(&g, false));
		rec->args.len = 0;
		rec->args_n = 0;
		assert_harmless(line(&g, false));
	}
	(void)state;
}

static void test_hostile_unit(void **state)
{
	struct who unit = { .kind = WHO_UNIT };
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		str_copy(unit.unit, sizeof(unit.unit), str_of(hostile[i].bytes));
		buf_fixed(&b, text, sizeof(text));
		live_who(&unit, &b);
		buf_char(&b, '\n');
		assert_harmless(terminated(&b));
	}
}

/* Every byte there is, alone: shown as itself or as \xNN, and never gone. */
static void test_every_byte(void **state)
{
	char want[8];
	struct buf b;

	(void)state;
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;

		buf_fixed(&b, text, sizeof(text));
		live_text(&b, (struct str){ &byte, 1 }, 10);
		/* both take an int */
		snprintf(want, sizeof(want), c >= 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
		assert_string_equal(terminated(&b), want);
	}
}

/* The limit is one of bytes read: what begins behind it is said to be cut, between characters. */
static void test_text_cut(void **state)
{
	static const struct {
		const char *bytes;
		size_t max;
		const char *want;
	} rows[] = {
		{ "abcdef", 6, "abcdef" },
		{ "abcdef", 5, "abcde..." },
		{ "\303\244\303\266", 4, "\303\244\303\266" },
		{ "\303\244\303\266", 2, "\303\244..." },
		{ "\n\n", 2, "\\x0a\\x0a" },
		{ "", 5, "" },
		{ "\377\377\377\377", 4, "\\xff\\xff\\xff\\xff" },
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_fixed(&b, text, sizeof(text));
		live_text(&b, str_of(rows[i].bytes), rows[i].max);
		assert_string_equal(terminated(&b), rows[i].want);
	}
}

/* ---- numbers -------------------------------------------------------------------------------- */

static void test_time(void **state)
{
	static const struct {
		u64 ns;
		const char *want;
	} rows[] = {
		{ 0, "0ns" },			 { 999, "999ns" },
		{ 1000, "1.00us" },		 { 1234, "1.23us" },
		{ 9994, "9.99us" },		 { 9996, "10.0us" },
		{ 999499, "999us" },		 { 999999, "1.00ms" },
		{ 1000000, "1.00ms" },		 { 250000000, "250ms" },
		{ 999999999, "1.00s" },		 { 1000000000, "1.00s" },
		{ 59900000000, "59.9s" },	 { 59999999999, "1.00m" },
		{ 90000000000, "1.50m" },	 { 3600000000000, "1.00h" },
		{ 3599999999999, "1.00h" },	 { 86400000000000, "24.0h" },
		{ 3600000000000ull * 1234, "1234h" }, { ~0ull, "5124096h" },
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_fixed(&b, text, sizeof(text));
		live_time(&b, rows[i].ns);
		assert_string_equal(terminated(&b), rows[i].want);
	}
}

static void test_bytes(void **state)
{
	static const struct {
		u64 bytes;
		const char *want;
	} rows[] = {
		{ 0, "0B" },		  { 1023, "1023B" },
		{ 1024, "1.0KiB" },	  { 1536, "1.5KiB" },
		{ 1048576, "1.0MiB" },	  { 5000000000, "4.7GiB" },
		{ 1ull << 40, "1.0TiB" }, { 1ull << 50, "1.0PiB" },
		{ ~0ull, "16.0EiB" },  { 1048575, "1.0MiB" },
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_fixed(&b, text, sizeof(text));
		live_bytes(&b, rows[i].bytes);
		assert_string_equal(terminated(&b), rows[i].want);
	}
}

/* ---- lines ---------------------------------------------------------------------------------- */

static void test_columns(void **state)
{
	struct golden g;

	(void)state;
	golden_load("process_fork", &g);
	assert_string_equal(line(&g, true),
			    "10:56:00.123456 host                make[4000]              "
			    "fork 4244\n");
	/* nobody known, and a name that is longer than its column */
	REC(process_fork, &g)->head.pid = 0;
	assert_part(line(&g, false), " host                -                       fork 4244\n");
	REC(process_fork, &g)->head.pid = 4294967295u;
	memcpy(REC(process_fork, &g)->comm, "\001\001\001\001\001\001\001", 7);
	assert_part(line(&g, false), "\\x01[4294967295] fork 4244\n");
}

static void test_colour(void **state)
{
	struct golden g;

	(void)state;
	golden_load("tcp_connect", &g);
	assert_part(line(&g, true), " \033[31mconnect ");
	assert_part(line(&g, true), "after 1.23ms\033[0m\n");
	assert_harmless(line(&g, false));
}

static void test_who(void **state)
{
	static const struct {
		struct who who;
		const char *want;
	} rows[] = {
		{ { .kind = WHO_HOST }, "host" },
		{ { .kind = WHO_UNKNOWN }, "unknown" },
		{ { .kind = WHO_UNIT, .unit = "ssh.service" }, "ssh.service" },
		{ { .kind = WHO_UNIT, .unit = "a-very-long-name-of-a-unit.service" },
		  "a-very-long-name-of-..." },
		{ { .kind = WHO_CONTAINER, .container_id = "8a5f0c3d2e1b4a69788796" },
		  "8a5f0c3d2e1b" },
		{ { .kind = WHO_POD, .pod_uid = "3d9f3f28-8a40-4b5e" }, "pod 3d9f3f28" },
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_fixed(&b, text, sizeof(text));
		live_who(&rows[i].who, &b);
		assert_string_equal(terminated(&b), rows[i].want);
	}
}

static void test_exec(void **state)
{
	struct rec_process_exec *rec;
	struct golden g;

	(void)state;
	golden_load("process_exec", &g);
	rec = REC(process_exec, &g);
	rec->args_n = 9000; /* more than were copied */
	assert_part(line(&g, false), "exec curl -s http://orders:8080/health ...  (parent");
	rec->args.len = 0; /* not asked for */
	rec->args_n = 0;
	rec->cwd.len = 0;
	assert_part(line(&g, false), "exec /usr/bin/curl  (parent 4000, user 1000)\n");
}

static void test_exit(void **state)
{
	struct rec_process_exit *rec;
	struct golden g;

	(void)state;
	golden_load("process_exit", &g);
	rec = REC(process_exit, &g);
	rec->core = 1;
	rec->sig = 11;
	assert_part(line(&g, false),
		    "exit by signal 11 (Segmentation fault), core dumped after 10.1s\n");
	rec->sig = 0;
	rec->code = 3;
	assert_part(line(&g, false), "exit 3 after 10.1s\n");
	rec->sig = 127; /* none that has a name */
	assert_harmless(line(&g, false));
}

static void test_tcp(void **state)
{
	struct golden g;

	(void)state;
	golden_load("tcp_connect", &g);
	REC(tcp_connect, &g)->err = 0;
	assert_part(line(&g, false), "connect 10.244.1.7:40404 -> 10.96.0.10:8080 in 1.23ms\n");
	golden_load("tcp_accept", &g);
	REC(tcp_accept, &g)->established_ns = 0;
	assert_part(line(&g, false), "[fd00:10:244::9]:40404\n");
	golden_load("tcp_close", &g);
	REC(tcp_close, &g)->start_ns = 0;
	REC(tcp_close, &g)->srtt_us = 0;
	REC(tcp_close, &g)->retransmits = 0;
	REC(tcp_close, &g)->err = 0;
	REC(tcp_close, &g)->tuple.role = 0;
	assert_part(line(&g, false), " <-> 10.96.0.10:8080 sent 1.5KiB received 4.7GiB\n");
	golden_load("tcp_reset", &g);
	REC(tcp_reset, &g)->direction = TCP_SENT;
	memset(&REC(tcp_reset, &g)->tuple, 0, sizeof(struct wire_tuple));
	assert_part(line(&g, false), "reset sent to a packet that no socket wanted\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile_comm), cmocka_unit_test(test_hostile_exec),
		cmocka_unit_test(test_hostile_unit), cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_text_cut),     cmocka_unit_test(test_time),
		cmocka_unit_test(test_bytes),	     cmocka_unit_test(test_columns),
		cmocka_unit_test(test_colour),	     cmocka_unit_test(test_who),
		cmocka_unit_test(test_exec),	     cmocka_unit_test(test_exit),
		cmocka_unit_test(test_tcp),
	};

	setenv("TZ", "UTC0", 1);
	setenv("LC_ALL", "C", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
