/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of src/seek share with each other and with nobody else. */
#ifndef SEEK_IMPL_H
#define SEEK_IMPL_H

#include "seek/mapping.h"
#include "seek/seek.h"

/* ---- found.c: opening what a process has mapped ---------------------------------------------- */

struct found_key {
	u64 dev, ino, size;
	u64 mtime_ns, ctime_ns;
};

/*
 * Overlayfs shows an image's one file in each container of it, under another device: then the
 * device tells nothing, and inode, size and both times to the nanosecond, of which a container
 * cannot choose the last, are the underlying file's.
 */
#define FOUND_ANY_DEV 0

/* Whether they have the same uprobes. */
bool found_same(const struct found_key *known, const struct found_key *now);

/* A file of a process, not open: a descriptor that can do nothing but name it (O_PATH). */
struct found {
	int named;
	struct found_key key;
};

/*
 * None of these waits for anybody: a file's server, which may be the traced process itself, is not
 * asked. 0, or -errno and nothing to close: -EPERM if we may not look at mappings, -EINVAL: no
 * regular file; others: it is gone.
 */
int found_name(struct found *ret, const char *proc_base, u32 pid, const struct mapping *m);
/* Before it is opened. -EOPNOTSUPP: it is of a file system that can keep us waiting, or of one that
 * the process does not have mounted; it stays named. */
int found_look(struct found *f, const char *proc_base, u32 pid);
/* For reading; a descriptor or -errno. */
int found_open(const struct found *f);

/* ---- walk.c: all processes, one after the other ---------------------------------------------- */

struct walk;
typedef void (*walk_fn)(void *ctx, u32 pid, const struct mapping *m);	/* of a file, executable */

struct walk *walk_new(const char *proc_base, walk_fn fn, void *ctx);	/* NULL: no memory */
void walk_free(struct walk *w);
/* A few processes more, for about a millisecond. 0 or -errno; *ret_done when it was the last. */
int walk_step(struct walk *w, bool *ret_done);
u64 walk_hidden(const struct walk *w);	/* looks at processes that we were not allowed */

/* ---- news.c: mappings as they are made --------------------------------------------------------- */

struct news;

int news_new(struct news **ret, struct loop *l, walk_fn fn, void *ctx);	/* 0 or -errno */
void news_free(struct news *n);
u64 news_lost(const struct news *n);

#endif
