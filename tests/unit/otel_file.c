// SPDX-License-Identifier: Apache-2.0
/* links: otel/file.c otel/json.c libs: otlp-proto protobuf-c */
/* otel/file: whole lines or none, under both names, whatever the disk does. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/str.h"
#include "otel/file.h"

/* resource_spans { scope_spans { spans { name: "x" } } } */
#define REQUEST STR("\x0a\x07\x12\x05\x12\x03\x2a\x01x")
#define LINE	"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"x\"}]}]}]}\n"
#define LINE_N	(sizeof(LINE) - 1)

static char dir[] = "/tmp/otel_file_XXXXXX", path[64], part[80], err[256];

static int setup(void **state)
{
	(void)state;
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/out.json", dir);
	snprintf(part, sizeof(part), "%s.part", path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(part);
	return rmdir(dir);
}

static bool there(const char *name)
{
	struct stat st;

	return !lstat(name, &st);
}

static void assert_lines(const char *name, size_t lines)
{
	FILE *f = fopen(name, "r");
	char text[LINE_N + 2];
	size_t n = 0;

	assert_non_null(f);
	for (; fgets(text, sizeof(text), f); n++)
		assert_string_equal(text, LINE);
	assert_int_equal(n, lines);
	fclose(f);
}

static int put(struct file *f)
{
	u64 bytes = 0;
	int bad = file_write(f, SIGNAL_TRACES, REQUEST, &bytes);

	if (!bad)
		assert_true(bytes >= LINE_N);
	return bad;
}

static void test_lines(void **state)
{
	struct file *f;

	(void)state;
	assert_int_equal(file_new(&f, path, err, sizeof(err)), 0);
	assert_string_equal(file_name(f), path);
	for (int i = 0; i < 3; i++)
		assert_int_equal(put(f), 0);
	assert_true(there(part) && !there(path));
	assert_int_equal(file_close(f), 0);
	assert_true(!there(part) && there(path));
	assert_lines(path, 3);
	/* Written anew, not added to. */
	assert_int_equal(file_new(&f, path, err, sizeof(err)), 0);
	assert_lines(path, 3);
	assert_int_equal(file_close(f), 0);
	assert_lines(path, 0);
}

static void test_abandon(void **state)
{
	struct file *f;

	(void)state;
	assert_int_equal(file_new(&f, path, err, sizeof(err)), 0);
	assert_int_equal(put(f), 0);
	file_abandon(f);
	assert_true(!there(part) && !there(path));
	file_abandon(NULL);
	assert_int_equal(file_close(NULL), 0);
}

static void test_not_writable(void **state)
{
	struct file *f = NULL;

	(void)state;
	assert_int_equal(file_new(&f, "/nonexistent/a/b.json", err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "\"/nonexistent/a/b.json\""));
	assert_int_equal(file_new(&f, dir, err, sizeof(err)), -EINVAL);
	assert_null(f);
	/* A link in its place is not followed: a file of our own takes the place. */
	assert_int_equal(symlink("/tmp/otel_file_elsewhere", part), 0);
	assert_int_equal(file_new(&f, path, err, sizeof(err)), 0);
	assert_int_equal(file_close(f), 0);
	assert_false(there("/tmp/otel_file_elsewhere"));
	assert_lines(path, 0);
}

static void test_nonsense(void **state)
{
	struct file *f;
	u64 bytes;

	(void)state;
	assert_int_equal(file_new(&f, path, err, sizeof(err)), 0);
	assert_int_equal(file_write(f, SIGNAL_LOGS, STR("\x0a\x7f"), &bytes), -EBADMSG);
	assert_int_equal(file_close(f), 0);
	assert_lines(path, 0);
}

/* A disk that is full in the middle of a line, and has room again later. */
static void test_full_disk(void **state)
{
	struct rlimit before, limit;
	struct file *f;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(file_new(&f, path, err, sizeof(err)), 0);
	assert_int_equal(put(f), 0);
	limit = (struct rlimit){ LINE_N + LINE_N / 2, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(put(f), -EFBIG);
	assert_int_equal(put(f), -EFBIG);
	assert_lines(part, 1); /* half a line was there and is gone */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(put(f), 0);
	assert_int_equal(file_close(f), 0);
	assert_lines(path, 2);
}

/* /dev/full cannot be cut: the last line of stdout is broken, and the next starts afresh. */
static void test_stdout(void **state)
{
	int keep = dup(STDOUT_FILENO), pipe_fd[2], full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct file *f;
	int bad[4];
	char text[4 * LINE_N];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(pipe_fd), 0);
	fflush(stdout);
	assert_int_equal(file_new(&f, "-", err, sizeof(err)), 0);
	dup2(pipe_fd[1], STDOUT_FILENO);
	bad[0] = put(f);
	dup2(full, STDOUT_FILENO);
	bad[1] = put(f);
	dup2(pipe_fd[1], STDOUT_FILENO);
	bad[2] = put(f);
	n = read(pipe_fd[0], text, sizeof(text));
	close(pipe_fd[0]);
	bad[3] = put(f); /* SIGPIPE is ignored */
	dup2(keep, STDOUT_FILENO);
	assert_int_equal(bad[0], 0);
	assert_int_equal(bad[1], -ENOSPC);
	assert_int_equal(bad[2], 0);
	assert_int_equal(bad[3], -EPIPE);
	assert_int_equal(n, 2 * LINE_N);
	assert_memory_equal(text, LINE LINE, 2 * LINE_N);
	assert_int_equal(file_close(f), 0);
	/* Nothing was closed or renamed that is not ours. */
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
	close(pipe_fd[1]);
	close(full);
	close(keep);
}

/* Half a line in a pipe: what comes next stands on a line of its own. */
static void test_stdout_torn(void **state)
{
	static char big[200000], text[sizeof(big)];
	int keep = dup(STDOUT_FILENO), fd[2], bad[2];
	struct str request = { big, 0 };
	struct file *f;
	size_t n = 0;
	ssize_t k;
	u64 bytes;

	(void)state;
	/* Many small resources make a line longer than the pipe. */
	while (request.n < 60000) {
		memcpy(big + request.n, REQUEST.p, REQUEST.n);
		request.n += REQUEST.n;
	}
	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	assert_int_equal(file_new(&f, "-", err, sizeof(err)), 0);
	fflush(stdout);
	dup2(fd[1], STDOUT_FILENO);
	bad[0] = file_write(f, SIGNAL_TRACES, request, &bytes);
	while ((k = read(fd[0], text, sizeof(text))) > 0)
		n += (size_t)k;
	bad[1] = put(f);
	k = read(fd[0], text, sizeof(text));
	dup2(keep, STDOUT_FILENO);
	assert_int_equal(bad[0], -EAGAIN);
	assert_true(n > 1000);
	assert_int_equal(bad[1], 0);
	assert_int_equal(k, LINE_N + 1);
	assert_memory_equal(text, "\n" LINE, LINE_N + 1);
	file_close(f);
	close(fd[0]);
	close(fd[1]);
	close(keep);
}

/* The biggest request is one line; its memory is given back. */
static void test_big(void **state)
{
	static char big[FILE_REQUEST_MAX];
	struct str request = { big, 0 };
	struct file *f;
	u64 bytes;

	(void)state;
	while (request.n + REQUEST.n < sizeof(big)) {
		memcpy(big + request.n, REQUEST.p, REQUEST.n);
		request.n += REQUEST.n;
	}
	assert_int_equal(file_new(&f, path, err, sizeof(err)), 0);
	assert_int_equal(file_write(f, SIGNAL_TRACES, request, &bytes), 0);
	assert_true(bytes > 4 * request.n);
	assert_int_equal(put(f), 0);
	assert_int_equal(file_close(f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_abandon, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_writable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stdout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stdout_torn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_big, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	log_setup(LOG_ERROR, LOG_LOGFMT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
