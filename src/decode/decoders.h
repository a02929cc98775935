/* SPDX-License-Identifier: Apache-2.0 */
/* One decoder per kind: the record is at least as large as its struct. */
#ifndef DECODE_DECODERS_H
#define DECODE_DECODERS_H

#include "decode/decode.h"

#define KIND(id, kind, family, stream, live, name, text)                                         \
	enum decode_fault decode_##kind(const struct rec_##kind *rec, struct decode_room *room, \
					struct event *ret);
#include "../../bpf/registry.def"

/* A text of the tail: DECODE_TEXT if it is not inside of the record. */
enum decode_fault decode_text(const struct rec_head *head, const struct rec_text *text,
			      struct str *ret);

/* The ends of a socket. What belongs to none (a reset) has an empty tuple, af 0, if it may. */
enum decode_fault decode_tuple(const struct wire_tuple *wire, bool may_be_empty,
			       struct tcp_tuple *ret);

/* A call that sent or received: all but the head, which has been decoded. */
enum decode_fault decode_io(const struct wire_io *io, struct event *ret);
/*
 * A path in components (rec_process_exec) as one with slashes: "/a/b", nothing for the root; written
 * into room so that it ends at *at, which is then where it begins. Each NUL becomes a slash: it is no
 * longer than the components. False: the root is missing, or room.
 */
bool decode_join(struct str parts, char *room, size_t *at);

/* An errno as the kernel has them, or 0. */
bool decode_errno_ok(s32 err);

#endif
