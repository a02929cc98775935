/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A collector on loopback that does what a script says: one reply for each request that
 * comes, in their order, then 200 for ever. Each request is kept. Its connections are threads.
 */
#ifndef TESTS_UNIT_OTEL_SERVER_H
#define TESTS_UNIT_OTEL_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum act {
	ACT_ANSWER, /* text, then body */
	ACT_CLOSE,  /* read the request, say nothing, close */
	ACT_RESET,  /* the same with RST */
	ACT_HANG,   /* read the request and say nothing until the client gives up */
	ACT_HALF,   /* text and no more, then close */
	ACT_FLOOD,  /* text, then more body than anybody wants */
};

struct reply {
	enum act act;
	const char *text; /* status line and header fields, each with its \r\n */
	struct str body;
	int delay_ms;
};

struct request {
	char head[2048];
	char *body; /* owned */
	size_t n;
	u64 at_ns;
	int connection;
};

#define SERVER_REQUESTS_MAX 4096

struct server {
	int fd, port;
	pthread_t thread;
	pthread_mutex_t lock;
	const struct reply *script;
	size_t script_n;
	struct request *request[SERVER_REQUESTS_MAX];
	size_t n; /* requests read to their end */
	int connections;
	int active;			       /* threads of connections */
	u64 (*check)(const struct request *r); /* may be NULL: items in it, added up */
	u64 accepted;			       /* items of requests that were answered 2xx */
};

static struct reply server_default = {
	ACT_ANSWER,
	"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n",
	{ "\x0a\x00", 2 },
	0,
};

struct server_connection {
	struct server *server;
	int fd, number;
};

static inline bool server_send(int fd, const void *p, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t k = send(fd, (const char *)p + done, n - done, MSG_NOSIGNAL);

		if (k <= 0)
			return false;
		done += (size_t)k;
	}
	return true;
}

static inline char *server_find(struct request *r, const char *name)
{
	size_t n = strlen(name);

	for (char *line = strstr(r->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
		if (!strncasecmp(line + 2, name, n) && line[n + 2] == ':')
			return line + n + 3 + strspn(line + n + 3, " ");
	}
	return NULL;
}

/* NULL: the client closed. */
static inline struct request *server_read(int fd)
{
	struct request *r = calloc(1, sizeof(*r));
	size_t n = 0;
	char *length;

	while (n < 4 || memcmp(r->head + n - 4, "\r\n\r\n", 4)) {
		if (n == sizeof(r->head) - 1 || recv(fd, r->head + n, 1, 0) != 1) {
			free(r);
			return NULL;
		}
		n++;
	}
	r->at_ns = clock_boot_ns();
	length = server_find(r, "content-length");
	r->n = length ? strtoul(length, NULL, 10) : 0;
	r->body = malloc(r->n + 1);
	for (n = 0; n < r->n;) {
		ssize_t k = recv(fd, r->body + n, r->n - n, 0);

		if (k <= 0) {
			free(r->body);
			free(r);
			return NULL;
		}
		n += (size_t)k;
	}
	return r;
}

static inline const struct reply *server_keep(struct server *s, struct request *r, int number)
{
	const struct reply *reply;

	pthread_mutex_lock(&s->lock);
	r->connection = number;
	reply = s->n < s->script_n ? &s->script[s->n] : &server_default;
	if (s->n == SERVER_REQUESTS_MAX)
		abort();
	s->request[s->n++] = r;
	if (s->check && reply->act != ACT_CLOSE && !strncmp(reply->text, "HTTP/1.1 2", 10))
		s->accepted += s->check(r);
	pthread_mutex_unlock(&s->lock);
	return reply;
}

/* false: the connection is over. */
static inline bool server_answer(int fd, const struct reply *reply)
{
	struct linger now = { .l_onoff = 1 };
	static const char flood[1 << 16];
	char length[64], byte;

	if (reply->delay_ms)
		usleep((useconds_t)reply->delay_ms * 1000);
	switch (reply->act) {
	case ACT_RESET:
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		return false;
	case ACT_HANG:
		while (recv(fd, &byte, 1, 0) > 0)
			;
		return false;
	case ACT_HALF:
		server_send(fd, reply->text, strlen(reply->text));
		return false;
	case ACT_FLOOD:
		server_send(fd, reply->text, strlen(reply->text));
		server_send(fd, "\r\n", 2);
		while (server_send(fd, flood, sizeof(flood)))
			;
		return false;
	case ACT_ANSWER:
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n\r\n", reply->body.n);
		return server_send(fd, reply->text, strlen(reply->text)) &&
		       server_send(fd, length, strlen(length)) &&
		       server_send(fd, reply->body.p, reply->body.n);
	default:
		return false;
	}
}

static inline void *server_serve(void *arg)
{
	struct server_connection c = *(struct server_connection *)arg;
	struct request *r;

	free(arg);
	while ((r = server_read(c.fd)) && server_answer(c.fd, server_keep(c.server, r, c.number)))
		;
	close(c.fd);
	pthread_mutex_lock(&c.server->lock);
	c.server->active--;
	pthread_mutex_unlock(&c.server->lock);
	return NULL;
}

static inline void *server_accept(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		struct server_connection *c = malloc(sizeof(*c));
		pthread_attr_t attr;
		pthread_t t;

		pthread_mutex_lock(&s->lock);
		*c = (struct server_connection){ s, fd, s->connections++ };
		s->active++;
		pthread_mutex_unlock(&s->lock);
		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		if (pthread_create(&t, &attr, server_serve, c))
			abort();
	}
	return NULL;
}

static inline void server_start(struct server *s, const struct reply *script, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);

	*s = (struct server){ .script = script, .script_n = n };
	pthread_mutex_init(&s->lock, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(s->fd, (struct sockaddr *)&a, len) || listen(s->fd, 64) ||
	    getsockname(s->fd, (struct sockaddr *)&a, &len) ||
	    pthread_create(&s->thread, NULL, server_accept, s))
		abort();
	s->port = ntohs(a.sin_port);
}

static inline size_t server_requests(struct server *s)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->n;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* Every client has gone: its connections end by themselves. */
static inline void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	pthread_mutex_lock(&s->lock);
	while (s->active) {
		pthread_mutex_unlock(&s->lock);
		usleep(1000);
		pthread_mutex_lock(&s->lock);
	}
	for (size_t i = 0; i < s->n; i++) {
		free(s->request[i]->body);
		free(s->request[i]);
	}
	s->n = 0;
	pthread_mutex_unlock(&s->lock);
}

#endif
