/* SPDX-License-Identifier: Apache-2.0 */
/* What events of several families say of a socket. */
#include "otel/map/map.h"

void map_ends(struct attrs *a, struct str transport, const struct tcp_tuple *t, bool peer_known,
	      struct map_room *room)
{
	attr_str(a, "network.transport", transport);
	attr_str(a, "network.type", t->v6 ? STR("ipv6") : STR("ipv4"));
	attr_str(a, "network.local.address", addr_text(room->local, t->local, t->v6));
	attr_int(a, "network.local.port", t->local_port);
	if (!peer_known)
		return;
	attr_str(a, "network.peer.address", addr_text(room->remote, t->remote, t->v6));
	attr_int(a, "network.peer.port", t->remote_port);
}

void map_owner(struct attrs *a, const struct event *ev)
{
	if (!ev->pid)
		return;
	attr_int(a, "process.pid", ev->pid);
	if (ev->comm.n)
		attr_str(a, "process.executable.name", ev->comm);
}

void map_seconds(struct attrs *a, const char *key, u64 ns)
{
	attrs_add(a, key, ATTR_DOUBLE)->d = (double)ns / (double)NSEC_PER_SEC;
}

void map_direction(struct attrs *a, unsigned direction)
{
	attr_str(a, "network.io.direction",
		 direction == TCP_SENT ? STR("transmit") : STR("receive"));
}
