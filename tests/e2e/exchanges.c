// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP as nobody writes it by hand: a client and a server in one process, who say their lines over one
 * TCP connection of the loopback, each line by the calls that are asked for.
 *
 *	exchanges [CGROUP/cgroup.procs] PORT PLAY [N]
 *
 * N: how often the play is played, on one connection.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* most lines are said in one piece */

enum how { WHOLE, BYTES, FIRST_BYTE, VECTOR, SENDMSG };
enum who { NOBODY, CLIENT, SERVER };

struct line {
	enum who who;
	const char *text;
	enum how how;
	int wait_ms; /* before it */
	int times;   /* in one write; 0: once */
};

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: shop.test:8080\r\nAuthorization: Bearer s3cret\r\n\r\n"

static const struct play {
	const char *name;
	struct line lines[8];
} plays[] = {
	{ "plain", { { CLIENT, GET("/items?token=s3cret") }, { SERVER, OK, .wait_ms = 50 } } },
	{ "quick", { { CLIENT, GET("/quick") }, { SERVER, OK } } },
	{ "pipelined", { { CLIENT, GET("/many"), .times = 10 }, { SERVER, OK, .times = 10 } } },
	{ "chunked",
	  { { CLIENT, "POST /in HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" },
	    { CLIENT, "5\r\nGET /\r\n" },
	    { CLIENT, "0\r\n\r\n" },
	    { SERVER, "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n" },
	    { SERVER, "5\r\nhello\r\n" },
	    { SERVER, "0\r\n\r\n" } } },
	{ "continue",
	  { { CLIENT, "PUT /big HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n" },
	    { SERVER, "HTTP/1.1 100 Continue\r\n\r\n" },
	    { CLIENT, "data" },
	    { SERVER, "HTTP/1.1 204 No Content\r\n\r\n" } } },
	{ "head",
	  { { CLIENT, "HEAD /h HTTP/1.1\r\nHost: h\r\n\r\n" },
	    { SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" },
	    { CLIENT, GET("/cached") },
	    { SERVER, "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n" } } },
	{ "first-byte", { { CLIENT, GET("/first"), FIRST_BYTE }, { SERVER, OK, FIRST_BYTE } } },
	{ "bytes", { { CLIENT, GET("/bytes"), BYTES }, { SERVER, OK, BYTES } } },
	{ "vector", { { CLIENT, GET("/vector"), VECTOR }, { SERVER, OK, VECTOR } } },
	{ "sendmsg", { { CLIENT, GET("/sendmsg"), SENDMSG }, { SERVER, OK, SENDMSG } } },
	{ "body",
	  { { CLIENT, "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 41\r\n\r\n" },
	    { CLIENT, "GET /not-a-request HTTP/1.1\r\nHost: no\r\n\r\n" },
	    { SERVER, "HTTP/1.1 500 Oops\r\nContent-Length: 19\r\n\r\n" },
	    { SERVER, "HTTP/1.1 200 No\r\n\r\n" } } },
	{ "unknown",
	  { { CLIENT, "PURGE /cache HTTP/1.0\r\n\r\n" }, { SERVER, "HTTP/1.0 200 OK\r\n\r\nall of it" } } },
	{ "parent",
	  { { CLIENT, "GET /parent HTTP/1.1\r\nTraceParent: "
		      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n" },
	    { SERVER, OK } } },
	{ "closed", { { CLIENT, GET("/closed") } } },
	{ "upgrade",
	  { { CLIENT, "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" },
	    { SERVER, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n" },
	    { CLIENT, GET("/not-http-any-more") },
	    { SERVER, OK } } },
	{ "random",
	  { { CLIENT, "\x01\x02GET / HTTP/1.1\r\n\r\n" }, { SERVER, "\xff\xfeHTTP/1.1 200 OK\r\n\r\n" } } },
	{ "late",
	  { { CLIENT, "\x01\x02" }, { SERVER, "\xff\xfe" }, { CLIENT, GET("/late") }, { SERVER, OK } } },
};

static void say_once(int fd, const char *text, size_t n, enum how how)
{
	struct iovec parts[2] = { { (void *)text, 3 }, { (void *)(text + 3), n - 3 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t sent = 0;
	size_t i;

	switch (how) {
	case WHOLE:
		sent = write(fd, text, n);
		break;
	case BYTES:
		for (i = 0; i < n; i++)
			sent += send(fd, text + i, 1, 0);
		break;
	case FIRST_BYTE:
		sent = send(fd, text, 1, 0);
		sent += send(fd, text + 1, n - 1, 0);
		break;
	case VECTOR:
		sent = writev(fd, parts, 2);
		break;
	case SENDMSG:
		sent = sendmsg(fd, &message, 0);
		break;
	}
	if (sent != (ssize_t)n)
		err(1, "send");
}

/* As it was sent: by read, by recv of single bytes, by readv, by recvmsg. */
static void hear(int fd, size_t n, enum how how)
{
	static char room[1 << 16];
	size_t got = 0;

	while (got < n) {
		struct iovec parts[2] = { { room, 7 }, { room + 7, n - got > 7 ? n - got - 7 : 0 } };
		struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
		ssize_t now;

		if (recv(fd, room, n - got, MSG_PEEK) < 1)
			err(1, "peek");
		now = how == WHOLE   ? read(fd, room, n - got) :
		      how == VECTOR  ? readv(fd, parts, 2) :
		      how == SENDMSG ? recvmsg(fd, &message, 0) :
				       recv(fd, room, how == BYTES || !got ? 1 : n - got, 0);
		if (now <= 0)
			err(1, "receive");
		got += (size_t)now;
	}
}

static void play_line(const int fds[3], const struct line *line)
{
	static char text[1 << 14];
	struct timespec wait = { .tv_nsec = line->wait_ms * 1000000l };
	size_t n = 0, one = strlen(line->text);

	for (int i = 0; i < (line->times ? line->times : 1); i++, n += one)
		memcpy(text + n, line->text, one);
	nanosleep(&wait, NULL);
	say_once(fds[line->who], text, n, line->how);
	hear(fds[line->who == CLIENT ? SERVER : CLIENT], n, line->how);
}

static void connect_both(int fds[3], int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (void *)&at, sizeof(at)) || listen(listener, 8))
		err(1, "listen");
	fds[CLIENT] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fds[CLIENT], (void *)&at, sizeof(at)))
		err(1, "connect");
	fds[SERVER] = accept(listener, NULL, NULL);
	for (int i = CLIENT; i <= SERVER; i++)
		setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	close(listener);
}

static void enter(const char *procs)
{
	int fd = open(procs, O_WRONLY);

	if (fd < 0 || write(fd, "0", 1) != 1)
		err(1, "%s", procs);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct play *play = plays;
	int fds[3], n;

	if (argc > 1 && strchr(argv[1], '/')) {
		enter(argv[1]);
		argc--;
		argv++;
	}
	if (argc < 3)
		errx(2, "usage: exchanges [CGROUP.PROCS] PORT PLAY [N]");
	n = argc > 3 ? atoi(argv[3]) : 1;
	while (strcmp(play->name, argv[2]))
		if (++play == plays + sizeof(plays) / sizeof(*plays))
			errx(2, "%s: no such play", argv[2]);
	connect_both(fds, atoi(argv[1]));
	while (n--)
		for (const struct line *line = play->lines; line->who; line++)
			play_line(fds, line);
	close(fds[CLIENT]);
	close(fds[SERVER]);
	return 0;
}
