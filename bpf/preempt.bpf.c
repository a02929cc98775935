/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether whoever runs a tracepoint's program can be preempted there (since 7.0), asked at our own.
 * An object of its own: where the kernel has no types it cannot be loaded, for the sake of the one
 * variable.
 */
#include "lib/prog.h"
#include "wire/preempt.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PREEMPT_ROWS);
	__type(key, __u32);
	__type(value, __u32);
} rows SEC(".maps");

#if defined(__TARGET_ARCH_x86)
extern const int __preempt_count __ksym __weak; /* a part of pcpu_hot from 6.2 to 6.14 */

INLINE enum preempt_answer preempted(void)
{
	if (!bpf_ksym_exists(&__preempt_count))
		return PREEMPT_NO;
	/* the highest bit: nobody waits */
	return *(int *)bpf_this_cpu_ptr(&__preempt_count) & 0x7fffffff ? PREEMPT_NO : PREEMPT_YES;
}
#else
INLINE enum preempt_answer preempted(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	/* the lower half; the upper one: somebody waits */
	return (__u32)GET(false, task, thread_info.preempt_count) ? PREEMPT_NO : PREEMPT_YES;
}
#endif

INLINE int answer(__u32 row)
{
	__u32 who = PREEMPT_WHO, *pid = bpf_map_lookup_elem(&rows, &who), says;

	if (!pid || *pid != bpf_get_current_pid_tgid() >> 32)
		return 0;
	/* where nobody can be preempted in the kernel nothing is counted: it has no such field */
	says = bpf_core_field_exists(struct task_struct, rcu_read_lock_nesting) ? preempted() :
										    PREEMPT_NO;
	bpf_map_update_elem(&rows, &row, &says, BPF_ANY);
	return 0;
}

SEC("raw_tp/sys_exit")
int at_call(void *ctx)
{
	return answer(PREEMPT_CALL);
}

/* A mapping without an address of its own: no lock that spins is held there. */
SEC("raw_tp/vm_unmapped_area")
int at_other(void *ctx)
{
	return answer(PREEMPT_OTHER);
}
