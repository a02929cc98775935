/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program says to its operator: one line per message on stderr, as logfmt or JSON.
 * Only cmd/, src/pipe.c, src/capture/ and otel/'s sender log; other code returns errors.
 * A line names its subject and, when something went wrong, what we do instead.
 *
 *   ts=2026-11-21T10:56:00.123456Z level=warn sub=otlp msg="export failed: ..."
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/types.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_LOGFMT, LOG_JSON };

/* Before it: LOG_INFO, LOG_LOGFMT. */
void log_setup(enum log_level max, enum log_format format);
bool log_on(enum log_level level);

/* sub: the part of the program that speaks, one lower-case word. Messages longer than
 * LOG_TEXT_MAX bytes are cut between characters and end in "...". What is not printable is
 * escaped as in JSON, in both formats: text of a traced process cannot forge a line. One
 * write(2) per line; errno is kept, and %m prints it. */
#define LOG_TEXT_MAX 1000
void log_line(enum log_level level, const char *sub, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(sub, ...) log_line(LOG_ERROR, sub, __VA_ARGS__)
#define log_warn(sub, ...) log_line(LOG_WARN, sub, __VA_ARGS__)
#define log_info(sub, ...) log_line(LOG_INFO, sub, __VA_ARGS__)
#define log_debug(sub, ...) log_line(LOG_DEBUG, sub, __VA_ARGS__)

/* At most one line each `every_s` seconds from one place; how many were held back is said
 * in the next one. Use: struct log_rate r = { .every_s = 10 }; if (log_rate_ok(&r)) ... */
struct log_rate {
	u32 every_s;
	u64 last_ns;
	u64 held;	/* since the last line: print it if not 0 */
	u64 held_now;
};
bool log_rate_ok(struct log_rate *r);	/* true: print, r->held lines were held back */

#endif
