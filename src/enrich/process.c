// SPDX-License-Identifier: Apache-2.0
/*
 * One table, by pid: a pid has one owner at a time, and news of another owner ends what we
 * knew. The start of the process, kept with it, tells owners of the same pid apart.
 */
#include "enrich/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "kinds.h"

struct life {
	struct process process;
	u64 cgroup;  /* of the last exec */
	u64 exit_ns; /* 0: alive */
};

struct processes {
	struct table *lives; /* pid → struct life */
	u64 evicted;
	struct ended {
		u32 pid;
		u64 start_ns, exit_ns;
	} ended[PROCESS_LINGER_MAX]; /* a ring in the order of exits */
	u32 ended_from, ended_n;
};

static void life_drop(void *ctx, const void *key, void *value, bool evicted)
{
	struct processes *ps = ctx;
	const struct life *life = value;

	(void)key;
	if (evicted && !life->exit_ns)
		ps->evicted++;
}

int processes_new(struct processes **ret, size_t cap)
{
	struct processes *ps;

	if (cap == 0)
		return -EINVAL;
	ps = calloc(1, sizeof(*ps));
	if (!ps)
		return -ENOMEM;
	ps->lives = table_new(cap, sizeof(u32), sizeof(struct life), life_drop, ps);
	if (!ps->lives) {
		free(ps);
		return -ENOMEM;
	}
	*ret = ps;
	return 0;
}

void processes_free(struct processes *ps)
{
	if (!ps)
		return;
	table_free(ps->lives);
	free(ps);
}

static void ended_pop(struct processes *ps)
{
	const struct ended *old = &ps->ended[ps->ended_from];
	const struct life *life = table_peek(ps->lives, &old->pid);

	if (life && life->process.start_ns == old->start_ns)
		table_del(ps->lives, &old->pid);
	ps->ended_from = (ps->ended_from + 1) % PROCESS_LINGER_MAX;
	ps->ended_n--;
}

static void ended_expire(struct processes *ps, u64 now_ns)
{
	while (ps->ended_n && ps->ended[ps->ended_from].exit_ns + PROCESS_LINGER_NS < now_ns)
		ended_pop(ps);
}

static const struct process *learn_exec(struct processes *ps, const struct event *ev)
{
	const struct ev_exec *x = &ev->process_exec;
	const struct life *old = table_peek(ps->lives, &ev->pid);
	struct process *p;
	struct life *life;

	if (old && old->process.start_ns > ev->key)
		return NULL; /* old news: the pid has a newer owner already */
	life = table_add(ps->lives, &ev->pid, NULL);
	p = &life->process;
	if (p->start_ns != ev->key)
		life->exit_ns = 0; /* that was another owner's */
	life->cgroup = ev->cgroup;
	p->pid = ev->pid;
	p->ppid = x->ppid;
	p->uid = x->uid;
	p->start_ns = ev->key;
	p->exec_ns = ev->when_ns;
	str_copy_utf8(p->comm, sizeof(p->comm), ev->comm, NULL);
	str_copy_utf8(p->exe, sizeof(p->exe), x->path, NULL);
	process_args_text(p->args, sizeof(p->args), x->args, x->args_n);
	return p;
}

/* The child may never call execve, but whoever had its pid before is gone. */
static void learn_fork(struct processes *ps, const struct ev_fork *fork)
{
	const struct life *old = table_peek(ps->lives, &fork->child);

	if (old && old->process.start_ns < fork->child_key)
		table_del(ps->lives, &fork->child);
}

static void learn_exit(struct processes *ps, const struct event *ev, struct life *life)
{
	if (life->exit_ns)
		return;
	life->exit_ns = ev->when_ns;
	if (ps->ended_n == PROCESS_LINGER_MAX)
		ended_pop(ps);
	ps->ended[(ps->ended_from + ps->ended_n++) % PROCESS_LINGER_MAX] = (struct ended){
		.pid = ev->pid,
		.start_ns = ev->key,
		.exit_ns = ev->when_ns,
	};
}

/* When the kernel side read the pid of the event. */
static u64 pid_read_ns(const struct event *ev)
{
	if (ev->kind == KIND_tcp_close && ev->tcp_close.start_ns)
		return ev->tcp_close.start_ns;
	return ev->when_ns;
}

static bool was_owner(const struct life *life, const struct event *ev)
{
	u64 at_ns = pid_read_ns(ev);

	return life->process.start_ns <= at_ns && (!life->exit_ns || at_ns <= life->exit_ns) &&
	       life->cgroup == ev->cgroup;
}

const struct process *processes_event(struct processes *ps, const struct event *ev)
{
	struct life *life;

	ended_expire(ps, ev->when_ns);
	if (ev->kind == KIND_process_exec)
		return learn_exec(ps, ev);
	if (ev->kind == KIND_process_fork)
		learn_fork(ps, &ev->process_fork);
	life = table_get(ps->lives, &ev->pid);
	if (!life)
		return NULL;
	if (ev->kind >= KIND_END || kinds[ev->kind].family != FAMILY_process)
		return was_owner(life, ev) ? &life->process : NULL;
	if (life->process.start_ns != ev->key)
		return NULL;
	if (ev->kind == KIND_process_exit)
		learn_exit(ps, ev, life);
	return &life->process;
}

void processes_stats(const struct processes *ps, struct processes_stats *ret)
{
	*ret = (struct processes_stats){
		.len = table_len(ps->lives),
		.bytes = sizeof(*ps) + table_bytes(ps->lives),
		.evicted = ps->evicted,
	};
}
