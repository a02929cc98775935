/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a file a library keeps the functions it exports. The file is foreign and may change
 * while it is read: it is read by pread in small pieces, never mapped (a file that is cut off
 * then is SIGBUS, which is why libelf is no choice), and each number in it is checked before it
 * is used. Symbols are found as the dynamic linker does it: by the hash table that PT_DYNAMIC
 * names (DT_GNU_HASH, else DT_HASH), so that sections are not needed and the costs are a dozen
 * reads, whatever the file says of its size.
 *
 * 64-bit files of this machine alone. Formats: System V ABI, chapters 4 and 5; the GNU hash
 * table has no specification but its readers (glibc, elf/dl-lookup.c).
 */
#ifndef BASE_ELF_H
#define BASE_ELF_H

#include "base/types.h"

#define ELF_OFFSETS_MAX 4 /* of one name: versions that still have code of their own */

/*
 * File offsets of the function's first instructions, one for each version there is, without
 * doubles. Returns how many; 0: it exports none of that name, or one that is chosen at run time
 * (STT_GNU_IFUNC). -ENOEXEC: no ELF file of this machine; -EBADMSG: damaged; -EIO and others: of
 * reading.
 */
int elf_function(int fd, const char *name, u64 ret[static ELF_OFFSETS_MAX]);

#endif
