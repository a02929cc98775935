/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Texts behind the fixed part of a record in the scratch buffer. */
#ifndef LIB_TAIL_H
#define LIB_TAIL_H

#include "maps.h"

#define TAIL_MASK (REC_SIZE_MAX - 1)

/* Keeps the compiler from seeing through a mask that the verifier needs. */
#define MASKED(n, mask)                                                                            \
	({                                                                                         \
		__u64 _n = (n);                                                                    \
		asm volatile("%0 &= %1" : "+r"(_n) : "i"(mask));                                   \
		_n;                                                                                \
	})

/* Append a NUL-terminated user string of at most max bytes, NUL included. */
INLINE __u32 put_user_str(struct scratch *s, __u32 at, struct rec_text *text, __u64 from,
			  const __u32 max)
{
	struct rec_head *head = (struct rec_head *)s->record;
	long n;

	text->off = at;
	n = bpf_probe_read_user_str(s->record + MASKED(at, TAIL_MASK), max, (void *)from);
	if (n <= 0) {
		head->flags |= REC_UNREAD;
		return at;
	}
	if (n == max)
		head->flags |= REC_CUT;
	text->len = n - 1;
	return at + n;
}

#endif
