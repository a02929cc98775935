// SPDX-License-Identifier: Apache-2.0
/* The client's life: search, take, lose, search again. */
#include "ask/cri_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A node's runtime holds still for the time of a restart; a search is cheap. */
#define AGAIN_NS       (200 * NSEC_PER_MSEC) /* after one that had been up for a while */
#define PAUSE_MIN_NS   NSEC_PER_SEC
#define PAUSE_MAX_NS   (30 * NSEC_PER_SEC)
#define VERSION_MAX    4096
#define CRI_REFRESH_NS (300 * NSEC_PER_SEC) /* lists, for what a stream may have lost */

static void try_next(struct cri *c);

static void set_state(struct cri *c, enum cri_state state)
{
	c->status.state = state;
	c->config.changed(c->config.ctx, &c->status);
}

void cri_arm(struct cri *c, u64 after_ns)
{
	loop_arm(c->timer, after_ns, 0);
}

/* ---- calls --------------------------------------------------------------------------------- */

int cri_call(struct cri *c, struct grpc *g, struct grpc_call **ret, struct grpc_request *r)
{
	int err;

	r->timeout_ns = CRI_TIMEOUT_NS;
	err = grpc_start(ret, g, r);
	c->status.calls++;
	if (err)
		c->status.failures++;
	return err;
}

int cri_ended(struct cri *c, const char *what, const struct grpc_end *end)
{
	bool lost = end->fault == GRPC_BROKEN || end->fault == GRPC_NO_CONNECTION;
	struct cri_fault fault;

	if (end->fault == GRPC_ANSWERED && end->status == GRPC_OK) {
		c->timeouts = 0;
		if (!c->lists_bad)
			cri_all_well(c);
		return 0;
	}
	c->status.failures++;
	c->status.too_large += end->fault == GRPC_TOO_LARGE;
	c->timeouts = end->fault == GRPC_TIMEOUT ? c->timeouts + 1 : 0;
	if (c->timeouts == CRI_TIMEOUTS_MAX || (c->timeouts && c->status.state == CRI_READING))
		lost = true;
	cri_judge(end, &fault);
	cri_complain(c, what, &fault);
	if (!lost)
		return -EIO;
	cri_lost(c, &fault);
	return -ENOTCONN;
}

void cri_unreadable(struct cri *c, const char *what, int err)
{
	struct cri_fault fault = cri_fault(CRI_GARBAGE, -err,
					   err == -EMSGSIZE ? "the answer takes too much memory"
							    : "the answer is no message of that type");

	c->status.failures++;
	c->status.too_large += err == -EMSGSIZE;
	cri_complain(c, what, &fault);
}

static void drop(struct cri *c)
{
	grpc_free(c->grpc);
	c->grpc = NULL;
	c->stream = NULL;
	c->status.events = false;
	c->listing = false;
	c->timeouts = 0;
	cri_wants_stop(c);
	cri_places_stop(c, "the container runtime went away");
}

/* ---- search -------------------------------------------------------------------------------- */

static u64 next_pause(struct cri *c)
{
	u64 pause = c->pause_ns;

	c->pause_ns = pause * 2 < PAUSE_MAX_NS ? pause * 2 : PAUSE_MAX_NS;
	return pause;
}

static void search_failed(struct cri *c)
{
	enum cri_state state = c->was_up ? CRI_DOWN : CRI_NONE;
	char before[sizeof(c->status.reason)];

	memcpy(before, c->status.reason, sizeof(before));
	cri_explain(c);
	cri_arm(c, next_pause(c));
	if (c->status.state != state || strcmp(before, c->status.reason))
		set_state(c, state);
}

static void next_candidate(struct cri *c)
{
	grpc_free(c->grpc);
	c->grpc = NULL;
	c->at++;
	try_next(c);
}

static void ask_driver(struct cri *c);

static void take(struct cri *c, const struct cri_version *v)
{
	const struct cri_candidate *candidate = &c->candidates[c->at];
	struct cri_status *s = &c->status;

	str_copy(s->endpoint, sizeof(s->endpoint), str_of(candidate->path));
	s->how = candidate->how;
	str_copy(s->runtime, sizeof(s->runtime), str_of(v->runtime));
	str_copy(s->version, sizeof(s->version), str_of(v->version));
	s->driver[0] = 0;
	c->stream_never = false;
	c->stream_strikes = 0;
	cri_all_well(c);
	set_state(c, CRI_READING);
	ask_driver(c);
	/* Before the lists: what happens while they are written comes by the stream. */
	cri_events(c);
	cri_lists(c);
	cri_wants_go(c);
}

static void on_version(void *ctx, const struct grpc_end *end)
{
	struct cri *c = ctx;
	struct cri_fault fault;
	struct cri_version v;

	if (end->fault || end->status) {
		c->status.failures++;
		cri_judge(end, &fault);
		cri_note(c, &fault);
		next_candidate(c);
	} else if (cri_answer_version(&v, end->message)) {
		c->status.failures++;
		fault = cri_fault(CRI_GARBAGE, 0, "its answer is no version of a container runtime");
		cri_note(c, &fault);
		next_candidate(c);
	} else {
		take(c, &v);
	}
}

static bool ask_version(struct cri *c, const char *path, struct cri_fault *ret)
{
	struct grpc_request r = { .method = CRI_METHOD("Version"),
				  .message_max = VERSION_MAX,
				  .end_fn = on_version,
				  .ctx = c };
	struct grpc_call *call;
	int err = grpc_new(&c->grpc, c->loop, path);

	if (!err)
		err = cri_call(c, c->grpc, &call, &r);
	if (!err)
		return true;
	grpc_free(c->grpc);
	c->grpc = NULL;
	*ret = cri_fault(CRI_ERROR, -err, strerror(-err));
	return false;
}

static bool some_required(const struct cri *c)
{
	for (size_t i = 0; i < c->candidates_n; i++) {
		if (c->candidates[i].required)
			return true;
	}
	return false;
}

static void try_next(struct cri *c)
{
	bool required = some_required(c);

	for (; c->at < c->candidates_n; c->at++) {
		const struct cri_candidate *candidate = &c->candidates[c->at];
		struct cri_fault fault;

		if (required && !candidate->required)
			continue;
		c->tried++;
		if (cri_look(candidate->path, &fault) && ask_version(c, candidate->path, &fault))
			return;
		cri_note(c, &fault);
	}
	search_failed(c);
}

static void search(struct cri *c)
{
	if (c->rounds++ && c->config.refind)
		c->candidates_n = c->config.refind(c->config.ctx, c->candidates);
	c->at = c->tried = 0;
	c->worst.trouble = CRI_FINE;
	c->worst.err = 0;
	try_next(c);
}

void cri_lost(struct cri *c, const struct cri_fault *fault)
{
	bool steady = loop_now(c->loop) - c->up_ns >= PAUSE_MAX_NS;
	bool up = c->status.state == CRI_UP;

	drop(c);
	if (!up) {
		if (!c->was_up)
			c->status.endpoint[0] = 0;
		set_state(c, c->was_up ? CRI_DOWN : c->rounds > 1 ? CRI_NONE : CRI_SEARCHING);
		cri_note(c, fault);
		next_candidate(c);
		return;
	}
	if (steady)
		c->pause_ns = PAUSE_MIN_NS;
	/* One that falls over as soon as it is asked is not asked again at once. */
	cri_arm(c, steady ? AGAIN_NS : next_pause(c));
	set_state(c, CRI_DOWN);
}

/* ---- a runtime that is there ---------------------------------------------------------------- */

static void on_driver(void *ctx, const struct grpc_end *end)
{
	struct cri *c = ctx;
	const char *driver;
	int err;

	/* Not before containerd 2.0 and CRI-O 1.28. */
	if (end->fault == GRPC_ANSWERED && end->status == GRPC_UNIMPLEMENTED)
		return;
	if (cri_ended(c, "RuntimeConfig", end))
		return;
	err = cri_answer_driver(&driver, end->message);
	if (err)
		cri_unreadable(c, "RuntimeConfig", err);
	else
		str_copy(c->status.driver, sizeof(c->status.driver), str_of(driver));
}

static void ask_driver(struct cri *c)
{
	struct grpc_request r = { .method = CRI_METHOD("RuntimeConfig"),
				  .message_max = CRI_SMALL_MAX,
				  .end_fn = on_driver,
				  .ctx = c };
	struct grpc_call *call;

	/* Without it the driver is not known, as with those that do not tell. */
	cri_call(c, c->grpc, &call, &r);
}

void cri_listed(struct cri *c)
{
	cri_arm(c, c->stream ? CRI_REFRESH_NS : CRI_POLL_NS);
	if (c->status.state != CRI_READING)
		return;
	c->status.restarts += c->was_up;
	c->was_up = true;
	c->up_ns = loop_now(c->loop);
	set_state(c, CRI_UP);
}

static void on_time(void *ctx)
{
	struct cri *c = ctx;

	if (c->status.state != CRI_UP) {
		search(c);
		return;
	}
	c->status.polls += !c->stream;
	cri_events(c);
	cri_lists(c);
}

/* ---- birth and death ------------------------------------------------------------------------ */

int cri_new(struct cri **ret, struct loop *l, const struct cri_config *config)
{
	struct cri *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	if (!c)
		return -ENOMEM;
	c->loop = l;
	c->config = *config;
	c->pause_ns = PAUSE_MIN_NS;
	c->candidates = calloc(CRI_CANDIDATES_MAX, sizeof(*c->candidates));
	c->timer = loop_timer_new(l, on_time, c);
	if (!c->timer)
		err = -errno;
	else if (c->candidates)
		err = cri_known_init(&c->known, &c->config, &c->status);
	if (!err)
		err = cri_wants_new(c);
	if (err) {
		cri_free(c);
		return err;
	}
	c->candidates_n = config->candidates_n < CRI_CANDIDATES_MAX ? config->candidates_n
								    : CRI_CANDIDATES_MAX;
	if (c->candidates_n)
		memcpy(c->candidates, config->candidates, c->candidates_n * sizeof(*c->candidates));
	c->config.candidates = NULL;
	cri_arm(c, 0);
	*ret = c;
	return 0;
}

void cri_free(struct cri *c)
{
	if (!c)
		return;
	grpc_free(c->grpc);
	cri_places_free(c);
	cri_wants_free(c);
	cri_known_end(&c->known);
	loop_timer_free(c->timer);
	free(c->candidates);
	free(c);
}

const struct cri_status *cri_status(const struct cri *c)
{
	return &c->status;
}

/* Entries never used are no memory. */
static size_t used(const struct table *t)
{
	return table_bytes(t) / table_cap(t) * table_len(t);
}

size_t cri_bytes_max(const struct cri *c)
{
	return sizeof(*c) + CRI_CANDIDATES_MAX * sizeof(*c->candidates) +
	       table_bytes(c->known.ids) + table_bytes(c->known.pods) + table_bytes(c->wants);
}

size_t cri_bytes(const struct cri *c)
{
	return sizeof(*c) + CRI_CANDIDATES_MAX * sizeof(*c->candidates) + used(c->known.ids) +
	       used(c->known.pods) + used(c->wants) + (c->grpc ? grpc_bytes(c->grpc) : 0);
}
