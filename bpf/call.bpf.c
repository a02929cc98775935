/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The call family: notes system calls when they begin, for the families that tell of them when
 * they end (lib/call.h). It has no events of its own.
 */
#include "lib/call.h"
#include "lib/cgroup.h"
#include "lib/fd.h"
#include "lib/syscall.h"
#include "lib/task.h"

/* ---- which ------------------------------------------------------------------------------- */

#define FD 0x80 /* the first argument is a descriptor */

static const __u8 groups[CALL_NUMBERS] = {
	[NR_read] = CALLS_TRANSFER | FD,
	[NR_write] = CALLS_TRANSFER | FD,
	[NR_readv] = CALLS_TRANSFER | FD,
	[NR_writev] = CALLS_TRANSFER | FD,
	[NR_pread64] = CALLS_TRANSFER | FD,
	[NR_pwrite64] = CALLS_TRANSFER | FD,
	[NR_preadv] = CALLS_TRANSFER | FD,
	[NR_pwritev] = CALLS_TRANSFER | FD,
	[NR_preadv2] = CALLS_TRANSFER | FD,
	[NR_pwritev2] = CALLS_TRANSFER | FD,
	[NR_sendfile] = CALLS_TRANSFER | FD,
	[NR_splice] = CALLS_TRANSFER | FD,
	[NR_copy_file_range] = CALLS_TRANSFER | FD,
	[NR_sendto] = CALLS_SOCKET | FD,
	[NR_recvfrom] = CALLS_SOCKET | FD,
	[NR_sendmsg] = CALLS_SOCKET | FD,
	[NR_recvmsg] = CALLS_SOCKET | FD,
	[NR_sendmmsg] = CALLS_SOCKET | FD,
	[NR_recvmmsg] = CALLS_SOCKET | FD,
	[NR_close] = CALLS_FILE | FD,
	[NR_fsync] = CALLS_FILE | FD,
	[NR_fdatasync] = CALLS_FILE | FD,
	[NR_openat] = CALLS_FILE,
	[NR_openat2] = CALLS_FILE,
	[NR_unlinkat] = CALLS_FILE,
	[NR_renameat] = CALLS_FILE,
	[NR_renameat2] = CALLS_FILE,
#if defined(__TARGET_ARCH_x86)
	[NR_open] = CALLS_FILE,
	[NR_creat] = CALLS_FILE,
	[NR_unlink] = CALLS_FILE,
	[NR_rmdir] = CALLS_FILE,
	[NR_rename] = CALLS_FILE,
#endif
	[NR_futex] = CALLS_FUTEX,
	[NR_futex_wait] = CALLS_FUTEX,
	[NR_futex_waitv] = CALLS_FUTEX,
};

/* ---- about what -------------------------------------------------------------------------- */

INLINE void about_sock(struct call *call, const struct sock *sk)
{
	__u16 family = GET(false, sk, __sk_common.skc_family);

	if (family != AF_INET && family != AF_INET6)
		return;
	switch (GET(false, sk, sk_protocol)) {
	case IPPROTO_TCP:
		call->about = CALL_TCP;
		break;
	case IPPROTO_UDP:
		call->about = CALL_UDP;
		break;
	}
	call->object = (__u64)sk;
}

static __noinline int about_fd(struct call *call, const struct task_struct *task, __u32 fd)
{
	struct file *file = fd_file(task, fd);
	const struct sock *sk;

	if (!file)
		return 0;
	if (is_file(file)) {
		call->about = CALL_FILE;
		call->object = (__u64)file;
		return 0;
	}
	sk = file_sock(file);
	if (sk)
		about_sock(call, sk);
	return 0;
}

/* Of splice one is a pipe's. */
INLINE void about_descriptors(struct call *call, const struct task_struct *task,
			      const struct pt_regs *regs, const bool btf)
{
	about_fd(call, task, syscall_arg(regs, 1, btf));
	if (call->nr != NR_splice || call->about != CALL_OTHER)
		return;
	about_fd(call, task, syscall_arg(regs, 3, btf));
	call->into = true;
}

/* ---- begin and end ----------------------------------------------------------------------- */

INLINE void keep(const struct call *call)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call *old = bpf_map_lookup_elem(&calls, &tid);

	if (old)
		*old = *call;
	else if (bpf_map_update_elem(&calls, &tid, call, BPF_ANY))
		count(KIND_NONE, LEDGER_LOST_STATE);
}

INLINE int on_sysenter(struct pt_regs *regs, long nr, const bool btf)
{
	struct task_struct *task;
	struct call call = {};
	struct cgroup *cgrp;
	__u8 group;

	if ((__u64)nr >= CALL_NUMBERS)
		return 0;
	group = groups[nr & (CALL_NUMBERS - 1)];
	if (!(group & config.calls))
		return 0;
	task = current_task(btf);
	cgrp = task_cgroup(task, btf);
	call.cgroup = cgroup_id(cgrp, btf);
	if (!wanted(cgrp, call.cgroup, btf) || syscall_compat(task, btf))
		return 0;
	call.nr = nr;
	call.open = ~0u;
	if (group & FD && config.probe_read)
		about_descriptors(&call, task, regs, btf);
	call.when_ns = bpf_ktime_get_boot_ns();
	keep(&call);
	return 0;
}

PROGRAMS(call_begins, "sys_enter", on_sysenter(regs, nr, btf), struct pt_regs *regs, long nr)

INLINE int on_end(const struct task_struct *task, const bool btf)
{
	__u32 tid = GET(btf, task, pid);

	bpf_map_delete_elem(&calls, &tid);
	return 0;
}

PROGRAMS(call_thread_ends, "sched_process_exit", on_end(task, btf),
	 struct task_struct *task)
