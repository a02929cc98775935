/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "base/errname.h"
#include "report/live.h"

static void put_end(const struct ev_lock_futex *wait, struct buf *out)
{
	switch (wait->err) {
	case 0:
		buf_cstr(out, "took ");
		break;
	case ETIMEDOUT:
		buf_cstr(out, "timed out after ");
		break;
	case EINTR:
		buf_cstr(out, "was interrupted after ");
		break;
	case EAGAIN:
		buf_cstr(out, "was not needed: another thread was faster, after ");
		break;
	default:
		buf_printf(out, "failed: %s (%s) after ", strerror(wait->err), errname(wait->err));
		break;
	}
}

void live_lock_futex(const struct event *ev, struct buf *out)
{
	const struct ev_lock_futex *wait = &ev->lock_futex;

	buf_cstr(out, wait->op == LOCK_PI ? "futex lock " : "futex wait ");
	if (wait->address)
		buf_printf(out, "at 0x%" PRI_X64 " ", wait->address);
	put_end(wait, out);
	live_time(out, wait->duration_ns);
}
