/* SPDX-License-Identifier: Apache-2.0 */
#include "trigger.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/elf.h"

#define SOCKETS 512 /* of one round, two descriptors each: below the usual limit of 1024 */

#define MUST(call)                                                                                                       \
	({                                                                                                               \
		__auto_type _r = (call);                                                                                 \
		if (_r < 0) {                                                                                            \
			perror("cost: " #call);                                                                          \
			_exit(1);                                                                                        \
		}                                                                                                        \
		_r;                                                                                                      \
	})

/* ---- processes -------------------------------------------------------------------------------------- */

static void spawn(unsigned n)
{
	static char *args[] = { "cost", TRIGGER_STARTED, "with", "a few", "arguments", NULL };

	while (n--) {
		pid_t pid = vfork();

		if (!pid) {
			execve("/proc/self/exe", args, args + 5);
			_exit(127);
		}
		MUST(waitpid(MUST(pid), NULL, 0));
	}
}

static void exec_nothing(unsigned n)
{
	static char *args[] = { "x", NULL };

	while (n--)
		execve("/nonexistent", args, args + 1);
}

/* A system call that nobody cares about. */
static void other_call(unsigned n)
{
	while (n--)
		syscall(SYS_getppid);
}

/* One that opens, one that closes, one that fails. */
static void open_close_fail(unsigned n)
{
	while (n--) {
		close(MUST(open("/dev/null", O_RDONLY | O_CLOEXEC)));
		close(-1);
	}
}

/* For nobody: another was faster. */
static void wait_in_vain(unsigned n)
{
	unsigned word = 1;

	while (n--)
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

/* On a file: one that opens, reads, writes, syncs, closes, renames, removes, and one that fails. */
static void file_ops(unsigned n)
{
	char byte = 0;

	while (n--) {
		int fd = MUST(open("/dev/shm/podtrace-cost", O_CREAT | O_RDWR | O_CLOEXEC, 0600));

		MUST(write(fd, &byte, 1));
		MUST(pread(fd, &byte, 1, 0));
		MUST(fsync(fd));
		close(fd);
		MUST(rename("/dev/shm/podtrace-cost", "/dev/shm/podtrace-cost-2"));
		MUST(unlink("/dev/shm/podtrace-cost-2"));
		open("/dev/shm/podtrace-cost", O_RDONLY);
	}
}

/* ---- connections ------------------------------------------------------------------------------------ */

static struct sockaddr_in listening, nobody;
static int listener, ends[SOCKETS];

static int tcp_socket(int flags)
{
	return MUST(socket(AF_INET, SOCK_STREAM | flags, 0));
}

static struct sockaddr_in loopback(unsigned short port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void listen_with(unsigned backlog)
{
	socklen_t len = sizeof(listening);

	listener = tcp_socket(0);
	listening = loopback(0);
	MUST(bind(listener, (struct sockaddr *)&listening, len));
	MUST(getsockname(listener, (struct sockaddr *)&listening, &len));
	MUST(listen(listener, (int)backlog));
}

static void prepare_listener(unsigned n)
{
	listen_with(n);
}

/* A whole life: nine changes of state at both ends together, a little data, closed in order. */
static void connection(unsigned n)
{
	char data[64] = "GET / HTTP/1.1\r\n\r\n";

	while (n--) {
		int client = tcp_socket(0), server;

		MUST(connect(client, (struct sockaddr *)&listening, sizeof(listening)));
		server = MUST(accept4(listener, NULL, NULL, 0));
		MUST(send(client, data, sizeof(data), 0));
		MUST(recv(server, data, sizeof(data), 0));
		MUST(send(server, data, sizeof(data), 0));
		MUST(recv(client, data, sizeof(data), 0));
		close(client);
		MUST(recv(server, data, 1, 0));
		close(server);
	}
}

/* A call that sends and one that receives, again and again: ends[0] to ends[1]. */
static void prepare_ends(unsigned n)
{
	listen_with(n);
	ends[0] = tcp_socket(0);
	MUST(connect(ends[0], (struct sockaddr *)&listening, sizeof(listening)));
	ends[1] = MUST(accept4(listener, NULL, NULL, 0));
}

static void prepare_datagrams(unsigned n)
{
	socklen_t len = sizeof(nobody);

	(void)n;
	nobody = loopback(0);
	ends[0] = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	ends[1] = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	MUST(bind(ends[1], (struct sockaddr *)&nobody, len));
	MUST(getsockname(ends[1], (struct sockaddr *)&nobody, &len));
	MUST(connect(ends[0], (struct sockaddr *)&nobody, len));
}

static void send_receive(unsigned n)
{
	char data[64] = "";

	while (n--) {
		MUST(send(ends[0], data, sizeof(data), 0));
		MUST(recv(ends[1], data, sizeof(data), 0));
	}
}

/* A request and its response: four transfers, each of them a head. */
static void exchange(unsigned n)
{
	static const char request[] = "GET /items?page=2 HTTP/1.1\r\nHost: shop.test:8080\r\nUser-Agent: cost/1\r\nAccept: */*\r\n\r\n";
	static const char response[] = "HTTP/1.1 200 OK\r\nServer: cost\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
	char data[128];

	while (n--) {
		MUST(send(ends[0], request, sizeof(request) - 1, 0));
		MUST(recv(ends[1], data, sizeof(data), 0));
		MUST(send(ends[1], response, sizeof(response) - 1, 0));
		MUST(recv(ends[0], data, sizeof(data), 0));
	}
}

static void prepare_accept(unsigned n)
{
	listen_with(n);
	for (unsigned i = 0; i < n; i++) {
		ends[i] = tcp_socket(0);
		MUST(connect(ends[i], (struct sockaddr *)&listening, sizeof(listening)));
	}
}

static void accept_all(unsigned n)
{
	while (n--)
		MUST(accept4(listener, NULL, NULL, 0));
}

/* TCP to a broadcast address is refused by connect itself. */
static void prepare_unreachable(unsigned n)
{
	(void)n;
	nobody = loopback(9);
	nobody.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	ends[0] = tcp_socket(0);
}

static void unreachable(unsigned n)
{
	while (n--)
		connect(ends[0], (struct sockaddr *)&nobody, sizeof(nobody));
}

/* A close that does not wait for what was sent (SO_LINGER 0) is a reset: sent and received. */
static void prepare_reset(unsigned n)
{
	struct linger no = { .l_onoff = 1 };

	listen_with(n);
	for (unsigned i = 0; i < n; i++) {
		ends[i] = tcp_socket(0);
		MUST(setsockopt(ends[i], SOL_SOCKET, SO_LINGER, &no, sizeof(no)));
		MUST(connect(ends[i], (struct sockaddr *)&listening, sizeof(listening)));
		MUST(accept4(listener, NULL, NULL, 0));
	}
}

static void reset(unsigned n)
{
	while (n--)
		close(ends[n]);
}

/* Nobody listens there: the answer is a reset. */
static void prepare_refused(unsigned n)
{
	(void)n;
	nobody = loopback(1);
	ends[0] = tcp_socket(0);
}

/* The client's socket drops whatever comes: both ends send again after a second. */
static void prepare_lost(unsigned n)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog drop = { 1, &nothing };

	listen_with(n);
	for (unsigned i = 0; i < n; i++) {
		ends[i] = tcp_socket(SOCK_NONBLOCK);
		MUST(setsockopt(ends[i], SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop)));
		connect(ends[i], (struct sockaddr *)&listening, sizeof(listening));
	}
}

static void wait_a_second(unsigned n)
{
	(void)n;
	usleep(1500000);
}

/* ---- libraries --------------------------------------------------------------------------------------- */

/* Functions to be attached to as if they were those of libraries (library.c). */
asm(".pushsection .rodata\n"
    "library_begin: .incbin \"" LIBRARY_FILE "\"\n"
    "library_end: .popsection\n");
extern const char library_begin[], library_end[];

static int (*look_up)(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found);

/* The statement is where the function has it: its second argument, or its third. */
static int (*senders[16])(const void *conn, const char *second, const char *third);
static const char *const libpq[] = { "PQexec", "PQexecParams", "PQprepare", "PQexecPrepared", "PQsendQuery", "PQsendQueryParams",
				     "PQsendPrepare", "PQsendQueryPrepared", "PQgetResult", "PQfinish", NULL };
static const char *const libmysql[] = { "mysql_query", NULL };
static const char *const libmysql_n[] = { "mysql_real_query", "mysql_send_query", "mysql_read_query_result", "mysql_stmt_prepare",
					  "mysql_stmt_execute", NULL };

int trigger_library(void)
{
	size_t n = (size_t)(library_end - library_begin);
	static int fd = -1;

	if (fd >= 0)
		return fd;
	fd = MUST(memfd_create("libc.so.6", MFD_CLOEXEC));
	if (write(fd, library_begin, n) != (ssize_t)n)
		_exit(1);
	return fd;
}

static void *function(const char *name)
{
	static char *map;
	u64 at[ELF_OFFSETS_MAX];

	if (!map)
		map = mmap(NULL, (size_t)(library_end - library_begin), PROT_READ | PROT_EXEC, MAP_PRIVATE,
			   trigger_library(), 0);
	if (map == MAP_FAILED || elf_function(trigger_library(), name, at) != 1)
		_exit(1);
	return map + at[0];
}

static void prepare_library(unsigned n)
{
	(void)n;
	look_up = function("getaddrinfo");
}

static void prepare_functions(const char *const *names)
{
	for (int i = 0; i < 16; i++)
		senders[i] = *names ? function(*names++) : NULL;
}

static void prepare_libpq(unsigned n)
{
	(void)n;
	prepare_functions(libpq);
}

static void prepare_libmysql(unsigned n)
{
	(void)n;
	prepare_functions(libmysql);
}

static void prepare_libmysql_n(unsigned n)
{
	(void)n;
	prepare_functions(libmysql_n);
}

#define STATEMENT "SELECT o.id, o.total FROM orders o JOIN customers c ON c.id = o.customer WHERE c.name = 'somebody' LIMIT 10"

static void send_statements(unsigned n)
{
	while (n--)
		for (int i = 0; senders[i]; i++)
			senders[i](libpq, STATEMENT, STATEMENT);
}

static void send_statements_n(unsigned n)
{
	while (n--)
		for (int i = 0; senders[i]; i++)
			senders[i](libpq, STATEMENT, (const char *)(sizeof(STATEMENT) - 1));
}

static void look_names_up(unsigned n)
{
	static const struct addrinfo hints = { .ai_family = AF_INET };
	struct addrinfo *found;

	while (n--)
		look_up("db.shop.svc.cluster.local", "5432", &hints, &found);
}

/* ---- names ----------------------------------------------------------------------------------------- */

/* Who hears them does not read them: the kernel lets them go when its buffer is full, behind the programs. */
static void hear(uint16_t port)
{
	struct sockaddr_in server = loopback(port);
	int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));

	MUST(bind(fd, (struct sockaddr *)&server, sizeof(server)));
}

static void prepare_queries(unsigned n)
{
	(void)n;
	hear(53);
	hear(9);
}

static void tell(uint16_t port, const void *message, size_t size, unsigned n)
{
	struct sockaddr_in server = loopback(port);
	int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));

	while (n--)
		MUST(sendto(fd, message, size, 0, (struct sockaddr *)&server, sizeof(server)));
	close(fd);
}

static void query(unsigned n)
{
	static const char message[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\4name\7example\0\0\1\0\1";

	tell(53, message, sizeof(message) - 1, n);
}

/* A packet that nobody cares about. */
static void other_packet(unsigned n)
{
	tell(9, "other", 5, n);
}

/* ---- cgroups ---------------------------------------------------------------------------------------- */

static void make_cgroups(unsigned n)
{
	const char *base = getenv("COST_CGROUP");
	char path[256];

	while (base && n--) {
		snprintf(path, sizeof(path), "%s/cri-containerd-%08x", base, n);
		MUST(mkdir(path, 0755));
		rmdir(path);
	}
}

/* ---- memory ----------------------------------------------------------------------------------------- */

/* Signals that kill nobody. */
static void signals(unsigned n)
{
	while (n--)
		MUST(raise(SIGWINCH));
}

/* ---- all -------------------------------------------------------------------------------------------- */

const struct trigger triggers[] = {
	{ "spawn", "process", { "exec", "fork", "exit" }, 30, NULL, spawn },
	{ "failed exec", "process", { "exec_failed" }, 1000, NULL, exec_nothing },
	{ "other call", "process", { "exec_failed" }, 4000, NULL, other_call },
	{ "connection", "tcp", { "state" }, 100, prepare_listener, connection },
	{ "accept", "tcp", { "accept" }, 400, prepare_accept, accept_all },
	{ "unreachable", "tcp", { "accept" }, 1000, prepare_unreachable, unreachable },
	{ "other call", "tcp", { "accept" }, 4000, NULL, other_call },
	{ "reset", "tcp", { "reset_sent", "reset_received" }, 300, prepare_reset, reset },
	{ "refused", "tcp", { "reset_sent" }, 300, prepare_refused, unreachable },
	{ "lost", "tcp", { "retransmit", "retransmit_synack" }, 100, prepare_lost, wait_a_second },
	{ "mkdir", "cgroup", { "mkdir" }, 40, NULL, make_cgroups },
	{ "getaddrinfo", "lookup", { "getaddrinfo" }, 400, prepare_library, look_names_up },
	{ "libpq", "db", { "postgresql" }, 100, prepare_libpq, send_statements },
	{ "mysql_query", "db", { "mysql" }, 400, prepare_libmysql, send_statements },
	{ "libmysql", "db", { "mysql" }, 100, prepare_libmysql_n, send_statements_n },
	{ "file", "file", { "op", "begin" }, 100, NULL, file_ops },
	{ "other call", "file", { "op", "begin" }, 4000, NULL, other_call },
	{ "spawn", "file", { "begin" }, 30, NULL, spawn },
	{ "open, close, fail", "syscall", { "call" }, 500, NULL, open_close_fail },
	{ "futex", "lock", { "futex" }, 1000, NULL, wait_in_vain },
	{ "other call", "lock", { "futex" }, 4000, NULL, other_call },
	{ "other call", "syscall", { "call" }, 4000, NULL, other_call },
	{ "datagram", "udp", { "datagram" }, 1000, prepare_datagrams, send_receive },
	{ "other call", "udp", { "datagram" }, 4000, NULL, other_call },
	{ "segment", "tcp", { "send_receive", "begin" }, 1000, prepare_ends, send_receive },
	{ "query", "dns", { "packet", "packet_owner" }, 300, prepare_queries, query },
	{ "other packet", "dns", { "packet" }, 4000, prepare_queries, other_packet },
	{ "exchange", "http", { "head" }, 500, prepare_ends, exchange },
	{ "segment", "http", { "head" }, 1000, prepare_ends, send_receive },
	{ "connection", "http", { "close" }, 100, prepare_listener, connection },
	{ "other call", "http", { "head" }, 4000, NULL, other_call },
	{ "signal", "memory", { "oom_kill" }, 2000, NULL, signals },
};

const unsigned triggers_n = sizeof(triggers) / sizeof(*triggers);
