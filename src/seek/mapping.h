/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of a mapping: a line of /proc/PID/maps, a record of a perf event. */
#ifndef SEEK_MAPPING_H
#define SEEK_MAPPING_H

#include "base/str.h"

struct mapping {
	u64 from, to;	/* addresses */
	bool exec;	/* can be run */
	struct str path; /* as the process sees it, without " (deleted)"; "": no file. A view. */
};

/* Without its line feed. False: no line of that form. */
bool mapping_of_line(struct str line, struct mapping *ret);

/* A record of a ring, whole: n bytes that begin with a struct perf_event_header. False: it is not
 * PERF_RECORD_MMAP2, or not of that form. */
bool mapping_of_record(const void *record, size_t n, u32 *ret_pid, struct mapping *ret);

/* The last part of the path. */
struct str mapping_file(const struct mapping *m);

#endif
