/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that look right, and that some kernel does not take, or takes and does not run, or runs
 * wrongly. Each TRAP_ is compiled to an object of its own, for traps.c to try in a test machine and
 * for tests/build/test_traps.py to find.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

/* As in traps.c. */
struct {
	__u64 hits;
	__u64 misled; /* what the branch that is not for this value was taken with */
} told;

#define PROGRAM(name, section, right)                                                              \
	SEC(section)                                                                               \
	int name(void *ctx)                                                                        \
	{                                                                                          \
		if (right)                                                                         \
			told.hits++;                                                               \
		return 0;                                                                          \
	}

/* The control: works everywhere. */
#ifdef TRAP_none
PROGRAM(none, "raw_tp/sys_enter", true)
#endif

/* Attaches and is never called where bpf is not among the kernel's lsm=. */
#ifdef TRAP_lsm
PROGRAM(lsm, "lsm/file_open", true)
#endif

/* Loads, and cannot be attached to a kernel without CONFIG_FPROBE. */
#ifdef TRAP_multi
PROGRAM(multi, "kprobe.multi/security_file_open", true)
#endif

/* libbpf refuses the object where the kernel's configuration cannot be read, though it is weak. */
#ifdef TRAP_kconfig
extern int CONFIG_HZ __kconfig __weak;
PROGRAM(kconfig, "raw_tp/sys_enter", CONFIG_HZ)
#endif

/* libbpf refuses the object where the kernel does not tell its types, though they are weak. */
#ifdef TRAP_kfunc
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

static bool hold_cpu(void)
{
	if (bpf_ksym_exists(bpf_preempt_disable) && bpf_ksym_exists(bpf_preempt_enable)) {
		bpf_preempt_disable();
		bpf_preempt_enable();
	}
	return true;
}
PROGRAM(kfunc, "raw_tp/sys_enter", hold_cpu())
#endif

/* Kernels before 6.7 believe that the callback runs once, and cut the branch for ten off. */
#ifdef TRAP_loop
static int count(__u32 i, __u64 *n)
{
	(*n)++;
	return 0;
}

static __always_inline bool ten(void)
{
	__u64 n = 0;

	bpf_loop(10, count, &n, 0);
	if (n == 10)
		return true;
	told.misled = n;
	return false;
}
PROGRAM(loop, "raw_tp/sys_enter", ten())
#endif

/* Of these it is enough that they are found. */
#ifdef TRAP_others
PROGRAM(modify, "fmod_ret/security_file_open", true)
PROGRAM(sleeps, "fentry.s/__x64_sys_getpgid", true)
PROGRAM(call, "ksyscall/getpgid", true)
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";
