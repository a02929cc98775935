/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC over a unix socket, without TLS: unary calls and streams from the server, by libcurl's
 * HTTP/2 with prior knowledge (grpc/grpc doc/PROTOCOL-HTTP2.md). One channel is one connection
 * that all its calls share. The peer is not trusted: every length is held against a limit
 * before memory is taken, texts are cleaned, and what is no gRPC ends the call with words.
 * Compression is never asked for and refused.
 */
#ifndef ASK_GRPC_H
#define ASK_GRPC_H

#include "base/loop.h"
#include "base/str.h"

#define GRPC_REQUEST_MAX 4096		/* bytes of a request's message */
#define GRPC_QUEUE_MAX	 (256u << 10)	/* of a stream's messages not yet told: reading pauses */
#define GRPC_TEXT_MAX	 200

/* Codes of gRPC that we act upon (grpc/grpc doc/statuscodes.md). */
#define GRPC_OK		   0u
#define GRPC_NOT_FOUND	   5u
#define GRPC_UNIMPLEMENTED 12u

enum grpc_fault {
	GRPC_ANSWERED,		/* none: `status` is the server's word */
	GRPC_NO_CONNECTION,	/* `err` says why */
	GRPC_TIMEOUT,
	GRPC_BROKEN,		/* the connection ended too early, or no gRPC is spoken there */
	GRPC_TOO_LARGE,		/* a message over message_max */
	GRPC_NO_MEMORY,
};

/* How a call ended. */
struct grpc_end {
	enum grpc_fault fault;
	u32 status;
	int err;		/* errno of connect, 0 not known */
	u64 messages;		/* that came */
	struct str message;	/* unary, fault 0 and status OK: the answer; valid during the call */
	char text[GRPC_TEXT_MAX];	/* printable ASCII, for people; "" if all went well */
};

struct grpc_request {
	const char *method;	/* "/runtime.v1.RuntimeService/Version", static */
	struct str message;	/* at most GRPC_REQUEST_MAX, copied */
	size_t message_max;	/* bytes of one answer's message */
	u64 timeout_ns;		/* unary: of the call; stream: of connecting only */
	bool secret;		/* wipe the answer's memory after use */
	/* NULL: unary. Otherwise each message of the stream, from the loop, valid during the call. */
	void (*message_fn)(void *ctx, struct str message);
	/* Once, from the loop; the call is gone already, and its channel may be freed. */
	void (*end_fn)(void *ctx, const struct grpc_end *end);
	void *ctx;
};

struct grpc;
struct grpc_call;

/* A channel to the socket at path; connects with its first call. 0 or -errno (-ENAMETOOLONG). */
int grpc_new(struct grpc **ret, struct loop *l, const char *path);
/* NULL is fine, and so is any of its own handlers. Calls are cancelled, connections closed. */
void grpc_free(struct grpc *g);

/* 0, or -errno and nothing is called. */
int grpc_start(struct grpc_call **ret, struct grpc *g, const struct grpc_request *r);
/* Give up; nothing is called any more. From any handler, NULL is fine. */
void grpc_cancel(struct grpc_call *c);

size_t grpc_bytes(const struct grpc *g);	/* of messages that are held, for the memory bill */

/* "UNAVAILABLE"; "a status out of range". */
const char *grpc_status_name(u32 status);

#endif
