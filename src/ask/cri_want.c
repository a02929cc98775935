// SPDX-License-Identifier: Apache-2.0
/*
 * Single containers, asked for as they appear. A want goes round: ListContainers, if that knows
 * nothing PodSandboxStatus, then a pause that doubles. The earliest due goes first.
 *
 * Pods that only a list told (no address, no host network) are asked for here, too, a few at a
 * time and after what others want.
 */
#include "ask/cri_internal.h"

#include <errno.h>
#include <string.h>

#include <cri/cri.pb-c.h>

#define PAUSE_NS (20 * NSEC_PER_MSEC) /* the first */
/* While events wait for the name, pauses stay short of what they wait. */
#define EARLY_NS       (2 * NSEC_PER_SEC)
#define EARLY_PAUSE_NS (200 * NSEC_PER_MSEC)
#define NEVER	 UINT64_MAX
#define FILL_MAX 64 /* of our own questions in the table */

struct want_key {
	char id[WHO_ID_MAX];
};

struct want {
	u64 due_ns, end_ns; /* boot time */
	u32 rounds;
	bool sandbox; /* the next question is for a pod */
	bool asking;  /* it is on its way */
	bool ours;    /* nobody else asked: the sandbox of a wanted container */
	bool fill;    /* ours, and known already; one question is enough */
};

static void ask_due(void *ctx);

static struct want_key key_of(const char *id)
{
	struct want_key key = { 0 };

	str_copy(key.id, sizeof(key.id), str_of(id));
	return key;
}

/* ---- which is next ------------------------------------------------------------------------- */

static u64 when(const struct cri *c, const struct want *w)
{
	if (w->asking)
		return NEVER;
	if (!cri_is_there(c))
		return w->end_ns;
	return w->due_ns < w->end_ns ? w->due_ns : w->end_ns;
}

static bool goes_before(const struct cri *c, const struct want *a, const struct want *b)
{
	u64 now = loop_now(c->loop), x = when(c, a), y = when(c, b);

	if (x <= now && y <= now && a->ours != b->ours)
		return b->ours;
	return x < y;
}

static size_t asking_n(const struct cri *c)
{
	size_t n = 0;

	for (size_t i = 0; i < CRI_ASKING_MAX; i++)
		n += c->asking[i].call != NULL;
	return n;
}

/* Half of the places are for what others want. */
static struct want *earliest(const struct cri *c, struct want_key *ret_key)
{
	size_t busy = asking_n(c), pos = 0;
	struct want *first = NULL;
	const void *key;
	void *value;

	while (busy < CRI_ASKING_MAX && table_next(c->wants, &pos, &key, &value)) {
		struct want *w = value;

		if (w->asking || (w->ours && busy >= CRI_ASKING_MAX / 2) ||
		    (first && !goes_before(c, w, first)))
			continue;
		first = w;
		*ret_key = *(const struct want_key *)key;
	}
	return first;
}

static struct cri_asking *free_asking(struct cri *c)
{
	for (size_t i = 0; i < CRI_ASKING_MAX; i++) {
		if (!c->asking[i].call)
			return &c->asking[i];
	}
	return NULL;
}

static void arm(struct cri *c)
{
	u64 now = loop_now(c->loop), at;
	struct want_key key;
	const struct want *w = earliest(c, &key);

	if (!w) {
		loop_disarm(c->want_timer);
		return;
	}
	at = when(c, w);
	loop_arm(c->want_timer, at > now ? at - now : 0, 0);
}

/* ---- asking -------------------------------------------------------------------------------- */

static size_t pack(u8 dst[static GRPC_REQUEST_MAX], const struct cri_asking *a)
{
	Runtime__V1__ContainerFilter filter = RUNTIME__V1__CONTAINER_FILTER__INIT;
	Runtime__V1__ListContainersRequest containers = RUNTIME__V1__LIST_CONTAINERS_REQUEST__INIT;
	Runtime__V1__PodSandboxStatusRequest pod = RUNTIME__V1__POD_SANDBOX_STATUS_REQUEST__INIT;

	filter.id = pod.pod_sandbox_id = (char *)a->id;
	containers.filter = &filter;
	return a->sandbox ? runtime__v1__pod_sandbox_status_request__pack(&pod, dst)
			  : runtime__v1__list_containers_request__pack(&containers, dst);
}

/* The next pause; it doubles but for the time in which it is held short. */
static u64 pause_ns(struct want *w, u64 now)
{
	u64 pause = PAUSE_NS << w->rounds;
	u64 age = now + CRI_WANT_NS - w->end_ns;

	if (age < EARLY_NS && pause > EARLY_PAUSE_NS)
		return EARLY_PAUSE_NS;
	w->rounds++;
	return pause;
}

/* Nobody knows it yet: the other question, or both again later. */
static void put_off(struct cri *c, struct want *w)
{
	u64 now = loop_now(c->loop);

	w->sandbox = !w->sandbox && !w->ours;
	if (w->sandbox) {
		w->due_ns = now;
		return;
	}
	w->sandbox = w->ours;
	w->due_ns = now + pause_ns(w, now);
}

/* For ourselves. */
static void want_pod(struct cri *c, const char *id, bool fill)
{
	struct want_key key = key_of(id);
	u64 now = loop_now(c->loop);
	struct want *w;

	if (!id[0] || table_peek(c->wants, &key))
		return;
	if (table_len(c->wants) == CRI_WANTS_MAX) {
		c->status.wants_lost++;
		return;
	}
	w = table_add(c->wants, &key, NULL);
	*w = (struct want){ .due_ns = now,
			    .end_ns = now + CRI_WANT_NS,
			    .sandbox = true,
			    .ours = true,
			    .fill = fill };
}

void cri_wants_fill(struct cri *c)
{
	char id[WHO_ID_MAX];

	while (cri_is_there(c) && table_len(c->wants) < FILL_MAX && cri_known_thin(&c->known, id))
		want_pod(c, id, true);
	arm(c);
}

/* What came is told. 0, or the call failed: -errno. */
static int read_answer(struct cri *c, bool sandbox, const struct grpc_end *end)
{
	const char *what = sandbox ? "PodSandboxStatus" : "ListContainers";
	int err;

	/* An answer as good as an empty list. */
	if (sandbox && end->fault == GRPC_ANSWERED && end->status == GRPC_NOT_FOUND)
		return 0;
	err = cri_ended(c, what, end);
	if (err)
		return err;
	c->known.orphan[0] = 0;
	err = sandbox ? cri_answer_pod(&c->known, end->message)
		      : cri_answer_containers(&c->known, end->message);
	if (err)
		cri_unreadable(c, what, err);
	want_pod(c, c->known.orphan, false);
	return err;
}

static void on_answer(void *ctx, const struct grpc_end *end)
{
	struct cri_asking *a = ctx;
	struct cri *c = a->cri;
	struct want_key key = key_of(a->id);
	struct want *w;

	a->call = NULL;
	if (read_answer(c, a->sandbox, end) == -ENOTCONN)
		return;
	w = table_peek(c->wants, &key);
	if (w) {
		w->asking = false;
		if (w->fill || cri_known_has(&c->known, str_of(key.id)))
			table_del(c->wants, &key);
		else
			put_off(c, w);
	}
	cri_wants_fill(c);
	ask_due(c);
}

static bool ask(struct cri *c, struct want *w, const struct want_key *key)
{
	struct cri_asking *a = free_asking(c);
	u8 message[GRPC_REQUEST_MAX];
	struct grpc_request r = { .message_max = CRI_SMALL_MAX, .end_fn = on_answer, .ctx = a };

	a->cri = c;
	a->sandbox = w->sandbox;
	str_copy(a->id, sizeof(a->id), str_of(key->id));
	r.method = w->sandbox ? CRI_METHOD("PodSandboxStatus") : CRI_METHOD("ListContainers");
	r.message = (struct str){ (char *)message, pack(message, a) };
	w->asking = !cri_call(c, c->grpc, &a->call, &r);
	if (!w->asking)
		put_off(c, w);
	return w->asking;
}

static void give_up(struct cri *c, const struct want *w, const struct want_key *key)
{
	bool ours = w->ours;

	table_del(c->wants, key);
	if (ours)
		return;
	c->status.wants_unanswered++;
	c->config.unanswered(c->config.ctx, str_of(key->id));
}

static void ask_due(void *ctx)
{
	struct cri *c = ctx;
	u64 now = loop_now(c->loop);
	struct want_key key;
	struct want *w;

	while ((w = earliest(c, &key)) && when(c, w) <= now) {
		/* A list or the stream may have been faster. */
		if (!w->fill && cri_known_has(&c->known, str_of(key.id)))
			table_del(c->wants, &key);
		else if (now >= w->end_ns)
			give_up(c, w, &key);
		else if (!ask(c, w, &key))
			break;
	}
	arm(c);
}

void cri_want(struct cri *c, struct str id)
{
	u64 now = loop_now(c->loop);
	struct want_key key = { 0 };
	struct want *w;

	if (!cri_is_there(c) || !cri_id_ok(id))
		return;
	str_copy(key.id, sizeof(key.id), id);
	w = table_peek(c->wants, &key);
	if (!w && table_len(c->wants) == CRI_WANTS_MAX) {
		c->status.wants_lost++;
		return;
	}
	cri_known_retell(&c->known, id);
	if (w) {
		w->ours = w->fill = false;
		return;
	}
	w = table_add(c->wants, &key, NULL);
	*w = (struct want){ .due_ns = now, .end_ns = now + CRI_WANT_NS };
	/* The question leaves in this turn. */
	if (free_asking(c))
		ask(c, w, &key);
	arm(c);
}

/* ---- with the runtime ------------------------------------------------------------------------ */

int cri_wants_new(struct cri *c)
{
	c->wants =
		table_new(CRI_WANTS_MAX, sizeof(struct want_key), sizeof(struct want), NULL, NULL);
	c->want_timer = loop_timer_new(c->loop, ask_due, c);
	return c->wants && c->want_timer ? 0 : -errno;
}

void cri_wants_free(struct cri *c)
{
	table_free(c->wants);
	loop_timer_free(c->want_timer);
}

void cri_wants_stop(struct cri *c)
{
	const void *key;
	void *value;
	size_t pos = 0;

	memset(c->asking, 0, sizeof(c->asking));
	while (table_next(c->wants, &pos, &key, &value)) {
		struct want *w = value;

		w->asking = false;
		w->due_ns = 0;
	}
	arm(c);
}

void cri_wants_go(struct cri *c)
{
	arm(c);
}
