/* SPDX-License-Identifier: Apache-2.0 */
/* The report at the end: what was seen, what was lost, what could not be seen and why. */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include "base/buf.h"
#include "kinds.h"

/* A feature as the report shows it. */
struct summary_feature {
	const char *family, *name;
	const char *state;	/* "on", "reduced", "off" */
	const char *rung;	/* "" if off */
	const char *reason, *fix, *without;
	int err;
};

/* A signal's way to the collector. */
struct summary_export {
	const char *signal;
	u64 created, exported, lost;
	u64 superseded;		/* metrics: a newer collection took the place of an unsent one */
	const char *causes[8];
	u64 lost_by[8];
	size_t causes_n;
};

/* Somebody whose DNS queries were not answered. */
struct summary_suspect {
	char name[96];		/* as live lines have it */
	u64 lookups, unanswered;
};

struct summary {
	u64 duration_ns;
	const char *transport;
	u64 map_bytes;
	struct ledger_page ledger;
	u64 delivered[KIND_END];	/* records that came out of the ring */
	u64 damaged[KIND_END];		/* of those, refused by decode */
	u64 unknown_kind;		/* records that named no kind of ours */
	u64 sampled_out;		/* spans */
	struct summary_feature features[FEATURES_MAX];
	size_t features_n;
	struct summary_export exports[3];
	size_t exports_n;
	struct summary_suspect suspects[8];	/* those with the most */
	size_t suspects_n;
	const char *destination;	/* where exports went; NULL: nowhere */
	u64 cgroup_gone;		/* gone before they could be named */
	u64 cgroup_unread;		/* could not be looked up just then */
	u64 names_forged;		/* paths with the id of another pod's container */
	u64 names_late;			/* events that left before their container's name came */
	u64 unwanted;			/* events let in until it was known that nobody wants them */
	bool cgroup_by_walk;		/* found by walking the tree, not by handle */
	bool cgroup_partial;		/* only a part of the tree can be seen */
};

/* Events that were lost, all stages and kinds: 0 is what it should be. */
u64 summary_lost(const struct summary *s);
/* Events nobody can tell the fate of: the ledger does not add up. */
u64 summary_unaccounted(const struct summary *s);

void summary_text(const struct summary *s, struct buf *out);
void summary_json(const struct summary *s, struct buf *out);	/* one line */

#endif
