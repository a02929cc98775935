/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several events of one kind make one of another: a query and its answer a lookup, a request and
 * its response an exchange. What is made is a record like the kernel's, so that it goes the same way
 * as all others: decoded, held until its container has a name, mapped, shown. Which kinds are
 * folded, the registry says (FOLDED). Times are those of the records, whenever they arrive.
 */
#ifndef FOLD_FOLD_H
#define FOLD_FOLD_H

#include "event.h"
#include "fold/tally.h"

struct fold;
struct fold_dns;
struct fold_http;

/* A record that was made. Valid during the call, which must not fold. */
typedef void (*fold_fn)(void *ctx, const void *record, size_t size);

struct fold *fold_new(fold_fn made, void *ctx);	/* NULL and errno */
void fold_free(struct fold *f);			/* what is open is dropped; NULL is fine */

/* true: ev is of a kind that is folded, and was. */
bool fold_event(struct fold *f, const struct event *ev);
/* Give up what should have had its other half by now. */
void fold_tick(struct fold *f, u64 now_ns);
/* Give up what is open: nothing comes any more. */
void fold_end(struct fold *f, u64 now_ns);
/* What was counted (bpf/registry.def: the meters of user space). */
struct tally *fold_tally(const struct fold *f);

/* ---- for the folders alone: src/fold/<family>.c ------------------------------------------------ */

struct fold_out {
	fold_fn made;
	void *ctx;
	struct tally *tally;
};

#define FOLDED(kind) void fold_##kind(struct fold *f, const struct event *ev);
#include "../../bpf/registry.def"

struct fold_dns *fold_dns_new(const struct fold_out *out);
void fold_dns_free(struct fold_dns *d);
void fold_dns_event(struct fold_dns *d, const struct event *ev);
/* Those whose time is over at now_ns; all: the others too. */
void fold_dns_give_up(struct fold_dns *d, u64 now_ns, bool all);

struct fold_http *fold_http_new(const struct fold_out *out);
void fold_http_free(struct fold_http *h);
void fold_http_head_event(struct fold_http *h, const struct event *ev);
void fold_http_close_event(struct fold_http *h, const struct event *ev);
/* Those that nothing will be added to any more at now_ns; all: the others too. */
void fold_http_give_up(struct fold_http *h, u64 now_ns, bool all);

#endif
