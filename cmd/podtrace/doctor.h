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
	struct node_system system;
	enum btf btf;
	struct doctor report;
};

/* Read the node, and write it down as facts. */
void doctor_facts(struct checkup *c);

/* Try everything once: features and, with --memory, the bill. An exit code: not EXIT_OK if
 * nothing could be tried at all (then it was said). */
int doctor_probe(struct checkup *c);

#endif
