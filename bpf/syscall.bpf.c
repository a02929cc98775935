/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The syscall family: calls that open and close files, and calls of any kind that fail, by name
 * and errno. All other calls are out again after a few comparisons.
 */
#include "lib/again.h"
#include "lib/cgroup.h"
#include "lib/emit.h"
#include "lib/meter.h"
#include "lib/syscall.h"
#include "lib/task.h"
#include "wire/syscall.h"

INLINE bool opens_or_closes(long nr)
{
	switch (nr) {
	case NR_open:
	case NR_openat:
	case NR_openat2:
	case NR_creat:
	case NR_close:
	case NR_close_range:
		return true;
	}
	return false;
}

INLINE void send_call(void *ctx, const struct task_struct *task, __u64 cgroup, __u16 nr,
			 __s32 err, const bool btf)
{
	struct rec_syscall_call rec = {};

	stamp(&rec.head, KIND_syscall_call, sizeof(rec), bpf_ktime_get_boot_ns(), cgroup);
	rec.head.flags = err ? REC_FAILED : 0;
	rec.head.pid = bpf_get_current_pid_tgid() >> 32;
	rec.head.tid = bpf_get_current_pid_tgid();
	rec.head.key = task_start(task, btf);
	rec.nr = nr;
	rec.err = err;
	current_comm(rec.comm);
	REC_SEND(ctx, &rec, KIND_syscall_call, true);
}

/*
 * What is above ERRNO_MAX the kernel returns to itself: the call is made again, or ends with EINTR
 * behind this point.
 */
INLINE int on_sysexit(void *ctx, struct pt_regs *regs, long ret, const bool btf)
{
	__s32 err = ret < 0 && ret >= -ERRNO_MAX ? -ret : 0;
	long nr = syscall_nr(regs, btf);
	struct task_struct *task;
	__u64 cgroup;

	if (!err && (ret < 0 || !opens_or_closes(nr)))
		return 0;
	task = current_task(btf);
	if (syscall_compat(task, btf))
		nr = SYSCALL_COMPAT;
	if (config.preempted && call_again())
		return 0;
	if (!concerns(KIND_syscall_call, task_cgroup(task, btf), &cgroup, btf))
		return 0;
	meter_add(KIND_syscall_call, METER_KEY(METER_syscall_calls, cgroup, nr, err), 1);
	if (streamed(KIND_syscall_call, err))
		send_call(ctx, task, cgroup, nr, err, btf);
	return 0;
}

PROGRAMS(syscall_sysexit, "sys_exit", on_sysexit(ctx, regs, ret, btf), struct pt_regs *regs,
	 long ret)
