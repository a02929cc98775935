/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS messages out of the segments of TCP connections (RFC 1035 section 4.2.2: the size, then the
 * message), each way of a connection for itself. What is met in its middle is taken to begin with a
 * message.
 */
#ifndef FOLD_DNS_STREAM_H
#define FOLD_DNS_STREAM_H

#include "event.h"

#define DNS_STREAMS_MAX 1024 /* the oldest makes room */

struct dns_streams;

struct dns_streams *dns_streams_new(void);	/* NULL and errno */
void dns_streams_free(struct dns_streams *s);	/* NULL is fine */

/* The first bytes of a message, all that are known; none: there was something that is not known. */
typedef void (*dns_message_fn)(void *ctx, const struct event *ev, struct str message);

/* A segment: fn is told each message that ends in it. */
void dns_stream_feed(struct dns_streams *s, const struct event *ev, dns_message_fn fn, void *ctx);

#endif
