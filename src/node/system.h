/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which operating system the node runs (os-release(5)), and where the kernel's types are.
 * The system is named for people; what works is found by trying, never from its name.
 */
#ifndef NODE_SYSTEM_H
#define NODE_SYSTEM_H

#include "node/read.h"

enum system {
	SYSTEM_UNKNOWN,	/* no os-release can be read */
	SYSTEM_OTHER,	/* one that stands not below: its name tells */
	SYSTEM_TALOS,
	SYSTEM_FLATCAR,
	SYSTEM_RHCOS,	/* Red Hat's and CentOS's CoreOS, below OpenShift and OKD */
	SYSTEM_BOTTLEROCKET,
	SYSTEM_FCOS,
	SYSTEM_MICROOS,	/* openSUSE MicroOS, Leap Micro, SUSE Linux Micro */
	SYSTEM_COS,
};

/*
 * The node's file is sought at root of pid 1, then below roots->root. A container that is
 * not in the node's pid namespace sees its own image's or none.
 */
struct node_system {
	enum system system;
	char name[128];		/* PRETTY_NAME, or NAME and VERSION; "" unknown */
	char id[64];		/* ID */
	char variant[64];	/* VARIANT_ID */
	char version[64];	/* VERSION_ID */
};

enum btf { BTF_UNKNOWN, BTF_NONE, BTF_OWN, BTF_FILE, BTF_EMBEDDED };

void system_read(const struct node_roots *roots, struct node_system *ret);
/* The text of one os-release file. */
void system_parse(struct str text, struct node_system *ret);

/* file: what the user named instead of the kernel's own, NULL: none. embedded: podtrace carries
 * them for this kernel, which counts where its own cannot be had. */
enum btf btf_read(const struct node_roots *roots, const char *file, bool embedded);

const char *system_name(enum system system);	/* "talos", "other", "unknown" */
const char *btf_name(enum btf btf);

#endif
