/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The process family: programs started, failed to start, forked, finished. All from
 * tracepoints that exist on every target, or from functions beside them. Each body serves all
 * rungs, see lib/prog.h.
 */
#include "lib/again.h"
#include "lib/cgroup.h"
#include "lib/emit.h"
#include "lib/meter.h"
#include "lib/path.h"
#include "lib/syscall.h"
#include "lib/task.h"
#include "wire/process.h"

/* ---- texts behind the fixed part of a record --------------------------------------------- */

/* The arguments as the kernel laid them out: one after the other, each ended by NUL. */
INLINE __u32 put_args(struct rec_process_exec *rec, struct scratch *s, __u32 at,
		      struct task_struct *task, const bool btf)
{
	struct mm_struct *mm = GET(btf, task, mm);
	unsigned long start, end;
	__u64 n;

	rec->args.off = at;
	if (!mm)
		return at;
	start = GET(btf, mm, arg_start);
	end = GET(btf, mm, arg_end);
	n = end > start ? end - start : 0;
	rec->args_n = n < 0xffff ? n : 0xffff;
	if (n > config.args_max) {
		n = config.args_max;
		if (n)
			rec->head.flags |= REC_CUT;
	}
	if (n > ARGS_MAX)
		n = ARGS_MAX;
	if (!n)
		return at;
	if (bpf_probe_read_user(s->record + MASKED(at, TAIL_MASK), MASKED(n, 2 * ARGS_MAX - 1),
				(void *)start)) {
		rec->head.flags |= REC_UNREAD;
		return at;
	}
	rec->args.len = n;
	return at + n;
}

#include "process_cwd.h"

/* ---- copies ---------------------------------------------------------------------------- */

enum { TOLD_FORK = 1, TOLD_EXIT = 2, TOLD_EXEC = 3 };

/*
 * Whether a copy of this program has told it (lib/again.h). A process is its pid and when it
 * began; what: forked or ended, each of which it is once, or started programs and how many.
 */
INLINE bool told_of(__u32 pid, __u64 start, __u64 what)
{
	return again(pid, start << 8 ^ what);
}

/* ---- started --------------------------------------------------------------------------- */

INLINE void send_exec(void *ctx, struct task_struct *task, struct linux_binprm *bprm, __u64 cgroup,
		      const bool btf)
{
	struct scratch *s = scratch_take(KIND_process_exec);
	struct rec_process_exec *rec;
	__u32 at = sizeof(*rec);

	if (!s)
		return;
	rec = (struct rec_process_exec *)s->record;
	__builtin_memset(rec, 0, sizeof(*rec));
	stamp(&rec->head, KIND_process_exec, 0, bpf_ktime_get_boot_ns(), cgroup);
	rec->head.pid = GET(btf, task, tgid);
	rec->head.tid = GET(btf, task, pid);
	rec->head.key = task_start(task, btf);
	rec->ppid = task_ppid(task, btf);
	rec->pid_ns = current_ns_pid(task, btf);
	task_user(task, &rec->uid, &rec->gid, btf);
	current_comm(rec->comm);
	/* the copy on the new stack: user memory, present, readable under every lockdown */
	at = put_user_str(s, at, &rec->path, GET(btf, bprm, exec), PATH_MAX_WIRE);
	at = put_args(rec, s, at, task, btf);
	at = config.probe_read ? put_cwd(rec, at) : put_cwd_typed(at);
	rec->head.size = at;
	send(ctx, rec, MASKED(at, TAIL_MASK), KIND_process_exec, true);
	scratch_give(s);
}

INLINE int on_exec(void *ctx, struct task_struct *task, struct linux_binprm *bprm, const bool btf)
{
	__u64 cgroup;

	if (config.preempted && told_of(GET(btf, task, tgid), task_start(task, btf),
					TOLD_EXEC + GET(btf, task, self_exec_id)))
		return 0;
	if (!concerns(KIND_process_exec, task_cgroup(task, btf), &cgroup, btf))
		return 0;
	meter_add(KIND_process_exec, METER_KEY(METER_process_starts, cgroup, 0, 0), 1);
	if (streamed(KIND_process_exec, false))
		send_exec(ctx, task, bprm, cgroup, btf);
	return 0;
}

PROGRAMS(process_exec, "sched_process_exec", on_exec(ctx, task, bprm, btf),
	 struct task_struct *task, int old_pid, struct linux_binprm *bprm)

/* What every binary format calls last, when nothing can fail any more. */
ENTRY_PROGRAMS(process_exec, "finalize_exec", on_exec(ctx, current_task(btf), bprm, btf),
	       struct linux_binprm *bprm)

/* ---- failed to start ------------------------------------------------------------------- */

INLINE void send_exec_failed(void *ctx, struct task_struct *task, __u64 path, __s32 err,
			     __u64 cgroup, const bool btf)
{
	struct scratch *s = scratch_take(KIND_process_exec_failed);
	struct rec_process_exec_failed *rec;
	__u32 at = sizeof(*rec);

	if (!s)
		return;
	rec = (struct rec_process_exec_failed *)s->record;
	__builtin_memset(rec, 0, sizeof(*rec));
	stamp(&rec->head, KIND_process_exec_failed, 0, bpf_ktime_get_boot_ns(), cgroup);
	rec->head.flags = REC_FAILED;
	rec->head.pid = GET(btf, task, tgid);
	rec->head.tid = GET(btf, task, pid);
	rec->head.key = task_start(task, btf);
	rec->ppid = task_ppid(task, btf);
	task_user(task, &rec->uid, &rec->gid, btf);
	rec->err = err;
	current_comm(rec->comm);
	at = put_user_str(s, at, &rec->path, path, PATH_MAX_WIRE);
	rec->head.size = at;
	send(ctx, rec, MASKED(at, TAIL_MASK), KIND_process_exec_failed, true);
	scratch_give(s);
}

INLINE int on_exec_result(void *ctx, __u64 path, long ret, const bool btf)
{
	struct task_struct *task;
	__u64 cgroup;

	if (ret >= 0 || ret < -ERRNO_MAX)
		return 0;
	task = current_task(btf);
	if (!concerns(KIND_process_exec_failed, task_cgroup(task, btf), &cgroup, btf))
		return 0;
	meter_add(KIND_process_exec_failed,
		  METER_KEY(METER_process_start_failures, cgroup, 0, -ret), 1);
	if (streamed(KIND_process_exec_failed, true))
		send_exec_failed(ctx, task, path, -ret, cgroup, btf);
	return 0;
}

/* Runs at the end of every system call: out again after two comparisons. */
INLINE int on_sysexit(void *ctx, struct pt_regs *regs, long ret, const bool btf)
{
	__u64 path;
	long nr;

	if (ret >= 0 || ret < -ERRNO_MAX)
		return 0;
	nr = syscall_nr(regs, btf);
	if (nr != NR_execve && nr != NR_execveat)
		return 0;
	if (syscall_compat(current_task(btf), btf))
		return 0;
	if (config.preempted && call_again())
		return 0;
	path = nr == NR_execve ? syscall_arg(regs, 1, btf) : syscall_arg(regs, 2, btf);
	return on_exec_result(ctx, path, ret, btf);
}

PROGRAMS(process_sysexit, "sys_exit", on_sysexit(ctx, regs, ret, btf), struct pt_regs *regs,
	 long ret)

/* Only the 64-bit ABI's. A call that seccomp refuses does not get here. */
FEXIT(process_execve, SYSCALL("execve"),
      on_exec_result(ctx, syscall_arg(regs, 1, btf), ret, btf), struct pt_regs *regs, long ret)

FEXIT(process_execveat, SYSCALL("execveat"),
      on_exec_result(ctx, syscall_arg(regs, 2, btf), ret, btf), struct pt_regs *regs, long ret)

/* ---- forked ---------------------------------------------------------------------------- */

INLINE int on_fork(void *ctx, struct task_struct *parent, struct task_struct *child, const bool btf)
{
	struct rec_process_fork rec = {};
	__u64 cgroup;
	int pid = GET(btf, child, pid);

	if (GET(btf, child, tgid) != pid)
		return 0; /* a thread */
	if (config.preempted && told_of(pid, task_start(child, btf), TOLD_FORK))
		return 0;
	/* the child's: clone3 can put it into another cgroup than its parent's */
	if (!concerns(KIND_process_fork, task_cgroup(child, btf), &cgroup, btf))
		return 0;
	meter_add(KIND_process_fork, METER_KEY(METER_process_forks, cgroup, 0, 0), 1);
	if (!streamed(KIND_process_fork, false))
		return 0;
	stamp(&rec.head, KIND_process_fork, sizeof(rec), bpf_ktime_get_boot_ns(), cgroup);
	rec.head.pid = GET(btf, parent, tgid);
	rec.head.tid = GET(btf, parent, pid);
	rec.head.key = task_start(parent, btf);
	rec.child = pid;
	rec.child_key = task_start(child, btf);
	current_comm(rec.comm);
	REC_SEND(ctx, &rec, KIND_process_fork, true);
	return 0;
}

PROGRAMS(process_fork, "sched_process_fork", on_fork(ctx, parent, child, btf),
	 struct task_struct *parent, struct task_struct *child)

/* Called once for what was cloned, also for threads of the kernel's own that have no tracepoint. */
ENTRY_PROGRAMS(process_fork, "wake_up_new_task", on_fork(ctx, current_task(btf), child, btf),
	       struct task_struct *child)

/* ---- finished -------------------------------------------------------------------------- */

struct exit_key {
	__u64 start;
	__u64 pid;
};

/*
 * The tracepoint fires for each thread. signal->live is 0 for the last, but when two end at
 * the same time both can see the 0; whoever gets its key in here first reports.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct exit_key);
	__type(value, __u8);
} exits SEC(".maps");

INLINE bool process_ended(struct task_struct *task, struct signal_struct *signal, __u32 pid,
			  __u64 start, const bool btf)
{
	struct exit_key key = { .start = start, .pid = pid };
	__u8 one = 1;

	if (GET(btf, signal, live.counter))
		return false;
	/* the others are gone; one of them may have been first all the same */
	if (GET(btf, signal, nr_threads) == 1)
		return !bpf_map_lookup_elem(&exits, &key);
	return !bpf_map_update_elem(&exits, &key, &one, BPF_NOEXIST);
}

/* What waitpid will say: of a group exit the group's code, else the leader's. */
INLINE int exit_status(struct task_struct *task, struct signal_struct *signal, const bool btf)
{
	struct task_struct *leader;

	if (GET(btf, signal, flags) & SIGNAL_GROUP_EXIT)
		return GET(btf, signal, group_exit_code);
	leader = GET(btf, task, group_leader);
	return leader ? GET(btf, leader, exit_code) : 0;
}

enum exit_dim { EXIT_OK, EXIT_ERROR, EXIT_SIGNAL };

INLINE int on_exit(void *ctx, struct task_struct *task, const bool btf)
{
	struct signal_struct *signal = GET(btf, task, signal);
	struct rec_process_exit rec = {};
	__u32 pid = GET(btf, task, tgid), gid;
	__u64 start = task_start(task, btf), now, cgroup;
	struct task_struct *leader;
	enum exit_dim how;
	int status;

	if (!signal || !process_ended(task, signal, pid, start, btf))
		return 0;
	if (config.preempted && told_of(pid, start, TOLD_EXIT))
		return 0;
	if (!concerns(KIND_process_exit, task_cgroup(task, btf), &cgroup, btf))
		return 0;
	now = bpf_ktime_get_boot_ns();
	status = exit_status(task, signal, btf);
	how = status & 0x7f ? EXIT_SIGNAL : status ? EXIT_ERROR : EXIT_OK;
	meter_time(KIND_process_exit, METER_KEY(METER_process_duration, cgroup, how, 0),
		   now - start, bounds_LIFE);
	if (!streamed(KIND_process_exit, how != EXIT_OK))
		return 0;
	stamp(&rec.head, KIND_process_exit, sizeof(rec), now, cgroup);
	rec.head.flags = how != EXIT_OK ? REC_FAILED : 0;
	rec.head.pid = pid;
	rec.head.tid = GET(btf, task, pid);
	rec.head.key = start;
	rec.ppid = task_ppid(task, btf);
	task_user(task, &rec.uid, &gid, btf);
	rec.code = (status >> 8) & 0xff;
	rec.sig = status & 0x7f;
	rec.core = (status >> 7) & 1;
	leader = GET(btf, task, group_leader);
	if (leader) /* the last thread to end can have another name */
		task_comm(rec.comm, leader, btf);
	REC_SEND(ctx, &rec, KIND_process_exit, true);
	return 0;
}

PROGRAMS(process_exit, "sched_process_exit", on_exit(ctx, task, btf), struct task_struct *task)

/* After the tracepoint; also called for a fork that fails, where signal->live is not 0. */
ENTRY_PROGRAMS(process_exit, "exit_files", on_exit(ctx, task, btf), struct task_struct *task)
