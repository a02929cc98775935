/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "decode/decoders.h"

#define ROOM sizeof(((struct decode_room *)0)->path[0])

_Static_assert(FILE_WALK_MAX < ROOM, "a path that was found has room too");

/* Of what has no front, no slash stands before the rest. */
static struct str from(const char *room, size_t at, bool whole)
{
	if (!whole && at < ROOM)
		at++;
	return (struct str){ room + at, ROOM - at };
}

static struct str walked(struct str parts, char room[ROOM])
{
	size_t at = ROOM;
	bool whole = decode_join(parts, room, &at);

	return whole && at == ROOM ? STR("/") : from(room, at, whole);
}

/* Relative to a directory that is known, it becomes absolute; else it stays what it is. */
static struct str asked(struct str path, struct str base, char room[ROOM])
{
	size_t at = ROOM - path.n;
	bool whole;

	if (!base.n)
		return path;
	memcpy(room + at, path.p, path.n);
	room[--at] = '/';
	whole = decode_join(base, room, &at);
	return from(room, at, whole);
}

static enum decode_fault texts(const struct rec_file_op *rec, struct str *path, struct str *base,
			       struct str *to, struct str *to_base)
{
	size_t path_max = rec->what & FILE_WALKED ? FILE_WALK_MAX : FILE_PATH_MAX;
	enum decode_fault fault = decode_text(&rec->head, &rec->path, path);

	if (!fault)
		fault = decode_text(&rec->head, &rec->base, base);
	if (!fault)
		fault = decode_text(&rec->head, &rec->to, to);
	if (!fault)
		fault = decode_text(&rec->head, &rec->to_base, to_base);
	if (!fault && (path->n > path_max || base->n > FILE_BASE_MAX || to->n > FILE_PATH_MAX ||
		       to_base->n > FILE_BASE_MAX))
		fault = DECODE_TEXT;
	return fault;
}

enum decode_fault decode_file_op(const struct rec_file_op *rec, struct decode_room *room,
				 struct event *ret)
{
	struct ev_file_op *ev = &ret->file_op;
	struct str path, base, to, to_base;
	enum decode_fault fault;

	if (rec->op >= FILE_OP_END || !decode_errno_ok(rec->err))
		return DECODE_VALUE;
	ev->op = (enum file_op)rec->op;
	ev->err = rec->err;
	ev->duration_ns = rec->duration_ns;
	ev->bytes = rec->bytes;
	ev->inode = rec->inode;
	ev->device = rec->device;
	ev->open_flags = rec->open_flags;
	ev->deleted = rec->what & FILE_DELETED;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	fault = texts(rec, &path, &base, &to, &to_base);
	if (fault)
		return fault;
	if (rec->what & FILE_WALKED)
		ev->path = path.n ? walked(path, room->path[0]) : path;
	else
		ev->path = asked(path, base, room->path[0]);
	ev->to = asked(to, to_base, room->path[1]);
	return DECODE_OK;
}
