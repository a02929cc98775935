/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections over loopback and what can go wrong with them, in numbers known to the last one.
 *
 *	traffic CGROUP MODE N
 *
 * Moves itself into the cgroup (a folder of the v2 tree), does the load N times and moves itself back to the root. On
 * standard output a line of JSON: when, and what only it can know. All is over loopback, in a machine where nobody else is.
 *
 *	served		connect, accept, 3 bytes there, 5 back, close: IPv4, IPv6, IPv4 mapped
 *	refused		connect to a port where nobody listens, blocking and not
 *	unroutable	connect to an address without a route: IPv4, IPv6, IPv4 mapped
 *	portless	connect from a port that another socket has with the same peer
 *	odd		connect with an address of another family
 *	short		connect with an address that is cut
 *	forbidden	connect that a BPF program of the cgroup denies
 *	locked		connect that landlock (a security module) denies
 *	mistaken	connect without a socket, address, TCP
 *	aborted		close with SO_LINGER 0: a reset
 *	unread		close with bytes unread: a reset
 *	given-up	a connect closed before there is an answer
 *	fast		connect by sendto (MSG_FASTOPEN)
 *	mptcp		a client of TCP, accepted from a listener of MPTCP: so Go's servers do since 1.24
 *	lost		a peer that hears nothing for a while
 *	unheard		a client that hears no answer for a while
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define MUST(call)                                                                                                       \
	({                                                                                                               \
		__auto_type _r = (call);                                                                                 \
		if (_r < 0) {                                                                                            \
			fprintf(stderr, "traffic: %s: %s\n", #call, strerror(errno));                                    \
			_exit(99);                                                                                       \
		}                                                                                                        \
		_r;                                                                                                      \
	})

static const char *cgroup;
static int missing;		    /* the kernel has it not */
static unsigned data, syn, synack; /* segments that were sent again */

/* ---- sockets ---------------------------------------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static union address address_of(int family, const char *text, int port)
{
	union address a = { 0 };

	a.any.sa_family = family == 4 ? AF_INET : AF_INET6;
	a.v4.sin_port = htons(port); /* in the same place for both */
	inet_pton(a.any.sa_family, text, family == 4 ? (void *)&a.v4.sin_addr : (void *)&a.v6.sin6_addr);
	return a;
}

static const char *loopback(int family)
{
	return family == 4 ? "127.0.0.1" : family == 6 ? "::1" : "::ffff:127.0.0.1";
}

static socklen_t length(const union address *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

static int tcp_socket(int family, int more)
{
	return MUST(socket(family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | more, 0));
}

static union address name_of(int fd)
{
	union address a;
	socklen_t len = sizeof(a);

	MUST(getsockname(fd, &a.any, &len));
	return a;
}

static int listening(int family, int backlog)
{
	union address a = address_of(family, loopback(family), 0);
	int fd = tcp_socket(family, 0);

	MUST(bind(fd, &a.any, length(&a)));
	MUST(listen(fd, backlog));
	return fd;
}

static int connect_to(int fd, union address a)
{
	return connect(fd, &a.any, length(&a)) ? errno : 0;
}

static void expect(int got, int wanted, const char *what)
{
	if (got == wanted)
		return;
	fprintf(stderr, "traffic: %s: %s, not %s\n", what, strerror(got), strerror(wanted));
	_exit(98);
}

static void fails(int family, int more, union address a, int wanted, const char *what)
{
	int fd = tcp_socket(family, more), got = connect_to(fd, a);
	socklen_t len = sizeof(got);

	if (got == EINPROGRESS) {
		poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, 5000);
		MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &got, &len));
	}
	expect(got, wanted, what);
	close(fd);
}

static void give(int from, int to, int n)
{
	char room[64] = "";

	MUST(send(from, room, n, 0));
	while (n > 0)
		n -= MUST(recv(to, room, n, 0));
}

/* Until the peer has closed. */
static void drained(int fd)
{
	char room[64];

	while (MUST(recv(fd, room, sizeof(room), 0)))
		;
}

/* A socket that throws away what it gets, or no longer does. */
static void hear(int fd, int on)
{
	struct sock_filter nothing = { .code = BPF_RET | BPF_K };
	struct sock_fprog filter = { .len = 1, .filter = &nothing };
	int zero = 0;

	if (on)
		MUST(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)));
	else
		MUST(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)));
}

static struct tcp_info info_of(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	return info;
}

static unsigned sent_again(int fd)
{
	return info_of(fd).tcpi_total_retrans;
}

/* TCPSynRetrans of the machine: SYN and SYN-ACK. */
static unsigned syns_again(void)
{
	char names[8192], values[8192], *n, *v, *n_at, *v_at;
	FILE *f = fopen("/proc/net/netstat", "re");

	if (!f || !fgets(names, sizeof(names), f) || !fgets(values, sizeof(values), f))
		expect(errno, 0, "/proc/net/netstat");
	fclose(f);
	n = strtok_r(names, " \n", &n_at);
	v = strtok_r(values, " \n", &v_at);
	while (n && v && strcmp(n, "TCPSynRetrans")) {
		n = strtok_r(NULL, " \n", &n_at);
		v = strtok_r(NULL, " \n", &v_at);
	}
	return v ? (unsigned)strtoul(v, NULL, 10) : 0;
}

/* ---- loads ------------------------------------------------------------------------------------------------ */

static const int families[] = { 4, 6, 46 };

static void served_by(int listener, int client)
{
	int server;

	expect(connect_to(client, name_of(listener)), 0, "connect");
	server = MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	give(client, server, 3);
	give(server, client, 5);
	close(client);
	drained(server);
	close(server);
}

static void served(void)
{
	for (int i = 0; i < 3; i++) {
		int listener = listening(families[i], 16);

		served_by(listener, tcp_socket(families[i], 0));
		close(listener);
	}
}

static void refused(void)
{
	for (int i = 0; i < 6; i++) {
		int family = families[i / 2], taken = listening(family, 1);
		union address a = name_of(taken);

		close(taken);
		fails(family, i % 2 ? SOCK_NONBLOCK : 0, a, ECONNREFUSED, "refused");
	}
}

static void unroutable(void)
{
	fails(4, 0, address_of(4, "203.0.113.9", 80), ENETUNREACH, "unroutable");
	fails(6, SOCK_NONBLOCK, address_of(6, "2001:db8::9", 80), ENETUNREACH, "unroutable");
	fails(46, 0, address_of(46, "::ffff:203.0.113.9", 80), ENETUNREACH, "unroutable");
}

static void portless(void)
{
	int listener = listening(4, 16), first = tcp_socket(4, 0), second = tcp_socket(4, 0), server, on = 1;
	union address a;

	MUST(setsockopt(first, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	MUST(setsockopt(second, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	a = address_of(4, loopback(4), 0);
	MUST(bind(first, &a.any, length(&a)));
	a = name_of(first);
	MUST(bind(second, &a.any, length(&a)));
	expect(connect_to(first, name_of(listener)), 0, "connect");
	expect(connect_to(second, name_of(listener)), EADDRNOTAVAIL, "portless");
	server = MUST(accept(listener, NULL, NULL));
	close(second);
	close(first);
	drained(server);
	close(server);
	close(listener);
}

static void odd(void)
{
	fails(4, 0, address_of(6, "::1", 80), EAFNOSUPPORT, "odd");
}

static void cut_short(void)
{
	union address a = address_of(4, loopback(4), 80);
	int fd = tcp_socket(4, 0);

	expect(connect(fd, &a.any, 8) ? errno : 0, EINVAL, "short");
	close(fd);
}

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static void forbidden(void)
{
	struct bpf_insn no[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K }, { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .insn_cnt = 2, .insns = (unsigned long)no,
				.license = (unsigned long)"GPL", .expected_attach_type = BPF_CGROUP_INET4_CONNECT };
	int folder = MUST(open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	union bpf_attr attach;

	MUST(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY })); /* before 5.11 */
	attach = (union bpf_attr){ .target_fd = folder, .attach_bpf_fd = MUST(bpf(BPF_PROG_LOAD, &load)),
				  .attach_type = BPF_CGROUP_INET4_CONNECT };

	MUST(bpf(BPF_PROG_ATTACH, &attach));
	fails(4, 0, address_of(4, loopback(4), 80), EPERM, "forbidden");
	MUST(bpf(BPF_PROG_DETACH, &attach));
	close(attach.attach_bpf_fd);
	close(folder);
}

/* linux/landlock.h of version 4, numbers that hosts' headers may lack */
#define NR_LANDLOCK_CREATE_RULESET 444
#define NR_LANDLOCK_RESTRICT_SELF  446
#define LANDLOCK_NET_CONNECT_TCP   2

static void locked(void)
{
	struct {
		unsigned long long fs, net;
	} rules = { .net = LANDLOCK_NET_CONNECT_TCP };
	int fd = (int)syscall(NR_LANDLOCK_CREATE_RULESET, &rules, sizeof(rules), 0), status;
	pid_t pid;

	missing = fd < 0;
	if (missing)
		return;
	pid = MUST(fork());
	if (!pid) {
		MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		MUST(syscall(NR_LANDLOCK_RESTRICT_SELF, fd, 0));
		fails(4, 0, address_of(4, loopback(4), 80), EACCES, "locked");
		_exit(0);
	}
	close(fd);
	MUST(waitpid(pid, &status, 0));
	expect(WEXITSTATUS(status), 0, "locked");
}

static void mistaken(void)
{
	union address a = address_of(4, loopback(4), 9);
	int fd = tcp_socket(4, 0), null = MUST(open("/dev/null", O_RDONLY)), udp, pair[2];

	expect(connect_to(9999, a), EBADF, "no descriptor");
	expect(connect_to(null, a), ENOTSOCK, "no socket");
	expect(connect(fd, (void *)8, sizeof(a.v4)) ? errno : 0, EFAULT, "no address");
	udp = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	expect(connect_to(udp, a), 0, "datagrams");
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	for (int i = 0; i < 5; i++)
		close((int[]){ fd, null, udp, pair[0], pair[1] }[i]);
}

/* One end closes with a reset: the client of its own accord, or the server because it has not read. */
static void aborted_by(int server_too_early)
{
	int listener = listening(4, 16), client = tcp_socket(4, 0), server;
	struct linger at_once = { .l_onoff = 1 };
	char byte = 0;

	expect(connect_to(client, name_of(listener)), 0, "connect");
	server = MUST(accept(listener, NULL, NULL));
	if (server_too_early) {
		MUST(send(client, &byte, 1, 0));
		close(server);
		expect(recv(client, &byte, 1, 0) ? errno : 0, ECONNRESET, "unread");
		close(client);
	} else {
		MUST(setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
		close(client);
		expect(recv(server, &byte, 1, 0) ? errno : 0, ECONNRESET, "aborted");
		close(server);
	}
	close(listener);
}

static void aborted(void)
{
	aborted_by(0);
}

static void unread(void)
{
	aborted_by(1);
}

/* The queue of a listener that accepts none holds one more than its length. */
static void given_up(void)
{
	int listener = listening(4, 1), clients[3];

	for (int i = 0; i < 3; i++) {
		clients[i] = tcp_socket(4, SOCK_NONBLOCK);
		expect(connect_to(clients[i], name_of(listener)), EINPROGRESS, "given up");
	}
	for (int i = 2; i >= 0; i--)
		close(clients[i]);
	for (int i = 0; i < 2; i++) {
		int server = MUST(accept(listener, NULL, NULL));

		drained(server);
		close(server);
	}
	close(listener);
}

static void fast(void)
{
	int listener = listening(4, 16), client = tcp_socket(4, 0), server;
	union address a = name_of(listener);

	MUST(sendto(client, "first", 5, MSG_FASTOPEN, &a.any, length(&a)));
	server = MUST(accept(listener, NULL, NULL));
	close(client);
	drained(server);
	close(server);
	close(listener);
	unroutable(); /* what the same thread does next is seen too */
}

static void mptcp(void)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	union address a = address_of(4, loopback(4), 0);

	missing = listener < 0;
	if (missing)
		return;
	MUST(bind(listener, &a.any, length(&a)));
	MUST(listen(listener, 16));
	served_by(listener, tcp_socket(4, 0));
	close(listener);
}

static void lost(void)
{
	int listener = listening(4, 16), client = tcp_socket(4, 0), server;

	expect(connect_to(client, name_of(listener)), 0, "connect");
	server = MUST(accept(listener, NULL, NULL));
	give(client, server, 10);
	hear(server, 0);
	MUST(send(client, "lost", 4, 0));
	while (sent_again(client) < 3)
		usleep(5000);
	hear(server, 1);
	shutdown(client, SHUT_WR);
	drained(server);
	while (info_of(client).tcpi_state != TCP_FIN_WAIT2) /* the ACK may be delayed, and close tells the state anew */
		usleep(5000);
	data += sent_again(client);
	close(client);
	close(server);
	close(listener);
}

static void unheard(void)
{
	int listener = listening(4, 16), client = tcp_socket(4, SOCK_NONBLOCK), server;
	unsigned before = syns_again(), syns;

	hear(client, 0);
	expect(connect_to(client, name_of(listener)), EINPROGRESS, "unheard");
	while (syns_again() - before < 2)
		usleep(5000);
	hear(client, 1);
	server = MUST(accept(listener, NULL, NULL));
	syns = sent_again(client);
	syn += syns;
	synack += syns_again() - before - syns;
	close(client);
	drained(server);
	close(server);
	close(listener);
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
	void (*run)(void);
} loads[] = {
	{ "served", served },	  { "refused", refused },   { "unroutable", unroutable }, { "portless", portless },
	{ "odd", odd },		  { "short", cut_short },   { "forbidden", forbidden },	  { "locked", locked },
	{ "mistaken", mistaken }, { "aborted", aborted },   { "unread", unread },	  { "given-up", given_up },
	{ "fast", fast },	  { "mptcp", mptcp },	    { "lost", lost },		  { "unheard", unheard },
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double begin = now();
	int turns;

	if (argc != 4)
		return 97;
	cgroup = argv[1];
	turns = atoi(argv[3]);
	move_to(cgroup);
	for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++)
		for (int n = strcmp(argv[2], loads[i].mode) ? 0 : turns; n; n--)
			loads[i].run();
	move_to("/sys/fs/cgroup");
	printf("{\"mode\":\"%s\",\"turns\":%d,\"begin\":%f,\"end\":%f,\"missing\":%s,\"data\":%u,\"syn\":%u,"
	       "\"synack\":%u}\n", argv[2], turns, begin, now(), missing ? "true" : "false", data, syn, synack);
	return 0;
}
