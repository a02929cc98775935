/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Do these types belong to this kernel? Nothing in a file of types says of which kernel it is, and
 * a wrong one makes programs read whatever lies at its offsets. So we look at our own task through
 * the types, and compare with what the kernel's helpers say. Run once, by BPF_PROG_TEST_RUN, never
 * attached; an object of its own, because objects that read nothing load without any types.
 */
#include "lib/prog.h"
#include "wire/fit.h"

#define HAS(type, field) bpf_core_field_exists(((struct type *)0)->field)

/* What is missing is told apart from what is wrong: the verifier drops what cannot be reached. */
INLINE bool complete(void)
{
	return HAS(task_struct, pid) && HAS(task_struct, tgid) && HAS(task_struct, comm) &&
	       HAS(task_struct, cred) && HAS(cred, uid) && HAS(cred, gid) &&
	       HAS(task_struct, cgroups) && HAS(css_set, dfl_cgrp) && HAS(cgroup, kn) &&
	       HAS(kernfs_node, id) && HAS(task_struct, group_leader) &&
	       HAS(task_struct, start_boottime);
}

INLINE bool same_name(const struct task_struct *task)
{
	char said[16] = {}, read[16] = {};

	bpf_get_current_comm(said, sizeof(said));
	bpf_core_read_str(read, sizeof(read), &task->comm);
	for (int i = 0; i < (int)sizeof(said); i++) {
		if (said[i] != read[i])
			return false;
		if (!said[i])
			break;
	}
	return true;
}

INLINE bool same_user(const struct task_struct *task)
{
	__u64 said = bpf_get_current_uid_gid();

	return BPF_CORE_READ(task, cred, uid.val) == (__u32)said &&
	       BPF_CORE_READ(task, cred, gid.val) == said >> 32;
}

INLINE bool same_cgroup(const struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id) == bpf_get_current_cgroup_id();
}

INLINE bool started(const struct task_struct *task)
{
	__u64 start = BPF_CORE_READ(task, group_leader, start_boottime);

	return start && start <= bpf_ktime_get_boot_ns();
}

SEC("raw_tp/sys_enter")
int fit(void *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 said = bpf_get_current_pid_tgid();

	if (!complete())
		return FIT_LACKS;
	if ((__u32)BPF_CORE_READ(task, pid) != (__u32)said ||
	    (__u32)BPF_CORE_READ(task, tgid) != said >> 32)
		return FIT_PID;
	if (!same_name(task))
		return FIT_NAME;
	if (!same_user(task))
		return FIT_USER;
	if (!same_cgroup(task))
		return FIT_CGROUP;
	return started(task) ? FIT_YES : FIT_START;
}
