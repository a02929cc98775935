/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Records of the tcp family. */
#ifndef WIRE_TCP_H
#define WIRE_TCP_H

#include "sock.h"

/* head.key: the socket, 0 if not known. head.pid: who opened it (connect, accept, listen). */
struct rec_tcp_connect {
	struct rec_head head;
	struct wire_tuple tuple;
	__u64 start_ns;		/* when connect began */
	__s32 err;		/* positive errno, 0: connected */
	__u32 rsvd;
	__u8 comm[COMM_LEN];
};

struct rec_tcp_accept {
	struct rec_head head;
	struct wire_tuple tuple;
	__u64 established_ns;	/* 0: before we looked */
	__u8 comm[COMM_LEN];
};

struct rec_tcp_state {
	struct rec_head head;
	struct wire_tuple tuple;
	__u16 from;		/* TCP_ESTABLISHED 1 .. TCP_NEW_SYN_RECV 12 */
	__u16 to;
	__u32 rsvd;
};

struct rec_tcp_close {
	struct rec_head head;
	struct wire_tuple tuple;
	__u64 start_ns;		/* established (server), connect began (client); 0: unknown */
	__u64 sent;		/* payload bytes sent, retransmits not counted twice */
	__u64 received;		/* payload bytes received */
	__u32 srtt_us;		/* smoothed round trip time */
	__u32 retransmits;	/* segments, tcp_sock.total_retrans */
	__u32 segs_out;
	__u32 segs_in;
	__s32 err;		/* sk_err: how it ended, positive errno, 0: in order */
	__u32 from;		/* state before CLOSE */
	__u8 comm[COMM_LEN];
};

enum tcp_segment { TCP_SEGMENT_DATA, TCP_SEGMENT_SYN, TCP_SEGMENT_SYNACK };

struct rec_tcp_retransmit {
	struct rec_head head;
	struct wire_tuple tuple;
	__u16 segment;		/* enum tcp_segment */
	__u16 state;
	__u32 total;		/* of this socket so far */
};

struct rec_tcp_reset {
	struct rec_head head;
	struct wire_tuple tuple;
	__u16 direction;	/* enum tcp_direction */
	__u16 state;
	__u32 rsvd;
};

/* head.key: the process's start, head.pid: who called. */
struct rec_tcp_send {
	struct rec_head head;
	struct wire_io io;
};

struct rec_tcp_receive {
	struct rec_head head;
	struct wire_io io;
};

struct rec_tcp_listen_drop {
	struct rec_head head;
	struct wire_tuple tuple; /* remote is empty */
	__u32 drops;		/* new ones since the last look */
	__u32 backlog;		/* connections waiting now */
	__u32 backlog_max;
	__u32 rsvd;
};

#endif
