/* SPDX-License-Identifier: Apache-2.0 */
#include "base/syscall_name.h"
#include "base/types.h"

static const char *const names[] = {
#include "syscalls.inc"
};

const char *syscall_name(unsigned nr)
{
	return nr < ARRAY_SIZE(names) && names[nr] ? names[nr] : "_OTHER";
}
