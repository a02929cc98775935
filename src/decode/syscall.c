/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoders.h"

enum decode_fault decode_syscall_call(const struct rec_syscall_call *rec, struct decode_room *room,
				 struct event *ret)
{
	struct ev_syscall_call *ev = &ret->syscall_call;

	if (!decode_errno_ok(rec->err))
		return DECODE_VALUE;
	ev->nr = rec->nr;
	ev->err = rec->err;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return DECODE_OK;
}
