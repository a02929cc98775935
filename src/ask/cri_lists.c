// SPDX-License-Identifier: Apache-2.0
/* Both lists, pods first: a container without a pod's labels of its own finds its pod told. */
#include "ask/cri_internal.h"

#include <errno.h>

/* One list's answer. false: the runtime was given up. */
static bool read_list(struct cri *c, const char *what, const struct grpc_end *end, bool sandboxes)
{
	int err = cri_ended(c, what, end);
	struct cri_fault fault;

	if (err == -ENOTCONN)
		return false;
	if (!err) {
		err = sandboxes ? cri_answer_pods(&c->known, end->message)
				: cri_answer_containers(&c->known, end->message);
		if (!err)
			cri_known_sweep(&c->known, sandboxes);
		else
			cri_unreadable(c, what, err);
	} else if (end->fault == GRPC_ANSWERED && c->status.state == CRI_READING) {
		/* One that is starting up says so; another one may do better. */
		cri_judge(end, &fault);
		fault.trouble = CRI_ERROR;
		cri_lost(c, &fault);
		return false;
	}
	c->lists_bad = c->lists_bad || err;
	return true;
}

static void no_memory(struct cri *c, const char *what)
{
	struct cri_fault fault = cri_fault(CRI_ERROR, ENOMEM, "out of memory");

	cri_complain(c, what, &fault);
}

static void on_containers(void *ctx, const struct grpc_end *end)
{
	struct cri *c = ctx;

	if (!read_list(c, "ListContainers", end, false))
		return;
	c->listing = false;
	cri_listed(c);
}

static void on_pods(void *ctx, const struct grpc_end *end)
{
	struct cri *c = ctx;
	struct grpc_request r = { .method = CRI_METHOD("ListContainers"),
				  .message_max = CRI_MESSAGE_MAX,
				  .end_fn = on_containers,
				  .ctx = c };
	struct grpc_call *call;

	if (!read_list(c, "ListPodSandbox", end, true))
		return;
	cri_wants_fill(c);
	if (!cri_call(c, c->grpc, &call, &r))
		return;
	no_memory(c, "ListContainers");
	c->listing = false;
	cri_listed(c);
}

void cri_lists(struct cri *c)
{
	struct grpc_request r = { .method = CRI_METHOD("ListPodSandbox"),
				  .message_max = CRI_MESSAGE_MAX,
				  .end_fn = on_pods,
				  .ctx = c };
	struct grpc_call *call;

	if (c->listing)
		return;
	c->lists_bad = false;
	cri_known_round(&c->known);
	c->listing = !cri_call(c, c->grpc, &call, &r);
	if (c->listing)
		return;
	no_memory(c, "ListPodSandbox");
	cri_listed(c);
}
