/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letting go of files. A uprobe goes when the kernel is sure that nobody is in it, which takes 50 ms
 * for a link and 120 ms for a perf event, and whoever closes the last descriptor waits for it
 * (uprobe_unregister_sync). The loop cannot, so threads do: they know nothing but descriptors.
 * Those who wait at the same time wait for the same, so that many are let go as fast as a few.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/log.h"
#include "capture/internal.h"

#define CLOSERS_MAX 64
#define CLOSER_STACK (32u << 10)

static void close_all(struct attached *a)
{
	while (a->n)
		close(a->fd[--a->n]);
}

static int closer_start(pthread_t *ret, void *(*fn)(void *), void *arg, bool detached)
{
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CLOSER_STACK);
	pthread_attr_setdetachstate(&attr, detached ? PTHREAD_CREATE_DETACHED :
						      PTHREAD_CREATE_JOINABLE);
	err = pthread_create(ret, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	return err;
}

static void *close_one(void *arg)
{
	close_all(arg);
	free(arg);
	return NULL;
}

void attached_let_go(struct attached *a)
{
	struct attached *copy = a->n ? malloc(sizeof(*copy)) : NULL;
	pthread_t thread;

	if (!copy) {
		close_all(a);
		return;
	}
	*copy = *a;
	a->n = 0;
	if (!closer_start(&thread, close_one, copy, true))
		return;
	log_debug("capture", "no thread to let a library go: it is waited for");
	close_one(copy);
}

/* What the threads of one attached_drop share. */
struct closing {
	struct attached *files;
	size_t n;
	atomic_size_t next; /* of all descriptors there are room for */
};

static void *close_next(void *arg)
{
	struct closing *c = arg;
	size_t i;

	while ((i = atomic_fetch_add(&c->next, 1)) < c->n * ATTACHED_MAX) {
		const struct attached *a = &c->files[i / ATTACHED_MAX];

		if (i % ATTACHED_MAX < a->n)
			close(a->fd[i % ATTACHED_MAX]);
	}
	return NULL;
}

void attached_drop(struct attached *files, size_t n)
{
	struct closing c = { .files = files, .n = n };
	pthread_t thread[CLOSERS_MAX];
	size_t all = 0, threads = 0;

	for (size_t i = 0; i < n; i++)
		all += files[i].n;
	while (threads < CLOSERS_MAX && threads < all &&
	       !closer_start(&thread[threads], close_next, &c, false))
		threads++;
	close_next(&c);
	while (threads)
		pthread_join(thread[--threads], NULL);
	for (size_t i = 0; i < n; i++)
		files[i].n = 0;
}
