/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Records of the http family. */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include "tcp.h"

#define HTTP_PIECE 256	     /* bytes of a head that one record tells of; a mask */
#define HTTP_HEAD_MAX 16384  /* bytes of a head, which is given up behind them */
#define HTTP_ADDRESS_MAX 256 /* of a Host header: 253 bytes are a name, and there is a port */
#define HTTP_PATH_MAX 1024   /* of a path as it is told */
#define HTTP_METHOD_MAX 24
#define HTTP_PARENT_MAX 55   /* of a traceparent (W3C trace-context-2 section 3.2) */

/* rec_http_head.text: the headers that are told, instead of their names (src/base/http.h reads them) */
#define HTTP_HEADER_HOST 'h'
#define HTTP_HEADER_LENGTH 'l' /* Content-Length */
#define HTTP_HEADER_CODING 'c' /* Transfer-Encoding */
#define HTTP_HEADER_PARENT 'p' /* traceparent */

/* rec_http_head.part */
#define HTTP_BEGINS 0x1u
#define HTTP_ENDS 0x2u
#define HTTP_GIVEN_UP 0x4u /* ends here although there is more */

/*
 * A piece of what stands in front of a body, as a program sent or received it. The kernel side takes
 * out all that nobody asks for: the text has neither what is behind the ? of a target, nor headers
 * but these, where a letter is instead of the name and the colon. head.key: the connection. when_ns: when the call began by which it was sent, or ended
 * by which it was received.
 */
struct rec_http_head {
	struct rec_head head;
	struct wire_tuple tuple; /* role: not known */
	__u32 seq;		 /* place of its first byte in its direction */
	__u32 size;		 /* bytes that it stands for */
	__u32 other;		 /* place that the other direction has reached */
	__u32 number;		 /* of its message in its direction, from 1 */
	__u16 direction;	 /* enum tcp_direction */
	__u16 part;		 /* HTTP_* */
	struct rec_text text;
	__u8 comm[COMM_LEN];
};

/* The connection is closed; seq of what would have come next. */
struct rec_http_close {
	struct rec_head head;
	__u32 seq[2]; /* by enum tcp_direction */
};

enum http_outcome {
	HTTP_ANSWERED,
	HTTP_CLOSED,	 /* the connection was, without an answer */
	HTTP_UNANSWERED, /* nor was there one until podtrace ended */
	HTTP_OUTCOME_END
};

/* A request with its response, made by user space (src/fold/http.c). when_ns: of the response's first
 * byte. */
struct rec_http_request {
	struct rec_head head;
	struct wire_tuple tuple;
	__u64 start_ns;	      /* of the first byte of the request */
	__u64 request_bytes;  /* with its head; HTTP_BYTES_UNKNOWN */
	__u64 response_bytes; /* likewise */
	__u16 outcome;	      /* enum http_outcome */
	__u16 status;	      /* of the response, 100 to 999; 0: none */
	__u16 version;	      /* HTTP/1.x: x, of the request */
	__u16 answers;	      /* 1xx responses that came first */
	struct rec_text method;
	struct rec_text path; /* of the target, with "?" behind it if there was a query */
	struct rec_text address; /* the Host header */
	struct rec_text parent;	 /* the traceparent header */
	__u8 comm[COMM_LEN];
};

#define HTTP_BYTES_UNKNOWN (~0ull)

/* meter_key.dim and .err of the durations */
#define HTTP_DIM(method, status) ((method) << 10 | (status))
#define HTTP_DIM_ERR(outcome, version) ((outcome) << 4 | (version))

/* Messages that belong to no request that is told. */
enum http_discarded {
	HTTP_UNREADABLE, /* what begins like one and is none */
	HTTP_UNASKED,	 /* a response without a request: that was before we looked */
	HTTP_EVICTED,	 /* there was no room for its head, or to wait for its response */
	HTTP_LOST,	 /* a part of it, or of one before it, was lost on its way to user space */
	HTTP_DISCARDED_END
};

#endif
