/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes back on one gRPC call: header fields, messages in frames, trailers. No input or
 * output of its own: grpc.c feeds it, and so do the tests.
 */
#ifndef ASK_GRPC_ANSWER_H
#define ASK_GRPC_ANSWER_H

#include <curl/curl.h>
#include "ask/grpc.h"

struct grpc_message {
	struct grpc_message *next;
	size_t n;
	char bytes[];
};

/* Zeroed but for max, unary, secret; grpc_answer_free at the end. */
struct grpc_answer {
	size_t max;			/* of one message */
	bool unary;			/* one message only */
	bool secret;			/* memory is wiped before it is given back */
	struct grpc_message *first, *last;	/* whole messages, not taken yet */
	struct grpc_message *part;	/* the one that is coming in, NULL between frames */
	size_t part_n;			/* bytes of it that are there */
	u8 head[5];
	size_t head_n;
	size_t bytes;			/* held in first..last and part */
	bool has_status;		/* grpc-status came */
	bool is_grpc;			/* content-type said so */
	char type[64];			/* content-type, printable */
	struct grpc_end end;		/* fault, status, text so far */
};

/* A line of the header or of the trailers. */
void grpc_answer_header(struct grpc_answer *a, struct str line);
/* Bytes of the body. false: end the call, end.fault says why. */
bool grpc_answer_body(struct grpc_answer *a, struct str data);
/* The oldest whole message, or NULL; the caller's, for grpc_message_free. */
struct grpc_message *grpc_answer_take(struct grpc_answer *a);
void grpc_message_free(struct grpc_message *m, bool wipe);	/* NULL is fine */

/* The verdict. http: its status, 0 none came; error: curl's words, may be "". ret->message
 * shows the unary answer in a. */
void grpc_answer_end(struct grpc_answer *a, struct grpc_end *ret, CURLcode result, long http,
		     int os_errno, const char *error);
void grpc_answer_free(struct grpc_answer *a);

#endif
