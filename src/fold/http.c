/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and their responses: on one connection responses come in the order of the requests
 * (RFC 9112 section 9.3.2). Who sends requests on it is the client. A request is told when the
 * head of its final response is there and it is known how long that is: at once, if the response
 * says so, else when the next message begins, the connection is closed, or LENGTH_WAIT_NS are over.
 */
#include <stdlib.h>
#include <string.h>
#include "base/http.h"
#include "base/table.h"
#include "fold/fold.h"

#define CONNS_MAX 16384	   /* connections; the one that was still longest makes room */
#define HEADS_MAX 512	   /* heads of which a piece is there and the last one is not, likewise */
#define EXCHANGES_MAX 4096 /* requests without a response yet, likewise */
#define PIPELINED_MAX 256  /* on one connection */
#define HEAD_TEXT_MAX 8192 /* bytes of a head, without what is not told */
#define LENGTH_WAIT_NS NSEC_PER_SEC

/* One direction of a connection. */
struct way {
	u32 number;	/* of the last message; 0: there was none */
	u32 until;	/* place behind it */
	bool knows_until;
};

struct conn {
	u64 first, next; /* numbers of its exchanges: the oldest without a response; the next */
	bool growing;	/* it is not known how long the response before first is */
	bool alone;	/* it speaks something else now */
	u8 role;	/* enum tcp_role */
	struct way ways[2];
};

struct head_key {
	u64 conn, direction;
};

struct head {
	u64 cgroup;
	u64 start_ns;	/* of its first byte */
	u32 seq;
	u32 end;	/* place behind what is there */
	u32 n;
	char text[HEAD_TEXT_MAX];
};

struct exchange_key {
	u64 conn, n;
};

struct exchange {
	struct rec_http_request rec; /* so far */
	u32 seq, answer_seq;	/* where the two begin */
	bool answered;
	u16 method_n, path_n, address_n, parent_n;
	char method[HTTP_METHOD_MAX], path[HTTP_PATH_MAX], address[HTTP_ADDRESS_MAX];
	char parent[HTTP_PARENT_MAX];
};

struct fold_http {
	struct fold_out out;
	struct table *conns, *heads, *exchanges;
	/* room for the record that is made */
	union {
		struct rec_http_request rec;
		u8 bytes[REC_SIZE_MAX];
	} room;
};

_Static_assert(HEADER_HOST == HTTP_HEADER_HOST && HEADER_LENGTH == HTTP_HEADER_LENGTH &&
	       HEADER_CODING == HTTP_HEADER_CODING && HEADER_PARENT == HTTP_HEADER_PARENT,
	       "base/http reads what the kernel side writes");
_Static_assert(sizeof(struct rec_http_request) + HTTP_METHOD_MAX + HTTP_PATH_MAX +
	       HTTP_ADDRESS_MAX + HTTP_PARENT_MAX <= REC_SIZE_MAX, "a request with all its texts");

static void discard(struct fold_http *h, u64 cgroup, enum http_discarded why)
{
	tally_add(h->out.tally, &(struct meter_key){ .cgroup = cgroup,
						     .meter = METER_http_discarded,
						     .dim = (u16)why });
}

/* ---- the end of an exchange ---------------------------------------------------------------- */

static struct rec_text put_text(struct fold_http *h, const char *p, u16 n)
{
	struct rec_head *head = &h->room.rec.head;
	struct rec_text at = { .off = head->size, .len = n };

	memcpy(h->room.bytes + head->size, p, n);
	head->size += n;
	return at;
}

static void measure(struct fold_http *h, const struct rec_http_request *rec, struct str method)
{
	struct meter_key key = { .cgroup = rec->head.cgroup,
				 .meter = rec->tuple.role == TCP_ROLE_SERVER ?
						  METER_http_server_duration :
						  METER_http_client_duration };

	key.dim = (u16)HTTP_DIM(http_method_of(method), rec->status);
	key.err = HTTP_DIM_ERR(rec->outcome, rec->version);
	tally_time(h->out.tally, &key, rec->head.when_ns - rec->start_ns);
}

static bool is_failure(const struct rec_http_request *rec)
{
	return rec->outcome != HTTP_ANSWERED ||
	       rec->status >= (rec->tuple.role == TCP_ROLE_SERVER ? 500 : 400);
}

/* Tell it; it is over. */
static void finish(struct fold_http *h, const struct exchange_key *key, const struct exchange *x)
{
	struct rec_http_request *rec = &h->room.rec;

	*rec = x->rec;
	rec->head.size = sizeof(*rec);
	rec->head.flags = is_failure(rec) ? REC_FAILED : 0;
	rec->method = put_text(h, x->method, x->method_n);
	rec->path = put_text(h, x->path, x->path_n);
	rec->address = put_text(h, x->address, x->address_n);
	rec->parent = put_text(h, x->parent, x->parent_n);
	measure(h, rec, (struct str){ x->method, x->method_n });
	table_del(h->exchanges, key);
	h->out.made(h->out.ctx, rec, rec->head.size);
}

static void give_up(struct fold_http *h, const struct exchange_key *key, struct exchange *x,
		    enum http_outcome outcome, u64 when_ns)
{
	x->rec.outcome = (u16)outcome;
	x->rec.head.when_ns = when_ns > x->rec.start_ns ? when_ns : x->rec.start_ns;
	finish(h, key, x);
}

/* The response that was growing ended at seq. */
static void grown(struct fold_http *h, u64 id, struct conn *conn, u32 seq)
{
	struct exchange_key key = { id, conn->first - 1 };
	struct exchange *x = conn->growing ? table_peek(h->exchanges, &key) : NULL;

	conn->growing = false;
	if (!x)
		return;
	x->rec.response_bytes = seq - x->answer_seq;
	finish(h, &key, x);
}

/* What is open on a connection will not be known. */
static void forget(struct fold_http *h, u64 id, struct conn *conn, enum http_discarded why)
{
	struct exchange_key key = { id, conn->first - 1 };
	struct exchange *x = conn->growing ? table_peek(h->exchanges, &key) : NULL;

	conn->growing = false;
	if (x)
		finish(h, &key, x);
	for (; conn->first < conn->next; conn->first++) {
		key.n = conn->first;
		x = table_peek(h->exchanges, &key);
		if (!x)
			continue;
		discard(h, x->rec.head.cgroup, why);
		table_del(h->exchanges, &key);
	}
}

void fold_http_give_up(struct fold_http *h, u64 now_ns, bool all)
{
	const void *key;
	size_t pos = 0;
	void *value;

	while (table_next(h->exchanges, &pos, &key, &value)) {
		struct exchange *x = value;
		struct exchange_key copy = *(const struct exchange_key *)key;

		if (!all && (!x->answered || now_ns < x->rec.head.when_ns + LENGTH_WAIT_NS))
			continue;
		if (x->answered)
			finish(h, &copy, x);
		else
			give_up(h, &copy, x, HTTP_UNANSWERED, now_ns);
	}
}

/* ---- messages ------------------------------------------------------------------------------ */

/* A head that is whole. */
struct message {
	const struct event *ev; /* its last piece */
	struct http_message http;
	struct conn *conn;
	struct way *way;
	u64 start_ns;		/* of its first byte */
	u32 seq, end;		/* its place, and the one behind it */
};

static u16 keep_text(char *to, size_t max, struct str text)
{
	size_t n = text.n < max ? text.n : max;

	memcpy(to, text.p, n);
	return (u16)n;
}

static void fill_tuple(struct wire_tuple *to, const struct tcp_tuple *from, u8 role)
{
	memcpy(to->local, from->local, sizeof(to->local));
	memcpy(to->remote, from->remote, sizeof(to->remote));
	to->local_port = from->local_port;
	to->remote_port = from->remote_port;
	to->af = from->v6 ? 10 : 2;
	to->netns = from->netns;
	to->role = role;
}

/* Bytes of a message without a body, or with one of known length. */
static u64 bytes_of(const struct message *m, u64 body)
{
	m->way->until = m->end + (u32)body;
	m->way->knows_until = body < 1u << 31 && !(m->ev->http_head.part & HTTP_GIVEN_UP);
	return m->way->knows_until ? m->end - m->seq + body : HTTP_BYTES_UNKNOWN;
}

static void on_request(struct fold_http *h, const struct message *m)
{
	const struct event *ev = m->ev;
	struct exchange_key key = { ev->key, m->conn->next };
	struct exchange *x;

	if (!(m->conn->next - m->conn->first)) /* else the place is of a time before that response */
		grown(h, ev->key, m->conn, ev->http_head.other);
	if (m->conn->next - m->conn->first == PIPELINED_MAX) {
		struct exchange_key oldest = { ev->key, m->conn->first++ };

		if (table_del(h->exchanges, &oldest))
			discard(h, ev->cgroup, HTTP_EVICTED);
	}
	m->conn->next++;
	x = table_add(h->exchanges, &key, NULL);
	memset(x, 0, offsetof(struct exchange, method));
	x->rec.head = (struct rec_head){ .kind = KIND_http_request, .cgroup = ev->cgroup,
					 .key = ev->key, .pid = ev->pid, .tid = ev->tid,
					 .cpu = ev->cpu };
	memcpy(x->rec.comm, ev->comm.p, ev->comm.n);
	fill_tuple(&x->rec.tuple, &ev->http_head.tuple, m->conn->role);
	x->rec.start_ns = m->start_ns;
	x->rec.version = m->http.version;
	x->seq = m->seq;
	x->rec.request_bytes = HTTP_BYTES_UNKNOWN;
	x->rec.response_bytes = HTTP_BYTES_UNKNOWN;
	if (!m->http.chunked)
		x->rec.request_bytes = bytes_of(m, m->http.length);
	x->method_n = keep_text(x->method, sizeof(x->method), m->http.method);
	x->path_n = keep_text(x->path, sizeof(x->path), http_path(m->http.target));
	x->address_n = keep_text(x->address, sizeof(x->address), m->http.host);
	x->parent_n = keep_text(x->parent, sizeof(x->parent), m->http.parent);
}

static bool has_no_body(const struct exchange *x, const struct message *m)
{
	return m->http.status == 204 || m->http.status == 304 ||
	       http_method_of((struct str){ x->method, x->method_n }) == HTTP_HEAD;
}

/* From here on it is a tunnel, or another protocol. */
static bool switches(const struct exchange *x, const struct message *m)
{
	return m->http.status == 101 ||
	       (m->http.status / 100 == 2 &&
		http_method_of((struct str){ x->method, x->method_n }) == HTTP_CONNECT);
}

static void on_response(struct fold_http *h, const struct message *m)
{
	struct exchange_key key = { m->ev->key, m->conn->first };
	struct exchange *x;

	grown(h, m->ev->key, m->conn, m->seq);
	x = m->conn->first < m->conn->next ? table_peek(h->exchanges, &key) : NULL;
	if (!x) {
		m->conn->first += m->conn->first < m->conn->next;
		discard(h, m->ev->cgroup, HTTP_UNASKED);
		return;
	}
	if (m->http.status < 200 && m->http.status != 101) {
		bytes_of(m, 0);
		x->rec.answers++;
		return;
	}
	m->conn->first++;
	x->answered = true;
	x->answer_seq = m->seq;
	x->rec.status = m->http.status;
	x->rec.head.when_ns = m->start_ns > x->rec.start_ns ? m->start_ns :
								    x->rec.start_ns;
	if (x->rec.request_bytes == HTTP_BYTES_UNKNOWN && m->conn->first == m->conn->next)
		x->rec.request_bytes = m->ev->http_head.other - x->seq;
	m->conn->alone = switches(x, m);
	if (m->conn->alone || has_no_body(x, m))
		x->rec.response_bytes = bytes_of(m, 0);
	else if (m->http.has_length)
		x->rec.response_bytes = bytes_of(m, m->http.length);
	if (x->rec.response_bytes != HTTP_BYTES_UNKNOWN)
		finish(h, &key, x);
	else
		m->conn->growing = true;
}

static void on_message(struct fold_http *h, const struct event *ev, struct conn *conn,
		       const struct head *head)
{
	struct message m = { .ev = ev, .conn = conn, .way = &conn->ways[ev->http_head.direction],
			     .start_ns = head->start_ns, .seq = head->seq, .end = head->end };
	u8 role;

	m.way->knows_until = false;
	if (!http_read((struct str){ head->text, head->n }, &m.http)) {
		discard(h, ev->cgroup, HTTP_UNREADABLE);
		return;
	}
	role = (ev->http_head.direction == TCP_SENT) == !m.http.is_response ? TCP_ROLE_CLIENT :
									      TCP_ROLE_SERVER;
	if (!conn->role)
		conn->role = role;
	if (role != conn->role) {
		discard(h, ev->cgroup, HTTP_UNREADABLE);
		return;
	}
	(m.http.is_response ? on_response : on_request)(h, &m);
}

/* ---- heads --------------------------------------------------------------------------------- */

/* A piece was lost on its way. Which response is whose is known again with the next request. */
static void lose(struct fold_http *h, const struct event *ev, struct conn *conn)
{
	discard(h, ev->cgroup, HTTP_LOST);
	forget(h, ev->key, conn, HTTP_LOST);
}

/* NULL: it is inside of a body. */
static struct head *begin(struct fold_http *h, const struct event *ev, struct conn *conn,
			  const struct head_key *key)
{
	const struct ev_http_head *piece = &ev->http_head;
	struct way *way = &conn->ways[piece->direction];
	bool open = table_del(h->heads, key);
	struct head *head;

	if (open || piece->number != way->number + 1)
		lose(h, ev, conn);
	way->number = piece->number;
	if (way->knows_until && (s32)(piece->seq - way->until) < 0)
		return NULL;
	head = table_add(h->heads, key, NULL);
	head->cgroup = ev->cgroup;
	head->start_ns = ev->when_ns;
	head->seq = head->end = piece->seq;
	return head;
}

/* The head that a piece goes on with; NULL: none that is read. */
static struct head *go_on(struct fold_http *h, const struct event *ev, struct conn *conn,
			  const struct head_key *key)
{
	struct way *way = &conn->ways[ev->http_head.direction];
	struct head *head = table_peek(h->heads, key);

	if (way->number == ev->http_head.number && (!head || head->end == ev->http_head.seq))
		return head;
	table_del(h->heads, key);
	way->number = ev->http_head.number;
	lose(h, ev, conn);
	return NULL;
}

void fold_http_head_event(struct fold_http *h, const struct event *ev)
{
	const struct ev_http_head *piece = &ev->http_head;
	struct head_key key = { ev->key, piece->direction };
	struct conn *conn = table_add(h->conns, &ev->key, NULL);
	struct head *head;
	size_t n = piece->text.n;

	if (conn->alone)
		return;
	head = (piece->part & HTTP_BEGINS ? begin : go_on)(h, ev, conn, &key);
	if (!head)
		return;
	if (n > sizeof(head->text) - head->n)
		n = sizeof(head->text) - head->n;
	memcpy(head->text + head->n, piece->text.p, n);
	head->n += (u32)n;
	head->end += piece->size;
	if (!(piece->part & HTTP_ENDS))
		return;
	on_message(h, ev, conn, head);
	table_del(h->heads, &key);
}

void fold_http_close_event(struct fold_http *h, const struct event *ev)
{
	struct conn *conn = table_peek(h->conns, &ev->key);

	for (u64 way = TCP_SENT; way <= TCP_RECEIVED; way++) {
		struct head_key key = { ev->key, way };

		if (table_del(h->heads, &key)) /* cut off */
			discard(h, ev->cgroup, HTTP_UNREADABLE);
	}
	if (!conn)
		return;
	grown(h, ev->key, conn,
	      ev->http_close.seq[conn->role == TCP_ROLE_SERVER ? TCP_SENT : TCP_RECEIVED]);
	for (; conn->first < conn->next; conn->first++) {
		struct exchange_key key = { ev->key, conn->first };
		struct exchange *x = table_peek(h->exchanges, &key);

		if (x)
			give_up(h, &key, x, HTTP_CLOSED, ev->when_ns);
	}
	table_del(h->conns, &ev->key);
}

/* ---- the whole -------------------------------------------------------------------------- */

static void on_exchange_drop(void *ctx, const void *key, void *value, bool evicted)
{
	const struct exchange *x = value;

	(void)key;
	if (evicted)
		discard(ctx, x->rec.head.cgroup, HTTP_EVICTED);
}

static void on_head_drop(void *ctx, const void *key, void *value, bool evicted)
{
	const struct head *head = value;
	struct fold_http *h = ctx;
	struct conn *conn;

	if (!evicted)
		return;
	discard(h, head->cgroup, HTTP_EVICTED);
	conn = table_peek(h->conns, &((const struct head_key *)key)->conn);
	if (conn)
		forget(h, ((const struct head_key *)key)->conn, conn, HTTP_EVICTED);
}

static void on_conn_drop(void *ctx, const void *key, void *value, bool evicted)
{
	if (evicted)
		forget(ctx, *(const u64 *)key, value, HTTP_EVICTED);
}

struct fold_http *fold_http_new(const struct fold_out *out)
{
	struct fold_http *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->out = *out;
	h->conns = table_new(CONNS_MAX, sizeof(u64), sizeof(struct conn), on_conn_drop, h);
	h->heads = table_new(HEADS_MAX, sizeof(struct head_key), sizeof(struct head), on_head_drop, h);
	h->exchanges = table_new(EXCHANGES_MAX, sizeof(struct exchange_key),
				 sizeof(struct exchange), on_exchange_drop, h);
	if (h->conns && h->heads && h->exchanges)
		return h;
	fold_http_free(h);
	return NULL;
}

void fold_http_free(struct fold_http *h)
{
	if (!h)
		return;
	table_free(h->conns);
	table_free(h->heads);
	table_free(h->exchanges);
	free(h);
}
