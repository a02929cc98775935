/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "base/errname.h"
#include "report/live.h"

#define PATH_SHOWN 160

/* What was cut has lost its front. */
static void put_path(const struct event *ev, struct str path, struct buf *out)
{
	buf_char(out, ' ');
	if (ev->flags & REC_CUT && path.n && path.p[0] != '/')
		buf_cstr(out, ".../");
	live_text(out, path.n ? path : STR("?"), PATH_SHOWN);
}

void live_file_op(const struct event *ev, struct buf *out)
{
	static const char *const names[FILE_OP_END] = { "open",	 "read",   "write", "sync",
							"close", "unlink", "rmdir", "rename" };
	const struct ev_file_op *op = &ev->file_op;

	buf_printf(out, "file %s", names[op->op]);
	if (op->op != FILE_CLOSE)
		put_path(ev, op->path, out);
	if (op->deleted)
		buf_cstr(out, " (deleted)");
	if (op->op == FILE_RENAME) {
		buf_cstr(out, " ->");
		put_path(ev, op->to, out);
	}
	if (op->err) {
		buf_printf(out, " failed: %s (%s) after ", strerror(op->err), errname(op->err));
	} else {
		buf_char(out, ' ');
		if (op->op == FILE_READ || op->op == FILE_WRITE) {
			live_bytes(out, op->bytes);
			buf_char(out, ' ');
		}
		buf_cstr(out, "in ");
	}
	live_time(out, op->duration_ns);
}
