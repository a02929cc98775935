/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody wants to see, from the options to the kernel's filter. Two kinds,
 * of which each adds to the other: directories (--cgroup, --pid), fixed at the start; and names
 * (-n, POD, -l, -c, --container-id), followed as pods come and go (select/follow.h, by the pipe). What
 * is not found, missing.h tells.
 */
#ifndef TARGETS_H
#define TARGETS_H

#include "cmd/podtrace/options.h"
#include "pipe.h"

#define TARGETS_MAX 64 /* directories */

struct targets;

/* From the options. An exit code, with what is wrong said. */
int targets_new(struct targets **ret, const struct options *o);
void targets_free(struct targets *t);	/* NULL is fine */

/* Not the whole node: the kernel's filter is on. */
bool targets_any(const struct targets *t);
/* NULL: no names. */
const struct target *targets_named(const struct targets *t);

/* Find the directories. An exit code. Before anything is loaded. */
int targets_resolve(struct targets *t, const struct pipe *pipe);
/* Is it one of the directories, or below one? ctx is the targets. */
bool targets_placed(void *ctx, struct str path);

/* Say once of each directory that is gone: nothing more will come of it. Now and then. */
void targets_check(struct targets *t, const struct pipe *pipe);

/* Put them into the kernel's filter. An exit code. */
int targets_apply(const struct targets *t, struct capture *capture);

#endif
