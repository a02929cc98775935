/* SPDX-License-Identifier: Apache-2.0 */
/* What this process may do: capabilities, seccomp, the pid namespace it lives in. */
#ifndef NODE_PRIVILEGE_H
#define NODE_PRIVILEGE_H

#include "base/buf.h"
#include "node/read.h"

enum seccomp { SECCOMP_UNKNOWN, SECCOMP_OFF, SECCOMP_STRICT, SECCOMP_FILTER };

/* PROC_PID_INIT_INO is the inode of the first pid namespace (include/linux/proc_ns.h). A
 * container with hostPID need not be in it: Talos 1.14 runs all pods in a sandbox's. */
#define PID_NS_INITIAL 0xeffffffcu
enum pid_ns { PID_NS_UNKNOWN, PID_NS_IS_INITIAL, PID_NS_NESTED };

struct node_privilege {
	bool caps_known;
	u64 caps;		/* effective; bit per capability */
	u32 caps_last;		/* highest this kernel has; of ours where it does not tell */
	enum seccomp seccomp;
	bool no_new_privs;
	enum pid_ns pid_ns;
	u64 pid_ns_inode;	/* 0: unknown */
};

void privilege_read(const struct node_roots *roots, struct node_privilege *ret);

/* "BPF": without CAP_; NULL for a number that has no name yet. */
const char *cap_name(u32 cap);
/* Number, or -1. */
int cap_find(struct str name);
bool privilege_has(const struct node_privilege *p, u32 cap);
/* "BPF PERFMON", "all", "none" or "unknown". */
void privilege_caps(const struct node_privilege *p, struct buf *ret);

const char *seccomp_name(enum seccomp mode);
const char *pid_ns_name(enum pid_ns where);

#endif
