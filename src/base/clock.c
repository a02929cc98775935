// SPDX-License-Identifier: Apache-2.0
/* Reading the boot clock, its distance from wall time, and writing a date. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define OFFSET_TRIES 5 /* triples read per measurement; an interruption rarely hits them all */

static u64 clock_read(clockid_t id)
{
	struct timespec ts;

	/* Sandboxes like gVisor refuse CLOCK_BOOTTIME; without suspend the two are the same. */
	if (clock_gettime(id, &ts) != 0 && clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		return 0;
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

u64 clock_boot_ns(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

s64 clock_wall_offset_ns(void)
{
	u64 narrowest = UINT64_MAX;
	s64 offset = 0;

	for (int i = 0; i < OFFSET_TRIES; i++) {
		u64 before = clock_read(CLOCK_BOOTTIME);
		u64 wall = clock_read(CLOCK_REALTIME);
		u64 width = clock_read(CLOCK_BOOTTIME) - before;

		if (width < narrowest) {
			narrowest = width;
			offset = (s64)(wall - (before + width / 2));
		}
	}
	return offset;
}

void clock_text(char dst[static CLOCK_TEXT_MAX], u64 wall_ns)
{
	time_t sec = (time_t)(wall_ns / NSEC_PER_SEC);
	unsigned int usec = (unsigned int)(wall_ns % NSEC_PER_SEC / 1000);
	struct tm tm;
	size_t n;

	/* u64 ns end in the year 2554: four digits always suffice. */
	gmtime_r(&sec, &tm);
	n = strftime(dst, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(dst + n, CLOCK_TEXT_MAX - n, ".%06uZ", usec);
}
