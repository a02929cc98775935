/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event for a person:
 *
 *   10:56:00.123456 web-7f..  curl[4711]  connect 10.0.0.7:4242 -> 10.0.0.9:80  in 1.2ms
 *
 * Text of a traced process is escaped, so that it cannot paint the terminal.
 */
#ifndef REPORT_LIVE_H
#define REPORT_LIVE_H

#include "base/buf.h"
#include "event.h"

/* Append the line, with its line feed. colour: ANSI colours for failures. */
void live_line(const struct event *ev, s64 wall_offset_ns, bool colour, struct buf *out);

/* One per kind: what happened, behind the time and the names. */
#define KIND(id, kind, family, stream, live, name, text)                                         \
	void live_##kind(const struct event *ev, struct buf *out);
#include "../../bpf/registry.def"

/* Short name of who: "host", a unit, the first 12 digits of a container. */
void live_who(const struct who *who, struct buf *out);
/* Bytes made printable: control bytes and what is not UTF-8 as \xNN; cut at max bytes. */
void live_text(struct buf *out, struct str s, size_t max);
void live_time(struct buf *out, u64 ns);	/* "1.2ms": three digits that count */
void live_end(struct buf *out, const u8 addr[static 16], u16 port, bool v6); /* "[::1]:53" */
/* What a call sent or received. what: "udp send" ... */
void live_io(struct buf *out, const struct ev_io *io, const char *what, bool sent);
void live_bytes(struct buf *out, u64 bytes);	/* "1.2KiB" */

#endif
