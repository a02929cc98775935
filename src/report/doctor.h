/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `podtrace doctor` says: facts about the node, features with their state, the memory
 * bill, a verdict. One table for a person, one object for a machine; both are printed from
 * the same struct, so that they cannot differ. Foreign text is escaped in both.
 */
#ifndef REPORT_DOCTOR_H
#define REPORT_DOCTOR_H

#include "base/buf.h"

#define DOCTOR_FACTS_MAX 32
#define DOCTOR_FEATURES_MAX 80 /* those of the registry (64) and those of the user side */
#define DOCTOR_TABLES_MAX 64

/* A value that is not known is "unknown", and its note says why. */
struct doctor_fact {
	const char *name;	/* "cgroup_version" */
	bool list;		/* value: items, a blank between; JSON has them as an array */
	char value[512];
	char note[320];		/* what follows from it; "" nothing */
	char fix[480];		/* a command or a line of a manifest; "" nothing to do */
};

struct doctor_feature {
	const char *group, *name;	/* "process", "exec" */
	const char *state;		/* "on", "reduced", "off" */
	const char *rung;		/* how; "" when off */
	const char *needs;		/* capabilities, a blank between */
	const char *without;		/* what is missing without it; "" not said */
	int err;			/* errno of the best way that was refused, 0: none */
	char reason[200];		/* why it is not on; "" if it is */
	char fix[200];
};

/* A row of the memory bill. */
struct doctor_table {
	bool kernel;		/* a BPF map; else a table of the user side */
	char name[48];
	const char *type;
	u64 entries;		/* at most; 0: not limited by number */
	u64 bytes;		/* maps: as billed now; own tables: at most, touched as they fill */
};

enum doctor_verdict { DOCTOR_ALL, DOCTOR_SOME, DOCTOR_NOTHING };

struct doctor {
	const char *version;
	struct doctor_fact facts[DOCTOR_FACTS_MAX];
	size_t facts_n;
	struct doctor_feature features[DOCTOR_FEATURES_MAX];
	size_t features_n;
	bool memory;			/* show the bill */
	struct doctor_table tables[DOCTOR_TABLES_MAX];
	size_t tables_n;
	size_t tables_more;		/* had no room: the sums lack them */
	enum doctor_verdict verdict;
	int exit_code;			/* that goes with it */
};

void doctor_text(const struct doctor *d, struct buf *out);
void doctor_json(const struct doctor *d, struct buf *out);	/* one line */

#endif
