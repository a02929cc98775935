// SPDX-License-Identifier: Apache-2.0
/* News of containers by GetContainerEvents, where that is to be had and harms nobody. */
#include "ask/cri_internal.h"

#include <errno.h>

#define SOON_NS	    NSEC_PER_SEC /* an end without a message by then: there is no stream */
#define STRIKES_MAX 3u

/*
 * containerd 1.7 has one channel for all who listen: each event goes to one of them, and those
 * we read are lost to the kubelet (containerd issue 7318, mended in 2.0 by pull request 9661).
 * Trying cannot tell, so this goes by the version.
 */
static bool steals(const struct cri_status *s)
{
	return str_eq(str_of(s->runtime), STR("containerd")) &&
	       str_starts(str_of(s->version), STR("1."));
}

static void on_event(void *ctx, struct str message)
{
	struct cri *c = ctx;
	int err = cri_answer_event(&c->known, message);

	c->status.events_n++;
	if (!err)
		return;
	cri_unreadable(c, "GetContainerEvents", err);
	/* What it would have said is in the lists. */
	if (c->status.state == CRI_UP)
		cri_arm(c, CRI_POLL_NS);
}

/* The stream ended by the runtime's own word, or by a message that is too much for us. */
static void on_end(void *ctx, const struct grpc_end *end)
{
	struct cri *c = ctx;
	bool answered = end->fault == GRPC_ANSWERED;

	c->stream = NULL;
	c->status.events = false;
	if (answered && end->status == GRPC_UNIMPLEMENTED) {
		c->stream_never = true;
	} else if (answered && end->status == GRPC_OK && !end->messages &&
		   loop_now(c->loop) - c->stream_ns < SOON_NS) {
		/* CRI-O with enable_pod_events=false. */
		c->stream_never = true;
	} else {
		if (cri_ended(c, "GetContainerEvents", end) == -ENOTCONN)
			return;
		c->stream_never = ++c->stream_strikes == STRIKES_MAX;
	}
	/* Lists, and perhaps another stream. */
	if (c->status.state == CRI_UP)
		cri_arm(c, CRI_POLL_NS);
}

void cri_events(struct cri *c)
{
	struct grpc_request r = { .method = CRI_METHOD("GetContainerEvents"),
				  .message_max = CRI_MESSAGE_MAX,
				  .timeout_ns = CRI_TIMEOUT_NS,
				  .message_fn = on_event,
				  .end_fn = on_end,
				  .ctx = c };

	if (c->stream || c->stream_never || steals(&c->status))
		return;
	/* Without memory for it, the lists come again soon, and with them the next attempt. */
	c->status.calls++;
	c->stream_ns = loop_now(c->loop);
	c->status.events = !grpc_start(&c->stream, c->grpc, &r);
	c->status.failures += !c->status.events;
}
