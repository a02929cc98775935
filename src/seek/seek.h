/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeks the libraries that processes have mapped: at the start in each process there is, then as
 * the kernel tells of mappings (PERF_RECORD_MMAP2 of a dummy event on each CPU: no program, no
 * tracefs, allowed under every lockdown). Where it does not tell, all processes are looked at
 * every few seconds. Each file is handed over once, however many processes and containers have
 * it, and given back when the last of them is gone, at most a few seconds later.
 *
 * Everything here is foreign: names, files, how many there are. At most SEEK_FILES_MAX files are
 * known at a time; what comes on top is counted and not attached until others are gone.
 */
#ifndef SEEK_SEEK_H
#define SEEK_SEEK_H

#include "base/loop.h"
#include "kinds.h"

#define SEEK_FILES_MAX 256

struct seek;

struct seek_config {
	const char *proc_base;
	u32 libraries;		/* bit per enum library: those that are of use */
	/*
	 * A file that is one of those in which, by its name: fd is open for reading during the call.
	 * A handle, or -errno; then it is not asked for again while anybody has it.
	 */
	int (*attach)(void *ctx, u32 which, int fd);
	void (*detach)(void *ctx, int handle);
	void *ctx;
};

struct seek_stats {
	u64 files;		/* attached now */
	u64 attached, detached;
	u64 refused;		/* files, by attach or because they cannot be opened safely */
	u64 hidden;		/* looks at processes, or their files, that we were not allowed */
	u64 over;		/* mappings of files for which there was no room */
	u64 lost;		/* records of mappings that the kernel had no room for: then all
				 * processes are looked at */
	bool told;		/* the kernel tells of mappings */
	int told_err;		/* errno if it does not */
	int refused_err;	/* errno of the first refusal */
	char refused_path[128];	/* and its path, in its own root */
};

/* 0 or -errno. With nothing in libraries there is nothing to do. */
int seek_new(struct seek **ret, struct loop *l, const struct seek_config *config);
/* Files that are attached stay so: all of them together are let go faster. NULL is fine. */
void seek_free(struct seek *s);

void seek_stats(const struct seek *s, struct seek_stats *ret);

#endif
