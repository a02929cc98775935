/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to numbers. Strict: the whole text must be the value, no leading blanks or plus, no
 * overflow. Return 0, or -EINVAL (not of that form) or -ERANGE (outside min..max); *ret is
 * set only on success.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include "base/str.h"

int parse_u64(struct str s, u64 min, u64 max, u64 *ret);
int parse_s64(struct str s, s64 min, s64 max, s64 *ret);
int parse_hex(struct str s, u64 *ret);			/* 1..16 digits, no 0x */
/* A fraction in 0..1, like 0.25, .25 or 1e-3. */
int parse_fraction(struct str s, double *ret);
/* "20s", "1m30s", "1.5h", "250us", "0": each number needs its unit (ns us ms s m h, large to
 * small, each once), but for 0; a fraction must be exact in ns. */
int parse_duration(struct str s, u64 min_ns, u64 max_ns, u64 *ret);
/* "4096", "64KiB", "2MiB", "1GiB", also K, M, G and Ki, Mi, Gi, all powers of 1024. Bytes. */
int parse_size(struct str s, u64 min, u64 max, u64 *ret);
/* One boolean grammar everywhere: true/false, 1/0, yes/no, on/off, case ignored. */
int parse_bool(struct str s, bool *ret);

/* The other way, for help and reports: the shortest exact form ("90s" → "1m30s"). */
#define PARSE_TEXT_MAX 48
void format_duration(char dst[static PARSE_TEXT_MAX], u64 ns);
void format_size(char dst[static PARSE_TEXT_MAX], u64 bytes);

#endif
