/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every .bpf.c starts with: types, helpers, and how kernel memory is read. */
#ifndef LIB_PROG_H
#define LIB_PROG_H

#include "ktypes.h"
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define INLINE static __always_inline

/* The verifier follows bounded loops (5.3); unrolled ones only cost room. */
#define NO_UNROLL _Pragma("clang loop unroll(disable)")

/*
 * Each program body is written once and compiled for two ways of reading: direct, where the
 * verifier knows the type of the pointer (tp_btf, iterators; no helper, allowed under every
 * lockdown), and by bpf_probe_read_kernel (raw_tp). `btf` is a constant at each call, so
 * only one of the two remains after inlining.
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

/* The two programs of one body: NAME_btf and NAME_raw, on the same tracepoint. In `call`,
 * btf says which of the two it is; the arguments are the tracepoint's. */
#define PROGRAMS(name, tracepoint, call, args...)                                                  \
	SEC("?tp_btf/" tracepoint)                                                                 \
	int BPF_PROG(name##_btf, ##args)                                                           \
	{                                                                                          \
		const bool btf = true;                                                             \
		return call;                                                                       \
	}                                                                                          \
	SEC("?raw_tp/" tracepoint)                                                                 \
	int BPF_PROG(name##_raw, ##args)                                                           \
	{                                                                                          \
		const bool btf = false;                                                            \
		return call;                                                                       \
	}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#endif
