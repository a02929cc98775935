/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The running system call: which, with which arguments. */
#ifndef LIB_SYSCALL_H
#define LIB_SYSCALL_H

#include "prog.h"

/* What is above the kernel returns to itself, never to a program (ERESTARTSYS and its like). */
#define ERRNO_MAX 511

#if defined(__TARGET_ARCH_x86)
enum {
	NR_read = 0,
	NR_write = 1,
	NR_open = 2,
	NR_close = 3,
	NR_pread64 = 17,
	NR_pwrite64 = 18,
	NR_readv = 19,
	NR_writev = 20,
	NR_sendfile = 40,
	NR_connect = 42,
	NR_accept = 43,
	NR_sendto = 44,
	NR_recvfrom = 45,
	NR_sendmsg = 46,
	NR_recvmsg = 47,
	NR_execve = 59,
	NR_fsync = 74,
	NR_fdatasync = 75,
	NR_rename = 82,
	NR_rmdir = 84,
	NR_creat = 85,
	NR_unlink = 87,
	NR_futex = 202,
	NR_openat = 257,
	NR_unlinkat = 263,
	NR_renameat = 264,
	NR_splice = 275,
	NR_accept4 = 288,
	NR_preadv = 295,
	NR_pwritev = 296,
	NR_recvmmsg = 299,
	NR_sendmmsg = 307,
	NR_renameat2 = 316,
	NR_execveat = 322,
	NR_copy_file_range = 326,
	NR_preadv2 = 327,
	NR_pwritev2 = 328,
};
#define SYSCALL(name) "__x64_sys_" name /* the function; its one argument are the registers */
#elif defined(__TARGET_ARCH_arm64)
enum {
	NR_open = -2, /* has none: openat is all there is */
	NR_creat = -3,
	NR_rename = -4,
	NR_unlink = -5,
	NR_rmdir = -6,
	NR_unlinkat = 35,
	NR_renameat = 38,
	NR_openat = 56,
	NR_close = 57,
	NR_read = 63,
	NR_write = 64,
	NR_readv = 65,
	NR_writev = 66,
	NR_pread64 = 67,
	NR_pwrite64 = 68,
	NR_preadv = 69,
	NR_pwritev = 70,
	NR_sendfile = 71,
	NR_splice = 76,
	NR_fsync = 82,
	NR_fdatasync = 83,
	NR_futex = 98,
	NR_accept = 202,
	NR_connect = 203,
	NR_sendto = 206,
	NR_recvfrom = 207,
	NR_sendmsg = 211,
	NR_recvmsg = 212,
	NR_execve = 221,
	NR_accept4 = 242,
	NR_recvmmsg = 243,
	NR_sendmmsg = 269,
	NR_renameat2 = 276,
	NR_execveat = 281,
	NR_copy_file_range = 285,
	NR_preadv2 = 286,
	NR_pwritev2 = 287,
};
#define SYSCALL(name) "__arm64_sys_" name
#endif

enum { /* new ones have the same number everywhere */
	NR_close_range = 436,
	NR_openat2 = 437,
	NR_futex_waitv = 449,
	NR_futex_wait = 455,
};

INLINE long syscall_nr(const struct pt_regs *regs, const bool btf)
{
#if defined(__TARGET_ARCH_x86)
	return GET(btf, regs, orig_ax);
#else
	return GET(btf, regs, syscallno);
#endif
}

/* Its arguments, from 1, still there when the call returns. */
INLINE __u64 syscall_arg(const struct pt_regs *regs, const int n, const bool btf)
{
#if defined(__TARGET_ARCH_x86)
	switch (n) {
	case 1:
		return GET(btf, regs, di);
	case 2:
		return GET(btf, regs, si);
	case 3:
		return GET(btf, regs, dx);
	case 4:
		return GET(btf, regs, r10);
	case 5:
		return GET(btf, regs, r8);
	default:
		return GET(btf, regs, r9);
	}
#else
	return n == 1 ? GET(btf, regs, orig_x0) /* regs[0] holds the result by now */
		      : GET(btf, regs, regs[n - 1]);
#endif
}

/* A call by the 32-bit ABI: its numbers mean other calls. */
INLINE bool syscall_compat(const struct task_struct *task, const bool btf)
{
#if defined(__TARGET_ARCH_x86)
	return GET(btf, task, thread_info.status) & TS_COMPAT;
#else
	return false;
#endif
}

#endif
