/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "base/errname.h"
#include "report/live.h"

/* The arrow goes the way the connection was opened. */
static void put_tuple(struct buf *out, const struct tcp_tuple *t)
{
	live_end(out, t->local, t->local_port, t->v6);
	buf_cstr(out, t->role == TCP_ROLE_SERVER ? " <- " :
		      t->role == TCP_ROLE_CLIENT ? " -> " :
						   " <-> ");
	live_end(out, t->remote, t->remote_port, t->v6);
}

static const char *state_name(unsigned state)
{
	static const char *const names[] = {
		"UNKNOWN",   "ESTABLISHED", "SYN_SENT",	  "SYN_RECV", "FIN_WAIT1",
		"FIN_WAIT2", "TIME_WAIT",   "CLOSE",	  "CLOSE_WAIT", "LAST_ACK",
		"LISTEN",    "CLOSING",	    "NEW_SYN_RECV", "BOUND_INACTIVE",
	};

	return state < ARRAY_SIZE(names) ? names[state] : names[0];
}

void live_tcp_connect(const struct event *ev, struct buf *out)
{
	const struct ev_tcp_connect *connect = &ev->tcp_connect;

	buf_cstr(out, "connect ");
	put_tuple(out, &connect->tuple);
	if (connect->err)
		buf_printf(out, " failed: %s (%s) after ", strerror(connect->err),
			   errname(connect->err));
	else
		buf_cstr(out, " in ");
	live_time(out, connect->duration_ns);
}

void live_tcp_accept(const struct event *ev, struct buf *out)
{
	const struct ev_tcp_accept *accept = &ev->tcp_accept;

	buf_cstr(out, "accept ");
	put_tuple(out, &accept->tuple);
	if (!accept->wait_known)
		return;
	buf_cstr(out, " waited ");
	live_time(out, accept->wait_ns);
}

void live_tcp_state(const struct event *ev, struct buf *out)
{
	const struct ev_tcp_state *state = &ev->tcp_state;

	buf_cstr(out, "state ");
	put_tuple(out, &state->tuple);
	buf_printf(out, " %s -> %s", state_name(state->from), state_name(state->to));
}

void live_tcp_close(const struct event *ev, struct buf *out)
{
	const struct ev_tcp_close *close = &ev->tcp_close;

	buf_cstr(out, "close ");
	put_tuple(out, &close->tuple);
	buf_cstr(out, " sent ");
	live_bytes(out, close->sent);
	buf_cstr(out, " received ");
	live_bytes(out, close->received);
	if (close->start_ns) {
		buf_cstr(out, " in ");
		live_time(out, ev->when_ns - close->start_ns);
	}
	if (close->srtt_us) {
		buf_cstr(out, ", rtt ");
		live_time(out, close->srtt_us * 1000ull);
	}
	if (close->retransmits)
		buf_printf(out, ", %u retransmits", close->retransmits);
	if (close->err)
		buf_printf(out, ", ended by %s (%s)", strerror(close->err), errname(close->err));
}

void live_tcp_retransmit(const struct event *ev, struct buf *out)
{
	static const char *const segments[] = { "segment", "SYN", "SYN-ACK" };
	const struct ev_tcp_retransmit *retransmit = &ev->tcp_retransmit;

	buf_printf(out, "retransmit %s ", segments[retransmit->segment]);
	put_tuple(out, &retransmit->tuple);
	buf_printf(out, " in %s", state_name(retransmit->state));
	if (retransmit->total)
		buf_printf(out, ", %u so far", retransmit->total);
}

void live_tcp_reset(const struct event *ev, struct buf *out)
{
	const struct ev_tcp_reset *reset = &ev->tcp_reset;

	buf_printf(out, "reset %s", reset->direction == TCP_SENT ? "sent" : "received");
	if (!reset->tuple.remote_port) {
		buf_cstr(out, " to a packet that no socket wanted");
		return;
	}
	buf_char(out, ' ');
	put_tuple(out, &reset->tuple);
	buf_printf(out, " in %s", state_name(reset->state));
}

void live_tcp_listen_drop(const struct event *ev, struct buf *out)
{
	const struct ev_tcp_listen_drop *drop = &ev->tcp_listen_drop;

	buf_cstr(out, "listen queue full on ");
	live_end(out, drop->tuple.local, drop->tuple.local_port, drop->tuple.v6);
	buf_printf(out, ": %u dropped, %u of %u waiting", drop->drops, drop->backlog,
		   drop->backlog_max);
}

void live_tcp_send(const struct event *ev, struct buf *out)
{
	live_io(out, &ev->io, "send", true);
}

void live_tcp_receive(const struct event *ev, struct buf *out)
{
	live_io(out, &ev->io, "receive", false);
}
