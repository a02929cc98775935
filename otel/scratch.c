// SPDX-License-Identifier: Apache-2.0
#include "otel/scratch.h"

#include <errno.h>
#include <sys/mman.h>

int scratch_init(struct scratch *s, size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return -errno;
	*s = (struct scratch){ .mem = mem, .size = size };
	return 0;
}

void scratch_free(struct scratch *s)
{
	if (s->mem)
		munmap(s->mem, s->size);
	*s = (struct scratch){ 0 };
}

void scratch_rest(struct scratch *s)
{
	/* A failure costs memory, not data. */
	if (s->mem)
		(void)madvise(s->mem, s->size, MADV_DONTNEED);
}
