// SPDX-License-Identifier: Apache-2.0
/* A pool of kernel randomness, refilled when it is empty. */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static struct {
	u8 bytes[512]; /* 64 span ids */
	size_t left;
} pool;

static void fill(void *dst, size_t n)
{
	u8 *p = dst;

	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			abort(); /* no kernel we run on lacks it; ids must not be predictable */
		}
		p += got;
		n -= (size_t)got;
	}
}

void random_bytes(void *dst, size_t n)
{
	if (n > sizeof(pool.bytes)) {
		fill(dst, n);
		return;
	}
	if (n > pool.left) {
		fill(pool.bytes, sizeof(pool.bytes));
		pool.left = sizeof(pool.bytes);
	}
	pool.left -= n;
	if (n)
		memcpy(dst, pool.bytes + pool.left, n);
}

u64 random_below(u64 limit)
{
	u64 value, partial;

	assert(limit > 0);
	/* 2^64 mod limit: so many values at the low end would make the rest uneven. */
	partial = -limit % limit;
	do {
		random_bytes(&value, sizeof(value));
	} while (value < partial);
	return value % limit;
}
