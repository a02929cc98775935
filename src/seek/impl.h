/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of src/seek share with each other and with nobody else. */
#ifndef SEEK_IMPL_H
#define SEEK_IMPL_H

#include "seek/mapping.h"
#include "seek/seek.h"

#define SEEK_PATH_MAX 4096 /* of what is opened; a longer one is refused */

/* ---- found.c: opening what a process has mapped ---------------------------------------------- */

/* Whose uprobes would be the same. Zeroed padding: compared as bytes. */
struct found_key {
	u64 dev, ino, size;
	u64 mtime_ns, ctime_ns;
};

/* A descriptor that can do nothing but name the file (O_PATH), or -errno. */
int found_name(const char *proc_base, u32 pid, const struct mapping *m);
/* Asks nobody who could keep us waiting. -EINVAL: not a regular file. */
int found_key(int named, struct found_key *ret);
/* Open it for reading, or -errno: -EOPNOTSUPP if that could keep us waiting. */
int found_open(const char *proc_base, u32 pid, int named);

/* ---- walk.c: all processes, one after the other ---------------------------------------------- */

struct walk;
typedef void (*walk_fn)(void *ctx, u32 pid, const struct mapping *m);	/* of a file, executable */

struct walk *walk_new(const char *proc_base, walk_fn fn, void *ctx);	/* NULL: no memory */
void walk_free(struct walk *w);
/* A few processes more, for about a millisecond. 0 or -errno; *ret_done when it was the last. */
int walk_step(struct walk *w, bool *ret_done);

/* ---- news.c: mappings as they are made --------------------------------------------------------- */

struct news;

int news_new(struct news **ret, struct loop *l, walk_fn fn, void *ctx);	/* 0 or -errno */
void news_free(struct news *n);
u64 news_lost(const struct news *n);

#endif
