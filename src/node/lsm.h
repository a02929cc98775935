/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's security modules say: lockdown, the list of them, SELinux. A container
 * has its own sysfs, in which /sys/kernel/security is empty: then these are unknown, and
 * never "none" (a program that takes the one for the other promises too much).
 */
#ifndef NODE_LSM_H
#define NODE_LSM_H

#include "node/read.h"

/* security/lockdown/lockdown.c: "none [integrity] confidentiality", the chosen in brackets. */
enum lockdown {
	LOCKDOWN_UNKNOWN,
	LOCKDOWN_NONE,		/* also: the list of modules is readable and does not have it */
	LOCKDOWN_INTEGRITY,
	LOCKDOWN_CONFIDENTIALITY,
};

enum selinux {
	SELINUX_UNKNOWN,	/* the kernel has it, selinuxfs is not mounted here */
	SELINUX_ABSENT,		/* no /sys/fs/selinux: the kernel makes it when SELinux is on */
	SELINUX_PERMISSIVE,
	SELINUX_ENFORCING,
};

struct node_lsm {
	enum lockdown lockdown;
	int lockdown_err;	/* errno of its file, 0: it was read */
	char list[256];		/* "lockdown,capability,yama,selinux"; "" unknown */
	enum selinux selinux;
	char label[256];	/* our own (SELinux context or AppArmor profile); "" none */
	bool label_known;
};

void lsm_read(const struct node_roots *roots, struct node_lsm *ret);

const char *lockdown_name(enum lockdown mode);	/* "unknown", "none", ... */
const char *selinux_name(enum selinux mode);

#endif
