// SPDX-License-Identifier: Apache-2.0
/*
 * Where one container is: ContainerStatus with details, which hold its environment. Each has a
 * connection of its own, so that curl's buffers are gone, and wiped, with the answer.
 */
#include "ask/cri_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cri/cri.pb-c.h>

static void tell(struct cri_place_call *p, struct str cgroup, u32 pid, const char *reason)
{
	struct cri_place place = { .cgroup = cgroup, .pid = pid, .reason = reason };

	grpc_free(p->grpc);
	p->grpc = NULL;
	p->fn(p->ctx, &place);
}

static void on_answer(void *ctx, const struct grpc_end *end)
{
	struct cri_place_call *p = ctx;
	struct cri *c = p->cri;
	struct cri_found found;
	int err;

	/* A container that is gone is no failure of the runtime's. */
	if (end->fault == GRPC_ANSWERED && end->status == GRPC_NOT_FOUND) {
		tell(p, STR(""), 0, "the runtime does not know this container");
		return;
	}
	err = cri_ended(c, "ContainerStatus", end);
	if (err == -ENOTCONN)
		return; /* told with the others */
	if (!err) {
		err = cri_answer_status(&found, end->message, p->fields);
		if (err)
			cri_unreadable(c, "ContainerStatus", err);
	}
	if (err)
		tell(p, STR(""), 0, c->status.reason);
	else
		tell(p, str_of(found.cgroup), found.pid, found.reason);
}

static struct cri_place_call *free_place(struct cri *c)
{
	for (size_t i = 0; i < CRI_PLACES_MAX; i++) {
		if (!c->places[i].grpc)
			return &c->places[i];
	}
	return NULL;
}

int cri_locate(struct cri *c, struct str id, const char *fields, cri_place_fn fn, void *ctx)
{
	Runtime__V1__ContainerStatusRequest m = RUNTIME__V1__CONTAINER_STATUS_REQUEST__INIT;
	struct cri_place_call *p = free_place(c);
	struct grpc_request r = { .method = CRI_METHOD("ContainerStatus"),
				  .message_max = CRI_SMALL_MAX,
				  .secret = true,
				  .end_fn = on_answer,
				  .ctx = p };
	u8 message[GRPC_REQUEST_MAX];
	struct grpc_call *call;
	char text[WHO_ID_MAX];
	int err;

	if (!cri_is_there(c))
		return -ENOTCONN;
	if (!cri_id_ok(id))
		return -EINVAL;
	if (!p)
		return -ENOSPC;
	str_copy(text, sizeof(text), id);
	m.container_id = text;
	m.verbose = true;
	r.message = (struct str){ (char *)message,
				  runtime__v1__container_status_request__pack(&m, message) };
	*p = (struct cri_place_call){ .cri = c, .fields = fields, .fn = fn, .ctx = ctx };
	err = grpc_new(&p->grpc, c->loop, c->status.endpoint);
	if (!err)
		err = cri_call(c, p->grpc, &call, &r);
	if (err) {
		grpc_free(p->grpc);
		p->grpc = NULL;
	}
	return err;
}

void cri_places_stop(struct cri *c, const char *reason)
{
	for (size_t i = 0; i < CRI_PLACES_MAX; i++) {
		if (c->places[i].grpc)
			tell(&c->places[i], STR(""), 0, reason);
	}
}

void cri_places_free(struct cri *c)
{
	for (size_t i = 0; i < CRI_PLACES_MAX; i++)
		grpc_free(c->places[i].grpc);
}
