/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a program wants to know of a task, and of the running system call. */
#ifndef LIB_TASK_H
#define LIB_TASK_H

#include "prog.h"
#include "../wire/head.h"

INLINE __u64 task_start(const struct task_struct *task, const bool btf)
{
	struct task_struct *leader = GET(btf, task, group_leader);

	return leader ? GET(btf, leader, start_boottime) : 0;
}

INLINE __u32 task_ppid(const struct task_struct *task, const bool btf)
{
	struct task_struct *parent = GET(btf, task, real_parent);

	return parent ? GET(btf, parent, tgid) : 0;
}

/*
 * The current process's pid as its innermost pid namespace has it; 0: not known. Its place among
 * the task's numbers is an offset that the verifier cannot know: before 6.7 none allows it from a
 * typed pointer, so the helper reads. Without that the kernel is asked for the namespace that
 * children would get: the process's own but for one that has called unshare or setns.
 */
INLINE __u32 current_ns_pid(const struct task_struct *task, const bool btf)
{
	struct task_struct *leader = GET(btf, task, group_leader);
	struct bpf_pidns_info innermost = {};
	struct pid *pid;
	struct upid upid;
	void *numbers;

	if (!config.probe_read) {
		struct nsproxy *ns = GET(btf, task, nsproxy);
		struct pid_namespace *of = ns ? GET(btf, ns, pid_ns_for_children) : 0;

		if (of)
			bpf_get_ns_current_pid_tgid(config.nsfs_dev, GET(btf, of, ns.inum), &innermost,
						    sizeof(innermost));
		return innermost.tgid;
	}
	if (!leader)
		return 0;
	pid = GET(false, leader, thread_pid);
	if (!pid)
		return 0;
	/* in steps of the kernel's struct, not of ours */
	numbers = (void *)pid + bpf_core_field_offset(struct pid, numbers);
	numbers += GET(false, pid, level) * bpf_core_type_size(struct upid);
	if (bpf_probe_read_kernel(&upid, sizeof(upid), numbers))
		return 0;
	return upid.nr;
}

INLINE void task_user(const struct task_struct *task, __u32 *ret_uid, __u32 *ret_gid,
		      const bool btf)
{
	const struct cred *cred = GET(btf, task, cred);

	if (!cred)
		return;
	*ret_uid = GET(btf, cred, uid.val);
	*ret_gid = GET(btf, cred, gid.val);
}

/* The current task, as `btf` wants to read it: typed since 5.11 (3ca1032ab7ab). */
INLINE struct task_struct *current_task(const bool btf)
{
	return btf ? bpf_get_current_task_btf() : (struct task_struct *)bpf_get_current_task();
}

/* The current task's name: by a helper that is always allowed. */
INLINE void current_comm(__u8 comm[COMM_LEN])
{
	bpf_get_current_comm(comm, COMM_LEN);
}

/* Any task's. Two loads copy what is behind the NUL too: comm[] is aligned in both. */
INLINE void task_comm(__u8 comm[COMM_LEN], const struct task_struct *task, const bool btf)
{
	const __u64 *from = (const __u64 *)&task->comm;
	__u64 *to = (__u64 *)comm;

	if (btf) {
		to[0] = from[0];
		to[1] = from[1];
	} else {
		bpf_core_read_str(comm, COMM_LEN, from);
	}
}

/* ---- system calls ---------------------------------------------------------------------- */

/* What is above the kernel returns to itself, never to a program (ERESTARTSYS and its like). */
#define ERRNO_MAX 511

#if defined(__TARGET_ARCH_x86)
enum {
	NR_open = 2,
	NR_close = 3,
	NR_connect = 42,
	NR_accept = 43,
	NR_execve = 59,
	NR_creat = 85,
	NR_openat = 257,
	NR_accept4 = 288,
	NR_execveat = 322,
};
#define SYSCALL(name) "__x64_sys_" name /* the function; its one argument are the registers */
#elif defined(__TARGET_ARCH_arm64)
enum {
	NR_open = -2, /* has none: openat is all there is */
	NR_creat = -3,
	NR_openat = 56,
	NR_close = 57,
	NR_accept = 202,
	NR_connect = 203,
	NR_execve = 221,
	NR_accept4 = 242,
	NR_execveat = 281,
};
#define SYSCALL(name) "__arm64_sys_" name
#endif

enum { NR_close_range = 436, NR_openat2 }; /* new ones have the same number everywhere */

INLINE long syscall_nr(const struct pt_regs *regs, const bool btf)
{
#if defined(__TARGET_ARCH_x86)
	return GET(btf, regs, orig_ax);
#else
	return GET(btf, regs, syscallno);
#endif
}

/* First and second argument, still there when the call returns. */
INLINE __u64 syscall_arg1(const struct pt_regs *regs, const bool btf)
{
#if defined(__TARGET_ARCH_x86)
	return GET(btf, regs, di);
#else
	return GET(btf, regs, orig_x0); /* regs[0] holds the result by now */
#endif
}

INLINE __u64 syscall_arg2(const struct pt_regs *regs, const bool btf)
{
#if defined(__TARGET_ARCH_x86)
	return GET(btf, regs, si);
#else
	return GET(btf, regs, regs[1]);
#endif
}

/* A call by the 32-bit ABI: its numbers mean other calls. */
INLINE bool syscall_compat(const struct task_struct *task, const bool btf)
{
#if defined(__TARGET_ARCH_x86)
	return GET(btf, task, thread_info.status) & TS_COMPAT;
#else
	return false;
#endif
}

#endif
