/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One clock inside: nanoseconds since boot, suspend included (CLOCK_BOOTTIME, what
 * bpf_ktime_get_boot_ns gives). Wall time exists only at the edge, by an offset that is
 * measured again and again; an end is always start + duration, so that a clock step can
 * never put an end before its start.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/types.h"

u64 clock_boot_ns(void);

/* CLOCK_REALTIME - CLOCK_BOOTTIME, ns. Read as the narrowest of several boot-wall-boot
 * triples, so an interruption between the two reads does not spoil it. */
s64 clock_wall_offset_ns(void);

/* boot_ns as UNIX time in ns under the given offset. */
static inline u64 clock_wall_ns(u64 boot_ns, s64 offset_ns)
{
	return boot_ns + (u64)offset_ns;
}

/* "2026-11-21T10:56:00.123456Z" (27 bytes and NUL) of a UNIX time in ns. */
#define CLOCK_TEXT_MAX 32
void clock_text(char dst[static CLOCK_TEXT_MAX], u64 wall_ns);

#endif
