/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"
#include "base/dns.h"
#include "report/live.h"

#define NAME_SHOWN 120
#define LIST_SHOWN 160

static void put_end(struct buf *out, const u8 addr[static 16], bool v6)
{
	char text[ADDR_TEXT_MAX];

	buf_str(out, addr_text(text, addr, v6));
}

static void put_question(struct buf *out, u16 type, struct str name)
{
	char text[DNS_TYPE_TEXT_MAX];

	buf_printf(out, "dns %s ", dns_type(type, text));
	live_text(out, name, NAME_SHOWN);
}

static void put_upper(struct buf *out, const char *s)
{
	for (; *s; s++)
		buf_char(out, *s >= 'a' && *s <= 'z' ? (char)(*s - 32) : *s);
}

/* Texts that end in NUL each. */
static void put_list(struct buf *out, struct str list, const char *before)
{
	size_t begin = out->n;
	struct str part;

	while (list.n && str_cut(&list, 0, &part)) {
		if (!part.n)
			continue;
		buf_cstr(out, before);
		if (out->n - begin > LIST_SHOWN) {
			buf_cstr(out, "...");
			return;
		}
		live_text(out, part, NAME_SHOWN);
	}
}

static void put_server(struct buf *out, const struct tcp_tuple *t)
{
	bool server = t->role == TCP_ROLE_SERVER;

	buf_cstr(out, server ? " to " : " from ");
	put_end(out, t->remote, t->v6);
}

void live_dns_lookup(const struct event *ev, struct buf *out)
{
	const struct ev_dns_lookup *lookup = &ev->dns_lookup;

	put_question(out, lookup->type, lookup->name);
	buf_cstr(out, " -> ");
	if (lookup->outcome != DNS_ANSWERED) {
		buf_cstr(out, "no answer after ");
	} else {
		if (lookup->rcode)
			put_upper(out, dns_rcode(lookup->rcode));
		else
			buf_printf(out, "%u answers", lookup->answers);
		put_list(out, lookup->names, " ");
		put_list(out, lookup->addresses, " ");
		buf_cstr(out, " in ");
	}
	live_time(out, lookup->duration_ns);
	put_server(out, &lookup->tuple);
	if (lookup->transport == DNS_TCP)
		buf_cstr(out, " by tcp");
	if (lookup->attempts > 1)
		buf_printf(out, ", asked %u times", lookup->attempts);
}

void live_dns_packet(const struct event *ev, struct buf *out)
{
	const struct ev_dns_packet *packet = &ev->dns_packet;
	bool sent = packet->direction == TCP_SENT;

	buf_printf(out, "dns packet %s ", sent ? "sent to" : "received from");
	put_end(out, packet->tuple.remote, packet->tuple.v6);
	buf_printf(out, ", %u bytes", packet->size);
}
