/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Records of the lock family. */
#ifndef WIRE_LOCK_H
#define WIRE_LOCK_H

#include "head.h"

enum lock_op {
	LOCK_WAIT,	/* FUTEX_WAIT, FUTEX_WAIT_BITSET, futex_wait */
	LOCK_PI,	/* FUTEX_LOCK_PI, FUTEX_LOCK_PI2 */
	LOCK_REQUEUE,	/* FUTEX_WAIT_REQUEUE_PI */
	LOCK_WAITV,	/* futex_waitv: several at once */
	LOCK_OP_END
};

/* head.key: the process's start, head.pid and head.tid: who waited. */
struct rec_lock_futex {
	struct rec_head head;
	__u64 duration_ns;
	__u64 address;	/* of the futex, in the process; 0: of several */
	__s32 err;	/* positive errno */
	__u16 op;	/* enum lock_op */
	__u16 rsvd;
	__u8 comm[COMM_LEN];
};

#endif
