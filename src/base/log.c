// SPDX-License-Identifier: Apache-2.0
/* Writes the lines. No allocation: a program short of memory must still be able to say so. */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

/* A message's worst case: each byte an escape of 6 (\u0001); the rest is time, level, sub. */
#define LOG_LINE_MAX (6 * LOG_TEXT_MAX + 256)
#define LOG_SUB_MAX  32 /* bytes of sub that are printed */

static enum log_level log_max = LOG_INFO;
static enum log_format log_how = LOG_LOGFMT;

void log_setup(enum log_level max, enum log_format format)
{
	log_max = max;
	log_how = format;
}

bool log_on(enum log_level level)
{
	return level <= log_max;
}

/* The message, cut between characters; dst takes LOG_TEXT_MAX bytes and a NUL. */
PRINTF_LIKE(2, 0) static struct str log_text(char *dst, const char *fmt, va_list ap)
{
	char raw[LOG_TEXT_MAX + 1];
	struct str mark = STR("...");
	size_t n;
	int len;

	len = vsnprintf(raw, sizeof(raw), fmt, ap);
	if (len < 0)
		return str_of(fmt);
	if (len <= LOG_TEXT_MAX) {
		n = str_copy(dst, LOG_TEXT_MAX + 1, str_ofn(raw, sizeof(raw)));
	} else {
		n = str_copy_utf8(dst, LOG_TEXT_MAX + 1 - mark.n, str_ofn(raw, sizeof(raw)), NULL);
		n += str_copy(dst + n, LOG_TEXT_MAX + 1 - n, mark);
	}
	return (struct str){ dst, n };
}

static void log_compose(struct buf *b, enum log_level level, struct str sub, struct str text)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	static const struct {
		const char *ts, *level, *sub, *msg, *end;
	} shapes[] = {
		[LOG_LOGFMT] = { "ts=", " level=", " sub=", " msg=\"", "\"\n" },
		[LOG_JSON] = { "{\"ts\":\"", "\",\"level\":\"", "\",\"sub\":\"", "\",\"msg\":\"",
			       "\"}\n" },
	};
	char when[CLOCK_TEXT_MAX];
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	clock_text(when, (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec);
	buf_cstr(b, shapes[log_how].ts);
	buf_cstr(b, when);
	buf_cstr(b, shapes[log_how].level);
	buf_cstr(b, names[level]);
	buf_cstr(b, shapes[log_how].sub);
	buf_json_str(b, str_slice(sub, 0, LOG_SUB_MAX));
	buf_cstr(b, shapes[log_how].msg);
	buf_json_str(b, text);
	buf_cstr(b, shapes[log_how].end);
}

void log_line(enum log_level level, const char *sub, const char *fmt, ...)
{
	char line[LOG_LINE_MAX], text[LOG_TEXT_MAX + 1];
	int keep = errno;
	struct buf b;
	va_list ap;

	if (!log_on(level))
		return;
	buf_fixed(&b, line, sizeof(line));
	va_start(ap, fmt);
	log_compose(&b, level, str_of(sub), log_text(text, fmt, ap));
	va_end(ap);
	/* A line that cannot be written is lost: there is nobody left to tell. */
	while (write(STDERR_FILENO, b.p, b.n) < 0 && errno == EINTR)
		;
	errno = keep;
}

bool log_rate_ok(struct log_rate *r)
{
	u64 now = clock_boot_ns();

	if (r->last_ns && now - r->last_ns < (u64)r->every_s * NSEC_PER_SEC) {
		r->held_now++;
		return false;
	}
	r->last_ns = now;
	r->held = r->held_now;
	r->held_now = 0;
	return true;
}
