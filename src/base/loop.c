// SPDX-License-Identifier: Apache-2.0
/*
 * epoll, a timerfd per timer, a signalfd. What a handler deletes is only marked: the events
 * epoll_wait returned may still point at it, so it is freed when the turn is over.
 */
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define TURN_EVENTS  64 /* handlers called per turn */
#define TURN_SIGNALS 16 /* signals delivered per turn */

struct loop_io {
	struct loop *loop;
	struct loop_io *next, *prev; /* live ones; the dead use only next */
	loop_io_fn fn;
	void *ctx;
	int fd;
	u32 events; /* 0: not in the epoll set */
	bool dead;
};

struct loop_timer {
	struct loop *loop;
	struct loop_timer *next, *prev;
	struct loop_io *io;
	loop_timer_fn fn;
	void *ctx;
	int fd;
};

struct loop {
	struct loop_io *ios, *dead;
	struct loop_timer *timers;
	struct loop_io *signal_io;
	loop_signal_fn signal_fn;
	void *signal_ctx;
	u64 now_ns;
	int epoll_fd, signal_fd;
	int code;
	bool in_turn, stopped;
};

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->signal_fd = -1;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0) {
		free(l);
		return NULL;
	}
	l->now_ns = clock_boot_ns();
	return l;
}

static void bury(struct loop *l)
{
	while (l->dead) {
		struct loop_io *io = l->dead;

		l->dead = io->next;
		free(io);
	}
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	assert(!l->in_turn);
	while (l->timers)
		loop_timer_free(l->timers);
	while (l->ios)
		loop_del(l->ios);
	if (l->signal_fd >= 0)
		close(l->signal_fd);
	close(l->epoll_fd);
	free(l);
}

void loop_stop(struct loop *l, int code)
{
	l->stopped = true;
	l->code = code;
}

u64 loop_now(const struct loop *l)
{
	return l->now_ns;
}

/* What epoll reports in the terms of loop.h, as far as the watcher still wants it. */
static u32 events_of(const struct loop_io *io, u32 epoll_events)
{
	u32 events = 0;

	if (epoll_events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		events |= LOOP_READ;
	if (epoll_events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		events |= LOOP_WRITE;
	return events & io->events;
}

/* One turn; 0 or -errno. */
static int turn(struct loop *l)
{
	struct epoll_event got[TURN_EVENTS];
	int n = epoll_wait(l->epoll_fd, got, TURN_EVENTS, -1);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	l->now_ns = clock_boot_ns();
	l->in_turn = true;
	for (int i = 0; i < n && !l->stopped; i++) {
		struct loop_io *io = got[i].data.ptr;
		u32 events = events_of(io, got[i].events);

		if (events)
			io->fn(io->ctx, io->fd, events);
	}
	l->in_turn = false;
	bury(l);
	return 0;
}

int loop_run(struct loop *l)
{
	int err = 0;

	assert(!l->in_turn);
	while (!l->stopped && err == 0)
		err = turn(l);
	if (err)
		return err;
	l->stopped = false;
	return l->code;
}

static int watch(struct loop_io *io, u32 events)
{
	struct epoll_event ev = { .data.ptr = io };
	int op = EPOLL_CTL_MOD;

	if (events == io->events)
		return 0;
	if (events == 0)
		op = EPOLL_CTL_DEL; /* an empty mask would still report hang-ups */
	else if (io->events == 0)
		op = EPOLL_CTL_ADD;
	if (events & LOOP_READ)
		ev.events |= EPOLLIN;
	if (events & LOOP_WRITE)
		ev.events |= EPOLLOUT;
	if (epoll_ctl(io->loop->epoll_fd, op, io->fd, &ev) != 0)
		return -errno;
	io->events = events;
	return 0;
}

struct loop_io *loop_add(struct loop *l, int fd, u32 events, loop_io_fn fn, void *ctx)
{
	struct loop_io *io = calloc(1, sizeof(*io));
	int err;

	if (!io)
		return NULL;
	*io = (struct loop_io){ .loop = l, .fd = fd, .fn = fn, .ctx = ctx };
	err = watch(io, events);
	if (err) {
		free(io);
		errno = -err;
		return NULL;
	}
	io->next = l->ios;
	if (l->ios)
		l->ios->prev = io;
	l->ios = io;
	return io;
}

int loop_mod(struct loop_io *io, u32 events)
{
	assert(!io->dead);
	return watch(io, events);
}

void loop_del(struct loop_io *io)
{
	struct loop *l;

	if (!io)
		return;
	assert(!io->dead);
	l = io->loop;
	/* Fails only if the caller closed fd too early: then the kernel has dropped it too. */
	watch(io, 0);
	io->events = 0; /* an event of this turn finds nothing wanted */
	if (io->prev)
		io->prev->next = io->next;
	else
		l->ios = io->next;
	if (io->next)
		io->next->prev = io->prev;
	io->dead = true;
	io->next = l->dead;
	l->dead = io;
	if (!l->in_turn)
		bury(l);
}

static void on_timer(void *ctx, int fd, u32 events)
{
	struct loop_timer *t = ctx;
	u64 ticks;

	(void)events;
	/* EAGAIN: a handler of this turn disarmed or re-armed it after it had fired. */
	if (read(fd, &ticks, sizeof(ticks)) != (ssize_t)sizeof(ticks))
		return;
	t->fn(t->ctx); /* may free t */
}

static int timer_fd(void)
{
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	/* Refused by sandboxes, as in clock.c. */
	if (fd < 0 && errno == EINVAL)
		fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return fd;
}

struct loop_timer *loop_timer_new(struct loop *l, loop_timer_fn fn, void *ctx)
{
	struct loop_timer *t = calloc(1, sizeof(*t));
	int keep;

	if (!t)
		return NULL;
	*t = (struct loop_timer){ .loop = l, .fn = fn, .ctx = ctx, .fd = timer_fd() };
	if (t->fd >= 0)
		t->io = loop_add(l, t->fd, LOOP_READ, on_timer, t);
	if (!t->io) {
		keep = errno;
		if (t->fd >= 0)
			close(t->fd);
		free(t);
		errno = keep;
		return NULL;
	}
	t->next = l->timers;
	if (l->timers)
		l->timers->prev = t;
	l->timers = t;
	return t;
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	loop_del(t->io);
	close(t->fd);
	if (t->prev)
		t->prev->next = t->next;
	else
		t->loop->timers = t->next;
	if (t->next)
		t->next->prev = t->prev;
	free(t);
}

static struct timespec timespec_of(u64 ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NSEC_PER_SEC),
				  .tv_nsec = (long)(ns % NSEC_PER_SEC) };
}

void loop_arm(struct loop_timer *t, u64 after_ns, u64 every_ns)
{
	/* A first time of 0 would disarm. */
	struct itimerspec when = { .it_value = timespec_of(after_ns ? after_ns : 1),
				   .it_interval = timespec_of(every_ns) };
	int err = timerfd_settime(t->fd, 0, &when, NULL);

	assert(err == 0);
	(void)err;
}

void loop_disarm(struct loop_timer *t)
{
	struct itimerspec never = { 0 };
	int err = timerfd_settime(t->fd, 0, &never, NULL);

	assert(err == 0);
	(void)err;
}

static void on_signal(void *ctx, int fd, u32 events)
{
	struct loop *l = ctx;
	struct signalfd_siginfo got;

	(void)events;
	for (int i = 0; i < TURN_SIGNALS && !l->stopped; i++) {
		if (read(fd, &got, sizeof(got)) != (ssize_t)sizeof(got))
			return;
		l->signal_fn(l->signal_ctx, (int)got.ssi_signo);
	}
}

int loop_signals(struct loop *l, const int *signals, loop_signal_fn fn, void *ctx)
{
	sigset_t set;
	int err;

	if (l->signal_fd >= 0)
		return -EALREADY;
	sigemptyset(&set);
	for (size_t i = 0; signals[i]; i++) {
		if (sigaddset(&set, signals[i]) != 0)
			return -errno;
	}
	l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signal_fd < 0)
		return -errno;
	l->signal_fn = fn;
	l->signal_ctx = ctx;
	l->signal_io = loop_add(l, l->signal_fd, LOOP_READ, on_signal, l);
	if (!l->signal_io || sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
		err = -errno;
		loop_del(l->signal_io);
		l->signal_io = NULL;
		close(l->signal_fd);
		l->signal_fd = -1;
		return err;
	}
	return 0;
}
