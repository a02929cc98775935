/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"
#include "report/live.h"

#define PATH_SHOWN 160

static void put_end(struct buf *out, const u8 addr[static 16], u16 port, bool v6)
{
	char text[ADDR_TEXT_MAX];

	addr_text(text, addr, v6);
	buf_printf(out, v6 ? "[%s]:%u" : "%s:%u", text, port);
}

static void put_outcome(struct buf *out, const struct ev_http_request *request)
{
	static const char *const names[HTTP_OUTCOME_END] = {
		[HTTP_CLOSED] = "closed without a response after ",
		[HTTP_UNANSWERED] = "no response after ",
	};

	if (request->outcome == HTTP_ANSWERED)
		buf_printf(out, "%u in ", request->status);
	else
		buf_cstr(out, names[request->outcome]);
	live_time(out, request->duration_ns);
}

void live_http_request(const struct event *ev, struct buf *out)
{
	const struct ev_http_request *request = &ev->http_request;
	const struct tcp_tuple *t = &request->tuple;

	buf_cstr(out, "http ");
	live_text(out, request->method, HTTP_METHOD_MAX);
	buf_char(out, ' ');
	live_text(out, request->path, PATH_SHOWN);
	buf_cstr(out, " -> ");
	put_outcome(out, request);
	if (request->response_bytes != HTTP_BYTES_UNKNOWN) {
		buf_cstr(out, " (");
		live_bytes(out, request->response_bytes);
		buf_char(out, ')');
	}
	buf_cstr(out, t->role == TCP_ROLE_SERVER ? " to " : " from ");
	put_end(out, t->remote, t->remote_port, t->v6);
}

void live_http_head(const struct event *ev, struct buf *out)
{
	buf_printf(out, "http head, %u bytes", ev->http_head.size);
}

void live_http_close(const struct event *ev, struct buf *out)
{
	buf_cstr(out, "http connection closed");
}
