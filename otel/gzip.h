/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) of whole requests, with memory reserved from the start. */
#ifndef OTEL_GZIP_H
#define OTEL_GZIP_H

#include "base/buf.h"

struct gzip;

struct gzip *gzip_new(void);	/* NULL: out of memory */
void gzip_free(struct gzip *g);	/* NULL is fine */
/* raw, compressed, into the emptied ret. 0, or -ENOMEM, -ENOSPC (ret's limit). */
int gzip_pack(struct gzip *g, struct str raw, struct buf *ret);
void gzip_rest(struct gzip *g);	/* nothing to pack for now: memory goes back; NULL is fine */

#endif
