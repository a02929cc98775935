/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte buffer that grows up to a limit given at its birth. Errors stick: after the first
 * append that does not fit (or an allocation that fails) `err` is set, further appends do
 * nothing, and the caller looks once at the end. An append is whole or not at all. Start with
 * buf_init or buf_fixed (an all-zero buf is one of limit 0); buf_free leaves it empty and
 * usable again.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include "base/str.h"

struct buf {
	char *p;	/* owned; NULL until the first append */
	size_t n;	/* bytes used */
	size_t cap;	/* bytes usable; one more is allocated, for vsnprintf's NUL */
	size_t max;	/* bytes never exceeded */
	int err;	/* 0, -ENOSPC (limit), -ENOMEM, -EINVAL (a format vsnprintf refuses) */
};

void buf_init(struct buf *b, size_t max);
/* Over the caller's memory, size > 0 bytes, of which size - 1 can be used: never allocates,
 * must not be given to buf_free. */
void buf_fixed(struct buf *b, void *mem, size_t size);
void buf_free(struct buf *b);
void buf_reset(struct buf *b);		/* n = 0, err = 0; memory stays */

void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, struct str s);
void buf_cstr(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* n bytes of room at the end, uninitialised, counted as used; NULL when they do not fit.
 * Valid until the next append. */
void *buf_room(struct buf *b, size_t n);

/* s as the inside of a JSON string (RFC 8259 section 7): quote, backslash and controls
 * escaped, DEL and C1 (U+0080..9F) among them because terminals obey those too; each byte
 * that is not UTF-8 as U+FFFD. Without the surrounding quotes. */
void buf_json_str(struct buf *b, struct str s);

static inline struct str buf_view(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}

#endif
