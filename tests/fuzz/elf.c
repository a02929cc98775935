// SPDX-License-Identifier: Apache-2.0
/* links: */
/* Any bytes as a file that a container calls its C library: read within bounds, in bounded time, and what is
 * found is inside of the file's executable segments, each place once. */
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/elf.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_code(const uint8_t *data, size_t size, uint64_t at)
{
	Elf64_Ehdr head;
	Elf64_Phdr segment;

	memcpy(&head, data, sizeof(head));
	for (size_t i = 0; i < head.e_phnum; i++) {
		CHECK(head.e_phoff + (i + 1) * sizeof(segment) <= size);
		memcpy(&segment, data + head.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type == PT_LOAD && segment.p_flags & PF_X && at >= segment.p_offset &&
		    at - segment.p_offset < segment.p_filesz)
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC), n;
	u64 at[ELF_OFFSETS_MAX];

	CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	n = elf_function(fd, "getaddrinfo", at);
	CHECK(n <= ELF_OFFSETS_MAX);
	CHECK(n >= 0 || n == -ENOEXEC || n == -EBADMSG);
	for (int i = 0; i < n; i++) {
		CHECK(is_code(data, size, at[i]));
		for (int k = 0; k < i; k++)
			CHECK(at[i] != at[k]);
	}
	close(fd);
	return 0;
}
