/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include "fold/fold.h"

struct fold {
	struct fold_out out;
	struct fold_dns *dns;
	struct fold_http *http;
};

struct fold *fold_new(fold_fn made, void *ctx)
{
	struct fold *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->out = (struct fold_out){ .made = made, .ctx = ctx, .tally = tally_new() };
	f->dns = f->out.tally ? fold_dns_new(&f->out) : NULL;
	f->http = f->out.tally ? fold_http_new(&f->out) : NULL;
	if (f->dns && f->http)
		return f;
	fold_free(f);
	return NULL;
}

void fold_free(struct fold *f)
{
	if (!f)
		return;
	fold_dns_free(f->dns);
	fold_http_free(f->http);
	tally_free(f->out.tally);
	free(f);
}

void fold_dns_packet(struct fold *f, const struct event *ev)
{
	fold_dns_event(f->dns, ev);
}

void fold_http_head(struct fold *f, const struct event *ev)
{
	fold_http_head_event(f->http, ev);
}

void fold_http_close(struct fold *f, const struct event *ev)
{
	fold_http_close_event(f->http, ev);
}

bool fold_event(struct fold *f, const struct event *ev)
{
	static void (*const calls[KIND_END])(struct fold *, const struct event *) = {
#define FOLDED(kind) [KIND_##kind] = fold_##kind,
#include "../../bpf/registry.def"
	};

	if (!calls[ev->kind])
		return false;
	calls[ev->kind](f, ev);
	return true;
}

void fold_tick(struct fold *f, u64 now_ns)
{
	fold_dns_give_up(f->dns, now_ns, false);
	fold_http_give_up(f->http, now_ns, false);
}

void fold_end(struct fold *f, u64 now_ns)
{
	fold_dns_give_up(f->dns, now_ns, true);
	fold_http_give_up(f->http, now_ns, true);
}

struct tally *fold_tally(const struct fold *f)
{
	return f->out.tally;
}
