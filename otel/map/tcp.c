/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP. A connection that ended becomes a span: INTERNAL, because a CLIENT span would open an
 * edge in a service graph that never completes; request spans are another family's.
 * Addresses and ports are attributes of spans and events, never of metrics.
 */
#include "base/errname.h"
#include "otel/map/map.h"

const char *map_tcp_state(unsigned state)
{
	static const char *const names[] = {
		"unknown",    "established", "syn_sent",  "syn_received", "fin_wait_1",
		"fin_wait_2", "time_wait",   "closed",	  "close_wait",	  "last_ack",
		"listen",     "closing",     "syn_received", "bound_inactive",
	};

	return state < ARRAY_SIZE(names) ? names[state] : names[0];
}

static const char *role_name(enum tcp_role role)
{
	static const char *const names[] = { "unknown", "client", "server" };

	return names[role];
}

static void put_tuple(struct attrs *a, const struct tcp_tuple *t, struct map_room *room)
{
	bool server = t->role == TCP_ROLE_SERVER;

	map_ends(a, STR("tcp"), t, true, room);
	attr_str(a, "podtrace.tcp.role", str_of(role_name(t->role)));
	if (t->role == TCP_ROLE_UNKNOWN)
		return;
	attr_str(a, "server.address", str_of(server ? room->local : room->remote));
	attr_int(a, "server.port", server ? t->local_port : t->remote_port);
}

static void put_error(struct attrs *a, int err)
{
	if (err)
		attr_str(a, "error.type", str_of(errname(err)));
}

void otlp_tcp_connect(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_tcp_connect *connect = &ev->tcp_connect;
	struct attrs *a = &ret->note.attrs;

	put_tuple(a, &connect->tuple, &ret->room);
	map_owner(a, ev);
	map_seconds(a, "podtrace.tcp.connect.duration", connect->duration_ns);
	put_error(a, connect->err);
	if (!connect->err)
		return;
	ret->has_note = true;
	ret->note.event_name = "podtrace.tcp.connect.failed";
	ret->note.severity = NOTE_WARN;
}

void otlp_tcp_accept(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_tcp_accept *accept = &ev->tcp_accept;
	struct attrs *a = &ret->note.attrs;

	put_tuple(a, &accept->tuple, &ret->room);
	map_owner(a, ev);
	if (accept->wait_known)
		map_seconds(a, "podtrace.tcp.accept.wait", accept->wait_ns);
}

void otlp_tcp_state(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_tcp_state *state = &ev->tcp_state;
	struct attrs *a = &ret->note.attrs;

	put_tuple(a, &state->tuple, &ret->room);
	map_owner(a, ev);
	attr_str(a, "podtrace.tcp.state.from", str_of(map_tcp_state(state->from)));
	attr_str(a, "network.connection.state", str_of(map_tcp_state(state->to)));
}

void otlp_tcp_close(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_tcp_close *close = &ev->tcp_close;
	struct attrs *a = &ret->note.attrs;

	put_tuple(a, &close->tuple, &ret->room);
	map_owner(a, ev);
	attr_int(a, "podtrace.tcp.sent", (s64)close->sent);
	attr_int(a, "podtrace.tcp.received", (s64)close->received);
	if (close->srtt_us)
		map_seconds(a, "podtrace.tcp.rtt", close->srtt_us * 1000ull);
	attr_int(a, "podtrace.tcp.retransmits", close->retransmits);
	put_error(a, close->err);

	/* begun before we looked: how long it lived is not known, so it is no span */
	if (!close->start_ns) {
		ret->has_note = true;
		return;
	}
	ret->has_span = true;
	ret->span.name = STR("tcp.connection");
	ret->span.start_ns = ret->span.end_ns - (ev->when_ns - close->start_ns);
	ret->span.status = close->err ? STATUS_ERROR : STATUS_UNSET;
	ret->span.attrs = ret->note.attrs;
}

void otlp_tcp_retransmit(const struct event *ev, const struct map_config *config,
			 struct mapped *ret)
{
	const struct ev_tcp_retransmit *retransmit = &ev->tcp_retransmit;
	static const char *const segments[] = { "data", "syn", "synack" };
	struct attrs *a = &ret->note.attrs;

	put_tuple(a, &retransmit->tuple, &ret->room);
	map_owner(a, ev);
	attr_str(a, "podtrace.tcp.segment", str_of(segments[retransmit->segment]));
	attr_str(a, "network.connection.state", str_of(map_tcp_state(retransmit->state)));
	attr_int(a, "podtrace.tcp.retransmits", retransmit->total);
}

void otlp_tcp_reset(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_tcp_reset *reset = &ev->tcp_reset;
	struct attrs *a = &ret->note.attrs;

	if (reset->tuple.remote_port)
		put_tuple(a, &reset->tuple, &ret->room);
	map_owner(a, ev);
	map_direction(a, reset->direction);
	attr_str(a, "network.connection.state", str_of(map_tcp_state(reset->state)));
}

static void otlp_call(const struct event *ev, enum tcp_direction direction, struct mapped *ret)
{
	const struct ev_io *io = &ev->io;
	struct attrs *a = &ret->note.attrs;

	put_tuple(a, &io->tuple, &ret->room);
	map_direction(a, direction);
	map_owner(a, ev);
	attr_int(a, "podtrace.tcp.bytes", (s64)io->bytes);
	map_seconds(a, "podtrace.tcp.call.duration", io->duration_ns);
	put_error(a, io->err);
}

void otlp_tcp_send(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	otlp_call(ev, TCP_SENT, ret);
}

void otlp_tcp_receive(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	otlp_call(ev, TCP_RECEIVED, ret);
}

void otlp_tcp_listen_drop(const struct event *ev, const struct map_config *config,
			  struct mapped *ret)
{
	const struct ev_tcp_listen_drop *drop = &ev->tcp_listen_drop;
	struct attrs *a = &ret->note.attrs;

	ret->has_note = true;
	ret->note.severity = NOTE_WARN;
	attr_str(a, "network.transport", STR("tcp"));
	attr_int(a, "server.port", drop->tuple.local_port);
	attr_str(a, "server.address",
		 addr_text(ret->room.local, drop->tuple.local, drop->tuple.v6));
	map_owner(a, ev);
	attr_int(a, "podtrace.tcp.listen.drops", drop->drops);
	attr_int(a, "podtrace.tcp.listen.backlog", drop->backlog);
	attr_int(a, "podtrace.tcp.listen.backlog_max", drop->backlog_max);
}
