/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lock family: waits on futexes, by which all locks, conditions and joins of threads sleep,
 * told when the call ends. What is not contended makes no call and is not seen; and a thread
 * without work waits like one that is held up.
 */
#include "lib/call.h"
#include "lib/cgroup.h"
#include "lib/emit.h"
#include "lib/meter.h"
#include "lib/syscall.h"
#include "lib/task.h"
#include "wire/lock.h"

/* uapi/linux/futex.h; the other bits are flags */
#define FUTEX_CMD_MASK 0x7f
#define FUTEX_WAIT 0
#define FUTEX_LOCK_PI 6
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_LOCK_PI2 13

struct wait {
	__u64 cgroup;
	__u64 ns;
	__u64 address;
	__s32 err;
	__u16 op; /* enum lock_op */
};

/* LOCK_OP_END: it waits for nobody. */
INLINE __u16 futex_op(__u32 command)
{
	switch (command & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		return LOCK_WAIT;
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return LOCK_PI;
	case FUTEX_WAIT_REQUEUE_PI:
		return LOCK_REQUEUE;
	}
	return LOCK_OP_END;
}

INLINE __u16 op_of(const struct pt_regs *regs, long nr, const bool btf)
{
	switch (nr) {
	case NR_futex:
		return futex_op(syscall_arg(regs, 2, btf));
	case NR_futex_wait:
		return LOCK_WAIT;
	case NR_futex_waitv:
		return LOCK_WAITV;
	}
	return LOCK_OP_END;
}

/* What interrupts a wait the kernel returns to itself, whether or not it waits again then. */
INLINE __s32 err_of(long ret)
{
	if (ret >= 0)
		return 0;
	return ret < -ERRNO_MAX ? EINTR : -ret;
}

/* Another one was faster, or time was up, or a signal came: that is how waits end. */
INLINE bool is_failure(__s32 err)
{
	return err && err != EAGAIN && err != ETIMEDOUT && err != EINTR;
}

INLINE void send_wait(void *ctx, const struct wait *wait, const bool btf)
{
	struct rec_lock_futex rec = {};

	stamp(&rec.head, KIND_lock_futex, sizeof(rec), bpf_ktime_get_boot_ns(), wait->cgroup);
	rec.head.flags = is_failure(wait->err) ? REC_FAILED : 0;
	if (is_slow(FAMILY_lock, wait->ns))
		rec.head.flags |= REC_SLOW;
	rec.head.pid = bpf_get_current_pid_tgid() >> 32;
	rec.head.tid = bpf_get_current_pid_tgid();
	rec.head.key = task_start(current_task(btf), btf);
	rec.duration_ns = wait->ns;
	rec.address = wait->address;
	rec.err = wait->err;
	rec.op = wait->op;
	current_comm(rec.comm);
	REC_SEND(ctx, &rec, KIND_lock_futex, true);
}

INLINE int on_sysexit(void *ctx, const struct pt_regs *regs, long ret, const bool btf)
{
	long nr = syscall_nr(regs, btf);
	struct wait wait = { .op = op_of(regs, nr, btf) };
	struct call *call;

	if (wait.op == LOCK_OP_END)
		return 0;
	call = call_ended(FAMILY_lock, nr);
	if (!call || !counted(KIND_lock_futex, true))
		return 0;
	wait.cgroup = call->cgroup;
	wait.ns = bpf_ktime_get_boot_ns() - call->when_ns;
	wait.address = wait.op == LOCK_WAITV ? 0 : syscall_arg(regs, 1, btf);
	wait.err = err_of(ret);
	meter_time(KIND_lock_futex, METER_KEY(METER_lock_wait, wait.cgroup, wait.op, wait.err),
		   wait.ns, bounds_FILE);
	if (streamed(KIND_lock_futex, is_failure(wait.err) || is_slow(FAMILY_lock, wait.ns)))
		send_wait(ctx, &wait, btf);
	return 0;
}

PROGRAMS(lock_sysexit, "sys_exit", on_sysexit(ctx, regs, ret, btf), struct pt_regs *regs, long ret)
