/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs take for granted of a library and its ABI does not promise, looked for in the file
 * itself before anything is attached to it.
 *
 * MySQL's and MariaDB's clients: whether they switch stacks in the middle of a function, as MariaDB's does
 * for its non-blocking calls (mysql_real_query_start). The kernel takes a function's end on another stack
 * for one of which it knows nothing, and kills the process (handle_trampoline, SIGILL).
 *
 * libpq: where an opaque PGresult has its status. PQresultStatus returns it, so among its first
 * instructions is the one that reads it from there (it is there since 8.2, of 2006).
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/elf.h"
#include "capture/internal.h"
#include "../bpf/wire/db.h"

#define CODE_MAX 32 /* bytes of a function that are looked at */

/* mov PGRESULT_STATUS(%rdi),%r32, or ldr wN,[x0,#PGRESULT_STATUS]: from the first argument, into
 * any register. */
static bool reads_status(const u8 code[CODE_MAX])
{
#if defined(__x86_64__)
	for (size_t i = 0; i + 3 <= CODE_MAX; i++)
		if (code[i] == 0x8b && (code[i + 1] & 0xc7) == 0x47 &&
		    code[i + 2] == PGRESULT_STATUS)
			return true;
#else
	for (size_t i = 0; i + 4 <= CODE_MAX; i += 4) {
		u32 instruction;

		memcpy(&instruction, code + i, sizeof(instruction));
		if ((instruction & ~0x1fu) == (0xb9400000u | PGRESULT_STATUS / 4 << 10))
			return true;
	}
#endif
	return false;
}

static int prove_libpq(int fd, u32 *which)
{
	u64 offset[ELF_OFFSETS_MAX];
	u8 code[CODE_MAX];
	int n = elf_function(fd, "PQresultStatus", offset);

	if (n < 0)
		return n;
	if (!n) { /* another one with such a name: libpq-oauth-18.so */
		*which &= ~(1u << LIBRARY_libpq);
		return 0;
	}
	if (pread(fd, code, sizeof(code), (off_t)offset[0]) != sizeof(code))
		return -EBADMSG;
	return reads_status(code) ? 0 : -EOPNOTSUPP;
}

int proof_of(int fd, u32 *which, bool switching)
{
	u64 offset[ELF_OFFSETS_MAX];
	int n;

	if (*which >> LIBRARY_libpq & 1)
		return prove_libpq(fd, which);
	if (!(*which >> LIBRARY_libmysql & 1) || switching)
		return 0;
	n = elf_function(fd, "mysql_real_query_start", offset);
	if (n > 0)
		*which &= ~(1u << LIBRARY_libmysql);
	return n < 0 ? n : 0;
}
