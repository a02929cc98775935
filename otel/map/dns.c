/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS. A lookup is a span: INTERNAL as a connection is, because a CLIENT span would open an edge in a
 * service graph that never completes. What failed says so by error.type: the answer's code in lower
 * case, "timeout", "unanswered". One that failed for another reason than that there is no such name
 * is worth a note besides: names that are not there are what search lists ask for all day.
 * Names are attributes of spans and notes, never of metrics: anybody can make up any number of them.
 */
#include <stdio.h>
#include "otel/map/map.h"

#define RCODE_NXDOMAIN 3

static const char *error_of(unsigned outcome, unsigned rcode)
{
	static const char *const names[DNS_OUTCOME_END] = { NULL, "timeout", "unanswered" };

	if (outcome < DNS_OUTCOME_END && names[outcome])
		return names[outcome];
	return rcode ? dns_rcode((u16)rcode) : NULL;
}

void map_dns_role(struct attrs *ret, unsigned role)
{
	static const char *const names[] = { "unknown", "client", "server" };

	attr_str(ret, "podtrace.dns.role", str_of(names[role < ARRAY_SIZE(names) ? role : 0]));
}

static void put_transport(struct attrs *ret, unsigned transport)
{
	attr_str(ret, "network.transport", transport == DNS_TCP ? STR("tcp") : STR("udp"));
}

void map_dns_packet(struct attrs *ret, unsigned dim)
{
	static const char *const packets[] = { "query", "answer", "other", "malformed", "segment" };
	unsigned packet = dim >> 1 & 7;

	put_transport(ret, packet == DNS_SEGMENT ? DNS_TCP : DNS_UDP);
	attr_str(ret, "podtrace.dns.packet", str_of(packets[packet % DNS_PACKET_END]));
	if (packet == DNS_ANSWER)
		attr_str(ret, "podtrace.dns.response_code", str_of(dns_rcode(dim >> 4 & 0xf)));
}

void map_dns_lookup(struct attrs *ret, unsigned dim)
{
	const char *error = error_of(dim >> 3 & 3, dim >> 8 & 0xf);

	map_dns_role(ret, dim & 3);
	put_transport(ret, dim >> 2 & 1);
	if (error)
		attr_str(ret, "error.type", str_of(error));
}

void map_dns_discarded(struct attrs *ret, unsigned why)
{
	static const char *const names[DNS_DISCARDED_END] = { "unreadable", "unasked", "evicted" };

	attr_str(ret, "podtrace.dns.reason", str_of(names[why % DNS_DISCARDED_END]));
}

static void put_tuple(struct attrs *a, const struct tcp_tuple *t, unsigned transport,
		      struct map_room *room)
{
	bool server = t->role == TCP_ROLE_SERVER;
	struct str local = addr_text(room->local, t->local, t->v6);
	struct str remote = addr_text(room->remote, t->remote, t->v6);

	put_transport(a, transport);
	attr_str(a, "network.type", t->v6 ? STR("ipv6") : STR("ipv4"));
	attr_str(a, "server.address", server ? local : remote);
	attr_int(a, "server.port", server ? t->local_port : t->remote_port);
	attr_str(a, "client.address", server ? remote : local);
	attr_int(a, "client.port", server ? t->remote_port : t->local_port);
	map_dns_role(a, t->role);
}

static void put_owner(struct attrs *a, const struct event *ev)
{
	if (!ev->pid)
		return;
	attr_int(a, "process.pid", ev->pid);
	if (ev->comm.n)
		attr_str(a, "process.executable.name", ev->comm);
}

/* Of texts that end in NUL each. */
static size_t split(struct str list, struct str *ret, size_t max)
{
	struct str part;
	size_t n = 0;

	while (n < max && list.n && str_cut(&list, 0, &part))
		if (part.n)
			ret[n++] = part;
	return n;
}

void otlp_dns_lookup(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_dns_lookup *lookup = &ev->dns_lookup;
	const char *error = error_of(lookup->outcome, lookup->rcode);
	struct map_room *room = &ret->room;
	struct attrs *a = &ret->note.attrs;
	size_t n, names;

	snprintf(room->name, sizeof(room->name), "DNS %s", dns_type(lookup->type, room->type));
	attr_str(a, "dns.question.name", lookup->name);
	attr_str(a, "podtrace.dns.question.type", str_of(room->name + 4));
	if (lookup->outcome == DNS_ANSWERED)
		attr_str(a, "podtrace.dns.response_code", str_of(dns_rcode(lookup->rcode)));
	n = split(lookup->addresses, room->args, MAP_ARGS_MAX / 2);
	if (n)
		attr_strs(a, "dns.answers", room->args, n);
	names = split(lookup->names, room->args + n, MAP_ARGS_MAX - n);
	if (names)
		attr_strs(a, "podtrace.dns.aliases", room->args + n, names);
	attr_int(a, "podtrace.dns.attempts", lookup->attempts);
	put_tuple(a, &lookup->tuple, lookup->transport, room);
	put_owner(a, ev);
	attr_double(a, "podtrace.dns.lookup.duration",
		    (double)lookup->duration_ns / (double)NSEC_PER_SEC);
	if (error)
		attr_str(a, "error.type", str_of(error));

	ret->has_span = true;
	ret->span.name = str_of(room->name);
	ret->span.start_ns = ret->span.end_ns - lookup->duration_ns;
	ret->span.status = error ? STATUS_ERROR : STATUS_UNSET;
	ret->span.attrs = ret->note.attrs;
	if (!error || (lookup->outcome == DNS_ANSWERED && lookup->rcode == RCODE_NXDOMAIN))
		return;
	ret->has_note = true;
	ret->note.event_name = "podtrace.dns.failure";
	ret->note.severity = NOTE_WARN;
}

/* Nobody is told of it alone. */
void otlp_dns_packet(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_dns_packet *packet = &ev->dns_packet;

	put_tuple(&ret->note.attrs, &packet->tuple, packet->transport, &ret->room);
}
