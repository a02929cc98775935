/* SPDX-License-Identifier: Apache-2.0 */
/* What lines of several families say of a socket. */
#include <string.h>
#include "base/addr.h"
#include "base/errname.h"
#include "report/live.h"

void live_end(struct buf *out, const u8 addr[static 16], u16 port, bool v6)
{
	char text[ADDR_TEXT_MAX];

	addr_text(text, addr, v6);
	buf_printf(out, v6 ? "[%s]:%u" : "%s:%u", text, port);
}

void live_io(struct buf *out, const struct ev_io *io, const char *what, bool sent)
{
	const struct tcp_tuple *t = &io->tuple;

	buf_printf(out, "%s ", what);
	live_end(out, t->local, t->local_port, t->v6);
	buf_cstr(out, sent ? " -> " : " <- ");
	if (io->peer_known)
		live_end(out, t->remote, t->remote_port, t->v6);
	else
		buf_cstr(out, "unknown");
	if (io->err) {
		buf_printf(out, " failed: %s (%s) after ", strerror(io->err), errname(io->err));
	} else {
		buf_char(out, ' ');
		live_bytes(out, io->bytes);
		if (io->messages > 1)
			buf_printf(out, " in %u messages", io->messages);
		buf_cstr(out, " in ");
	}
	live_time(out, io->duration_ns);
}
