/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "base/errname.h"
#include "base/syscall_name.h"
#include "report/live.h"

void live_syscall_call(const struct event *ev, struct buf *out)
{
	const struct ev_syscall_call *call = &ev->syscall_call;

	buf_cstr(out, "syscall ");
	buf_cstr(out, call->nr == SYSCALL_COMPAT ? "of 32 bit" : syscall_name(call->nr));
	if (call->err)
		buf_printf(out, " failed: %s (%s)", strerror(call->err), errname(call->err));
}
