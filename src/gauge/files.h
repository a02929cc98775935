/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a cgroup: each opened and read once, for all readings that are in it. */
#ifndef GAUGE_FILES_H
#define GAUGE_FILES_H

#include "kinds.h"

#define GAUGE_SOURCES_MAX (4 * READING_END) /* v2 and v1, and what is less */

struct gauge_files {
	int root[FIGURE_TREES];	/* -1: not mounted */
	/* by tree and file, so that those of one file stand together */
	struct gauge_source {
		const struct figure_source *source;
		u8 reading;
		bool v1, less;
	} sources[GAUGE_SOURCES_MAX];
	size_t n;
	char text[16384];
};

/* 0, or -ENODEV: no tree is mounted at base, or another errno. of: families, bits. Close it whatever
 * this returned. */
int gauge_files_open(struct gauge_files *g, const char *base, u32 of);
void gauge_files_close(struct gauge_files *g);

/* Of which readings a file could be read, though there may be no such number in it (a limit that is
 * not set), and errno why not of the others (0: it is nowhere). */
struct gauge_seen {
	u64 readable;
	int err[READING_END];
};

/* What the cgroup at path reads: bits of what there is. ret_seen may be NULL. */
u64 gauge_files_read(struct gauge_files *g, struct str path, u64 value[static READING_END],
		     struct gauge_seen *ret_seen);

#endif
