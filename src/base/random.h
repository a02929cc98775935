/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes for ids and jitter, from getrandom(2) through a pool so that an id costs no
 * system call. Never fails after the first call succeeded; the first aborts if it cannot.
 * Single-threaded; a forked child that goes on without exec would repeat its parent's bytes. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/types.h"

void random_bytes(void *dst, size_t n);
u64 random_below(u64 limit);	/* uniform in 0..limit-1; limit > 0 */

#endif
