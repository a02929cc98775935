/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A number in a file of a cgroup. The forms are those of the kernel's documentation (cgroup-v2,
 * "Format"; PSI): a number alone, flat keyed lines, nested keyed lines. The bytes are the
 * kernel's, but which file they are of is not for us to trust.
 */
#ifndef GAUGE_NUMBER_H
#define GAUGE_NUMBER_H

#include "base/str.h"

/* From here on it is no number: "max" of v1 is almost that. */
#define GAUGE_NUMBER_MAX (1ull << 62)

/* key: "" the text is the number; "a": of the line "a 12"; "a b": the b of the line "a b=12 c=3".
 * The first of these lines counts. False: there is none, or it is no number ("max"). */
bool gauge_number(struct str text, struct str key, u64 *ret);

#endif
