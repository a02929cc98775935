/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's multi interface on the loop: the one place where curl's sockets and timers meet
 * ours. OTLP, the container runtime and the API server each set up their own easy handles
 * and hand them over here. Threads: only curl's own, for name resolution. curl's memory is
 * wiped before it is given back.
 */
#ifndef NET_TRANSFER_H
#define NET_TRANSFER_H

#include <curl/curl.h>
#include "base/loop.h"

struct transfers;

/* connections: how many are kept open when idle. 0 or -errno. */
int transfers_new(struct transfers **ret, struct loop *l, long connections);
/* After its transfers have ended or were cancelled; connections are closed. Fine from the end of
 * its last transfer. NULL is fine. */
void transfers_free(struct transfers *t);

/* Called once, from the loop, when a transfer has ended; it is removed already and the easy
 * handle may be used again at once, or freed. */
typedef void (*transfer_done_fn)(void *ctx, CURLcode result);

/*
 * What an owner of easy handles keeps for each of them, zeroed at first; uses CURLOPT_PRIVATE.
 * `active` may be read.
 */
struct transfer {
	CURL *easy;
	transfer_done_fn fn;
	void *ctx;
	bool active;
};

/* Start x->easy. 0, or -ENOMEM and fn is not called. It must not be active. */
int transfer_start(struct transfers *t, struct transfer *x);
/* Give up; fn is not called. Fine if nothing is in flight. Not from curl's own callbacks
 * (write, header): return an error there instead. */
void transfer_cancel(struct transfers *t, struct transfer *x);

#endif
