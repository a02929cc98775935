/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Records of the process family. */
#ifndef WIRE_PROCESS_H
#define WIRE_PROCESS_H

#include "head.h"

#define PATH_MAX_WIRE 256	/* executable path */
#define ARGS_MAX 1024		/* arguments, NUL-separated as in mm->arg_start */
#define CWD_MAX 512		/* working directory: components, see rec_process_exec */
#define CWD_DEPTH 24		/* components at most */

/* head.key: start of the process (boot ns), with head.pid its identity: a reused pid has
 * another start. */
struct rec_process_exec {
	struct rec_head head;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 pid_ns;		/* the pid as the process's own namespace has it */
	__u8 comm[COMM_LEN];
	struct rec_text path;	/* as given to execve; may be relative */
	struct rec_text args;	/* arguments, each ended by NUL */
	struct rec_text cwd;	/* components from the innermost to the root, each ended by
				 * NUL; an empty one at the end is the root: without it the walk
				 * was cut. Turned round by user space. */
	__u16 args_n;		/* bytes of arguments the process has */
	__u16 rsvd;
};

struct rec_process_exec_failed {
	struct rec_head head;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__s32 err;		/* positive errno */
	__u8 comm[COMM_LEN];
	struct rec_text path;
	__u32 rsvd;
};

struct rec_process_fork {
	struct rec_head head;	/* the parent; head.key its start */
	__u64 child_key;	/* start of the child */
	__u32 child;		/* pid */
	__u32 rsvd;
	__u8 comm[COMM_LEN];
};

struct rec_process_exit {
	struct rec_head head;	/* head.key is its start: run time = when_ns - key */
	__u32 ppid;
	__u32 uid;
	__s32 code;		/* 0..255 */
	__u16 sig;		/* signal that ended it, 0: none */
	__u16 core;		/* 1: core dumped */
	__u8 comm[COMM_LEN];
};

#endif
