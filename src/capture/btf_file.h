/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is to hold the kernel's types: BTF as it is (Documentation/bpf/btf.rst), whole or
 * reduced, as in /sys/kernel/btf/vmlinux. Looked at before libbpf gets it.
 */
#ifndef CAPTURE_BTF_FILE_H
#define CAPTURE_BTF_FILE_H

#include "base/types.h"

#define BTF_FILE_MAX (64u << 20) /* bytes; whole ones of today have 3 to 6 MiB */

/* Bytes that begin with a header and hold what it says. Not whether the types make sense. */
bool btf_bytes(const void *bytes, size_t n, u64 size);

/* 0, or -errno with words in why: of what the file is, without its name. Never waits. */
int btf_file_check(const char *path, char *why, size_t cap);

#endif
