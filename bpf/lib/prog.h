/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every .bpf.c starts with: types, helpers, and how kernel memory is read. */
#ifndef LIB_PROG_H
#define LIB_PROG_H

#include "ktypes.h"
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#define __VMLINUX_H__ /* registers by the kernel's names: ktypes.h has them */
#include <bpf/bpf_tracing.h>

#define INLINE static __always_inline

/* The verifier follows bounded loops (5.3); unrolled ones only cost room. */
#define NO_UNROLL _Pragma("clang loop unroll(disable)")

/*
 * Each program body is written once and compiled for two ways of reading: direct, where the
 * verifier knows the type of the pointer (tp_btf, fentry, iterators; no helper, allowed under
 * every lockdown), and by bpf_probe_read_kernel (raw_tp, kprobe). `btf` is a constant at each
 * call, so only one of the two remains after inlining.
 */
#define GET(btf, p, field)                                                                         \
	({                                                                                         \
		__typeof_unqual__((p)->field) _v;                                                  \
		if (btf)                                                                           \
			_v = (p)->field;                                                           \
		else                                                                               \
			bpf_core_read(&_v, sizeof(_v), &(p)->field);                               \
		_v;                                                                                \
	})

/*
 * Between these two nobody else runs on this CPU but interrupts. Both are helpers without effect:
 * the loader makes them calls of the kfuncs bpf_preempt_disable and bpf_preempt_enable (6.10), or
 * of nothing (src/capture/patch.c). With externs of its own an object could not be loaded where
 * the kernel has no BTF.
 */
INLINE void hold_cpu(void)
{
	bpf_jiffies64();
}

INLINE void release_cpu(void)
{
	bpf_get_numa_node_id();
}

/*
 * What several programs call: a body as two functions, NAME_typed and NAME_plain. Not inlined,
 * so that the object holds it twice and not once for each program.
 */
#define BODY(name, params, call)                                                                   \
	static __noinline int name##_typed params                                                  \
	{                                                                                          \
		const bool btf = true;                                                             \
		return call;                                                                       \
	}                                                                                          \
	static __noinline int name##_plain params                                                  \
	{                                                                                          \
		const bool btf = false;                                                            \
		return call;                                                                       \
	}

/* The one for this way of reading. */
#define OF(name) (btf ? name##_typed : name##_plain)

/* One program; "?": loaded only if the loader chooses it. */
#define PROGRAM(section, arguments, name, btf_, call, args...)                                     \
	SEC("?" section)                                                                           \
	int arguments(name, ##args)                                                                \
	{                                                                                          \
		const bool btf = btf_;                                                             \
		return call;                                                                       \
	}

/* The programs of one body. In `call`, btf says which of them it is. */

/* NAME_btf and NAME_raw, on the same tracepoint; the arguments are the tracepoint's. */
#define PROGRAMS(name, tracepoint, call, args...)                                                  \
	PROGRAM("tp_btf/" tracepoint, BPF_PROG, name##_btf, true, call, ##args)                    \
	PROGRAM("raw_tp/" tracepoint, BPF_PROG, name##_raw, false, call, ##args)

/* The first of the two alone. */
#define TP_BTF(name, tracepoint, call, args...)                                                    \
	PROGRAM("tp_btf/" tracepoint, BPF_PROG, name##_btf, true, call, ##args)

/* NAME_fentry and NAME_kprobe, at the entry of the same function; the arguments are its own. */
#define ENTRY_PROGRAMS(name, function, call, args...)                                              \
	PROGRAM("fentry/" function, BPF_PROG, name##_fentry, true, call, ##args)                   \
	PROGRAM("kprobe/" function, BPF_KPROBE, name##_kprobe, false, call, ##args)

/* One of the two alone. */
#define FENTRY(name, function, call, args...)                                                      \
	PROGRAM("fentry/" function, BPF_PROG, name##_fentry, true, call, ##args)
#define KPROBE(name, function, call, args...)                                                      \
	PROGRAM("kprobe/" function, BPF_KPROBE, name##_kprobe, false, call, ##args)

/* At its end. The two differ in their arguments: those of the function and then the result
 * (NAME_fexit), the result alone (NAME_kretprobe). */
#define FEXIT(name, function, call, args...)                                                       \
	PROGRAM("fexit/" function, BPF_PROG, name##_fexit, true, call, ##args)
#define KRETPROBE(name, function, call, result)                                                    \
	PROGRAM("kretprobe/" function, BPF_KRETPROBE, name##_kretprobe, false, call, result)

/*
 * Functions of libraries: "libc:getaddrinfo", the library by its name in registry.def. NAME_multi
 * and NAME_uprobe, attached to each such file there is. They know the current task alone, by type
 * only where reads by helper are forbidden: current_task() needs 5.11.
 *
 * They hold their CPU, all that a program calls. Nothing else keeps two tasks from being inside the
 * same program on one CPU (kprobes and tracepoints have a guard), and since 6.13 its stack is the
 * CPU's, not the task's (private stacks, if it has 64 bytes or more): the second one would write over what the first has
 * there. So whatever has more than a few variables is a function of its own.
 */
#define UPROBES(name, function, call, args...)                                                     \
	UPROBE("uprobe.multi/" function, name##_multi, BPF_UPROBE, call, ##args)                   \
	UPROBE("uprobe/" function, name##_uprobe, BPF_UPROBE, call, ##args)
/* At its end, with its result. */
#define URETPROBES(name, function, call, result)                                                   \
	UPROBE("uretprobe.multi/" function, name##_multi, BPF_URETPROBE, call, result)             \
	UPROBE("uretprobe/" function, name##_uprobe, BPF_URETPROBE, call, result)
#define UPROBE(section, name, arguments, call, args...)                                            \
	SEC("?" section)                                                                           \
	int arguments(name, ##args)                                                                \
	{                                                                                          \
		hold_cpu();                                                                        \
		call;                                                                              \
		release_cpu();                                                                     \
		return 0;                                                                          \
	}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#endif
