/* SPDX-License-Identifier: Apache-2.0 */
/* The name of a system call of this architecture ("openat"), as musl knows them. */
#ifndef BASE_SYSCALL_NAME_H
#define BASE_SYSCALL_NAME_H

/* Never NULL; static; "_OTHER" for a number without a name: newer than we are, or none. */
const char *syscall_name(unsigned nr);

#endif
