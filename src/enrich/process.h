/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes we saw begin a program: pid and start to executable, arguments, parent. An
 * event of the process family carries both; any other has only a pid, and a pid may have
 * had several owners. So an entry is used for such an event only when all of this holds:
 *
 *  - it is the latest program we saw start under that pid;
 *  - the moment at which the kernel side read the pid lies in the life of that process:
 *    for a closed connection its start, since the pid is of who opened it, else the event;
 *  - the event has the cgroup in which the program was started.
 *
 * What does not fit gives no process rather than a wrong one. What can still go wrong, each
 * only with a pid used again in the same cgroup: the exit record was lost and the new owner
 * never calls execve; or a socket outlived who opened it, and the record (state, retransmit,
 * reset) does not say when that was.
 *
 * A process that ended stays PROCESS_LINGER_NS longer for what the kernel does on its
 * behalf later: sockets are closed after sched_process_exit.
 */
#ifndef ENRICH_PROCESS_H
#define ENRICH_PROCESS_H

#include "event.h"

#define PROCESS_LINGER_NS  (10 * NSEC_PER_SEC)
#define PROCESS_LINGER_MAX 512u /* ended processes kept; more push the oldest out */

struct processes;

struct processes_stats {
	size_t len;	/* live and ended ones */
	size_t bytes;
	u64 evicted;	/* live ones that made room, least recently used first */
};

/* 0, -ENOMEM or -EINVAL (cap 0). */
int processes_new(struct processes **ret, size_t cap);
void processes_free(struct processes *ps);	/* NULL is fine */

/*
 * Learn from ev (exec, fork, exit) and find its process, or NULL. The pointer is valid until
 * the next call: an exit removes nothing before it has been handed on.
 */
const struct process *processes_event(struct processes *ps, const struct event *ev);

void processes_stats(const struct processes *ps, struct processes_stats *ret);

/* NUL-separated arguments as one line for a person: blanks between, '' for an empty one,
 * control characters escaped, UTF-8, "..." at the end when something is missing: because
 * dst is too small, or because args is less than args_n. cap >= 8. */
void process_args_text(char *dst, size_t cap, struct str args, size_t args_n);

#endif
