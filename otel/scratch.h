/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is needed only while a request is made: reserved once, so that it is there then, and
 * given back to the kernel when no other request follows at once.
 */
#ifndef OTEL_SCRATCH_H
#define OTEL_SCRATCH_H

#include "base/types.h"

struct scratch {
	u8 *mem;	/* NULL: none */
	size_t size;
};

int scratch_init(struct scratch *s, size_t size);	/* 0 or -errno */
void scratch_free(struct scratch *s);			/* NULL mem is fine */
void scratch_rest(struct scratch *s);			/* what is in it is gone */

#endif
