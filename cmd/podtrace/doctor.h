/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the doctor command share. */
#ifndef CMD_DOCTOR_H
#define CMD_DOCTOR_H

#include "cmd/podtrace/run.h"
#include "node/lsm.h"
#include "node/privilege.h"
#include "node/system.h"
#include "node/tree.h"
#include "report/doctor.h"

struct checkup {
	const struct options *o;
	struct node_roots roots;
	struct host host;
	struct node_lsm lsm;
	struct node_privilege privilege;
	struct node_tree tree;
	enum cgroup_tree cgroup_tree;
	struct node_system system;
	enum btf btf;
	struct doctor report;
};

/* Read the node, and write it down as facts. */
void doctor_facts(struct checkup *c);

/* Try everything once: features and, with --memory, the bill. An exit code: not EXIT_OK if
 * nothing could be tried at all (then it was said). */
int doctor_probe(struct checkup *c);

/* Who tells names: the runtime and the API server, as facts and features. An exit code. */
int doctor_names(struct checkup *c);

/* A row more, to be filled: of the report's array. */
struct doctor_fact *doctor_fact(struct checkup *c, const char *name, const char *value);
struct doctor_feature *doctor_feature(struct checkup *c, const char *group, const char *name,
				      const char *needs);
/* NULL: no room, which is counted. */
struct doctor_table *doctor_table(struct checkup *c, bool kernel, const char *type);
/* A row of the bill if one is asked for: a table or so of the user side. */
void doctor_bill(struct checkup *c, const char *type, const char *name, u64 entries, u64 bytes);
void doctor_say(struct doctor_fact *f, const char *note, const char *fix);
void doctor_blame(struct doctor_feature *f, const char *reason, const char *fix);

#endif
