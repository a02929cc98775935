/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load whose numbers are known to the last one, for the end-to-end tests.
 *
 *	workload [--cgroup DIR HOME] MODE [ARGUMENT...]
 *
 * With --cgroup it moves itself into DIR before the load and back into HOME after it, so that its own start and
 * its own end are nobody's events in DIR: what DIR sees is the load alone. Both are folders of the v2 tree.
 *
 *	procs N J	N times: fork, execve of this program, exit 0; J alive at a time. Prints nothing.
 *	forks N		N times: fork, exit 0
 *	spawn N		N times: posix_spawn (a vfork) of this program, exit 0
 *	tcp N ASK ANSWER FAMILY
 *			N times over loopback: connect, accept, ASK bytes there, ANSWER bytes back, the client closes,
 *			then the server. FAMILY 4, 6, or 46: a v6 socket to ::ffff:127.0.0.1
 *	each SPEC...	for each: fork, execve of this program with SPEC, wait
 *	failed PATH...	for each: fork, one execve of PATH that fails, exit 127
 *	exec CWD UID PATH ARG0 ARG...
 *			once: fork, chdir (a step for each part of CWD), setuid, execve of PATH with exactly these arguments
 *	calls N		N times: open, close, close again, open what is not there, read of no descriptor, openat2 as
 *			it must not be; prints nothing
 *	datagrams N FAMILY
 *			N times over loopback, families as of tcp: sends and receives in all ways there are, some of which
 *			fail; prints the ports
 *	stream N FAMILY	one connection over loopback, families as of tcp; N times: sends and receives in all ways there
 *			are; then the end, and what it makes fail; prints the client's and the server's port
 *	files N DIR	N times: what can be done with files there, and with what is none; see files()
 *	futexes N	N times: waits on futexes that end in all ways there are; see futexes()
 *	herd N		N processes wait on one futex and are woken
 *	hog MIB		writes to so much memory
 *	rest SECONDS	nothing
 *
 * A SPEC is what the started program does to end: one process each, whatever its threads do.
 *
 *	exit=N		exit code N
 *	signal=N	kills itself
 *	group=N		9 threads call exit_group(N) at the same time
 *	threads=N	9 threads end at the same time, each by exit(2) of its own; the leader's code is N, the others' 77:
 *			which of them the parent is told depends on the kernel and on who is last, so ask waitpid
 *	leader=N	the leader ends by exit(2) first, with N; 8 threads a little later, with 77
 *	follower=N	8 threads end first, the leader a little later
 *	threadexec=N	a thread that is not the leader calls execve of this program with exit=N
 *
 * each, failed and exec print a line of JSON for each process: its pid, what it was, how it ended by waitpid.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define SELF "/proc/self/exe"

static void die(const char *fmt, ...)
{
	va_list args;

	fputs("workload: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(errno));
	_exit(99); /* not exit: a child would write its parent's buffered lines once more */
}

#define MUST(call)                                                                                                       \
	({                                                                                                               \
		__auto_type _r = (call);                                                                                 \
		if (_r < 0)                                                                                              \
			die("%s", #call);                                                                                \
		_r;                                                                                                      \
	})

static void move_to(const char *dir)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = MUST(open(path, O_WRONLY | O_CLOEXEC));
	MUST(write(fd, "0", 1));
	close(fd);
}

static char self[4096]; /* the path of this program */

/* ---- what a started program does ------------------------------------------------------------------ */

static int code;
static int waiting = THREADS + 1;

/* All threads leave here within a few cycles of each other. */
static void line_up(void)
{
	__atomic_sub_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST))
		;
}

static void *end_group(void *arg)
{
	line_up();
	syscall(SYS_exit_group, code);
	return arg;
}

static void *end_thread(void *arg)
{
	line_up();
	syscall(SYS_exit, arg ? 77 : code);
	return arg;
}

static void *end_late(void *arg)
{
	usleep(20000);
	syscall(SYS_exit, 77);
	return arg;
}

static void *end_early(void *arg)
{
	syscall(SYS_exit, 77);
	return arg;
}

static void *start_other(void *arg)
{
	char spec[32];

	snprintf(spec, sizeof(spec), "exit=%d", code);
	execve(self, (char *[]){ self, "spec", spec, NULL }, (char *[]){ NULL });
	die("execve %s", self);
	return arg;
}

static void threads(void *(*run)(void *), int n)
{
	pthread_t t;

	for (int i = 0; i < n; i++)
		if (pthread_create(&t, NULL, run, &code))
			die("pthread_create");
}

static int end_as(const char *spec)
{
	const char *number = strchr(spec, '=');

	if (!number)
		die("\"%s\" is no SPEC", spec);
	code = atoi(number + 1);
	if (!strncmp(spec, "exit=", 5)) {
		_exit(code);
	} else if (!strncmp(spec, "signal=", 7)) {
		signal(code, SIG_DFL);
		kill(getpid(), code);
	} else if (!strncmp(spec, "group=", 6)) {
		threads(end_group, THREADS);
		end_group(NULL);
	} else if (!strncmp(spec, "threads=", 8)) {
		threads(end_thread, THREADS);
		end_thread(NULL);
	} else if (!strncmp(spec, "leader=", 7)) {
		threads(end_late, THREADS);
		syscall(SYS_exit, code);
	} else if (!strncmp(spec, "follower=", 9)) {
		threads(end_early, THREADS);
		usleep(20000);
		syscall(SYS_exit, code);
	} else if (!strncmp(spec, "threadexec=", 11)) {
		threads(start_other, 1);
	}
	pause();
	return 98;
}

/* ---- processes -------------------------------------------------------------------------------------- */

/* The system call itself: a C library may run a fork as another call. */
static pid_t fork_once(void)
{
	return (pid_t)MUST(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static void reap(void)
{
	int status;

	if (wait(&status) < 0 || status)
		die("a child ended with status %x", status);
}

static void procs(int n, int together)
{
	for (int i = 0; i < n; i++) {
		if (i >= together)
			reap();
		if (!fork_once()) {
			execve(self, (char *[]){ self, "spec", "exit=0", NULL }, (char *[]){ NULL });
			_exit(99);
		}
	}
	for (int i = 0; i < n && i < together; i++)
		reap();
}

static void forks(int n)
{
	for (int i = 0; i < n; i++) {
		if (!fork_once())
			_exit(0);
		reap();
	}
}

static void spawns(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid;

		errno = posix_spawn(&pid, self, NULL, NULL, (char *[]){ self, "spec", "exit=0", NULL },
				    (char *[]){ NULL });
		if (errno)
			die("posix_spawn");
		reap();
	}
}

static void tell(pid_t pid, const char *what)
{
	int status;

	MUST(waitpid(pid, &status, 0));
	printf("{\"pid\":%d,\"parent\":%d,\"what\":\"%s\",\"code\":%d,\"signal\":%d,\"core\":%s}\n", pid, getpid(), what,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	       WIFSIGNALED(status) && WCOREDUMP(status) ? "true" : "false");
}

static void each(char **specs)
{
	for (; *specs; specs++) {
		pid_t pid = fork_once();

		if (!pid) {
			execve(self, (char *[]){ self, "spec", *specs, NULL }, (char *[]){ NULL });
			_exit(99);
		}
		tell(pid, *specs);
	}
}

static void failed(char **paths)
{
	for (; *paths; paths++) {
		pid_t pid = fork_once();

		if (!pid) {
			execve(*paths, (char *[]){ "x", NULL }, (char *[]){ NULL });
			_exit(127);
		}
		tell(pid, *paths);
	}
}

/* A path may be longer than PATH_MAX allows in one call. */
static void go_to(char *cwd)
{
	if (*cwd == '/')
		MUST(chdir("/"));
	for (char *part = strtok(cwd, "/"); part; part = strtok(NULL, "/"))
		MUST(chdir(part));
}

static void exec_one(char **args)
{
	pid_t pid = fork_once();

	if (!pid) {
		go_to(args[0]);
		MUST(setuid((uid_t)atoi(args[1])));
		execve(args[2], args + 3, (char *[]){ NULL });
		_exit(127);
	}
	tell(pid, "exec");
}

/* ---- connections -------------------------------------------------------------------------------------- */

static void move_bytes(int from, int to, size_t n)
{
	static char room[1 << 16];

	while (n) {
		size_t part = n < sizeof(room) ? n : sizeof(room);
		ssize_t out = MUST(send(from, room, part, 0));

		for (ssize_t in = 0; in < out;)
			in += MUST(recv(to, room, (size_t)(out - in), 0));
		n -= (size_t)out;
	}
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t loopback(union address *a, int family)
{
	memset(a, 0, sizeof(*a));
	if (family == 4) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(a->v4);
	}
	a->v6.sin6_family = AF_INET6;
	inet_pton(AF_INET6, family == 6 ? "::1" : "::ffff:127.0.0.1", &a->v6.sin6_addr);
	return sizeof(a->v6);
}

static void tcp(int n, size_t ask, size_t answer, int family)
{
	union address a;
	socklen_t len = loopback(&a, family);
	int listener = MUST(socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
	char byte;

	MUST(bind(listener, &a.any, len));
	MUST(listen(listener, 16));
	MUST(getsockname(listener, &a.any, &len));
	for (int i = 0; i < n; i++) {
		int client = MUST(socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)), server;

		MUST(connect(client, &a.any, len));
		server = MUST(accept(listener, NULL, NULL));
		move_bytes(client, server, ask);
		move_bytes(server, client, answer);
		close(client);
		if (MUST(recv(server, &byte, 1, 0)))
			die("a byte too much");
		close(server);
	}
	close(listener);
}

/* ---- datagrams ---------------------------------------------------------------------------------------- */

static int udp_socket(const union address *a, socklen_t len, const union address *to)
{
	int fd = MUST(socket(a->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	if (to)
		MUST(connect(fd, &to->any, len));
	return fd;
}

static int port_of(int fd)
{
	union address a;
	socklen_t len = sizeof(a);

	MUST(getsockname(fd, &a.any, &len));
	return ntohs(a.v4.sin_port); /* at the same place in both */
}

static void is(ssize_t ret, ssize_t wanted)
{
	if (ret != wanted)
		die("a call gave %zd, not %zd", ret, wanted);
}

/* What a call must fail with. */
static void fails(long ret, int err)
{
	if (ret != -1 || errno != err)
		die("a call gave %ld (%s), not %s", ret, strerror(errno), strerror(err));
}

static void several(int from, int to, union address *a, socklen_t len)
{
	char room[3][8];
	union address names[3];
	struct iovec out[3], in[3];
	struct mmsghdr sent[3] = { 0 }, got[3] = { 0 };

	for (size_t i = 0; i < 3; i++) {
		out[i] = (struct iovec){ room[i], i + 1 };
		in[i] = (struct iovec){ room[i], sizeof(room[i]) };
		sent[i].msg_hdr = (struct msghdr){ a, len, &out[i], 1, NULL, 0, 0 };
		got[i].msg_hdr = (struct msghdr){ &names[i], sizeof(names[i]), &in[i], 1, NULL, 0, 0 };
	}
	is(sendmmsg(from, sent, 3, 0), 3);
	is(recvmmsg(to, got, 3, 0, NULL), 3);
}

/* tests/e2e/datagrams.py has what this is to be told as. */
static void datagrams(int n, int family)
{
	static char room[70000];
	union address a, nobody, name;
	socklen_t len = loopback(&a, family), name_len;
	int server = MUST(socket(a.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)), closed, connected, open, refused;
	struct iovec parts[2] = { { room, 5 }, { room, 6 } }, halves[2] = { { room, 20 }, { room, 10 } };

	nobody = a;
	MUST(bind(server, &a.any, len));
	MUST(getsockname(server, &a.any, &len));
	closed = udp_socket(&a, len, NULL);
	MUST(bind(closed, &nobody.any, len));
	MUST(getsockname(closed, &nobody.any, &len));
	close(closed);
	connected = udp_socket(&a, len, &a);
	open = udp_socket(&a, len, NULL);
	refused = udp_socket(&a, len, &nobody);
	while (n--) {
		struct msghdr out = { &a, len, halves, 2, NULL, 0, 0 }, in = { &name, sizeof(name), halves, 2, NULL, 0, 0 };

		is(send(connected, room, 10, 0), 10);
		name_len = sizeof(name);
		is(recvfrom(server, room, sizeof(room), 0, &name.any, &name_len), 10);
		is(sendto(open, room, 20, 0, &a.any, len), 20);
		is(recv(server, room, sizeof(room), 0), 20);
		is(sendmsg(open, &out, 0), 30);
		is(recvmsg(server, &in, 0), 30);
		is(write(connected, room, 40), 40);
		is(read(server, room, sizeof(room)), 40);
		is(writev(connected, parts, 2), 11);
		is(readv(server, parts, 2), 11);
		several(open, server, &a, len);
		is(send(connected, room, 0, 0), 0);
		is(recv(server, room, 1, MSG_PEEK), 0);
		is(recv(server, room, 1, 0), 0);
		fails(recv(server, room, 1, MSG_DONTWAIT), EAGAIN);
		fails(sendto(open, room, sizeof(room), 0, &a.any, len), EMSGSIZE);
		is(send(refused, room, 7, 0), 7);
		fails(recv(refused, room, 7, 0), ECONNREFUSED);
	}
	printf("{\"server\":%d,\"connected\":%d,\"open\":%d,\"refused\":%d,\"nobody\":%d}\n", port_of(server),
	       port_of(connected), port_of(open), port_of(refused), ntohs(nobody.v4.sin_port));
}

/* ---- a stream ----------------------------------------------------------------------------------------- */

/* tests/e2e/streams.py has what this is to be told as. */
static void stream(int n, int family)
{
	static char room[100];
	union address a;
	socklen_t len = loopback(&a, family);
	int listener = MUST(socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int client = MUST(socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int file = MUST(open(SELF, O_RDONLY | O_CLOEXEC)), server, pipes[2];
	struct iovec parts[2] = { { room, 5 }, { room, 6 } }, halves[2] = { { room, 20 }, { room, 10 } };
	struct msghdr msg = { NULL, 0, halves, 2, NULL, 0, 0 };

	MUST(pipe2(pipes, O_CLOEXEC));
	MUST(bind(listener, &a.any, len));
	MUST(listen(listener, 1));
	MUST(getsockname(listener, &a.any, &len));
	MUST(connect(client, &a.any, len));
	server = MUST(accept(listener, NULL, NULL));
	while (n--) {
		is(send(client, room, 10, 0), 10);
		is(recv(server, room, sizeof(room), MSG_PEEK), 10);
		is(recv(server, room, sizeof(room), 0), 10);
		is(write(client, room, 20), 20);
		is(read(server, room, sizeof(room)), 20);
		is(writev(client, parts, 2), 11);
		is(readv(server, halves, 2), 11);
		is(sendmsg(client, &msg, 0), 30);
		is(recvmsg(server, &msg, 0), 30);
		is(sendfile(client, file, &(off_t){ 0 }, 100), 100);
		is(recv(server, room, 100, MSG_WAITALL), 100);
		is(write(pipes[1], room, 50), 50);
		is(splice(pipes[0], NULL, client, NULL, 50, 0), 50);
		is(splice(server, NULL, pipes[1], NULL, 50, 0), 50);
		is(read(pipes[0], room, 50), 50);
		fails(recv(server, room, 1, MSG_DONTWAIT), EAGAIN);
	}
	printf("{\"client\":%d,\"server\":%d}\n", port_of(client), port_of(server));
	MUST(shutdown(client, SHUT_WR));
	fails(send(client, room, 1, MSG_NOSIGNAL), EPIPE);
	is(recv(server, room, 1, 0), 0);
}

/* ---- system calls ----------------------------------------------------------------------------------------- */

static void calls(int n)
{
	char byte;

	while (n--) {
		int fd = MUST(open("/dev/null", O_RDONLY | O_CLOEXEC));

		close(fd);
		fails(close(fd), EBADF);
		fails(open("/nonexistent/file", O_RDONLY), ENOENT);
		fails(read(-1, &byte, 1), EBADF);
		fails(syscall(SYS_openat2, AT_FDCWD, "/dev/null", &byte, (size_t)1), EINVAL);
		getppid();
	}
}

#include "workload_files.h"
#include "workload_futexes.h"

/* ---- memory ------------------------------------------------------------------------------------------------ */

static void hog(int mib)
{
	size_t n = (size_t)mib << 20;
	char *p = malloc(n);

	for (size_t i = 0; p && i < n; i += 4096)
		((volatile char *)p)[i] = 1;
}

/* ---- the program ---------------------------------------------------------------------------------------- */

static int argument(int argc, char **argv, int i)
{
	if (i >= argc)
		die("%s: an argument is missing", argv[0]);
	return atoi(argv[i]);
}

static void run(int argc, char **argv)
{
	const char *mode = argc ? argv[0] : "";

	if (!strcmp(mode, "procs"))
		procs(argument(argc, argv, 1), argument(argc, argv, 2));
	else if (!strcmp(mode, "forks"))
		forks(argument(argc, argv, 1));
	else if (!strcmp(mode, "spawn"))
		spawns(argument(argc, argv, 1));
	else if (!strcmp(mode, "tcp"))
		tcp(argument(argc, argv, 1), (size_t)argument(argc, argv, 2), (size_t)argument(argc, argv, 3),
		    argument(argc, argv, 4));
	else if (!strcmp(mode, "each"))
		each(argv + 1);
	else if (!strcmp(mode, "failed"))
		failed(argv + 1);
	else if (!strcmp(mode, "exec") && argument(argc, argv, 4) + 1)
		exec_one(argv + 1);
	else if (!strcmp(mode, "calls"))
		calls(argument(argc, argv, 1));
	else if (!strcmp(mode, "datagrams"))
		datagrams(argument(argc, argv, 1), argument(argc, argv, 2));
	else if (!strcmp(mode, "stream"))
		stream(argument(argc, argv, 1), argument(argc, argv, 2));
	else if (!strcmp(mode, "files") && argument(argc, argv, 1) >= 0 && argc > 2)
		files(argument(argc, argv, 1), argv[2]);
	else if (!strcmp(mode, "futexes"))
		futexes(argument(argc, argv, 1));
	else if (!strcmp(mode, "herd"))
		herd(argument(argc, argv, 1));
	else if (!strcmp(mode, "hog"))
		hog(argument(argc, argv, 1));
	else if (!strcmp(mode, "rest"))
		sleep((unsigned)argument(argc, argv, 1));
	else
		die("no mode \"%s\"", mode);
}

int main(int argc, char **argv)
{
	const char *home = NULL;

	if (readlink(SELF, self, sizeof(self) - 1) < 0)
		self[0] = 0; /* no /proc here: nothing can be started but by name */
	if (argc == 3 && !strcmp(argv[1], "spec"))
		return end_as(argv[2]);
	/* no core files, whatever the machine's settings */
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	argc--;
	argv++;
	if (argc > 3 && !strcmp(argv[0], "--cgroup")) {
		home = argv[2];
		move_to(argv[1]);
		argc -= 3;
		argv += 3;
	}
	run(argc, argv);
	if (home)
		move_to(home);
	return fflush(stdout) ? 99 : 0;
}
