/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "base/table.h"
#include "fold/dns_stream.h"

#define PREFIX 2 /* bytes of the size in front of a message */

struct stream_key {
	u64 socket;
	u64 direction;
};

struct stream {
	bool begun;
	bool given_up;	/* it is not DNS */
	u32 next;	/* sequence number */
	u32 left;	/* bytes of the message that have not come yet, once its size is known */
	u32 n;
	u8 bytes[PREFIX + DNS_COPY_MAX]; /* what is known of it */
};

struct feed {
	struct stream *stream;
	const struct event *ev;
	dns_message_fn fn;
	void *ctx;
};

struct dns_streams *dns_streams_new(void)
{
	return (struct dns_streams *)table_new(DNS_STREAMS_MAX, sizeof(struct stream_key),
					       sizeof(struct stream), NULL, NULL);
}

void dns_streams_free(struct dns_streams *s)
{
	table_free((struct table *)s);
}

static void unknown(const struct feed *f)
{
	f->fn(f->ctx, f->ev, STR(""));
}

static void complete(const struct feed *f)
{
	struct stream *s = f->stream;

	s->left = 0;
	f->fn(f->ctx, f->ev, (struct str){ (const char *)s->bytes + PREFIX, s->n - PREFIX });
	s->n = 0;
}

/* A byte of the prefix. */
static void take_prefix(const struct feed *f, u8 byte)
{
	struct stream *s = f->stream;

	s->bytes[s->n++] = byte;
	if (s->n < PREFIX)
		return;
	s->left = (u32)(s->bytes[0] << 8 | s->bytes[1]);
	s->given_up = s->left < DNS_HEAD;
	if (s->given_up)
		unknown(f);
}

/* Returns how many it took. */
static u32 take_bytes(const struct feed *f, struct str bytes)
{
	struct stream *s = f->stream;
	u32 taken = s->left < bytes.n ? s->left : (u32)bytes.n;
	u32 room = (u32)sizeof(s->bytes) - s->n, kept = taken < room ? taken : room;

	memcpy(s->bytes + s->n, bytes.p, kept);
	s->n += kept;
	s->left -= taken;
	if (!s->left)
		complete(f);
	return taken;
}

/* Bytes that were not copied: what begins in them is not known. */
static void take_unseen(const struct feed *f, u32 n)
{
	struct stream *s = f->stream;

	if (s->n >= PREFIX && s->left > n) {
		s->left -= n;
		return;
	}
	if (s->n >= PREFIX) {
		n -= s->left;
		complete(f);
	}
	s->n = 0;
	if (n)
		unknown(f);
}

/* How many of its first bytes came before. */
static u32 seen_before(const struct feed *f, const struct ev_dns_packet *p)
{
	struct stream *s = f->stream;
	s32 ahead = (s32)(s->next - p->seq);

	if (!s->begun || !ahead)
		return 0;
	if (ahead > 0)
		return (u32)ahead < p->size ? (u32)ahead : p->size;
	/* something in between was lost */
	if (s->n)
		unknown(f);
	s->n = 0;
	return 0;
}

void dns_stream_feed(struct dns_streams *streams, const struct event *ev, dns_message_fn fn,
		     void *ctx)
{
	const struct ev_dns_packet *p = &ev->dns_packet;
	struct stream_key key = { ev->key, p->direction };
	struct feed f = { .stream = table_add((struct table *)streams, &key, NULL),
			  .ev = ev, .fn = fn, .ctx = ctx };
	struct stream *s = f.stream;
	u32 before = seen_before(&f, p);
	struct str bytes = str_slice(p->payload, before, p->payload.n);
	u32 unseen = p->size - before - (u32)bytes.n;

	if (before == p->size)
		return;
	s->begun = true;
	s->next = p->seq + p->size;
	while (bytes.n && !s->given_up) {
		u32 taken = 1;

		if (s->n < PREFIX)
			take_prefix(&f, (u8)bytes.p[0]);
		else
			taken = take_bytes(&f, bytes);
		bytes = str_slice(bytes, taken, bytes.n);
	}
	if (unseen && !s->given_up)
		take_unseen(&f, unseen);
}
