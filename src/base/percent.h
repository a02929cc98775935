/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding (RFC 3986, 2.1), as the lists in OTEL_ variables have it: a byte at a time. */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include "base/str.h"

/* Takes the next byte, written as itself or as %41, off *rest, which must not be empty. 0..255;
 * -EINVAL: a % that two hex digits do not follow. */
int percent_take(struct str *rest);

#endif
