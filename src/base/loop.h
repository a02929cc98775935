/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, one epoll. A handler does a bounded piece of work and returns; nothing in it
 * may block. Time is read once per turn. Signals arrive as file descriptors (loop_signals).
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "base/types.h"

struct loop;
struct loop_io;
struct loop_timer;

#define LOOP_READ 1u
#define LOOP_WRITE 2u

typedef void (*loop_io_fn)(void *ctx, int fd, u32 events);	/* LOOP_READ | LOOP_WRITE */
typedef void (*loop_timer_fn)(void *ctx);
typedef void (*loop_signal_fn)(void *ctx, int signo);

struct loop *loop_new(void);		/* NULL and errno on failure */
void loop_free(struct loop *l);		/* frees what is still registered; fds stay open */

/* Run turns until loop_stop, which may be called from any handler: no other handler runs
 * after it. Called before loop_run, it makes that return at once. Returns the code that
 * loop_stop got. -errno if epoll itself fails. May be called again after it returned. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int code);

u64 loop_now(const struct loop *l);	/* boot ns of this turn's start; before it, of loop_new */

/* Watch fd. The fd belongs to the caller and must stay open until loop_del. NULL and errno
 * on failure (EPERM: a regular file, which epoll cannot watch and need not). Handlers may
 * delete themselves or others; what was deleted is not called again, not even for an event
 * of the same turn. An error or hang-up arrives as the events asked for: the read or write
 * that follows tells. Events 0 pauses: nothing arrives, not even a hang-up. */
struct loop_io *loop_add(struct loop *l, int fd, u32 events, loop_io_fn fn, void *ctx);
int loop_mod(struct loop_io *io, u32 events);
void loop_del(struct loop_io *io);	/* NULL is fine */

/* A timer, not armed. loop_arm: first after `after_ns` (0: at the next turn), then each
 * `every_ns` (0: once); ticks that passed while a handler ran count as one. loop_disarm
 * keeps it for later. Handlers may arm, disarm and free any timer, their own too. NULL and
 * errno on failure. */
struct loop_timer *loop_timer_new(struct loop *l, loop_timer_fn fn, void *ctx);
void loop_timer_free(struct loop_timer *t);
void loop_arm(struct loop_timer *t, u64 after_ns, u64 every_ns);
void loop_disarm(struct loop_timer *t);

/* Block the signals (0-terminated list) and deliver them to fn in the loop. Once per loop
 * (-EALREADY). They stay blocked after loop_free; a child to be exec'ed must unblock them. */
int loop_signals(struct loop *l, const int *signals, loop_signal_fn fn, void *ctx);

#endif
