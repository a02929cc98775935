/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP POST on the loop, by libcurl's multi interface. One peer is one URL with its headers;
 * it has one request in flight at a time, and connections stay open between them. No redirect
 * is followed and no proxy used. Threads: only curl's own, for name resolution.
 */
#ifndef OTEL_HTTP_H
#define OTEL_HTTP_H

#include "base/loop.h"
#include "base/str.h"
#include "otel/otel.h"

#define HTTP_ANSWER_MAX (4u << 20)	/* of the specification: a longer one is cut off */
#define HTTP_ANSWER_KEPT 4096		/* bytes of it that are kept, for a message */
/* A long-lived connection pins a node to one collector behind a load balancer. */
#define HTTP_CONNECTION_AGE_S 600

struct http;
struct http_peer;

/* Views are valid during the call. */
struct http_answer {
	long status;		/* 0: none came */
	const char *error;	/* status 0: why, for the log */
	struct str body;	/* the first HTTP_ANSWER_KEPT bytes */
	struct str retry_after;	/* the field's value */
	bool too_long;		/* over HTTP_ANSWER_MAX */
};

typedef void (*http_done_fn)(void *ctx, const struct http_answer *a);

int http_new(struct http **ret, struct loop *l, const char *version);	/* 0 or -errno */
void http_free(struct http *h);		/* after its peers; NULL is fine */

/* 0, or -errno with a sentence in err. Strings of e are copied, its CA file is read now. */
int http_peer_new(struct http_peer **ret, struct http *h, const struct otel_endpoint *e,
		  char *err, size_t err_cap);
void http_peer_free(struct http_peer *p);	/* NULL is fine; fn is not called any more */

/*
 * body stays the caller's and unchanged until fn is called, which happens once, from the loop,
 * unless http_cancel comes first. 0, or -errno and fn is not called.
 */
int http_post(struct http_peer *p, struct str body, u64 timeout_ns, http_done_fn fn, void *ctx);
void http_cancel(struct http_peer *p);	/* fine if nothing is in flight */

/* For messages: the URL without its query. */
const char *http_peer_name(const struct http_peer *p);

#endif
