/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which pid we have in the initial pid namespace: the one that programs see. In a namespace of
 * our own nobody else can tell. Run once, by BPF_PROG_TEST_RUN (5.10), never attached. And what
 * this kernel lets programs do.
 */
#include "lib/prog.h"

SEC("?raw_tp/sys_enter")
int whoami(void *ctx)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/* Never run: whether it can be loaded is the answer (src/capture/self.c). */
SEC("?raw_tp/sys_enter")
int reads_kernel(void *ctx)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)value);
	return value;
}

/* The same: whether there is a typed pointer to the current task. */
SEC("?raw_tp/sys_enter")
int types_task(void *ctx)
{
	return !bpf_get_current_task_btf();
}

/* Global: before 6.15 kernels that have the kfuncs allow no such call between them. */
__noinline int nothing(int value)
{
	asm volatile("" : "+r"(value));
	return value;
}

/* The same: whether hold_cpu() can be had. */
SEC("?raw_tp/sys_enter")
int holds_cpu(void *ctx)
{
	int value;

	hold_cpu();
	value = nothing(0);
	release_cpu();
	return value;
}

/* The same for programs at functions of libraries, which call none. */
SEC("?kprobe/nothing")
int holds_cpu_alone(void *ctx)
{
	hold_cpu();
	release_cpu();
	return 0;
}
