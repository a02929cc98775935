// SPDX-License-Identifier: Apache-2.0
/* links: */
/* base/loop: timers, signals, and what is left open afterwards. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/loop.h"

#define MS	   NSEC_PER_MSEC
#define GUARD_MS   5000 /* a test that hangs ends here, with a code nobody expects */
#define GUARD_CODE 99

static struct {
	struct loop *loop;
	struct loop_timer *timers[4];
	int calls, code;
	int signals[8];
	u64 first_ns;
} w;

static void on_guard(void *ctx)
{
	(void)ctx;
	loop_stop(w.loop, GUARD_CODE);
}

static int world_open(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.loop = loop_new();
	if (!w.loop)
		return -1;
	w.timers[3] = loop_timer_new(w.loop, on_guard, NULL);
	loop_arm(w.timers[3], GUARD_MS * MS, 0);
	return 0;
}

static int world_close(void **state)
{
	(void)state;
	loop_free(w.loop);
	return 0;
}

static void stop_timer(void *ctx)
{
	(void)ctx;
	loop_stop(w.loop, w.code);
}

static void run_for_ms(u64 ms, int code)
{
	struct loop_timer *t = loop_timer_new(w.loop, stop_timer, NULL);

	assert_non_null(t);
	w.code = code;
	loop_arm(t, ms * MS, 0);
	assert_int_equal(loop_run(w.loop), code);
	loop_timer_free(t);
}

static void tick(void *ctx)
{
	(void)ctx;
	if (w.calls++ == 0)
		w.first_ns = loop_now(w.loop);
	if (w.calls == 5)
		loop_stop(w.loop, 31);
}

static void periodic(void **state)
{
	u64 start = clock_boot_ns(), end;

	(void)state;
	w.timers[0] = loop_timer_new(w.loop, tick, NULL);
	run_for_ms(5, 30); /* not armed: nothing */
	assert_int_equal(w.calls, 0);
	start = clock_boot_ns();
	loop_arm(w.timers[0], 20 * MS, 5 * MS);
	assert_int_equal(loop_run(w.loop), 31);
	end = clock_boot_ns();
	assert_int_equal(w.calls, 5);
	assert_true(w.first_ns >= start + 20 * MS);
	assert_true(end >= start + (20 + 4 * 5) * MS);
	assert_true(loop_now(w.loop) <= end && loop_now(w.loop) >= w.first_ns);
	loop_disarm(w.timers[0]);
	run_for_ms(20, 32);
	assert_int_equal(w.calls, 5);
	loop_timer_free(w.timers[0]);
	loop_timer_free(NULL);
}

/* One that was slept through ticks once, not once for each period. */
static void slow_tick(void *ctx)
{
	struct timespec ts = { .tv_nsec = 30 * (long)MS };

	(void)ctx;
	if (w.calls++ == 0)
		nanosleep(&ts, NULL);
	else
		loop_disarm(w.timers[0]);
}

static void ticks_coalesce(void **state)
{
	(void)state;
	w.timers[0] = loop_timer_new(w.loop, slow_tick, NULL);
	loop_arm(w.timers[0], 1 * MS, 1 * MS);
	run_for_ms(60, 33);
	assert_int_equal(w.calls, 2);
}

static void rearm_self(void *ctx)
{
	(void)ctx;
	if (++w.calls < 50)
		loop_arm(w.timers[0], 0, 0); /* 0: at the next turn, not never */
	else
		loop_stop(w.loop, 34);
}

static void rearm_in_handler(void **state)
{
	(void)state;
	w.timers[0] = loop_timer_new(w.loop, rearm_self, NULL);
	loop_arm(w.timers[0], 0, 0);
	assert_int_equal(loop_run(w.loop), 34);
	assert_int_equal(w.calls, 50);
}

/* Whoever fires first postpones the other, which has fired in the same turn. */
static void postpone_other(void *ctx)
{
	w.calls++;
	loop_arm(w.timers[*(int *)ctx], 3600 * NSEC_PER_SEC, 0);
}

static void rearm_other(void **state)
{
	struct timespec ts = { .tv_nsec = 5 * (long)MS };
	int zero = 0, one = 1;

	(void)state;
	w.timers[0] = loop_timer_new(w.loop, postpone_other, &one);
	w.timers[1] = loop_timer_new(w.loop, postpone_other, &zero);
	loop_arm(w.timers[0], 0, 0);
	loop_arm(w.timers[1], 0, 0);
	nanosleep(&ts, NULL); /* both have fired before the turn */
	run_for_ms(20, 35);
	assert_int_equal(w.calls, 1);
}

static void free_all_timers(void *ctx)
{
	(void)ctx;
	w.calls++;
	for (int i = 0; i < 3; i++) {
		loop_timer_free(w.timers[i]);
		w.timers[i] = NULL;
	}
}

static void free_in_handler(void **state)
{
	struct timespec ts = { .tv_nsec = 5 * (long)MS };

	(void)state;
	for (int i = 0; i < 3; i++) {
		w.timers[i] = loop_timer_new(w.loop, free_all_timers, NULL);
		loop_arm(w.timers[i], 0, 1 * MS);
	}
	nanosleep(&ts, NULL);
	run_for_ms(20, 36);
	assert_int_equal(w.calls, 1);
}

static void on_signal(void *ctx, int signo)
{
	assert_int_equal(*(int *)ctx, 5);
	assert_true(w.calls < 8);
	w.signals[w.calls++] = signo;
	if (w.calls == 3)
		loop_stop(w.loop, 41);
}

static void signals(void **state)
{
	static const int wanted[] = { SIGUSR1, SIGUSR2, SIGTERM, 0 };
	static const int bad[] = { 9999, 0 };
	int ctx = 5;

	(void)state;
	assert_int_equal(loop_signals(w.loop, bad, on_signal, &ctx), -EINVAL);
	assert_int_equal(loop_signals(w.loop, wanted, on_signal, &ctx), 0);
	assert_int_equal(loop_signals(w.loop, wanted, on_signal, &ctx), -EALREADY);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1); /* pending already: one */
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGUSR2);
	assert_int_equal(loop_run(w.loop), 41);
	assert_int_equal(w.calls, 3);
	assert_int_equal(w.signals[0], SIGUSR1); /* lowest first */
	assert_int_equal(w.signals[1], SIGUSR2);
	assert_int_equal(w.signals[2], SIGTERM);
	run_for_ms(10, 42);
	assert_int_equal(w.calls, 3);
}

static void on_io(void *ctx, int fd, u32 events)
{
	(void)ctx;
	(void)fd;
	(void)events;
}

static size_t open_fds(bool *ret_all_cloexec)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	size_t n = 0;

	*ret_all_cloexec = true;
	while ((e = readdir(d))) {
		int fd = atoi(e->d_name);

		if (e->d_name[0] == '.' || fd == dirfd(d))
			continue;
		n++;
		if (fd > 2 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			*ret_all_cloexec = false;
	}
	closedir(d);
	return n;
}

/* Descriptors are close-on-exec and all gone after loop_free, also of what was left over. */
static void descriptors(void **state)
{
	static const int wanted[] = { SIGUSR1, 0 };
	bool cloexec_before, cloexec;
	size_t before = open_fds(&cloexec_before);
	struct loop *l = loop_new();
	struct loop_timer *t = loop_timer_new(l, on_guard, NULL);
	int null = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_non_null(t);
	loop_arm(t, 1, 0);
	assert_null(loop_add(l, null, LOOP_READ, on_io, NULL)); /* not watchable */
	assert_int_equal(loop_signals(l, wanted, on_signal, NULL), 0);
	assert_int_equal(open_fds(&cloexec), before + 4);
	assert_int_equal(cloexec, cloexec_before);
	loop_free(l);
	close(null);
	assert_int_equal(open_fds(&cloexec), before);
}

int main(void)
{
#define WORLD(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		WORLD(periodic),
		WORLD(ticks_coalesce),
		WORLD(rearm_in_handler),
		WORLD(rearm_other),
		WORLD(free_in_handler),
		WORLD(signals),
		cmocka_unit_test(descriptors),
	};

	return cmocka_run_group_tests_name("base/loop timers", tests, NULL, NULL);
}
