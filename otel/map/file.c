/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on files. The semantic conventions name the file, not what is done to it: ours. */
#include <errno.h>
#include <stdio.h>
#include "base/errname.h"
#include "otel/map/map.h"

void map_file_op(struct attrs *ret, unsigned op, int err)
{
	static const char *const names[FILE_OP_END] = { "open",	 "read",   "write", "sync",
							"close", "unlink", "rmdir", "rename" };

	attr_str(ret, "podtrace.file.operation", str_of(op < FILE_OP_END ? names[op] : "_OTHER"));
	if (err)
		attr_str(ret, "error.type", str_of(errname(err)));
}

static void put_inode(struct attrs *a, const struct ev_file_op *op, struct map_room *room)
{
	if (!op->inode)
		return;
	snprintf(room->inode, sizeof(room->inode), "%" PRI_U64, op->inode);
	snprintf(room->device, sizeof(room->device), "%u:%u", op->device >> 20,
		 op->device & 0xfffff);
	attr_str(a, "file.inode", str_of(room->inode));
	attr_str(a, "podtrace.file.device", str_of(room->device));
}

void otlp_file_op(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_file_op *op = &ev->file_op;
	struct attrs *a = &ret->note.attrs;

	map_file_op(a, op->op, op->err);
	if (op->path.n)
		attr_str(a, "file.path", op->path);
	if (op->to.n)
		attr_str(a, "podtrace.file.target_path", op->to);
	if (op->deleted)
		attr_bool(a, "podtrace.file.deleted", true);
	if (ev->flags & REC_CUT)
		attr_bool(a, "podtrace.file.path_cut", true);
	put_inode(a, op, &ret->room);
	if (op->op == FILE_OPEN)
		attr_int(a, "podtrace.file.open_flags", op->open_flags);
	if (op->op == FILE_READ || op->op == FILE_WRITE)
		attr_int(a, "podtrace.file.bytes", (s64)op->bytes);
	attr_double(a, "podtrace.file.operation.duration",
		    (double)op->duration_ns / (double)NSEC_PER_SEC);
	if (ev->pid)
		attr_int(a, "process.pid", ev->pid);
	if (ev->comm.n)
		attr_str(a, "thread.name", ev->comm);
	/* many programs look for files in several places: that one is not there means little */
	ret->has_note = ev->flags & (REC_FAILED | REC_SLOW);
	ret->note.severity = op->err == ENOENT && !(ev->flags & REC_SLOW) ? NOTE_INFO : NOTE_WARN;
}
