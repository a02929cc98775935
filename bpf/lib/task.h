/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a program wants to know of a task. */
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

#endif
