/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries and their answers. They belong together by socket, id and question (RFC 5452 section 9.1),
 * at a server by the client's address too. A client may ask several servers at once by one socket
 * (musl does), or again: that is one lookup with several attempts, ended by the first answer of one
 * that was asked.
 */
#include <stdlib.h>
#include <string.h>
#include "base/dns.h"
#include "base/table.h"
#include "fold/dns_stream.h"
#include "fold/fold.h"

#define OPEN_MAX 4096	/* lookups without an answer yet; the oldest makes room */
#define SERVERS_MAX 3	/* asked by one lookup (MAXNS of resolvers) */
/* Records may still be on their way when their time is over. */
#define GRACE_NS NSEC_PER_SEC

struct end {
	u8 addr[16];
	u16 port;
	u16 v6;
};

struct dns_key {
	u64 socket;
	u64 name;		/* hash, of lower case */
	struct end client;	/* at a server; else zero */
	u16 id, type, role, transport;
	u32 rsvd;
};

struct lookup {
	struct rec_dns_lookup rec; /* so far */
	u64 last_ns;		/* of the last query */
	struct end servers[SERVERS_MAX];
	u32 servers_n;		/* may be more than are kept */
	u16 name_n;
	char name[DNS_NAME_MAX];
};

/* A message that was read. */
struct message {
	const struct event *ev;	/* the packet that it ended in */
	struct dns dns;
	struct tcp_tuple tuple;	/* with its role */
	struct str bytes, name;
};

struct fold_dns {
	struct fold_out out;
	struct table *open;
	struct dns_streams *streams;
	char name[DNS_NAME_MAX], addresses[DNS_LIST_MAX], names[DNS_LIST_MAX];
	/* room for the record that is made */
	union {
		struct rec_dns_lookup rec;
		u8 bytes[REC_SIZE_MAX];
	} room;
};

static void discard(struct fold_dns *d, u64 cgroup, enum dns_discarded why)
{
	tally_add(d->out.tally, &(struct meter_key){ .cgroup = cgroup,
						     .meter = METER_dns_discarded,
						     .dim = (u16)why });
}

static void on_drop(void *ctx, const void *key, void *value, bool evicted)
{
	const struct lookup *l = value;

	(void)key;
	if (evicted)
		discard(ctx, l->rec.head.cgroup, DNS_EVICTED);
}

struct fold_dns *fold_dns_new(const struct fold_out *out)
{
	struct fold_dns *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->out = *out;
	d->open = table_new(OPEN_MAX, sizeof(struct dns_key), sizeof(struct lookup), on_drop, d);
	d->streams = dns_streams_new();
	if (d->open && d->streams)
		return d;
	fold_dns_free(d);
	return NULL;
}

void fold_dns_free(struct fold_dns *d)
{
	if (!d)
		return;
	table_free(d->open);
	dns_streams_free(d->streams);
	free(d);
}

/* ---- what belongs together ----------------------------------------------------------------- */

static u64 hash_name(struct str name)
{
	char lower[DNS_NAME_MAX];
	size_t n = name.n < sizeof(lower) ? name.n : sizeof(lower);

	for (size_t i = 0; i < n; i++)
		lower[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i];
	return str_hash((struct str){ lower, n });
}

static struct end remote_of(const struct tcp_tuple *t)
{
	struct end end = { .port = t->remote_port, .v6 = t->v6 };

	memcpy(end.addr, t->remote, t->v6 ? 16 : 4);
	return end;
}

static struct dns_key key_of(const struct message *m)
{
	struct dns_key key;

	memset(&key, 0, sizeof(key)); /* compared as bytes */
	key.socket = m->ev->key;
	key.name = hash_name(m->name);
	key.id = m->dns.id;
	key.type = m->dns.type;
	key.role = (u16)m->tuple.role;
	key.transport = (u16)m->ev->dns_packet.transport;
	if (m->tuple.role == TCP_ROLE_SERVER)
		key.client = remote_of(&m->tuple);
	return key;
}

static void fill_tuple(struct wire_tuple *to, const struct tcp_tuple *from)
{
	memcpy(to->local, from->local, sizeof(to->local));
	memcpy(to->remote, from->remote, sizeof(to->remote));
	to->local_port = from->local_port;
	to->remote_port = from->remote_port;
	to->af = from->v6 ? 10 : 2;
	to->role = (u16)from->role;
}

/* ---- the end of a lookup --------------------------------------------------------------------- */

static struct rec_text put_text(struct fold_dns *d, struct str text)
{
	struct rec_head *head = &d->room.rec.head;
	struct rec_text at = { .off = head->size, .len = (u16)text.n };

	memcpy(d->room.bytes + head->size, text.p, text.n);
	head->size += (u16)text.n;
	return at;
}

_Static_assert(sizeof(struct rec_dns_lookup) + DNS_NAME_MAX + 2 * DNS_LIST_MAX <= REC_SIZE_MAX,
	       "a lookup with all its texts is a record");

static void count_lookup(struct fold_dns *d, const struct rec_dns_lookup *rec)
{
	struct meter_key key = { .cgroup = rec->head.cgroup, .meter = METER_dns_lookup_duration };

	key.dim = (u16)DNS_LOOKUP_DIM(rec->tuple.role, rec->transport, rec->outcome, rec->rcode);
	tally_time(d->out.tally, &key, rec->head.when_ns - rec->start_ns);
	if (rec->outcome == DNS_ANSWERED)
		return;
	key = (struct meter_key){ .cgroup = rec->head.cgroup,
				  .meter = METER_dns_unanswered,
				  .dim = rec->tuple.role };
	tally_add(d->out.tally, &key);
}

/* answer: NULL, nobody gave one. */
static void finish(struct fold_dns *d, const struct lookup *l, u64 when_ns,
		   const struct message *answer)
{
	struct rec_dns_lookup *rec = &d->room.rec;
	struct buf addresses, names;

	*rec = l->rec;
	rec->head.when_ns = when_ns;
	rec->head.size = sizeof(*rec);
	rec->head.flags = rec->outcome != DNS_ANSWERED || rec->rcode ? REC_FAILED : 0;
	rec->name = put_text(d, (struct str){ l->name, l->name_n });
	if (answer) {
		buf_fixed(&addresses, d->addresses, sizeof(d->addresses));
		buf_fixed(&names, d->names, sizeof(d->names));
		dns_records(answer->bytes, &addresses, &names);
		rec->addresses = put_text(d, buf_view(&addresses));
		rec->names = put_text(d, buf_view(&names));
	}
	count_lookup(d, rec);
	d->out.made(d->out.ctx, rec, rec->head.size);
}

static void give_up(struct fold_dns *d, struct lookup *l, u64 now_ns)
{
	bool over = now_ns >= l->last_ns + DNS_TIMEOUT_NS;

	l->rec.outcome = over ? DNS_TIMEOUT : DNS_UNANSWERED;
	finish(d, l, over ? l->last_ns + DNS_TIMEOUT_NS : now_ns, NULL);
}

void fold_dns_give_up(struct fold_dns *d, u64 now_ns, bool all)
{
	const void *key;
	size_t pos = 0;
	void *value;

	/* in the order of their last queries */
	while (table_next(d->open, &pos, &key, &value)) {
		struct lookup *l = value;

		if (!all && now_ns < l->last_ns + DNS_TIMEOUT_NS + GRACE_NS)
			return;
		give_up(d, l, now_ns > l->last_ns ? now_ns : l->last_ns);
		table_del(d->open, key);
	}
}

/* ---- messages ------------------------------------------------------------------------------- */

static bool was_asked(const struct lookup *l, const struct end *server)
{
	for (u32 i = 0; i < l->servers_n && i < SERVERS_MAX; i++)
		if (!memcmp(&l->servers[i], server, sizeof(*server)))
			return true;
	return l->servers_n > SERVERS_MAX;
}

static void begin(struct lookup *l, const struct message *m)
{
	const struct event *ev = m->ev;

	memset(l, 0, offsetof(struct lookup, name));
	l->rec.head.kind = KIND_dns_lookup;
	l->rec.head.cgroup = ev->cgroup;
	l->rec.head.key = ev->key;
	l->rec.head.cpu = ev->cpu;
	l->rec.start_ns = ev->when_ns;
	l->rec.transport = (u16)ev->dns_packet.transport;
	l->rec.type = m->dns.type;
	l->name_n = (u16)m->name.n;
	memcpy(l->name, m->name.p, m->name.n);
}

/* Whichever of the messages tells it. */
static void fill_owner(struct lookup *l, const struct event *ev)
{
	if (!ev->pid)
		return;
	l->rec.head.pid = ev->pid;
	l->rec.head.tid = ev->tid;
	memset(l->rec.comm, 0, sizeof(l->rec.comm));
	memcpy(l->rec.comm, ev->comm.p, ev->comm.n);
}

static void on_query(struct fold_dns *d, const struct message *m)
{
	struct end server = remote_of(&m->tuple);
	u64 when_ns = m->ev->when_ns;
	struct dns_key key = key_of(m);
	bool is_new;
	struct lookup *l = table_add(d->open, &key, &is_new);

	if (!is_new && when_ns >= l->last_ns + DNS_TIMEOUT_NS) {
		give_up(d, l, when_ns);
		is_new = true;
	}
	if (is_new)
		begin(l, m);
	fill_owner(l, m->ev);
	fill_tuple(&l->rec.tuple, &m->tuple);
	l->last_ns = when_ns;
	if (l->rec.attempts < UINT16_MAX)
		l->rec.attempts++;
	if (was_asked(l, &server))
		return;
	if (l->servers_n < SERVERS_MAX)
		l->servers[l->servers_n] = server;
	l->servers_n++;
}

static void on_answer(struct fold_dns *d, const struct message *m)
{
	struct end server = remote_of(&m->tuple);
	u64 when_ns = m->ev->when_ns;
	struct dns_key key = key_of(m);
	struct lookup *l = table_peek(d->open, &key);

	if (l && when_ns >= l->last_ns + DNS_TIMEOUT_NS) {
		give_up(d, l, when_ns);
		table_del(d->open, &key);
		l = NULL;
	}
	if (!l || !was_asked(l, &server)) {
		discard(d, m->ev->cgroup, DNS_UNASKED);
		return;
	}
	fill_owner(l, m->ev);
	fill_tuple(&l->rec.tuple, &m->tuple);
	l->rec.outcome = DNS_ANSWERED;
	l->rec.rcode = m->dns.rcode;
	l->rec.answers = m->dns.answers;
	finish(d, l, when_ns > l->rec.start_ns ? when_ns : l->rec.start_ns, m);
	table_del(d->open, &key);
}

static void on_message(void *ctx, const struct event *ev, struct str bytes)
{
	struct message m = { .ev = ev, .tuple = ev->dns_packet.tuple, .bytes = bytes };
	struct fold_dns *d = ctx;
	struct buf name;

	buf_fixed(&name, d->name, sizeof(d->name));
	if (!dns_question(bytes, &m.dns, &name) || name.err) {
		discard(d, ev->cgroup, DNS_UNREADABLE);
		return;
	}
	m.name = buf_view(&name);
	m.tuple.role = (ev->dns_packet.direction == TCP_SENT) == !m.dns.answer ? TCP_ROLE_CLIENT :
										 TCP_ROLE_SERVER;
	(m.dns.answer ? on_answer : on_query)(d, &m);
}

void fold_dns_event(struct fold_dns *d, const struct event *ev)
{
	if (ev->dns_packet.transport == DNS_TCP)
		dns_stream_feed(d->streams, ev, on_message, d);
	else
		on_message(d, ev, ev->dns_packet.payload);
}
