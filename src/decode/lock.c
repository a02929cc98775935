/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoders.h"

enum decode_fault decode_lock_futex(const struct rec_lock_futex *rec, struct decode_room *room,
				    struct event *ret)
{
	struct ev_lock_futex *ev = &ret->lock_futex;

	if (rec->op >= LOCK_OP_END || !decode_errno_ok(rec->err))
		return DECODE_VALUE;
	ev->op = (enum lock_op)rec->op;
	ev->err = rec->err;
	ev->duration_ns = rec->duration_ns;
	ev->address = rec->address;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return DECODE_OK;
}
