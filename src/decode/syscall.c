/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoders.h"

enum decode_fault decode_syscall(const struct rec_syscall *rec, struct decode_room *room,
				 struct event *ret)
{
	struct ev_syscall *ev = &ret->syscall;

	if (!decode_errno_ok(rec->err))
		return DECODE_VALUE;
	ev->nr = rec->nr;
	ev->err = rec->err;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return DECODE_OK;
}
