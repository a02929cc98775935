/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trust anchors for curl with BearSSL (docs of what it can do: curl 8.14.1
 * lib/vtls/bearssl.c). Left to itself it takes nothing at all from a file with one certificate
 * it cannot use, or without a last newline, and silently nothing from one with CRLF line ends;
 * so the file is read here, cleaned, and given to curl as a blob.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/buf.h"

#define TLS_CA_BYTES_MAX (4u << 20)	/* a distribution's bundle is 0.2-0.5 MB */

/*
 * The certificates of a PEM file that BearSSL can use (RSA up to 4096 bits, P-256, P-384,
 * P-521), as one PEM text in ret, which the caller initialised. *ret_kept, *ret_dropped count
 * them. file NULL: the first bundle found where distributions keep theirs. 0, or -errno with a
 * sentence in err: unreadable, too long, no usable certificate.
 */
int tls_ca_load(struct buf *ret, const char *file, size_t *ret_kept, size_t *ret_dropped,
		char *err, size_t err_cap);
/* The same of text that is in memory already; never fails but for ret->err. */
void tls_ca_clean(struct buf *ret, struct str pem, size_t *ret_kept, size_t *ret_dropped);

#endif
