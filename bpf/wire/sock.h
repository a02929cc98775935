/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* What records of several families say of a socket. */
#ifndef WIRE_SOCK_H
#define WIRE_SOCK_H

#include "head.h"

enum tcp_role { TCP_ROLE_UNKNOWN, TCP_ROLE_CLIENT, TCP_ROLE_SERVER };

/* The two ends. Addresses in network order; IPv4 in the first four bytes. Of an IPv6 socket
 * that carries IPv4 (::ffff:a.b.c.d) the family is AF_INET6 and the address the mapped one. */
struct wire_tuple {
	__u8 local[16];
	__u8 remote[16];
	__u16 local_port;	/* host order */
	__u16 remote_port;
	__u16 af;		/* AF_INET 2, AF_INET6 10 */
	__u16 role;		/* enum tcp_role */
	__u32 netns;		/* inode of the network namespace */
	__u32 rsvd;
};

enum tcp_direction { TCP_SENT, TCP_RECEIVED };

/*
 * A call that sent or received, or could not. The remote end is empty where it is not known: who
 * receives by a socket that is not connected, and does not ask from whom. Of several messages
 * (sendmmsg, recvmmsg) it is the first one's.
 */
struct wire_io {
	struct wire_tuple tuple;
	__u64 start_ns;		/* when the call began */
	__u64 bytes;		/* of payload, of all messages */
	__u32 messages;		/* datagrams of UDP; 1 of TCP; 0: it failed */
	__s32 err;		/* positive errno, 0: done */
	__u8 comm[COMM_LEN];
};

#endif
