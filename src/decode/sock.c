/* SPDX-License-Identifier: Apache-2.0 */
/* What records of several families say of a socket. */
#include <string.h>
#include "decode/decoders.h"

#define AF_INET_WIRE 2
#define AF_INET6_WIRE 10

enum decode_fault decode_tuple(const struct wire_tuple *wire, bool may_be_empty,
			       struct tcp_tuple *ret)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (wire->af != AF_INET_WIRE && wire->af != AF_INET6_WIRE && !(may_be_empty && !wire->af))
		return DECODE_VALUE;
	if (wire->role > TCP_ROLE_SERVER)
		return DECODE_VALUE;
	memcpy(ret->local, wire->local, 16);
	memcpy(ret->remote, wire->remote, 16);
	ret->local_port = wire->local_port;
	ret->remote_port = wire->remote_port;
	ret->v6 = wire->af == AF_INET6_WIRE;
	ret->role = (enum tcp_role)wire->role;
	ret->netns = wire->netns;
	/* IPv4 through an IPv6 socket is IPv4 to everybody who reads it */
	if (ret->v6 && !memcmp(ret->remote, mapped, 12)) {
		ret->v6 = false;
		memmove(ret->remote, ret->remote + 12, 4);
		memmove(ret->local, ret->local + 12, 4);
	}
	return DECODE_OK;
}

enum decode_fault decode_io(const struct wire_io *io, struct event *ret)
{
	struct ev_io *ev = &ret->io;

	if (io->start_ns > ret->when_ns || !decode_errno_ok(io->err))
		return DECODE_VALUE;
	ev->duration_ns = ret->when_ns - io->start_ns;
	ev->bytes = io->bytes;
	ev->messages = io->messages;
	ev->err = io->err;
	ev->peer_known = io->tuple.remote_port;
	ret->comm = str_ofn((const char *)io->comm, COMM_LEN);
	return decode_tuple(&io->tuple, false, &ev->tuple);
}
