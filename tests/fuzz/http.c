// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/fold/fold.c src/fold/dns.c src/fold/dns_stream.c src/fold/http.c src/fold/tally.c src/decode/[a-z]*.c */
/*
 * Any bytes as HTTP: as the head of a message, and as pieces of heads on two connections. What is read
 * lies within what was given, what is made of it can be decoded, and each is told once at most.
 *
 * Pieces: what (u8: see below), bytes (u8), the bytes.
 */
#include <stdint.h>
#include <string.h>

#include "base/http.h"
#include "decode/decode.h"
#include "fold/fold.h"
#include "tests/fuzz/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECEIVED 0x01
#define SECOND 0x02 /* connection */
#define BEGINS 0x04
#define ENDS 0x08
#define GIVEN_UP 0x10
#define LOST 0x20   /* there was another one before it */
#define BEHIND 0x40 /* bytes of a body are behind it */
#define CLOSED 0x80 /* it is no piece, but the connection's end */

static size_t ended, made;
static struct {
	u32 seq, number;
} ways[2][2];

static void check_within(struct str part, struct str all)
{
	CHECK(!part.n || (part.p >= all.p && part.p + part.n <= all.p + all.n));
}

static void as_message(struct str head)
{
	struct http_message http;
	struct http_parent parent;
	struct str path;

	if (!http_read(head, &http))
		return;
	if (http.is_response) {
		CHECK(http.status >= 100 && http.status <= 999);
	} else {
		check_within(http.method, head);
		check_within(http.target, head);
		CHECK(http.method.n && http.target.n);
		CHECK(http_method_of(http.method) < HTTP_METHOD_END);
		path = http_path(http.target);
		CHECK(path.n && (str_find(path, '?') >= path.n - 1));
	}
	CHECK(http.version <= 9 && !(http.chunked && http.has_length));
	check_within(http.host, head);
	check_within(http.parent, head);
	if (http_parent_read(http.parent, &parent))
		CHECK(http.parent.n >= 55);
}

static void on_made(void *ctx, const void *record, size_t size)
{
	static struct decode_room room;
	struct event ev;

	(void)ctx;
	CHECK(decode(record, size, &room, &ev) == DECODE_OK);
	CHECK(ev.kind == KIND_http_request);
	CHECK(ev.http_request.method.n && ev.http_request.path.n);
	made++;
}

static void play(struct fold *fold, u8 what, struct str bytes, u64 now)
{
	unsigned conn = what & SECOND ? 1 : 0, way = what & RECEIVED ? TCP_RECEIVED : TCP_SENT;
	struct event ev = { .when_ns = now, .key = conn, .cgroup = 1, .comm = STR("fuzz") };

	ev.kind = what & CLOSED ? KIND_http_close : KIND_http_head;
	if (what & CLOSED) {
		ev.http_close.seq[TCP_SENT] = ways[conn][TCP_SENT].seq;
		ev.http_close.seq[TCP_RECEIVED] = ways[conn][TCP_RECEIVED].seq;
		CHECK(fold_event(fold, &ev));
		return;
	}
	ways[conn][way].number += (what & BEGINS ? 1 : 0) + (what & LOST ? 1 : 0);
	ev.http_head.direction = (enum tcp_direction)way;
	ev.http_head.part = (u16)((what & BEGINS ? HTTP_BEGINS : 0) | (what & ENDS ? HTTP_ENDS : 0) |
				  (what & GIVEN_UP ? HTTP_GIVEN_UP : 0));
	ev.http_head.number = ways[conn][way].number;
	ev.http_head.seq = ways[conn][way].seq;
	ev.http_head.other = ways[conn][!way].seq;
	ev.http_head.size = (u32)bytes.n;
	ev.http_head.text = bytes;
	ways[conn][way].seq += (u32)bytes.n + (what & BEHIND ? 5 : 0);
	ended += what & ENDS ? 1 : 0;
	CHECK(fold_event(fold, &ev));
}

static void as_pieces(struct str in)
{
	struct fold *fold = fold_new(on_made, NULL);
	u64 now = NSEC_PER_SEC;

	CHECK(fold);
	ended = made = 0;
	memset(ways, 0, sizeof(ways));
	while (in.n >= 2) {
		struct str bytes = str_slice(in, 2, 2 + (size_t)(u8)in.p[1]);

		now += NSEC_PER_SEC / 4;
		play(fold, (u8)in.p[0], bytes, now);
		fold_tick(fold, now);
		CHECK(made <= ended); /* each is one message at least */
		in = str_slice(in, 2 + bytes.n, in.n);
	}
	fold_end(fold, now);
	CHECK(made <= ended);
	ended = 0;
	made = 0;
	fold_end(fold, now);
	CHECK(!made);
	fold_free(fold);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };

	as_message(in);
	as_pieces(in);
	return 0;
}
