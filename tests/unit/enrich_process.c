// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/enrich/process.c src/enrich/process_args.c */
/* Processes by exec, fork and exit; and that a reused pid never gets a wrong name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrich/process.h"

#define SEC  NSEC_PER_SEC
#define T0   (1000 * SEC)
#define CG   77ull
#define SOCK 0xffff888012345678ull /* a socket as key */

static struct processes *new_table(size_t cap)
{
	struct processes *ps = NULL;

	assert_int_equal(processes_new(&ps, cap), 0);
	return ps;
}

static struct event event_of(enum wire_kind kind, u32 pid, u64 key, u64 when_ns)
{
	return (struct event){
		.kind = kind,
		.pid = pid,
		.tid = pid,
		.key = key,
		.when_ns = when_ns,
		.cgroup = CG,
	};
}

static const struct process *exec(struct processes *ps, u32 pid, u64 start, u64 when,
				  const char *path)
{
	struct event ev = event_of(KIND_process_exec, pid, start, when);

	ev.comm = STR("comm");
	ev.process_exec = (struct ev_exec){
		.ppid = 1,
		.uid = 1000,
		.path = str_of(path),
		.args = STR("a\0b\0"),
		.args_n = 4,
	};
	return processes_event(ps, &ev);
}

static const struct process *process_kind(struct processes *ps, enum wire_kind kind, u32 pid,
					  u64 start, u64 when)
{
	struct event ev = event_of(kind, pid, start, when);

	return processes_event(ps, &ev);
}

static const struct process *tcp(struct processes *ps, u32 pid, u64 when)
{
	return process_kind(ps, KIND_tcp_connect, pid, SOCK, when);
}

static const struct process *tcp_close(struct processes *ps, u32 pid, u64 start, u64 when)
{
	struct event ev = event_of(KIND_tcp_close, pid, SOCK, when);

	ev.tcp_close.start_ns = start;
	return processes_event(ps, &ev);
}

static size_t len(const struct processes *ps)
{
	struct processes_stats s;

	processes_stats(ps, &s);
	return s.len;
}

static void test_exec(void **state)
{
	struct processes *ps = new_table(16);
	const struct process *p = exec(ps, 10, T0, T0 + SEC, "/bin/one");

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->pid, 10);
	assert_int_equal(p->ppid, 1);
	assert_int_equal(p->uid, 1000);
	assert_int_equal(p->start_ns, T0);
	assert_int_equal(p->exec_ns, T0 + SEC);
	assert_string_equal(p->comm, "comm");
	assert_string_equal(p->exe, "/bin/one");
	assert_string_equal(p->args, "a b");
	assert_ptr_equal(tcp(ps, 10, T0 + 2 * SEC), p);
	assert_ptr_equal(process_kind(ps, KIND_process_exec_failed, 10, T0, T0 + 2 * SEC), p);

	/* A second program of the same process takes the place of the first. */
	assert_ptr_equal(exec(ps, 10, T0, T0 + 3 * SEC, "/bin/two"), p);
	assert_string_equal(tcp(ps, 10, T0 + 4 * SEC)->exe, "/bin/two");
	assert_int_equal(len(ps), 1);

	/* Never seen to exec: nothing, though its parent was. */
	assert_null(tcp(ps, 11, T0 + 4 * SEC));
	assert_null(tcp(ps, 0, T0 + 4 * SEC));
	assert_null(process_kind(ps, KIND_process_exit, 11, T0 + SEC, T0 + 5 * SEC));
	processes_free(ps);
}

static void test_exit(void **state)
{
	struct processes *ps = new_table(16);
	const struct process *p;

	(void)state;
	exec(ps, 10, T0, T0, "/bin/one");
	p = process_kind(ps, KIND_process_exit, 10, T0, T0 + 10 * SEC);
	assert_non_null(p);
	assert_string_equal(p->exe, "/bin/one"); /* the event of the exit itself has it */

	/* Later events with that pid are of somebody else, but a late record of its life and
	 * a socket it opened are not. */
	assert_null(tcp(ps, 10, T0 + 10 * SEC + 1));
	assert_non_null(tcp(ps, 10, T0 + 9 * SEC));
	assert_non_null(tcp_close(ps, 10, T0 + 9 * SEC, T0 + 11 * SEC));
	assert_null(tcp_close(ps, 10, 0, T0 + 11 * SEC));
	assert_null(tcp_close(ps, 10, T0 - 1, T0 + 11 * SEC));
	assert_int_equal(len(ps), 1);

	/* And then it is gone. */
	assert_null(tcp(ps, 99, T0 + 10 * SEC + PROCESS_LINGER_NS + 1));
	assert_int_equal(len(ps), 0);
	assert_null(tcp_close(ps, 10, T0 + 9 * SEC, T0 + 11 * SEC));
	processes_free(ps);
}

static void test_exit_twice(void **state)
{
	struct processes *ps = new_table(16);

	(void)state;
	exec(ps, 10, T0, T0, "/bin/one");
	assert_non_null(process_kind(ps, KIND_process_exit, 10, T0, T0 + SEC));
	assert_non_null(process_kind(ps, KIND_process_exit, 10, T0, T0 + 2 * SEC));
	assert_null(tcp(ps, 10, T0 + 3 * SEC / 2)); /* the first one counts */
	processes_free(ps);
}

static void test_pid_reuse(void **state)
{
	struct processes *ps = new_table(16);

	(void)state;
	exec(ps, 10, T0, T0, "/bin/one");
	process_kind(ps, KIND_process_exit, 10, T0, T0 + SEC);
	/* reused by a process that never execs */
	assert_null(tcp(ps, 10, T0 + 2 * SEC));
	/* reused by one that does */
	exec(ps, 10, T0 + 3 * SEC, T0 + 3 * SEC, "/bin/two");
	assert_string_equal(tcp(ps, 10, T0 + 4 * SEC)->exe, "/bin/two");
	/* a record older than its start is of the one before */
	assert_null(tcp(ps, 10, T0 + 2 * SEC));
	assert_null(tcp_close(ps, 10, T0 + SEC / 2, T0 + 5 * SEC));
	/* the exit of the first, delivered late, takes nothing from the second */
	assert_null(process_kind(ps, KIND_process_exit, 10, T0, T0 + SEC));
	assert_string_equal(tcp(ps, 10, T0 + 5 * SEC)->exe, "/bin/two");
	/* nor does its exec */
	assert_null(exec(ps, 10, T0, T0 + SEC / 2, "/bin/one"));
	assert_string_equal(tcp(ps, 10, T0 + 5 * SEC)->exe, "/bin/two");
	/* nor the end of the time the first one lingered */
	assert_string_equal(tcp(ps, 10, T0 + 60 * SEC)->exe, "/bin/two");
	processes_free(ps);
}

/* The exit record was lost: the next owner of the pid shows itself by exec or fork. */
static void test_exit_lost(void **state)
{
	struct processes *ps = new_table(16);
	struct event fork = event_of(KIND_process_fork, 5, T0, T0 + 2 * SEC);

	(void)state;
	exec(ps, 5, T0, T0, "/bin/parent");
	exec(ps, 10, T0, T0, "/bin/one");
	exec(ps, 10, T0 + SEC, T0 + SEC, "/bin/two");
	assert_int_equal(len(ps), 2);
	assert_string_equal(tcp(ps, 10, T0 + 2 * SEC)->exe, "/bin/two");

	fork.process_fork = (struct ev_fork){ .child = 10, .child_key = T0 + 2 * SEC };
	assert_string_equal(processes_event(ps, &fork)->exe, "/bin/parent");
	assert_null(tcp(ps, 10, T0 + 3 * SEC));
	assert_int_equal(len(ps), 1);

	/* Or it is in another cgroup. */
	exec(ps, 20, T0, T0, "/bin/one");
	fork = event_of(KIND_tcp_connect, 20, SOCK, T0 + SEC);
	assert_non_null(processes_event(ps, &fork));
	fork.cgroup = CG + 1;
	assert_null(processes_event(ps, &fork));
	processes_free(ps);
}

static void test_eviction(void **state)
{
	struct processes *ps = new_table(4);
	struct processes_stats s;

	(void)state;
	for (u32 pid = 1; pid <= 4; pid++)
		exec(ps, pid, T0 + pid, T0 + SEC, "/bin/x");
	assert_non_null(tcp(ps, 1, T0 + 2 * SEC)); /* used: 2 is now the oldest */
	exec(ps, 5, T0 + 5, T0 + SEC, "/bin/x");
	assert_null(tcp(ps, 2, T0 + 2 * SEC));
	assert_non_null(tcp(ps, 1, T0 + 2 * SEC));
	assert_non_null(tcp(ps, 5, T0 + 2 * SEC));
	processes_stats(ps, &s);
	assert_int_equal(s.len, 4);
	assert_int_equal(s.evicted, 1);

	/* One that has ended makes room without being counted: nothing is lost by it. */
	process_kind(ps, KIND_process_exit, 3, T0 + 3, T0 + 2 * SEC);
	for (u32 pid = 10; pid < 14; pid++)
		exec(ps, pid, T0 + 5, T0 + 2 * SEC, "/bin/x");
	processes_stats(ps, &s);
	assert_int_equal(s.len, 4);
	assert_int_equal(s.evicted, 4);
	/* Its place in the queue of the ended ones does no harm to who has its pid now. */
	exec(ps, 3, T0 + 6, T0 + 3 * SEC, "/bin/new");
	assert_null(tcp(ps, 99, T0 + 2 * SEC + PROCESS_LINGER_NS + 1));
	assert_string_equal(tcp(ps, 3, T0 + 60 * SEC)->exe, "/bin/new");
	processes_free(ps);
}

/* A million short lives: nothing grows, and the ended ones are not counted as evicted. */
static void test_churn(void **state)
{
	struct processes *ps = new_table(1024);
	struct processes_stats first, s;

	(void)state;
	processes_stats(ps, &first);
	for (u32 i = 0; i < 1000000; i++) {
		u64 at = T0 + i * (u64)NSEC_PER_MSEC;
		u32 pid = 100 + i % 32768;
		const struct process *p = exec(ps, pid, at, at, "/bin/short");

		assert_int_equal(p->pid, pid);
		p = process_kind(ps, KIND_process_exit, pid, at, at + 1);
		assert_int_equal(p->pid, pid); /* ASan: the entry is still there */
		assert_string_equal(p->exe, "/bin/short");
		assert_null(tcp(ps, pid, at + 2));
	}
	processes_stats(ps, &s);
	assert_true(s.len <= PROCESS_LINGER_MAX);
	assert_int_equal(s.bytes, first.bytes);
	assert_int_equal(s.evicted, 0);
	processes_free(ps);
}

static void test_new_fails(void **state)
{
	struct processes *ps = NULL;

	(void)state;
	assert_int_equal(processes_new(&ps, 0), -EINVAL);
	assert_null(ps);
	processes_free(NULL);
}

#define ARGS(lit) { lit, sizeof(lit) - 1 }

static void test_args(void **state)
{
	static const struct {
		struct str args;
		size_t more; /* bytes the process has beyond */
		const char *text;
	} rows[] = {
		{ ARGS(""), 0, "" },
		{ ARGS("\0"), 0, "''" },
		{ ARGS("ls\0"), 0, "ls" },
		{ ARGS("ls\0-l\0/tmp\0"), 0, "ls -l /tmp" },
		{ ARGS("sh\0-c\0\0"), 0, "sh -c ''" },
		{ ARGS("sh\0-c\0echo a b\0"), 0, "sh -c echo a b" },
		{ ARGS("ls\0-l"), 10, "ls -l..." }, /* cut in the kernel: no NUL at the end */
		{ ARGS("a\nb\tc\0"), 0, "a\\nb\\tc" },
		{ ARGS("\x1b[31m\x7f\0"), 0, "\\x1b[31m\\x7f" },
		{ ARGS("\xc2\x9b"
		       "31m\0"),
		  0, "\\x9b31m" },
		{ ARGS("caf\xc3\xa9\0"), 0, "caf\xc3\xa9" },
		{ ARGS("bad\xff\0"), 0, "bad\xef\xbf\xbd" },
		{ ARGS("\xc2\0"), 0, "\xef\xbf\xbd" },
		{ ARGS("0123456789012345678901234567\0"), 0, "0123456789012345678901234567" },
		{ ARGS("01234567890123456789012345678\0"), 0, "0123456789012345678901234567..." },
		{ ARGS("012345678901234567890123456\xc3\xa9\0"), 0,
		  "012345678901234567890123456..." },
		{ ARGS("012345678901234567890123456\n\0x\0"), 0, "012345678901234567890123456..." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = rows[i].args.n;
		char *args = malloc(n ? n : 1), text[32];

		assert_non_null(args);
		memcpy(args, rows[i].args.p, n);
		memset(text, 'x', sizeof(text));
		process_args_text(text, sizeof(text), (struct str){ args, n }, n + rows[i].more);
		assert_string_equal(text, rows[i].text);
		free(args);
	}
	{
		char text[8];

		process_args_text(text, sizeof(text), (struct str){ NULL, 0 }, 0);
		assert_string_equal(text, "");
		process_args_text(text, sizeof(text), STR("abcdefghijkl"), 12);
		assert_string_equal(text, "abcd...");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec),	   cmocka_unit_test(test_exit),
		cmocka_unit_test(test_exit_twice), cmocka_unit_test(test_pid_reuse),
		cmocka_unit_test(test_exit_lost),  cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_churn),	   cmocka_unit_test(test_new_fails),
		cmocka_unit_test(test_args),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
