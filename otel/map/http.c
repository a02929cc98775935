/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP, as semantic conventions 1.44 have it: a SERVER or CLIENT span for each request, by who sent it,
 * below the span that its traceparent names. It lasts from the first byte of the request to the
 * first of the response: the conventions ask for an end at or behind the response's head, and how
 * long a body takes is the reader's matter too.
 */
#include <stdio.h>
#include <string.h>
#include "otel/map/map.h"
#include "base/parse.h"

static const char *const outcomes[HTTP_OUTCOME_END] = {
	[HTTP_CLOSED] = "connection_closed", [HTTP_UNANSWERED] = "unanswered",
};

/* NULL: none. room holds a status. */
static const char *error_of(bool server, unsigned outcome, unsigned status, char room[static 16])
{
	if (outcome < HTTP_OUTCOME_END && outcomes[outcome])
		return outcomes[outcome];
	if (status < (server ? 500 : 400))
		return NULL;
	snprintf(room, 16, "%u", status % 1000);
	return room;
}

static struct str version_of(unsigned version)
{
	static const char *const names[] = { "1.0", "1.1" };

	return str_of(names[version < ARRAY_SIZE(names) ? version : 1]);
}

/* error.type of a status: static, as attributes of metrics are. */
static const char *static_error(bool server, unsigned outcome, unsigned status)
{
	static char names[1000][4];
	char room[16];
	const char *error = error_of(server, outcome, status, room);

	if (error != room)
		return error;
	memcpy(names[status % 1000], room, 4);
	return names[status % 1000];
}

void map_http(struct attrs *ret, bool server, unsigned dim, int err)
{
	unsigned method = dim >> 10, status = dim & 0x3ff;
	const char *error = static_error(server, (unsigned)err >> 4, status);

	attr_str(ret, "http.request.method",
		 str_of(http_method_name((enum http_method)(method % HTTP_METHOD_END))));
	attr_str(ret, "url.scheme", STR("http"));
	attr_str(ret, "network.protocol.version", version_of(err & 0xf));
	if (status)
		attr_int(ret, "http.response.status_code", status);
	if (error)
		attr_str(ret, "error.type", str_of(error));
}

void map_http_discarded(struct attrs *ret, unsigned why)
{
	static const char *const names[HTTP_DISCARDED_END] = { "unreadable", "unasked", "evicted", "lost" };

	attr_str(ret, "podtrace.http.reason", str_of(names[why % HTTP_DISCARDED_END]));
}

/* "name:80", "[::1]:80", "name": the name, and the port if there is one. */
static struct str split_address(struct str host, u64 *ret_port)
{
	size_t end = host.n;

	while (end && host.p[end - 1] >= '0' && host.p[end - 1] <= '9')
		end--;
	if (end && end < host.n && host.p[end - 1] == ':' &&
	    !parse_u64(str_slice(host, end, host.n), 1, 65535, ret_port))
		host = str_slice(host, 0, end - 1);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = str_slice(host, 1, host.n - 1);
	return host;
}

static void put_ends(struct attrs *a, const struct ev_http_request *request, struct map_room *room)
{
	const struct tcp_tuple *t = &request->tuple;
	bool server = t->role == TCP_ROLE_SERVER;
	struct str local = addr_text(room->local, t->local, t->v6);
	struct str remote = addr_text(room->remote, t->remote, t->v6);
	u64 port = server ? t->local_port : t->remote_port;
	struct str address = server ? local : remote;

	if (request->address.n) {
		port = request->address.n ? 80 : port;
		address = split_address(request->address, &port);
	}
	attr_str(a, "network.transport", STR("tcp"));
	attr_str(a, "network.type", t->v6 ? STR("ipv6") : STR("ipv4"));
	attr_str(a, "network.peer.address", remote);
	attr_int(a, "network.peer.port", t->remote_port);
	attr_str(a, "network.local.address", local);
	attr_int(a, "network.local.port", t->local_port);
	attr_str(a, "server.address", address);
	attr_int(a, "server.port", (s64)port);
	if (server)
		attr_str(a, "client.address", remote);
}

static void put_method(struct attrs *a, struct str name, struct map_room *room)
{
	enum http_method method = http_method_of(name);

	attr_str(a, "http.request.method", str_of(http_method_name(method)));
	if (method == HTTP_OTHER)
		attr_str(a, "http.request.method_original", name);
	/* without a route a span has the method alone for its name */
	snprintf(room->name, sizeof(room->name), "%s",
		 method == HTTP_OTHER ? "HTTP" : http_method_name(method));
}

static void put_bytes(struct attrs *a, const char *key, u64 bytes)
{
	if (bytes != HTTP_BYTES_UNKNOWN)
		attr_int(a, key, (s64)bytes);
}

static void put_parent(struct mapped *ret, struct str text)
{
	struct http_parent parent;

	if (!text.n || !http_parent_read(text, &parent))
		return;
	ret->has_parent = true;
	memcpy(ret->span.trace_id, parent.trace_id, sizeof(parent.trace_id));
	memcpy(ret->span.parent_span_id, parent.span_id, sizeof(parent.span_id));
	ret->span.flags = SPAN_PARENT_REMOTE | (parent.flags & SPAN_RANDOM);
}

void otlp_http_request(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_http_request *request = &ev->http_request;
	bool server = request->tuple.role == TCP_ROLE_SERVER;
	const char *error = error_of(server, request->outcome, request->status, ret->room.error);
	struct str path = str_slice(request->path, 0, str_find(request->path, '?'));
	struct attrs *a = &ret->note.attrs;

	put_method(a, request->method, &ret->room);
	attr_str(a, "url.path", path);
	attr_str(a, "url.scheme", STR("http"));
	if (request->status)
		attr_int(a, "http.response.status_code", request->status);
	put_ends(a, request, &ret->room);
	attr_str(a, "network.protocol.name", STR("http"));
	attr_str(a, "network.protocol.version", version_of(request->version));
	put_bytes(a, "http.request.size", request->request_bytes);
	put_bytes(a, "http.response.size", request->response_bytes);
	attr_double(a, "podtrace.http.duration",
		    (double)request->duration_ns / (double)NSEC_PER_SEC);
	if (ev->pid)
		attr_int(a, "process.pid", ev->pid);
	if (ev->pid && ev->comm.n)
		attr_str(a, "process.executable.name", ev->comm);
	if (error)
		attr_str(a, "error.type", str_of(error));

	ret->has_span = true;
	put_parent(ret, request->parent);
	ret->span.kind = server ? SPAN_SERVER : SPAN_CLIENT;
	ret->span.name = str_of(ret->room.name);
	ret->span.start_ns = ret->span.end_ns - request->duration_ns;
	ret->span.status = error ? STATUS_ERROR : STATUS_UNSET;
	ret->span.attrs = ret->note.attrs;
}

/* Of these alone nobody is told. */
void otlp_http_head(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	attr_int(&ret->note.attrs, "podtrace.http.head.size", ev->http_head.size);
}

void otlp_http_close(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
}
