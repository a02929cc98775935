/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams, by the calls that sent or took them: counted; those that could not are log records. */
#include "base/errname.h"
#include "otel/map/map.h"

static void otlp_datagrams(const struct event *ev, enum tcp_direction direction, struct mapped *ret)
{
	const struct ev_io *io = &ev->io;
	struct attrs *a = &ret->note.attrs;

	map_ends(a, STR("udp"), &io->tuple, io->peer_known, &ret->room);
	map_direction(a, direction);
	map_owner(a, ev);
	attr_int(a, "podtrace.udp.datagrams", io->messages);
	attr_int(a, "podtrace.udp.bytes", (s64)io->bytes);
	map_seconds(a, "podtrace.udp.call.duration", io->duration_ns);
	if (!io->err)
		return;
	attr_str(a, "error.type", str_of(errname(io->err)));
	ret->has_note = true;
	ret->note.severity = NOTE_WARN;
}

void otlp_udp_send(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	otlp_datagrams(ev, TCP_SENT, ret);
}

void otlp_udp_receive(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	otlp_datagrams(ev, TCP_RECEIVED, ret);
}
