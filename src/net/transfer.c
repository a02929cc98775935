// SPDX-License-Identifier: Apache-2.0
#include "net/transfer.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

struct transfers {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	bool telling; /* inside a transfer's fn */
	bool dead;    /* freed there */
};

/* ---- curl's memory -------------------------------------------------------------------------- */

/* Answers hold other people's environments, requests our tokens: nothing stays in the heap. */
static void wipe_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

static void *wipe_realloc(void *p, size_t n)
{
	size_t old = p ? malloc_usable_size(p) : 0;
	void *more = malloc(n);

	if (!more || !p)
		return more;
	memcpy(more, p, old < n ? old : n);
	wipe_free(p);
	return more;
}

static bool init_curl(void)
{
	/* The first one in the process decides; the others count. */
	return !curl_global_init_mem(CURL_GLOBAL_ALL, malloc, wipe_free, wipe_realloc, strdup,
				     calloc);
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void destroy(struct transfers *t)
{
	curl_multi_cleanup(t->multi);
	curl_global_cleanup();
	loop_timer_free(t->timer);
	free(t);
}

/* t may be gone afterwards. */
static void check_finished(struct transfers *t)
{
	CURLMsg *m;
	int left;

	t->telling = true;
	while (!t->dead && (m = curl_multi_info_read(t->multi, &left))) {
		CURLcode result = m->data.result;
		struct transfer *x;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		curl_multi_remove_handle(t->multi, x->easy);
		x->active = false;
		x->fn(x->ctx, result);
	}
	t->telling = false;
	if (t->dead)
		destroy(t);
}

static void on_ready(void *ctx, int fd, u32 events)
{
	struct transfers *t = ctx;
	int running;

	curl_multi_socket_action(t->multi, fd,
				 (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
					 (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0),
				 &running);
	check_finished(t);
}

static void on_time(void *ctx)
{
	struct transfers *t = ctx;
	int running;

	curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	check_finished(t);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket)
{
	struct transfers *t = ctx;
	struct loop_io *io = socket;
	u32 events =
		(what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		loop_del(io);
		return 0;
	}
	if (io)
		return loop_mod(io, events) ? -1 : 0;
	io = loop_add(t->loop, fd, events, on_ready, t);
	if (!io)
		return -1;
	curl_multi_assign(t->multi, fd, io);
	return 0;
}

static int want_timer(CURLM *multi, long ms, void *ctx)
{
	struct transfers *t = ctx;

	(void)multi;
	if (ms < 0)
		loop_disarm(t->timer);
	else
		loop_arm(t->timer, (u64)ms * NSEC_PER_MSEC, 0);
	return 0;
}

int transfers_new(struct transfers **ret, struct loop *l, long connections)
{
	struct transfers *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->loop = l;
	t->timer = loop_timer_new(l, on_time, t);
	if (!t->timer || !init_curl()) {
		loop_timer_free(t->timer);
		free(t);
		return -ENOMEM;
	}
	t->multi = curl_multi_init();
	if (!t->multi) {
		transfers_free(t);
		return -ENOMEM;
	}
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
	curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, connections);
	*ret = t;
	return 0;
}

void transfers_free(struct transfers *t)
{
	if (!t)
		return;
	if (t->telling)
		t->dead = true;
	else
		destroy(t);
}

int transfer_start(struct transfers *t, struct transfer *x)
{
	assert(!x->active);
	curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
	if (curl_multi_add_handle(t->multi, x->easy))
		return -ENOMEM;
	x->active = true;
	return 0;
}

void transfer_cancel(struct transfers *t, struct transfer *x)
{
	if (!x->active)
		return;
	x->active = false;
	curl_multi_remove_handle(t->multi, x->easy);
}
