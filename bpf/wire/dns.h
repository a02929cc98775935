/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Records of the dns family. */
#ifndef WIRE_DNS_H
#define WIRE_DNS_H

#include "tcp.h"

#define DNS_HEAD 12	 /* bytes before the question (RFC 1035 section 4.1.1) */
#define DNS_COPY_MAX 512 /* bytes of a packet: questions are shorter, most answers too */
#define DNS_NAME_MAX 1024 /* of a name as text: 254 bytes, each as \DDD at worst */
#define DNS_LIST_MAX 1024 /* of the addresses, and of the names, in an answer */

enum dns_transport { DNS_UDP, DNS_TCP };

/* What is in a packet, as far as its first bytes tell. A segment of TCP may begin anywhere in a
 * message. */
enum dns_packet { DNS_QUERY, DNS_ANSWER, DNS_OTHER, DNS_MALFORMED, DNS_SEGMENT, DNS_PACKET_END };

/* meter_key.dim of dns_packets */
#define DNS_DIM(direction, packet, rcode) ((direction) | (packet) << 1 | (rcode) << 4)

/*
 * A packet of port 53 as it passed a socket. head.key: the socket's cookie; head.pid: who connected,
 * bound or sent by it, 0: that was before we looked.
 */
struct rec_dns_packet {
	struct rec_head head;
	struct wire_tuple tuple; /* role: not known */
	__u16 transport;	/* enum dns_transport */
	__u16 direction;	/* enum tcp_direction */
	__u32 size;		/* bytes behind the transport's head */
	__u32 seq;		/* TCP: of the first of them */
	struct rec_text payload; /* the first DNS_COPY_MAX of them */
	__u8 comm[COMM_LEN];
};

enum dns_outcome {
	DNS_ANSWERED,
	DNS_TIMEOUT,		/* nobody answered in DNS_TIMEOUT_NS */
	DNS_UNANSWERED,		/* nor did anybody until podtrace ended */
	DNS_OUTCOME_END
};

/* Messages that belong to no lookup. */
enum dns_discarded {
	DNS_UNREADABLE,		/* what follows the head is no question, or not all there */
	DNS_UNASKED,		/* an answer, and nobody asked, not any more, or not there */
	DNS_EVICTED,		/* a query, and there was no room to wait for its answer */
	DNS_DISCARDED_END
};

/* meter_key.dim of dns_lookup_duration */
#define DNS_LOOKUP_DIM(role, transport, outcome, rcode)                                            \
	((role) | (transport) << 2 | (outcome) << 3 | (rcode) << 8)

#define DNS_TIMEOUT_NS 5000000000ull /* what resolvers wait (resolv.conf(5), RES_TIMEOUT) */

/* A query and its answer, made by user space (src/fold/dns.c). when_ns: of the answer, or when it
 * was given up. */
struct rec_dns_lookup {
	struct rec_head head;	/* key, pid and cgroup of who asked, or of the server */
	struct wire_tuple tuple;
	__u64 start_ns;		/* when it was asked first */
	__u16 transport;	/* enum dns_transport */
	__u16 outcome;		/* enum dns_outcome */
	__u16 rcode;		/* of the answer */
	__u16 type;		/* that was asked for */
	__u16 attempts;		/* queries that were sent */
	__u16 answers;		/* records in the answer */
	struct rec_text name;	/* as text: what is not printable as \DDD (RFC 4343) */
	struct rec_text addresses; /* of A and AAAA records, as text, each ended by NUL */
	struct rec_text names;	/* CNAMEs, likewise */
	__u8 comm[COMM_LEN];
};

#endif
