/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause */
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

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#endif
