// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/fold/fold.c src/fold/dns.c src/fold/dns_stream.c src/fold/http.c src/fold/tally.c src/decode/[a-z]*.c */
/*
 * Any bytes as DNS: as a message, and as packets of one socket, by UDP and as segments of TCP. What
 * is read is printable, what is made of it can be decoded, and nothing is told that was not asked.
 *
 * Packets: what (u8: 1 TCP, 2 received, 4 the segment before again), bytes (u8), the bytes.
 */
#include <stdint.h>
#include <string.h>

#include "base/dns.h"
#include "decode/decode.h"
#include "fold/fold.h"
#include "tests/fuzz/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t asked, made;

static void check_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		CHECK(s.p[i] > ' ' && s.p[i] < 0x7f);
}

/* Texts that end in NUL each. */
static void check_list(struct str list)
{
	struct str part;

	CHECK(!list.n || !list.p[list.n - 1]);
	while (list.n && str_cut(&list, 0, &part))
		check_printable(part);
}

static void as_message(struct str m)
{
	static char texts[3][1024];
	struct buf name, addresses, names;
	struct dns dns;

	buf_fixed(&name, texts[0], sizeof(texts[0]));
	buf_fixed(&addresses, texts[1], sizeof(texts[1]));
	buf_fixed(&names, texts[2], sizeof(texts[2]));
	if (!dns_question(m, &dns, &name))
		return;
	CHECK(!name.err && name.n);
	check_printable(buf_view(&name));
	dns_records(m, &addresses, &names);
	CHECK(!addresses.err && !names.err);
	check_list(buf_view(&addresses));
	check_list(buf_view(&names));
}

static void on_made(void *ctx, const void *record, size_t size)
{
	static struct decode_room room;
	struct event ev;

	(void)ctx;
	CHECK(decode(record, size, &room, &ev) == DECODE_OK);
	CHECK(ev.kind == KIND_dns_lookup);
	check_printable(ev.dns_lookup.name);
	check_list(ev.dns_lookup.addresses);
	check_list(ev.dns_lookup.names);
	made++;
}

static void as_packets(struct str in)
{
	struct fold *fold = fold_new(on_made, NULL);
	u64 now = NSEC_PER_SEC;
	u32 seq = 0;

	CHECK(fold);
	asked = made = 0;
	while (in.n >= 2) {
		u8 what = (u8)in.p[0];
		size_t n = (u8)in.p[1];
		struct str bytes = str_slice(in, 2, 2 + n);
		struct event ev = { .kind = KIND_dns_packet, .key = 1, .cgroup = 1 };

		ev.when_ns = now += NSEC_PER_SEC;
		ev.dns_packet.transport = what & 1 ? DNS_TCP : DNS_UDP;
		ev.dns_packet.direction = what & 2 ? TCP_RECEIVED : TCP_SENT;
		ev.dns_packet.payload = bytes;
		ev.dns_packet.size = (u32)bytes.n + (what & 8 ? 100 : 0);
		ev.dns_packet.seq = what & 4 ? seq - ev.dns_packet.size : seq;
		seq = ev.dns_packet.seq + ev.dns_packet.size;
		asked += bytes.n; /* at most a query a byte */
		CHECK(fold_event(fold, &ev));
		fold_tick(fold, now);
		in = str_slice(in, 2 + bytes.n, in.n);
	}
	fold_end(fold, now);
	CHECK(made <= asked);
	fold_free(fold);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };

	as_message(in);
	as_packets(in);
	return 0;
}
