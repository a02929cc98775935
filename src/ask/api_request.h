/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One GET at a time to the API server. Redirects are not followed and proxies not asked, so
 * that the token goes nowhere else. HTTP/1.1: a watch has a connection of its own anyway.
 */
#ifndef ASK_API_REQUEST_H
#define ASK_API_REQUEST_H

#include "ask/api_server.h"
#include "net/transfer.h"

#define API_REFUSAL_MAX	   1984		/* bytes kept of an answer that is no success */
#define API_CONNECT_NS	   (10 * NSEC_PER_SEC)
#define API_RETRY_AFTER_NS (300 * NSEC_PER_SEC)	/* longer ones are cut to it */

struct api_answer {
	CURLcode code;
	int http;		/* 0: none came */
	int stopped;		/* what body returned, if not 0 */
	u64 retry_after_ns;	/* 0: not told */
	const char *error;	/* curl's words */
	struct str message;	/* of an answer that is no success */
};

struct api_request {
	/* The owner's: */
	int (*body)(void *ctx, struct str bytes); /* of a success; not 0 ends it */
	void (*started)(void *ctx);	/* a success has begun; may be NULL */
	void (*ended)(void *ctx, const struct api_answer *a);
	void *ctx;
	/* The rest is its own business. */
	struct transfer transfer;
	struct transfers *transfers;
	struct api_server *server;
	int http, stopped;
	u64 retry_after_ns;
	char error[CURL_ERROR_SIZE];
	char refusal[API_REFUSAL_MAX];
	size_t refusal_n;
};

/* 0 or -ENOMEM. t and s outlive it. */
int api_request_new(struct api_request *r, struct transfers *t, struct api_server *s);
void api_request_free(struct api_request *r);	/* also one that is all zero */

/* Ask for path ("/api/v1/pods?..."). 0, or -ENOMEM and ended is not called. */
int api_request_get(struct api_request *r, const char *path, u64 timeout_ns);

#endif
