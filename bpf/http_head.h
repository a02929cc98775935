/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Heads of messages, byte by byte: to find their ends, and to leave out what must not leave the
 * kernel. That alone is why it is done here and not in user space.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#define BAD_BEGINNINGS_MAX 2
#define SEGMENTS_MAX 8	/* of a vector: the first ones */
#define LOOKS_MAX 48	/* at one transfer: pieces, messages, segments */
#define ROOMS 2		/* on a CPU: where tracepoints can be preempted, another task may come */

/* One direction of a connection. */
struct side {
	__u64 opening;	/* the first bytes of the head under way */
	__u64 length;	/* what its Content-Length says */
	__u32 hash;	/* of the header's name */
	__u32 looked;	/* bytes of it */
	__u32 end;	/* place behind the last transfer */
	__u32 next;	/* place behind the last message, if that had a Content-Length */
	__u32 nth;	/* the head under way is, from 1 */
	__u8 under_way;
	__u8 knows_next;
	__u8 phase;	/* enum phase */
	__u8 rsvd;
};

struct http_conn {
	__u64 id;     /* names it to user space */
	__u64 cgroup;
	__u32 ports;  /* tells another one at the same address, should its end not have been seen */
	__u8 bad;     /* beginnings that were none */
	__u8 messages; /* there was one */
	__u8 last;    /* direction of the last transfer, from 1 */
	__u8 rsvd;
	struct side side[2]; /* by enum tcp_direction */
};

/* struct sock * → connection, from the first transfer to the close. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct http_conn);
} https SEC(".maps");

/* What the next byte of a head is. */
enum phase {
	IN_TARGET, /* of the first line, which is told */
	IN_QUERY,  /* behind a ? in it: not told */
	AT_LINE,   /* the first one of another line */
	IN_NAME,   /* of a header */
	IN_TOLD,   /* its value */
	IN_LENGTH, /* the value of a Content-Length */
	IN_OTHER,  /* a value that is not told */
	AT_END,
};

/*
 * Where a walk over the bytes of a piece is. In memory, and volatile: what the verifier does not
 * know it cannot follow on each way, so that its ways meet again after every byte.
 */
struct walk {
	__u64 length;
	__u32 hash;
	__u32 phase;
	__u32 out; /* in text: behind what is there */
	__u32 rsvd;
};

/* A transfer that is looked at. */
struct room {
	volatile __u64 busy;
	__u64 sock, id, when_ns;
	__u64 vector, vector_n; /* segments to come */
	__u64 from, n;		/* the one at hand: what is left of it */
	__u64 left;		/* bytes of the transfer */
	__u32 seq;		/* of from */
	__u32 direction;
	__u32 first;		/* nothing of it was looked at */
	__u32 text_n;
	__u32 bytes_n;
	__u32 rsvd;
	volatile struct walk walk;
	struct rec_http_head rec;
	__u8 text[2 * HTTP_PIECE]; /* the record's tail */
	__u8 bytes[2 * HTTP_PIECE]; /* as the program has them */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ROOMS);
	__type(key, __u32);
	__type(value, struct room);
} rooms SEC(".maps");

INLINE struct http_conn *conn_of(const struct room *room)
{
	__u64 key = room->sock;

	return bpf_map_lookup_elem(&https, &key);
}

INLINE struct side *side_of(const struct room *room)
{
	struct http_conn *conn = conn_of(room);

	return conn ? &conn->side[room->direction & 1] : 0;
}

INLINE void room_give(struct room *room)
{
	__sync_fetch_and_add(&room->busy, -1);
}

/* See scratch_take, but nobody holds the CPU: then no global function could be called (6.12). */
INLINE struct room *room_take(__u32 *ret_slot)
{
	struct room *room;
	__u32 slot;

	NO_UNROLL
	for (int i = 0; i < ROOMS; i++) {
		slot = i;
		room = bpf_map_lookup_elem(&rooms, &slot);
		if (!room)
			return 0;
		__sync_fetch_and_add(&room->busy, 1);
		if (room->busy == 1) {
			*ret_slot = slot;
			return room;
		}
		room_give(room);
	}
	return 0;
}

/* ---- beginnings ---------------------------------------------------------------------------- */

#define TEXT8(a, b, c, d, e, f, g, h)                                                              \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 |   \
	 (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)
#define BEGINNING(text) TEXT8(text[0], text[1], text[2], text[3], text[4], text[5], text[6], text[7])

/* Of what can stand first in a message eight bytes at most; NULs stand for anything. */
static const __u64 beginnings[] = {
	BEGINNING("GET \0\0\0\0"),  BEGINNING("POST \0\0\0"), BEGINNING("PUT \0\0\0\0"),
	BEGINNING("HEAD \0\0\0"),   BEGINNING("DELETE \0"),   BEGINNING("OPTIONS "),
	BEGINNING("PATCH \0\0"),    BEGINNING("CONNECT "),    BEGINNING("TRACE \0\0"),
	BEGINNING("QUERY \0\0"),    BEGINNING("PROPFIND"),    BEGINNING("PROPPATC"),
	BEGINNING("MKCOL \0\0"),    BEGINNING("REPORT \0"),   BEGINNING("SEARCH \0"),
	BEGINNING("PURGE \0\0"),    BEGINNING("HTTP/1.\0"),
};

/* Could a message begin with the n first bytes of opening? */
__noinline int http_begins(__u64 opening, __u32 n)
{
	__u64 there = n >= 8 ? ~0ull : (1ull << (n * 8 & 63)) - 1;

	NO_UNROLL
	for (unsigned i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		__u64 b = beginnings[i], ones = b | b >> 1;

		/* ASCII has no byte of NUL: each that has a bit set counts in full */
		ones |= ones >> 2;
		ones |= ones >> 4;
		ones = (ones & 0x0101010101010101ull) * 0xff;
		if (!((opening ^ b) & ones & there))
			return true;
	}
	return false;
}

/* ---- byte by byte -------------------------------------------------------------------------- */

/* Of a header's name, whose case does not matter. The literals are those of the headers that are told. */
#define HASH_STEP(hash, c) ((hash) * 31 + ((c) | 0x20))

#define HTTP_HASH_HOST 0x30f5a8u
#define HTTP_HASH_CONTENT_LENGTH 0xbc7b26bau
#define HTTP_HASH_TRANSFER_ENCODING 0x4bf6b0f5u
#define HTTP_HASH_TRACEPARENT 0x3dd8322fu

INLINE void put(struct room *room, __u8 c)
{
	room->text[room->walk.out & (HTTP_PIECE - 1)] = c;
	room->walk.out++;
}

/* 0: that is not told. */
INLINE __u8 header_of(__u32 hash)
{
	switch (hash) {
	case HTTP_HASH_HOST:
		return HTTP_HEADER_HOST;
	case HTTP_HASH_CONTENT_LENGTH:
		return HTTP_HEADER_LENGTH;
	case HTTP_HASH_TRANSFER_ENCODING:
		return HTTP_HEADER_CODING;
	case HTTP_HASH_TRACEPARENT:
		return HTTP_HEADER_PARENT;
	default:
		return 0;
	}
}

INLINE void walk_newline(struct room *room)
{
	volatile struct walk *w = &room->walk;
	__u32 phase = w->phase;

	if (phase != IN_NAME && phase != IN_OTHER)
		put(room, '\n');
	w->phase = phase == AT_LINE ? AT_END : AT_LINE;
	w->hash = 0;
}

/* A name is never told: it may be none, and the piece may end within it. */
INLINE void walk_name(struct room *room, __u8 c)
{
	volatile struct walk *w = &room->walk;
	__u8 header;

	if (c != ':') {
		w->hash = HASH_STEP(w->hash, c);
		w->phase = IN_NAME;
		return;
	}
	header = header_of(w->hash);
	w->phase = header == HTTP_HEADER_LENGTH ? IN_LENGTH : header ? IN_TOLD : IN_OTHER;
	if (header)
		put(room, header);
	if (header == HTTP_HEADER_LENGTH)
		w->length = 0;
}

INLINE void walk_byte(struct room *room, __u8 c)
{
	volatile struct walk *w = &room->walk;

	if (c == '\n') {
		walk_newline(room);
		return;
	}
	switch (w->phase) {
	case IN_TARGET:
		if (c == '?')
			w->phase = IN_QUERY;
		put(room, c);
		break;
	case IN_QUERY:
		if (c != ' ')
			break;
		w->phase = IN_TARGET;
		put(room, c);
		break;
	case AT_LINE:
		if (c == ' ' || c == '\t') /* goes on from the line before (RFC 9112 section 5.2) */
			w->phase = IN_OTHER;
		else if (c != '\r')
			walk_name(room, c);
		break;
	case IN_NAME:
		walk_name(room, c);
		break;
	case IN_LENGTH:
		if (c >= '0' && c <= '9')
			w->length = w->length * 10 + (c - '0');
		put(room, c);
		break;
	case IN_TOLD:
		put(room, c);
		break;
	}
}

/* Of the bytes in a room, 1 to HTTP_PIECE; returns how many were of the head. Global: the verifier
 * looks at it once, not on each way that leads here. */
__noinline int http_walk(__u32 slot)
{
	struct room *room = bpf_map_lookup_elem(&rooms, &slot);
	struct side *side;
	__u32 i, n;

	if (!room)
		return 0;
	side = side_of(room);
	if (!side)
		return 0;
	room->walk.length = side->length;
	room->walk.hash = side->hash;
	room->walk.phase = side->phase;
	room->walk.out = 0;
	n = room->bytes_n;
	NO_UNROLL
	for (i = 0; i < HTTP_PIECE; i++) {
		if (i >= n || room->walk.phase == AT_END)
			break;
		walk_byte(room, room->bytes[i]);
	}
	side->length = room->walk.length;
	side->hash = room->walk.hash;
	side->phase = room->walk.phase;
	room->text_n = room->walk.out;
	return i;
}

/* ---- transfers ----------------------------------------------------------------------------- */

enum look { LOOK_DONE, LOOK_AGAIN, LOOK_HEAD };

INLINE void pass(struct room *room, __u64 n)
{
	room->from += n;
	room->n -= n;
	room->left -= n;
	room->seq += n;
}

INLINE int next_segment(struct room *room)
{
	struct iovec {
		__u64 base, n;
	} segment;

	if (!room->left || !room->vector_n ||
	    bpf_probe_read_user(&segment, sizeof(segment), (void *)room->vector))
		return LOOK_DONE;
	room->vector += sizeof(segment);
	room->vector_n--;
	room->from = segment.base;
	room->n = segment.n < room->left ? segment.n : room->left;
	return LOOK_AGAIN;
}

/* Not the beginning of a message: go to where one should be, if that is known. */
INLINE int pass_body(struct side *side, struct room *room)
{
	__u32 body = side->next - room->seq;

	if (side->knows_next && body && body < room->n) {
		side->knows_next = false;
		pass(room, body);
	} else {
		pass(room, room->n);
	}
	return LOOK_AGAIN;
}

/* Whether what is there begins a message, or may; the first bytes may come one by one. */
INLINE bool opens(struct side *side, struct room *room)
{
	__u32 had = side->under_way ? side->looked : 0, n = room->n < 8 ? room->n : 8;
	__u64 bytes = 0;

	if (had >= 8)
		return true;
	if (bpf_probe_read_user(&bytes, n, (void *)room->from))
		return false;
	if (!had)
		side->opening = 0;
	side->opening |= bytes << (had * 8 & 63);
	return http_begins(side->opening, had + n);
}

INLINE void begin(struct side *side)
{
	side->under_way = true;
	side->knows_next = false;
	side->nth++;
	side->looked = 0;
	side->length = 0;
	side->hash = 0;
	side->phase = IN_TARGET;
}

INLINE int look_at_head(struct http_conn *conn, struct side *side, struct room *room, __u32 slot)
{
	__u32 n = room->n < HTTP_PIECE ? room->n : HTTP_PIECE, of_head;
	struct rec_http_head *rec = &room->rec;

	barrier_var(n);
	if (n > HTTP_PIECE || bpf_probe_read_user(room->bytes, n, (void *)room->from))
		return LOOK_DONE;
	rec->seq = room->seq;
	rec->other = conn->side[~room->direction & 1].end;
	rec->direction = room->direction;
	rec->part = side->under_way ? 0 : HTTP_BEGINS;
	if (!side->under_way)
		begin(side);
	rec->number = side->nth;
	room->bytes_n = n;
	of_head = http_walk(slot);
	rec->size = of_head;
	side->looked += of_head;
	pass(room, of_head);
	if (side->phase == AT_END) {
		rec->part |= HTTP_ENDS;
		side->under_way = false;
		conn->messages = true;
		side->knows_next = side->length && side->length < 1u << 31;
		side->next = room->seq + side->length;
	} else if (side->looked >= HTTP_HEAD_MAX) {
		rec->part |= HTTP_ENDS | HTTP_GIVEN_UP;
		side->under_way = false;
	}
	return LOOK_HEAD;
}

/* What comes next in the transfer of this room. Global: the verifier looks at it once. */
__noinline int http_look(__u32 slot)
{
	struct room *room = bpf_map_lookup_elem(&rooms, &slot);
	struct http_conn *conn;
	struct side *side;
	bool first;

	if (!room)
		return LOOK_DONE;
	conn = conn_of(room);
	if (!conn)
		return LOOK_DONE;
	side = &conn->side[room->direction & 1];
	if (!room->n)
		return next_segment(room);
	first = room->first;
	room->first = false;
	if (opens(side, room))
		return look_at_head(conn, side, room, slot);
	if (first && !conn->messages) {
		conn->bad++;
		count(KIND_http_head, LEDGER_SEEN);
		count(KIND_http_head, LEDGER_FILTERED);
		return LOOK_DONE;
	}
	side->under_way = false;
	return pass_body(side, room);
}

#endif
