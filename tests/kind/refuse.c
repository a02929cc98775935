// SPDX-License-Identifier: Apache-2.0
/*
 * What must not be decoded: the golden records cut off, with heads that lie, with texts that
 * point elsewhere, with values that cannot be. Each attempt has exactly its bytes in memory,
 * so that the address sanitizer sees one byte read too much.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/kind/kind.h"

/* Decode a copy of the first n bytes; a refusal leaves the event alone. */
static enum decode_fault try(const void *bytes, size_t n)
{
	void *copy = malloc(n ? n : 1);
	struct decode_room room;
	struct event ev, before;
	enum decode_fault fault;

	memset(&ev, 0xa5, sizeof(ev));
	before = ev;
	memcpy(copy, bytes, n);
	fault = decode(copy, n, &room, &ev);
	if (fault)
		assert_memory_equal(&ev, &before, sizeof(ev));
	free(copy);
	return fault;
}

/* ---- where the texts of a kind are -------------------------------------------------------- */

#define TEXT(kind, field) { KIND_##kind, offsetof(struct rec_##kind, field) }
static const struct {
	u16 kind;
	size_t at;
} texts[] = {
	TEXT(process_exec, path),
	TEXT(process_exec, args),
	TEXT(process_exec, cwd),
	TEXT(process_exec_failed, path),
	TEXT(cgroup_mkdir, path),
	TEXT(lookup_getaddrinfo, name),
	TEXT(file_op, path),
	TEXT(file_op, base),
	TEXT(file_op, to),
	TEXT(file_op, to_base),
	TEXT(db_query, statement),
	TEXT(dns_packet, payload),
	TEXT(dns_lookup, name),
	TEXT(dns_lookup, addresses),
	TEXT(dns_lookup, names),
	TEXT(http_head, text),
	TEXT(http_request, method),
	TEXT(http_request, path),
	TEXT(http_request, address),
	TEXT(http_request, parent),
};

static struct rec_text text_at(const struct golden *g, size_t i)
{
	struct rec_text text;

	memcpy(&text, g->bytes + texts[i].at, sizeof(text));
	return text;
}

/* What a record is that says it has n bytes, and has them. */
static enum decode_fault fault_of(const struct kind *kind, const struct golden *g, size_t n)
{
	if (n < kind->size)
		return DECODE_SHORT;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].kind == kind - kinds && text_at(g, i).off + text_at(g, i).len > n)
			return DECODE_TEXT;
	return DECODE_OK;
}

/* ---- cut off, and wrong heads ------------------------------------------------------------- */

void refuse_truncated(void **state)
{
	const struct kind *kind = *state;
	struct rec_head *head;
	struct golden g;

	golden_load(kind->id, &g);
	head = (struct rec_head *)g.bytes;
	assert_int_equal(head->size, g.n);
	assert_int_equal(try(g.bytes, g.n), DECODE_OK);
	for (size_t n = 0; n < g.n; n++) {
		head->size = (u16)g.n;
		assert_int_equal(try(g.bytes, n), n < sizeof(*head) ? DECODE_SHORT : DECODE_SIZE);
		head->size = (u16)n;
		assert_int_equal(try(g.bytes, n),
				 n < sizeof(*head) ? DECODE_SHORT : fault_of(kind, &g, n));
	}
}

void refuse_head(void **state)
{
	static const u16 unknown[] = { 0, KIND_END, KIND_END + 1, 0x7fff, 0xffff };
	const struct kind *kind = *state;
	static u8 large[REC_SIZE_MAX + 8];
	struct rec_head *head;
	struct golden g;

	golden_load(kind->id, &g);
	head = (struct rec_head *)g.bytes;
	head->size = (u16)(g.n + 1);
	assert_int_equal(try(g.bytes, g.n), DECODE_SIZE);
	head->size = (u16)(g.n - 1);
	assert_int_equal(try(g.bytes, g.n), fault_of(kind, &g, g.n - 1));
	head->size = 0;
	assert_int_equal(try(g.bytes, g.n), DECODE_SHORT);
	head->size = 0xffff;
	assert_int_equal(try(g.bytes, g.n), DECODE_SIZE);
	head->size = (u16)g.n;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		head->kind = unknown[i];
		assert_int_equal(try(g.bytes, g.n), DECODE_KIND);
	}
	head->kind = (u16)(kind - kinds);
	head->when_ns = (1ull << 62) + 1; /* 146 years after boot: wall time would wrap */
	assert_int_equal(try(g.bytes, g.n), DECODE_VALUE);
	head->when_ns = 1ull << 62;
	assert_int_equal(try(g.bytes, g.n), DECODE_OK);
	memcpy(large, g.bytes, g.n);
	assert_int_equal(try(large, g.n + 8), DECODE_OK); /* padding of a perf sample */
	((struct rec_head *)large)->size = REC_SIZE_MAX;
	assert_int_equal(try(large, sizeof(large)), DECODE_OK);
	((struct rec_head *)large)->size = REC_SIZE_MAX + 1;
	assert_int_equal(try(large, sizeof(large)), DECODE_SIZE);
}

/* ---- texts -------------------------------------------------------------------------------- */

static enum decode_fault with_text(struct golden g, size_t at, size_t off, size_t len)
{
	struct rec_text text = { .off = (u16)off, .len = (u16)len };

	memcpy(g.bytes + at, &text, sizeof(text));
	return try(g.bytes, g.n);
}

void refuse_texts(void **state)
{
	const struct kind *kind = *state;
	struct golden g;

	golden_load(kind->id, &g);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		size_t at = texts[i].at;

		if (texts[i].kind != kind - kinds)
			continue;
		assert_int_equal(with_text(g, at, g.n, 1), DECODE_TEXT);
		assert_int_equal(with_text(g, at, g.n - 1, 2), DECODE_TEXT);
		assert_int_equal(with_text(g, at, 0xffff, 1), DECODE_TEXT);
		assert_int_equal(with_text(g, at, 0xffff, 0xffff), DECODE_TEXT);
		assert_int_equal(with_text(g, at, kind->size, 0xffff), DECODE_TEXT);
		/* the tail is behind the fixed part: not in the head, not in a field */
		assert_int_equal(with_text(g, at, 0, 1), DECODE_TEXT);
		assert_int_equal(with_text(g, at, sizeof(struct rec_head), 4), DECODE_TEXT);
		assert_int_equal(with_text(g, at, kind->size - 1, 2), DECODE_TEXT);
		/* all of the tail, or nothing: nothing is nowhere */
		assert_int_equal(with_text(g, at, kind->size, g.n - kind->size), DECODE_OK);
		assert_int_equal(with_text(g, at, g.n - 1, 1), DECODE_OK);
		assert_int_equal(with_text(g, at, 0, 0), DECODE_OK);
		assert_int_equal(with_text(g, at, 0xffff, 0), DECODE_OK);
	}
}

/* ---- values ------------------------------------------------------------------------------- */

#define STATE_UNKNOWN 14 /* the kernel's last is TCP_BOUND_INACTIVE 13 */
#define ERRNO_LAST 4095	 /* MAX_ERRNO, include/linux/err.h */

#define ROW(kind, field, value) { KIND_##kind, offsetof(struct rec_##kind, field),                 \
				  sizeof(((struct rec_##kind *)0)->field), (u64)(value) }
#define ERRNO_ROWS(kind)                                                                           \
	ROW(kind, err, -1), ROW(kind, err, ERRNO_LAST + 1), ROW(kind, err, 0x7fffffff),            \
		ROW(kind, err, 0x80000000)
#define TUPLE_ROWS(kind)                                                                           \
	ROW(kind, tuple.af, 1), ROW(kind, tuple.af, 3), ROW(kind, tuple.af, 0xffff),               \
		ROW(kind, tuple.role, 3), ROW(kind, tuple.role, 0xffff)
#define IO_ROWS(kind)                                                                              \
	ROW(kind, io.err, -1), ROW(kind, io.err, ERRNO_LAST + 1), ROW(kind, io.start_ns, LATER),   \
		ROW(kind, io.start_ns, END_OF_TIME), ROW(kind, io.tuple.af, 0),                    \
		ROW(kind, io.tuple.af, 3), ROW(kind, io.tuple.role, 3)
/* when_ns of the goldens is between the two */
#define LATER 5000123456790ull
#define END_OF_TIME 0xffffffffffffffffull

static const struct {
	u16 kind;
	size_t at, size;
	u64 value;
} impossible[] = {
	ROW(process_exec_failed, err, 0), ERRNO_ROWS(process_exec_failed),
	ROW(db_query, duration_ns, LATER), ROW(db_query, call, DB_CALL_END),
	ROW(db_query, result, DB_RESULT_END),
	ROW(file_op, op, FILE_OP_END), ROW(file_op, op, 0xffff), ERRNO_ROWS(file_op),
	ROW(lock_futex, op, LOCK_OP_END), ROW(lock_futex, op, 0xffff), ERRNO_ROWS(lock_futex),
	ROW(process_exit, code, -1), ROW(process_exit, code, 256), ROW(process_exit, sig, 128),
	ROW(process_exit, sig, 0xffff), ROW(process_exit, head.key, LATER),
	ROW(process_exit, head.key, END_OF_TIME), ROW(process_exit, head.when_ns, 0),
	ROW(tcp_connect, start_ns, LATER), ROW(tcp_connect, head.when_ns, 1),
	TUPLE_ROWS(tcp_connect), ERRNO_ROWS(tcp_connect), ROW(tcp_connect, tuple.af, 0),
	ROW(tcp_accept, established_ns, LATER), TUPLE_ROWS(tcp_accept),
	ROW(tcp_accept, tuple.af, 0),
	ROW(tcp_state, from, STATE_UNKNOWN), ROW(tcp_state, to, STATE_UNKNOWN),
	ROW(tcp_state, to, 0xffff), TUPLE_ROWS(tcp_state), ROW(tcp_state, tuple.af, 0),
	ROW(tcp_close, start_ns, LATER), ROW(tcp_close, from, STATE_UNKNOWN),
	ROW(tcp_close, from, 0x10001), TUPLE_ROWS(tcp_close), ERRNO_ROWS(tcp_close),
	ROW(tcp_close, tuple.af, 0),
	ROW(tcp_retransmit, segment, 3), ROW(tcp_retransmit, segment, 0xffff),
	ROW(tcp_retransmit, state, STATE_UNKNOWN), TUPLE_ROWS(tcp_retransmit),
	ROW(tcp_retransmit, tuple.af, 0),
	ROW(tcp_reset, direction, 2), ROW(tcp_reset, direction, 0xffff),
	ROW(tcp_reset, state, STATE_UNKNOWN), TUPLE_ROWS(tcp_reset),
	TUPLE_ROWS(tcp_listen_drop), ROW(tcp_listen_drop, tuple.af, 0),
	IO_ROWS(udp_send), IO_ROWS(udp_receive), IO_ROWS(tcp_send), IO_ROWS(tcp_receive),
	ROW(lookup_getaddrinfo, duration_ns, LATER), ROW(lookup_getaddrinfo, duration_ns, END_OF_TIME),
	ROW(lookup_getaddrinfo, result, EAI_MAX + 1), ROW(lookup_getaddrinfo, result, EAI_UNKNOWN - 1),
	TUPLE_ROWS(dns_packet), ROW(dns_packet, tuple.af, 0), ROW(dns_packet, transport, 2),
	ROW(dns_packet, direction, 2), ROW(dns_packet, size, 0),
	TUPLE_ROWS(dns_lookup), ROW(dns_lookup, tuple.af, 0), ROW(dns_lookup, transport, 2),
	ROW(dns_lookup, outcome, DNS_OUTCOME_END), ROW(dns_lookup, rcode, 16),
	ROW(dns_lookup, attempts, 0), ROW(dns_lookup, start_ns, LATER),
	TUPLE_ROWS(http_head), ROW(http_head, tuple.af, 0), ROW(http_head, direction, 2),
	ROW(http_head, part, 8), ROW(http_head, size, HTTP_PIECE + 1), ROW(http_head, size, 0),
	TUPLE_ROWS(http_request), ROW(http_request, tuple.af, 0),
	ROW(http_request, outcome, HTTP_OUTCOME_END), ROW(http_request, outcome, HTTP_CLOSED),
	ROW(http_request, status, 99), ROW(http_request, status, 1000),
	ROW(http_request, version, 10), ROW(http_request, start_ns, LATER),
	ROW(memory_oom_kill, score_adj, 1001), ROW(memory_oom_kill, score_adj, -1001),
	ROW(memory_oom_kill, score_adj, 0x80000000),
};

void refuse_values(void **state)
{
	const struct kind *kind = *state;
	struct golden g, bad;

	golden_load(kind->id, &g);
	for (size_t i = 0; i < ARRAY_SIZE(impossible); i++) {
		enum decode_fault fault;

		if (impossible[i].kind != kind - kinds)
			continue;
		bad = g;
		memcpy(bad.bytes + impossible[i].at, &impossible[i].value, impossible[i].size);
		fault = try(bad.bytes, bad.n);
		if (fault != DECODE_VALUE)
			fail_msg("%s: 0x%llx at byte %zu: %s", kind->id, impossible[i].value,
				 impossible[i].at, decode_fault_name(fault));
	}
}
