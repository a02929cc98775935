// SPDX-License-Identifier: Apache-2.0
/* links: */
/* base/log: read back from a packet-mode pipe, so that one read is one write(2). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/str.h"

static struct {
	int read_end, stderr_copy;
} tap;

static int tap_open(void **state)
{
	int ends[2];

	(void)state;
	if (pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC) != 0)
		return -1;
	tap.read_end = ends[0];
	tap.stderr_copy = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	log_setup(LOG_INFO, LOG_LOGFMT);
	return 0;
}

static int tap_close(void **state)
{
	(void)state;
	dup2(tap.stderr_copy, STDERR_FILENO);
	close(tap.stderr_copy);
	close(tap.read_end);
	return 0;
}

/* The next packet without what precedes the level (the time), or "" if there is none.
 * A pipe packet holds PIPE_BUF bytes; longer lines come in more reads and are joined. */
static const char *line_after(const char *head)
{
	static char line[16384];
	ssize_t n = 0, got;

	while ((got = read(tap.read_end, line + n, sizeof(line) - 1 - (size_t)n)) > 0) {
		n += got;
		if (got < 4096)
			break;
	}
	line[n] = '\0';
	if (n == 0)
		return "";
	assert_true(str_starts(str_of(line), str_of(head)));
	assert_int_equal(line[strlen(head) + 10], 'T');
	assert_int_equal(line[strlen(head) + 26], 'Z');
	return line + strlen(head) + 27;
}

static void logfmt(void **state)
{
	(void)state;
	log_warn("otlp", "export failed: %d of %s", 3, "\"ten\"");
	assert_string_equal(line_after("ts="),
			    " level=warn sub=otlp msg=\"export failed: 3 of \\\"ten\\\"\"\n");
	log_error("a", "%s", "");
	assert_string_equal(line_after("ts="), " level=error sub=a msg=\"\"\n");
}

static void json(void **state)
{
	(void)state;
	log_setup(LOG_DEBUG, LOG_JSON);
	log_debug("ring", "a\\b\tc");
	assert_string_equal(line_after("{\"ts\":\""),
			    "\",\"level\":\"debug\",\"sub\":\"ring\",\"msg\":\"a\\\\b\\tc\"}\n");
}

static void levels(void **state)
{
	(void)state;
	log_setup(LOG_WARN, LOG_LOGFMT);
	assert_true(log_on(LOG_ERROR) && log_on(LOG_WARN));
	assert_false(log_on(LOG_INFO) || log_on(LOG_DEBUG));
	log_info("x", "not wanted");
	log_debug("x", "not wanted");
	assert_string_equal(line_after("ts="), "");
	log_warn("x", "wanted");
	assert_string_equal(line_after("ts="), " level=warn sub=x msg=\"wanted\"\n");
}

/* A process name with a line feed cannot end our line and begin one of its own. */
static void forging(void **state)
{
	(void)state;
	log_info("x", "comm=%s", "a\"\nts=0 level=error\x1b[2J\xc2\x9b\xff");
	assert_string_equal(line_after("ts="),
			    " level=info sub=x msg=\"comm=a\\\"\\nts=0 level=error\\u001b[2J"
			    "\\u009b\xef\xbf\xbd\"\n");
	assert_string_equal(line_after("ts="), "");
}

static void cutting(void **state)
{
	static const char before[] = " level=info sub=x msg=\"";
	char text[2 * LOG_TEXT_MAX + 1];
	const char *got;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[LOG_TEXT_MAX] = '\0';
	log_info("x", "%s", text); /* fits to the byte */
	got = line_after("ts=");
	assert_int_equal(strlen(got), sizeof(before) - 1 + LOG_TEXT_MAX + 2);
	assert_null(strstr(got, "..."));

	text[LOG_TEXT_MAX] = 'a';
	text[LOG_TEXT_MAX + 1] = '\0';
	log_info("x", "%s", text);
	got = line_after("ts=");
	assert_int_equal(strlen(got), sizeof(before) - 1 + LOG_TEXT_MAX + 2);
	assert_string_equal(got + strlen(got) - 6, "a...\"\n");

	/* Two-byte characters at an odd place: the cut must not leave half of one. */
	for (size_t i = 1; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	text[sizeof(text) - 1] = '\0';
	log_info("x", "%s", text);
	got = line_after("ts=");
	assert_true(str_is_utf8(str_of(got)));
	assert_null(strstr(got, STR_UTF8_REPLACEMENT));
	assert_string_equal(got + strlen(got) - 7, "\xc3\xa4...\"\n");

	/* The worst case in size: 997 controls of 6 bytes each, whole and closed. */
	memset(text, 1, sizeof(text) - 1);
	log_info("x", "%s", text);
	got = line_after("ts=");
	assert_int_equal(strlen(got), sizeof(before) - 1 + (LOG_TEXT_MAX - 3) * 6 + 3 + 2);
	assert_string_equal(got + strlen(got) - 11, "\\u0001...\"\n");
}

static void keeps_errno(void **state)
{
	(void)state;
	errno = ENOENT;
	log_info("x", "open: %m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(line_after("ts="),
			    " level=info sub=x msg=\"open: No such file or directory\"\n");
}

/* A line that cannot be written changes nothing either. */
static void unwritable(void **state)
{
	(void)state;
	close(STDERR_FILENO);
	errno = ENOENT;
	log_info("x", "lost");
	assert_int_equal(errno, ENOENT);
}

static void rate(void **state)
{
	struct log_rate r = { .every_s = 3600 };
	struct log_rate none = { 0 };

	(void)state;
	assert_true(log_rate_ok(&r));
	assert_int_equal(r.held, 0);
	assert_false(log_rate_ok(&r));
	assert_false(log_rate_ok(&r));
	r.last_ns -= 3600 * NSEC_PER_SEC; /* an hour goes by */
	assert_true(log_rate_ok(&r));
	assert_int_equal(r.held, 2);
	assert_false(log_rate_ok(&r));
	r.last_ns -= 3600 * NSEC_PER_SEC;
	assert_true(log_rate_ok(&r));
	assert_int_equal(r.held, 1);
	r.last_ns -= 3600 * NSEC_PER_SEC;
	assert_true(log_rate_ok(&r));
	assert_int_equal(r.held, 0);
	for (int i = 0; i < 10; i++)
		assert_true(log_rate_ok(&none));
}

int main(void)
{
#define TAPPED(name) cmocka_unit_test_setup_teardown(name, tap_open, tap_close)
	const struct CMUnitTest tests[] = {
		TAPPED(logfmt),	 TAPPED(json),	      TAPPED(levels),	  TAPPED(forging),
		TAPPED(cutting), TAPPED(keeps_errno), TAPPED(unwritable), cmocka_unit_test(rate),
	};

	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
