/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "decode/decoders.h"

/* What is not whole is not known: its front is missing. */
static struct str join_cwd(struct str parts, char *room, size_t cap)
{
	size_t at = cap;

	if (!decode_join(parts, room, &at))
		return STR("");
	return at == cap ? STR("/") : (struct str){ room + at, cap - at };
}

enum decode_fault decode_process_exec(const struct rec_process_exec *rec, struct decode_room *room,
				      struct event *ret)
{
	struct ev_exec *ev = &ret->process_exec;
	enum decode_fault fault;
	struct str cwd;

	ev->ppid = rec->ppid;
	ev->uid = rec->uid;
	ev->gid = rec->gid;
	ev->pid_ns = rec->pid_ns;
	ev->args_n = rec->args_n;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	fault = decode_text(&rec->head, &rec->path, &ev->path);
	if (!fault)
		fault = decode_text(&rec->head, &rec->args, &ev->args);
	if (!fault)
		fault = decode_text(&rec->head, &rec->cwd, &cwd);
	if (fault)
		return fault;
	if (ev->path.n > PATH_MAX_WIRE || ev->args.n > ARGS_MAX || cwd.n > CWD_MAX)
		return DECODE_TEXT;
	ev->cwd = join_cwd(cwd, room->cwd, sizeof(room->cwd));
	return DECODE_OK;
}

enum decode_fault decode_process_exec_failed(const struct rec_process_exec_failed *rec,
					     struct decode_room *room, struct event *ret)
{
	struct ev_exec_failed *ev = &ret->process_exec_failed;
	enum decode_fault fault;

	if (!rec->err || !decode_errno_ok(rec->err))
		return DECODE_VALUE;
	ev->ppid = rec->ppid;
	ev->uid = rec->uid;
	ev->gid = rec->gid;
	ev->err = rec->err;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	fault = decode_text(&rec->head, &rec->path, &ev->path);
	return !fault && ev->path.n > PATH_MAX_WIRE ? DECODE_TEXT : fault;
}

enum decode_fault decode_process_fork(const struct rec_process_fork *rec, struct decode_room *room,
				      struct event *ret)
{
	struct ev_fork *ev = &ret->process_fork;

	ev->child = rec->child;
	ev->child_key = rec->child_key;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return DECODE_OK;
}

enum decode_fault decode_process_exit(const struct rec_process_exit *rec, struct decode_room *room,
				      struct event *ret)
{
	struct ev_exit *ev = &ret->process_exit;

	if (rec->code < 0 || rec->code > 255 || rec->sig > 127 || rec->head.key > rec->head.when_ns)
		return DECODE_VALUE;
	ev->ppid = rec->ppid;
	ev->uid = rec->uid;
	ev->code = rec->code;
	ev->sig = rec->sig;
	ev->core = rec->core;
	ev->run_ns = rec->head.when_ns - rec->head.key;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return DECODE_OK;
}
