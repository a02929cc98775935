/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named targets as the kernel's filter has them: which cgroups are watched, because they are
 * wanted or because nobody knows yet. A new cgroup is watched by the kernel side itself from
 * its first instruction on (bpf/cgroup.bpf.c); here it is decided whether it stays. Cgroups
 * that were there before us are watched once they are known to be wanted. What a decision was
 * made from can change (a pod's labels): then it is made anew.
 */
#ifndef SELECT_FOLLOW_H
#define SELECT_FOLLOW_H

#include "select/target.h"

#define FOLLOW_MAX 4096u /* cgroups, wanted and undecided: as many as the kernel's filter has */

struct follow;

struct follow_config {
	/* Put the cgroup (and what is below it) into the kernel's filter or take it out. */
	int (*watch)(void *ctx, u64 cgroup, bool on);	/* 0 or -errno */
	/* Is it wanted? By its who's names; LATER while they are not complete, however late. */
	enum target_match (*ask)(void *ctx, u64 cgroup);
	/* Is it worth watching until that is known? */
	bool (*waits)(void *ctx, u64 cgroup);
	/* Is there still such a cgroup? */
	bool (*exists)(void *ctx, u64 cgroup);
	void *ctx;
};

struct follow_stats {
	size_t wanted, undecided;
	u64 refused;	/* the kernel's filter had no room for a wanted one */
	u64 evicted;	/* more than FOLLOW_MAX */
	size_t bytes;	/* with all its entries */
};

struct follow *follow_new(const struct follow_config *config);	/* NULL and errno */
void follow_free(struct follow *f);	/* NULL is fine */

/* A cgroup was met; watched: the kernel side did that already. */
void follow_met(struct follow *f, u64 cgroup, bool watched);
/* Ask for all that are undecided. One that waits no longer is not watched any more, and asked
 * for again: a runtime that was away tells names when it is back. */
void follow_decide(struct follow *f);
/* Ask again for those that are wanted, too; one that is not any more is taken out. Those that
 * were turned down before are not remembered: whoever met them meets them again. */
void follow_reconsider(struct follow *f);
/* Take out what is gone. Now and then. */
void follow_sweep(struct follow *f);

void follow_stats(const struct follow *f, struct follow_stats *ret);

#endif
