/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gRPC server on a unix socket for tests, on the test's own loop: what a method answers is up
 * to a function of the test. Besides gRPC it can be other things that listen: one that never
 * answers, one that speaks something else, one that nobody accepts for.
 */
#ifndef TESTS_UNIT_CRI_SERVER_H
#define TESTS_UNIT_CRI_SERVER_H

#include <errno.h>
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"

enum server_mode {
	SERVER_GRPC,
	SERVER_HANG, /* accepts and reads, never writes */
	SERVER_DEAF, /* does not even accept */
	SERVER_TEXT, /* writes `text` to whoever comes, then hangs up */
	SERVER_TALK, /* writes it to whoever says something, and goes on listening */
};

struct server;
struct connection;

/* One call of a client's. */
struct call {
	struct call *next;
	struct connection *connection;
	s32 stream;
	char method[64]; /* without the service */
	struct buf in;	 /* frames of the request */
	struct buf out;	 /* frames to send */
	size_t out_at;
	bool begun, over; /* header sent; trailers follow `out` */
	char status[12], message[256];
};

struct connection {
	struct connection *next;
	struct server *server;
	struct loop_io *io;
	int fd;
	nghttp2_session *session;
	struct call *calls;
	char *left; /* bytes that the socket did not take */
	size_t left_n;
};

typedef void (*server_fn)(void *ctx, struct call *c, struct str message);

struct server {
	struct loop *loop;
	enum server_mode mode;
	struct str text;
	server_fn fn; /* a request is whole */
	void *ctx;
	const char *type; /* content-type */
	const char *http; /* :status */
	u64 connections_n, calls_n;
	char path[100];
	int fd;
	struct loop_io *io;
	struct connection *connections;
};

static inline void connection_close(struct connection *c)
{
	struct connection **at = &c->server->connections;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	while (c->calls) {
		struct call *k = c->calls;

		c->calls = k->next;
		buf_free(&k->in);
		buf_free(&k->out);
		free(k);
	}
	loop_del(c->io);
	close(c->fd);
	nghttp2_session_del(c->session);
	free(c->left);
	free(c);
}

/* false: it was closed. */
static inline bool connection_flush(struct connection *c)
{
	const u8 *p;
	ssize_t n, k;

	for (;;) {
		while (c->left_n) {
			k = send(c->fd, c->left, c->left_n, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (k < 0 && errno == EAGAIN) {
				loop_mod(c->io, LOOP_READ | LOOP_WRITE);
				return true;
			}
			if (k < 0) {
				connection_close(c);
				return false;
			}
			memmove(c->left, c->left + k, c->left_n - (size_t)k);
			c->left_n -= (size_t)k;
		}
		n = c->session ? nghttp2_session_mem_send(c->session, &p) : 0;
		if (n <= 0)
			break;
		c->left = realloc(c->left, (size_t)n);
		memcpy(c->left, p, (size_t)n);
		c->left_n = (size_t)n;
	}
	loop_mod(c->io, LOOP_READ);
	return true;
}

/* ---- answers ---------------------------------------------------------------------------- */

#define FIELD(name, value)                                                                         \
	{ (u8 *)(name), (u8 *)(value), strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE }

static inline ssize_t call_read(nghttp2_session *session, s32 stream, u8 *dst, size_t cap,
				u32 *flags, nghttp2_data_source *source, void *ctx)
{
	struct call *k = source->ptr;
	size_t n = k->out.n - k->out_at;

	(void)ctx;
	n = n < cap ? n : cap;
	if (n)
		memcpy(dst, k->out.p + k->out_at, n);
	k->out_at += n;
	if (k->out_at == k->out.n && k->over) {
		const nghttp2_nv trailers[] = { FIELD("grpc-status", k->status),
						FIELD("grpc-message", k->message) };

		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(session, stream, trailers, 2);
	} else if (!n) {
		return NGHTTP2_ERR_DEFERRED;
	}
	return (ssize_t)n;
}

static inline void call_begin(struct call *k)
{
	struct server *s = k->connection->server;
	const nghttp2_nv fields[] = { FIELD(":status", s->http), FIELD("content-type", s->type) };
	nghttp2_data_provider provider = { .source = { .ptr = k }, .read_callback = call_read };

	if (k->begun)
		nghttp2_session_resume_data(k->connection->session, k->stream);
	else
		nghttp2_submit_response(k->connection->session, k->stream, fields, 2, &provider);
	k->begun = true;
}

/* Bytes as they are: frames of the test's own making. */
static inline void call_raw(struct call *k, struct str bytes)
{
	buf_str(&k->out, bytes);
	call_begin(k);
}

static inline void call_message(struct call *k, struct str message)
{
	char head[5] = { 0, (char)(message.n >> 24), (char)(message.n >> 16),
			 (char)(message.n >> 8), (char)message.n };

	buf_add(&k->out, head, sizeof(head));
	call_raw(k, message);
}

static inline void call_end(struct call *k, u32 status, const char *message)
{
	snprintf(k->status, sizeof(k->status), "%u", status);
	snprintf(k->message, sizeof(k->message), "%s", message);
	k->over = true;
	call_begin(k);
}

/* Header and trailers in one, as for an error. */
static inline void call_error(struct call *k, u32 status, const char *message)
{
	struct server *s = k->connection->server;
	snprintf(k->status, sizeof(k->status), "%u", status);

	const nghttp2_nv fields[] = { FIELD(":status", s->http), FIELD("content-type", s->type),
				      FIELD("grpc-status", k->status),
				      FIELD("grpc-message", message) };

	nghttp2_submit_response(k->connection->session, k->stream, fields, 4, NULL);
}

static inline void call_answer(struct call *k, struct str message)
{
	call_message(k, message);
	call_end(k, 0, "");
}

/* Cut off, without trailers. */
static inline void call_reset(struct call *k)
{
	nghttp2_submit_rst_stream(k->connection->session, NGHTTP2_FLAG_NONE, k->stream,
				  NGHTTP2_INTERNAL_ERROR);
}

/* ---- requests --------------------------------------------------------------------------- */

static inline int on_begin(nghttp2_session *session, const nghttp2_frame *f, void *ctx)
{
	struct connection *c = ctx;
	struct call *k = calloc(1, sizeof(*k));

	k->connection = c;
	k->stream = f->hd.stream_id;
	buf_init(&k->in, 1 << 16);
	buf_init(&k->out, 1 << 26);
	k->next = c->calls;
	c->calls = k;
	nghttp2_session_set_stream_user_data(session, k->stream, k);
	return 0;
}

static inline int on_field(nghttp2_session *session, const nghttp2_frame *f, const u8 *name,
			   size_t name_n, const u8 *value, size_t value_n, u8 flags, void *ctx)
{
	struct call *k = nghttp2_session_get_stream_user_data(session, f->hd.stream_id);
	struct str path = { (const char *)value, value_n },
		   service = STR("/runtime.v1.RuntimeService/");

	(void)flags;
	(void)ctx;
	if (!k || name_n != 5 || memcmp(name, ":path", 5) || !str_starts(path, service))
		return 0;
	str_copy(k->method, sizeof(k->method), str_slice(path, service.n, path.n));
	return 0;
}

static inline int on_data(nghttp2_session *session, u8 flags, s32 stream, const u8 *p, size_t n,
			  void *ctx)
{
	struct call *k = nghttp2_session_get_stream_user_data(session, stream);

	(void)flags;
	(void)ctx;
	if (k)
		buf_add(&k->in, p, n);
	return 0;
}

static inline int on_frame(nghttp2_session *session, const nghttp2_frame *f, void *ctx)
{
	struct connection *c = ctx;
	struct call *k;

	if (f->hd.type != NGHTTP2_DATA || !(f->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	k = nghttp2_session_get_stream_user_data(session, f->hd.stream_id);
	if (!k)
		return 0;
	c->server->calls_n++;
	c->server->fn(c->server->ctx, k, str_slice(buf_view(&k->in), 5, k->in.n));
	return 0;
}

static inline int on_close(nghttp2_session *session, s32 stream, u32 error, void *ctx)
{
	struct connection *c = ctx;
	struct call **at = &c->calls, *k;

	(void)session;
	(void)error;
	while (*at && (*at)->stream != stream)
		at = &(*at)->next;
	k = *at;
	if (!k)
		return 0;
	*at = k->next;
	buf_free(&k->in);
	buf_free(&k->out);
	free(k);
	return 0;
}

static inline nghttp2_session *session_new(struct connection *c)
{
	const nghttp2_settings_entry wide = { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000 };
	nghttp2_session_callbacks *fns;
	nghttp2_session *session;

	nghttp2_session_callbacks_new(&fns);
	nghttp2_session_callbacks_set_on_begin_headers_callback(fns, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(fns, on_field);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(fns, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(fns, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(fns, on_close);
	nghttp2_session_server_new(&session, fns, c);
	nghttp2_session_callbacks_del(fns);
	nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &wide, 1);
	return session;
}

/* ---- connections ------------------------------------------------------------------------- */

static inline void on_socket(void *ctx, int fd, u32 events)
{
	struct connection *c = ctx;
	char chunk[16384];
	ssize_t n = 0;

	if (events & LOOP_READ) {
		n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN) ||
		    (n > 0 && c->session &&
		     nghttp2_session_mem_recv(c->session, (u8 *)chunk, (size_t)n) < 0)) {
			connection_close(c);
			return;
		}
		if (c->server->mode == SERVER_TALK)
			send(fd, c->server->text.p, c->server->text.n, MSG_NOSIGNAL);
	}
	connection_flush(c);
}

static inline void on_accept(void *ctx, int fd, u32 events)
{
	struct server *s = ctx;
	struct connection *c = calloc(1, sizeof(*c));

	(void)events;
	s->connections_n++;
	c->server = s;
	c->fd = accept(fd, NULL, NULL);
	c->io = loop_add(s->loop, c->fd, LOOP_READ, on_socket, c);
	c->next = s->connections;
	s->connections = c;
	if (s->mode == SERVER_GRPC) {
		c->session = session_new(c);
		connection_flush(c);
	} else if (s->mode == SERVER_TEXT) {
		send(c->fd, s->text.p, s->text.n, MSG_NOSIGNAL);
		connection_close(c);
	}
}

/* After what was pushed outside of a request. */
static inline void server_flush(struct server *s)
{
	struct connection *next;

	for (struct connection *c = s->connections; c; c = next) {
		next = c->next;
		connection_flush(c);
	}
}

/* path, mode, fn, ctx are set. */
static inline void server_start(struct server *s, struct loop *l)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	s->loop = l;
	s->type = s->type ? s->type : "application/grpc";
	s->http = s->http ? s->http : "200";
	str_copy(a.sun_path, sizeof(a.sun_path), str_of(s->path));
	unlink(s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(s->fd, (struct sockaddr *)&a, sizeof(a)) || listen(s->fd, 64))
		abort();
	s->io = s->mode == SERVER_DEAF ? NULL : loop_add(l, s->fd, LOOP_READ, on_accept, s);
}

/* The socket file stays, as of one that was killed. */
static inline void server_stop(struct server *s)
{
	if (s->fd <= 0)
		return;
	while (s->connections)
		connection_close(s->connections);
	loop_del(s->io);
	close(s->fd);
	s->fd = 0;
}

#endif
