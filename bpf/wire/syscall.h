/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
#ifndef WIRE_SYSCALL_H
#define WIRE_SYSCALL_H

#include "head.h"

/* Instead of a number: a call by the 32-bit ABI, whose numbers mean other calls. */
#define SYSCALL_COMPAT 0xffffu

struct rec_syscall_call {
	struct rec_head head;
	__u16 nr;		/* of the architecture podtrace was built for, or SYSCALL_COMPAT */
	__u16 rsvd;
	__s32 err;		/* positive errno, 0: it did what it was asked */
	__u8 comm[COMM_LEN];
};

#endif
