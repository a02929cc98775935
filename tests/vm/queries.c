/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS queries over loopback and what can become of them, in numbers known to the last one.
 *
 *	queries CGROUP MODE N
 *	queries serve
 *
 * Starts a server, moves itself into the cgroup (a folder of the v2 tree), does the load N times and moves itself back.
 * On standard output a line of JSON for each: what was asked and how long it took to be answered. The other way is the
 * server alone, on 127.0.0.53 and ::1: the first label of a name says what it answers.
 *
 *	connected	by a connected socket: IPv4, IPv6, IPv4 mapped
 *	sendto		by one that is not
 *	slow		answered after 50 ms
 *	nx, fail	answered by NXDOMAIN, SERVFAIL
 *	alias		a CNAME and two addresses
 *	odd		a name of bytes that are no text, with a dot and a backslash in a label
 *	again		asked a second time before there is an answer
 *	wrong		an answer with another id comes first
 *	two		two servers asked by one socket, the first answer is enough
 *	loop		an answer whose name leads to itself: unreadable, and so nobody answered
 *	mute		nobody answers, and the socket is closed after 20 ms
 *	garbage		bytes that are no DNS, there and back
 *	tcp		over TCP: IPv4, IPv6, two queries at once, in two pieces
 *	cut		an answer that does not fit, then TCP
 *	served		the server is in the cgroup too
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MUST(call)                                                                                                       \
	({                                                                                                               \
		__auto_type _r = (call);                                                                                 \
		if (_r < 0) {                                                                                            \
			fprintf(stderr, "queries: %s: %s\n", #call, strerror(errno));                                    \
			_exit(99);                                                                                       \
		}                                                                                                        \
		_r;                                                                                                      \
	})

enum { TYPE_A = 1, TYPE_AAAA = 28, HEAD = 12 };

typedef unsigned char byte;

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static union address address_of(const char *text)
{
	union address a = { 0 };

	a.any.sa_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	a.v4.sin_port = htons(53); /* in the same place for both */
	inet_pton(a.any.sa_family, text, a.any.sa_family == AF_INET ? (void *)&a.v4.sin_addr : (void *)&a.v6.sin6_addr);
	return a;
}

static socklen_t size_of(const union address *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the server ---------------------------------------------------------------------------------------------- */

static size_t put(byte *to, size_t n, const char *bytes, size_t size)
{
	memcpy(to + n, bytes, size);
	return n + size;
}
#define PUT(to, n, bytes) put(to, n, bytes, sizeof(bytes) - 1)

/* The end of the question. */
static size_t question_end(const byte *q)
{
	size_t at = HEAD;

	while (q[at])
		at += q[at] + 1u;
	return at + 5;
}

static int is(const byte *q, const char *label)
{
	return q[HEAD] == strlen(label) && !memcmp(q + HEAD + 1, label, q[HEAD]);
}

/* The answer to a query, of which there is room for 1500 bytes; 0: none. */
static size_t answer_to(const byte *q, size_t n, byte *a, int by_tcp)
{
	size_t end, at;

	if (n < HEAD + 5 || q[4] || q[5] != 1) {
		memset(a, 0xff, 40);
		return 40;
	}
	at = end = question_end(q);
	memcpy(a, q, end);
	memcpy(a + 2, "\x81\x80", 2);
	memset(a + 6, 0, 6);
	if (is(q, "mute"))
		return 0;
	if (is(q, "nx") || is(q, "fail")) {
		a[3] |= is(q, "nx") ? 3 : 2;
		return end;
	}
	if (is(q, "cut") && !by_tcp) {
		a[2] |= 2;
		return end;
	}
	if (is(q, "loop"))
		return PUT(a, HEAD, "\xc0\x0c\0\1\0\1");
	if (is(q, "alias")) {
		a[7] = 3;
		at = PUT(a, at, "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\7\4real\xc0\x12");
		at = PUT(a, at, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\1");
		return PUT(a, at, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\2");
	}
	a[7] = 1;
	if (q[end - 3] == TYPE_AAAA)
		return PUT(a, at, "\xc0\x0c\0\x1c\0\1\0\0\0\x3c\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1");
	return PUT(a, at, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\1\2\3");
}

static void answer_udp(int fd)
{
	union address from;
	socklen_t size = sizeof(from);
	byte q[1500] = { 0 }, a[1500];
	ssize_t n = recvfrom(fd, q, sizeof(q), 0, &from.any, &size);
	static int asked;

	if (n < 0)
		return;
	if (n > HEAD && is(q, "slow"))
		usleep(50000);
	if (n > HEAD && is(q, "again") && asked++ % 2 == 0)
		return;
	n = (ssize_t)answer_to(q, (size_t)n, a, 0);
	if (n && is(q, "wrong")) {
		a[0] ^= 1;
		MUST(sendto(fd, a, (size_t)n, 0, &from.any, size));
		a[0] ^= 1;
	}
	if (n)
		MUST(sendto(fd, a, (size_t)n, 0, &from.any, size));
}

static int read_all(int fd, byte *to, size_t n)
{
	return recv(fd, to, n, MSG_WAITALL) == (ssize_t)n;
}

static void answer_tcp(int listener)
{
	int fd = accept(listener, NULL, NULL);
	byte q[1502], a[1502];

	while (fd >= 0 && read_all(fd, q, 2)) {
		size_t n = (size_t)(q[0] << 8 | q[1]);

		if (!read_all(fd, q, n))
			break;
		n = answer_to(q, n, a + 2, 1);
		a[0] = (byte)(n >> 8);
		a[1] = (byte)n;
		MUST(send(fd, a, n + 2, MSG_NOSIGNAL));
	}
	close(fd);
}

#define SERVERS 3

static const char *const addresses[SERVERS] = { "127.0.0.53", "127.0.0.54", "::1" };

static int server_fds[2 * SERVERS];

static void bind_all(void)
{
	for (int i = 0; i < 2 * SERVERS; i++) {
		union address a = address_of(addresses[i / 2]);
		int one = 1, fd = MUST(socket(a.any.sa_family, (i & 1 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));

		MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
		MUST(bind(fd, &a.any, size_of(&a)));
		if (i & 1)
			MUST(listen(fd, 64));
		server_fds[i] = fd;
	}
}

static void serve(void)
{
	struct pollfd fds[2 * SERVERS];

	for (int i = 0; i < 2 * SERVERS; i++)
		fds[i] = (struct pollfd){ .fd = server_fds[i], .events = POLLIN };
	for (;;) {
		MUST(poll(fds, 2 * SERVERS, -1));
		for (int i = 0; i < 2 * SERVERS; i++)
			if (fds[i].revents)
				(i & 1 ? answer_tcp : answer_udp)(fds[i].fd);
	}
}

static pid_t start_server(void)
{
	pid_t pid;

	bind_all();
	pid = MUST(fork());
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve();
	}
	for (int i = 0; i < 2 * SERVERS; i++)
		close(server_fds[i]);
	return pid;
}

/* ---- clients ------------------------------------------------------------------------------------------------- */

static unsigned short last_id = 1000;

/* name: labels with their lengths. */
static size_t query(byte *q, const char *name, int type)
{
	size_t n = strlen(name) + 1;

	memcpy(q, "\0\0\1\0\0\1\0\0\0\0\0\0", HEAD);
	last_id++;
	q[0] = (byte)(last_id >> 8);
	q[1] = (byte)last_id;
	memcpy(q + HEAD, name, n);
	memcpy(q + HEAD + n, "\0\0\0\1", 4);
	q[HEAD + n + 1] = (byte)type;
	return HEAD + n + 4;
}

static void tell(const char *mode, double begin)
{
	printf("{\"mode\":\"%s\",\"seconds\":%f,\"pid\":%d}\n", mode, now() - begin, getpid());
}

static int connected(const char *server, int type)
{
	union address a = address_of(server);
	int fd = MUST(socket(a.any.sa_family, type | SOCK_CLOEXEC, 0));

	MUST(connect(fd, &a.any, size_of(&a)));
	return fd;
}

/* Asks and waits for the answer that is meant. */
static void ask_on(int fd, const char *name, int type)
{
	byte q[512], a[1500];
	size_t n = query(q, name, type);

	MUST(send(fd, q, n, 0));
	do
		MUST(recv(fd, a, sizeof(a), 0));
	while (memcmp(a, q, 2));
}

static void ask(const char *mode, const char *server, const char *name, int type)
{
	int fd = connected(server, SOCK_DGRAM);
	double begin = now();

	ask_on(fd, name, type);
	tell(mode, begin);
	close(fd);
}

static void ask_connected(const char *mode)
{
	ask(mode, "127.0.0.53", "\2ok\7Example\3com", TYPE_A);
	ask(mode, "::1", "\2ok\7Example\3com", TYPE_AAAA);
	ask(mode, "::ffff:127.0.0.53", "\2ok\6mapped", TYPE_A);
}

static void ask_sendto(const char *mode)
{
	union address a = address_of("127.0.0.53");
	int fd = MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	byte q[512];
	size_t n = query(q, "\2ok\6sendto", TYPE_A);
	double begin = now();

	MUST(sendto(fd, q, n, 0, &a.any, size_of(&a)));
	MUST(recv(fd, q, sizeof(q), 0));
	tell(mode, begin);
	close(fd);
}

static void ask_slow(const char *mode)
{
	ask(mode, "127.0.0.53", "\4slow", TYPE_A);
}

static void ask_nx(const char *mode)
{
	ask(mode, "127.0.0.53", "\2nx\4here", TYPE_A);
}

static void ask_fail(const char *mode)
{
	ask(mode, "127.0.0.53", "\4fail\4here", TYPE_A);
}

static void ask_alias(const char *mode)
{
	ask(mode, "127.0.0.53", "\5alias\4here", TYPE_A);
}

static void ask_odd(const char *mode)
{
	ask(mode, "127.0.0.53", "\3odd\10\xff\xc3\x28.\\ \x1b~\1\xe9", TYPE_A);
}

static void ask_again(const char *mode)
{
	int fd = connected("127.0.0.53", SOCK_DGRAM);
	byte q[512];
	size_t n = query(q, "\5again", TYPE_A);
	double begin = now();

	MUST(send(fd, q, n, 0));
	usleep(20000);
	MUST(send(fd, q, n, 0));
	MUST(recv(fd, q, sizeof(q), 0));
	tell(mode, begin);
	close(fd);
}

static void ask_wrong(const char *mode)
{
	ask(mode, "127.0.0.53", "\5wrong", TYPE_A);
}

static void ask_two(const char *mode)
{
	union address a = address_of("127.0.0.53"), b = address_of("127.0.0.54");
	int fd = MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	byte q[512];
	size_t n = query(q, "\4slow\3two", TYPE_A);
	double begin = now();

	MUST(sendto(fd, q, n, 0, &a.any, size_of(&a)));
	MUST(sendto(fd, q, n, 0, &b.any, size_of(&b)));
	MUST(recv(fd, q, sizeof(q), 0));
	tell(mode, begin);
	close(fd);
	usleep(60000); /* until the other answer has come, which nobody hears */
}

static void ask_in_vain(const char *mode, const char *name)
{
	int fd = connected("127.0.0.53", SOCK_DGRAM);
	struct pollfd in = { .fd = fd, .events = POLLIN };
	byte q[512];
	size_t n = query(q, name, TYPE_A);
	double begin = now();

	MUST(send(fd, q, n, 0));
	MUST(poll(&in, 1, 20));
	tell(mode, begin);
	close(fd);
}

static void ask_loop(const char *mode)
{
	ask_in_vain(mode, "\4loop");
}

static void ask_mute(const char *mode)
{
	ask_in_vain(mode, "\4mute");
}

static void ask_garbage(const char *mode)
{
	int fd = connected("127.0.0.53", SOCK_DGRAM);
	byte bytes[300];
	double begin = now();

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (byte)(i * 167 + 13);
	MUST(send(fd, bytes, sizeof(bytes), 0));
	MUST(recv(fd, bytes, sizeof(bytes), 0));
	MUST(send(fd, bytes, 1, 0));
	MUST(recv(fd, bytes, sizeof(bytes), 0));
	tell(mode, begin);
	close(fd);
}

static size_t query_tcp(byte *q, const char *name, int type)
{
	size_t n = query(q + 2, name, type);

	q[0] = (byte)(n >> 8);
	q[1] = (byte)n;
	return n + 2;
}

static void hear_tcp(int fd, int times)
{
	byte a[1500];

	while (times--) {
		MUST(recv(fd, a, 2, MSG_WAITALL));
		MUST(recv(fd, a, (size_t)(a[0] << 8 | a[1]), MSG_WAITALL));
	}
}

static void ask_tcp(const char *mode)
{
	int fd = connected("127.0.0.53", SOCK_STREAM), one = 1;
	byte q[1024];
	size_t n = query_tcp(q, "\2ok\3tcp", TYPE_A);
	double begin = now();

	MUST(send(fd, q, n, 0));
	hear_tcp(fd, 1);
	n = query_tcp(q, "\2ok\5first", TYPE_A);
	n += query_tcp(q + n, "\2ok\6second", TYPE_A);
	MUST(send(fd, q, n, 0));
	hear_tcp(fd, 2);
	MUST(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	n = query_tcp(q, "\2ok\6pieces", TYPE_A);
	MUST(send(fd, q, 2, 0));
	MUST(send(fd, q + 2, n - 2, 0));
	hear_tcp(fd, 1);
	close(fd);
	fd = connected("::1", SOCK_STREAM);
	MUST(send(fd, q, query_tcp(q, "\2ok\4tcp6", TYPE_AAAA), 0));
	hear_tcp(fd, 1);
	tell(mode, begin);
	close(fd);
}

static void ask_cut(const char *mode)
{
	byte q[512];
	int fd;

	ask(mode, "127.0.0.53", "\3cut", TYPE_A);
	fd = connected("127.0.0.53", SOCK_STREAM);
	MUST(send(fd, q, query_tcp(q, "\3cut", TYPE_A), 0));
	hear_tcp(fd, 1);
	close(fd);
}

static void ask_served(const char *mode)
{
	ask(mode, "127.0.0.53", "\2ok\6served", TYPE_A);
}

/* ---- the program -------------------------------------------------------------------------------------------- */

static void move_to(const char *folder)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	fd = MUST(open(path, O_WRONLY | O_CLOEXEC));
	MUST(write(fd, "0", 1));
	close(fd);
}

static const struct {
	const char *mode;
	void (*run)(const char *mode);
} loads[] = {
	{ "connected", ask_connected }, { "sendto", ask_sendto }, { "slow", ask_slow },	      { "nx", ask_nx },
	{ "fail", ask_fail },		{ "alias", ask_alias },	  { "odd", ask_odd },	      { "again", ask_again },
	{ "wrong", ask_wrong },		{ "two", ask_two },	  { "loop", ask_loop },	      { "mute", ask_mute },
	{ "garbage", ask_garbage },	{ "tcp", ask_tcp },	  { "cut", ask_cut },	      { "served", ask_served },
};

int main(int argc, char **argv)
{
	pid_t server = 0;
	int served;

	if (argc == 2 && !strcmp(argv[1], "serve")) {
		bind_all();
		serve();
	}
	if (argc != 4)
		return 97;
	served = !strcmp(argv[2], "served");
	if (!served)
		server = start_server();
	move_to(argv[1]);
	if (served)
		server = start_server();
	for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++)
		for (int n = strcmp(argv[2], loads[i].mode) ? 0 : atoi(argv[3]); n; n--)
			loads[i].run(argv[2]);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return 0;
}
