/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* What bpf/preempt.bpf.c and src/capture/self.c tell each other: rows of its map. */
#ifndef WIRE_PREEMPT_H
#define WIRE_PREEMPT_H

enum preempt_row {
	PREEMPT_WHO,	/* our pid: only there it is asked */
	PREEMPT_CALL,	/* enum preempt_answer, at the end of a system call */
	PREEMPT_OTHER,	/* at a tracepoint like all others */
	PREEMPT_ROWS
};

enum preempt_answer { PREEMPT_UNKNOWN, PREEMPT_NO, PREEMPT_YES };

#endif
