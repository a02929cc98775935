/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named targets that are not there. A pod nobody knows is told once, with why that may be. A
 * container that is known by name but whose cgroup was not met is looked for by the three
 * ways of enrich/locate.h; when all fail each says why.
 */
#ifndef MISSING_H
#define MISSING_H

#include "cmd/podtrace/identity.h"
#include "pipe.h"

struct missing;

/* All borrowed; identity may be NULL: nobody tells names. NULL and errno. */
struct missing *missing_new(struct loop *l, const struct options *o, const struct target *target,
			    struct pipe *pipe, const struct identity *identity);
void missing_free(struct missing *m);	/* NULL is fine; after identity_free */

#endif
