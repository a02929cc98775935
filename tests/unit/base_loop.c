// SPDX-License-Identifier: Apache-2.0
/* links: */
/* base/loop: events, deletion from handlers. Timers: base_loop_timers.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop.h"

#define MS	   NSEC_PER_MSEC
#define GUARD_MS   5000 /* a test that hangs ends here, with a code nobody expects */
#define GUARD_CODE 99

static struct {
	struct loop *loop;
	struct loop_io *ios[4];
	struct loop_timer *timers[4];
	int pairs[4][2];
	int calls, code;
	u32 events;
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
	for (size_t i = 0; i < ARRAY_SIZE(w.pairs); i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, w.pairs[i]) != 0)
			return -1;
	}
	w.timers[3] = loop_timer_new(w.loop, on_guard, NULL);
	loop_arm(w.timers[3], GUARD_MS * MS, 0);
	return 0;
}

static int world_close(void **state)
{
	(void)state;
	loop_free(w.loop);
	for (size_t i = 0; i < ARRAY_SIZE(w.pairs); i++) {
		close(w.pairs[i][0]);
		close(w.pairs[i][1]);
	}
	return 0;
}

static void poke(int i)
{
	assert_int_equal(write(w.pairs[i][1], "x", 1), 1);
}

static void stop_handler(void *ctx, int fd, u32 events)
{
	(void)fd;
	w.calls++;
	w.events = events;
	loop_stop(w.loop, *(int *)ctx);
}

static void reading(void **state)
{
	int code = 7;

	(void)state;
	w.ios[0] = loop_add(w.loop, w.pairs[0][0], LOOP_READ, stop_handler, &code);
	assert_non_null(w.ios[0]);
	poke(0);
	assert_int_equal(loop_run(w.loop), 7);
	assert_int_equal(w.calls, 1);
	assert_int_equal(w.events, LOOP_READ);
	code = 8; /* level-triggered, and the loop can be run again */
	assert_int_equal(loop_run(w.loop), 8);
	assert_int_equal(loop_mod(w.ios[0], LOOP_READ | LOOP_WRITE), 0);
	assert_int_equal(loop_run(w.loop), 8);
	assert_int_equal(w.events, LOOP_READ | LOOP_WRITE);
	assert_int_equal(loop_mod(w.ios[0], LOOP_WRITE), 0);
	assert_int_equal(loop_run(w.loop), 8);
	assert_int_equal(w.events, LOOP_WRITE);
	loop_del(w.ios[0]);
	loop_del(NULL);
	code = 3;
	loop_stop(w.loop, 5); /* before loop_run */
	assert_int_equal(loop_run(w.loop), 5);
	assert_int_equal(w.calls, 4);
}

static void count_drain(void *ctx, int fd, u32 events)
{
	char c;

	(void)ctx;
	w.events = events;
	w.calls++;
	if (read(fd, &c, 1) == 0)
		loop_stop(w.loop, 1);
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

/* Paused, nothing arrives: neither data nor the hang-up, which epoll never masks. */
static void pausing(void **state)
{
	(void)state;
	w.ios[0] = loop_add(w.loop, w.pairs[0][0], 0, count_drain, NULL);
	assert_non_null(w.ios[0]);
	poke(0);
	shutdown(w.pairs[0][1], SHUT_RDWR);
	run_for_ms(20, 11);
	assert_int_equal(w.calls, 0);
	assert_int_equal(loop_mod(w.ios[0], LOOP_READ), 0);
	assert_int_equal(loop_run(w.loop), 1); /* the byte, then the end */
	assert_int_equal(w.calls, 2);
	assert_int_equal(loop_mod(w.ios[0], 0), 0);
	run_for_ms(20, 12);
	assert_int_equal(w.calls, 2);
}

/* A hang-up comes as the event that was asked for. */
static void hang_up(void **state)
{
	int code = 4;

	(void)state;
	shutdown(w.pairs[0][1], SHUT_RDWR);
	shutdown(w.pairs[0][0], SHUT_RDWR);
	w.ios[0] = loop_add(w.loop, w.pairs[0][0], LOOP_WRITE, stop_handler, &code);
	assert_int_equal(loop_run(w.loop), 4);
	assert_int_equal(w.events, LOOP_WRITE);
}

static void refusals(void **state)
{
	FILE *f = tmpfile();

	(void)state;
	errno = 0;
	assert_null(loop_add(w.loop, -1, LOOP_READ, stop_handler, NULL));
	assert_int_equal(errno, EBADF);
	errno = 0;
	assert_null(loop_add(w.loop, fileno(f), LOOP_READ, stop_handler, NULL));
	assert_int_equal(errno, EPERM);
	fclose(f);
	w.ios[0] = loop_add(w.loop, w.pairs[0][0], LOOP_READ, stop_handler, NULL);
	errno = 0;
	assert_null(loop_add(w.loop, w.pairs[0][0], LOOP_READ, stop_handler, NULL));
	assert_int_equal(errno, EEXIST);
	loop_free(NULL);
}

/* Whoever is called first deletes all, itself too: nobody else of that turn may run. */
static void delete_all(void *ctx, int fd, u32 events)
{
	(void)ctx;
	(void)fd;
	(void)events;
	w.calls++;
	for (size_t i = 0; i < ARRAY_SIZE(w.ios); i++)
		loop_del(w.ios[i]);
}

static void delete_others(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		w.ios[i] = loop_add(w.loop, w.pairs[i][0], LOOP_READ, delete_all, NULL);
		poke(i);
	}
	run_for_ms(20, 13);
	assert_int_equal(w.calls, 1);
}

/* First caller replaces every watcher by a new one on the same fd: events of this turn,
 * meant for the old ones, must not reach the freed or the new ones before the next turn. */
static void replace_all(void *ctx, int fd, u32 events)
{
	(void)ctx;
	(void)fd;
	(void)events;
	w.calls++;
	for (int i = 0; i < 4; i++) {
		loop_del(w.ios[i]);
		w.ios[i] = loop_add(w.loop, w.pairs[i][0], LOOP_READ, count_drain, NULL);
		assert_non_null(w.ios[i]);
	}
}

static void replace_in_handler(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		w.ios[i] = loop_add(w.loop, w.pairs[i][0], LOOP_READ, replace_all, NULL);
		poke(i);
	}
	run_for_ms(20, 14);
	assert_int_equal(w.calls, 1 + 4);
}

/* Closing before loop_del is against the contract; still no event may go astray. */
static void close_then_delete(void *ctx, int fd, u32 events)
{
	char c;
	int other = w.pairs[0][0] == fd;

	(void)ctx;
	(void)events;
	w.calls++;
	assert_int_equal(read(fd, &c, 1), 1);
	close(w.pairs[other][0]);
	loop_del(w.ios[other]);
}

static void early_close(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		w.ios[i] = loop_add(w.loop, w.pairs[i][0], LOOP_READ, close_then_delete, NULL);
		poke(i);
	}
	w.timers[0] = loop_timer_new(w.loop, stop_timer, NULL);
	loop_arm(w.timers[0], 0, 0);
	assert_int_equal(loop_run(w.loop), 0);
	assert_int_equal(w.calls, 1);
}

static void pause_others(void *ctx, int fd, u32 events)
{
	(void)ctx;
	(void)fd;
	(void)events;
	w.calls++;
	for (int i = 0; i < 4; i++)
		assert_int_equal(loop_mod(w.ios[i], 0), 0);
}

static void pause_in_handler(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		w.ios[i] = loop_add(w.loop, w.pairs[i][0], LOOP_READ, pause_others, NULL);
		poke(i);
	}
	run_for_ms(20, 15);
	assert_int_equal(w.calls, 1);
}

static void stop_ends_turn(void **state)
{
	int code = 21;

	(void)state;
	for (int i = 0; i < 4; i++) {
		w.ios[i] = loop_add(w.loop, w.pairs[i][0], LOOP_READ, stop_handler, &code);
		poke(i);
	}
	assert_int_equal(loop_run(w.loop), 21);
	assert_int_equal(w.calls, 1);
}

static void delete_last(void *ctx, int fd, u32 events)
{
	struct loop *l = ctx;

	(void)fd;
	(void)events;
	loop_del(w.ios[0]);
	loop_stop(l, 51);
}

/* Nothing of it is left when the loop is freed: LeakSanitizer looks. */
static void freed_after_turn(void **state)
{
	struct loop *l = loop_new();

	(void)state;
	w.ios[0] = loop_add(l, w.pairs[0][0], LOOP_WRITE, delete_last, l);
	assert_int_equal(loop_run(l), 51);
	loop_free(l);
	w.ios[0] = NULL; /* or it would count as still in use */
}

int main(void)
{
#define WORLD(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		WORLD(reading),		 WORLD(pausing),       WORLD(hang_up),
		WORLD(refusals),	 WORLD(delete_others), WORLD(replace_in_handler),
		WORLD(pause_in_handler), WORLD(early_close),   WORLD(stop_ends_turn),
		WORLD(freed_after_turn),
	};

	return cmocka_run_group_tests_name("base/loop", tests, NULL, NULL);
}
