/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letting go of files. A uprobe goes when the kernel is sure that nobody is in it, which takes 50 ms
 * for a link and 120 ms for a perf event, and whoever closes the last descriptor waits for it
 * (uprobe_unregister_sync). The loop cannot, so a thread does, one after the other; and at the end
 * many, since those who wait at the same time wait for the same. They know nothing but descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "capture/internal.h"

#define CLOSERS_MAX 64
#define BATCH_MAX 64 /* files that are let go at the same time */
#define CLOSER_STACK (32u << 10)

/* Perf events are closed under a lock (event_mutex) that the loop needs to open others: while it
 * is held one time in five at most, few have to wait. */
#define REST_FACTOR 4

static int queue[2] = { -1, -1 }; /* a pipe of struct attached, to the closer */

static void close_all(struct attached *a)
{
	while (a->n)
		close(a->fd[--a->n]);
}

static int closer_start(pthread_t *ret, void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CLOSER_STACK);
	err = pthread_create(ret, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	return err;
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
	       !closer_start(&thread[threads], close_next, &c))
		threads++;
	close_next(&c);
	while (threads)
		pthread_join(thread[--threads], NULL);
	for (size_t i = 0; i < n; i++)
		files[i].n = 0;
}

static void close_slowly(struct attached *a)
{
	while (a->n) {
		u64 begin = clock_boot_ns();

		close(a->fd[--a->n]);
		usleep((unsigned)((clock_boot_ns() - begin) * REST_FACTOR / 1000));
	}
}

/* The queue's reader: all that is there at once. */
static void *close_queued(void *arg)
{
	static struct attached batch[BATCH_MAX];
	ssize_t got;

	while ((got = read(queue[0], batch, sizeof(batch))) > 0) {
		size_t n = (size_t)got / sizeof(batch[0]); /* written as a whole, so read */

		for (size_t i = 0; i < n; i++)
			if (batch[i].events)
				close_slowly(&batch[i]);
		attached_drop(batch, n);
	}
	return NULL;
}

static int queue_open(void)
{
	pthread_t thread;
	int fd[2];

	if (queue[0] >= 0)
		return 0;
	if (pipe2(fd, O_CLOEXEC))
		return -errno;
	fcntl(fd[1], F_SETFL, O_NONBLOCK);
	queue[0] = fd[0];
	queue[1] = fd[1];
	if (!closer_start(&thread, close_queued, NULL)) {
		pthread_detach(thread);
		return 0;
	}
	queue[0] = queue[1] = -1;
	close(fd[0]);
	close(fd[1]);
	return -EAGAIN;
}

void attached_let_go(struct attached *a)
{
	if (a->n && !queue_open() && write(queue[1], a, sizeof(*a)) == sizeof(*a))
		a->n = 0;
	if (a->n)
		log_debug("capture", "nobody can let a library go but the loop, which waits for it");
	close_all(a);
}
