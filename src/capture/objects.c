/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF objects that podtrace carries, packed: a quarter of their size. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "capture/internal.h"

struct packed {
	const char *name;
	const u8 *bytes;
	size_t n;
	size_t unpacked;
};

#include "bpf/objects.inc"

static const struct packed *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (!strcmp(objects[i].name, name))
			return &objects[i];
	return NULL;
}

struct bpf_object *object_open(const char *name, const struct bpf_object_open_opts *opts,
			       void (*patch)(void *elf))
{
	const struct packed *packed = find(name);
	uLongf n = packed ? packed->unpacked : 0;
	void *elf = packed ? malloc(n) : NULL;
	struct bpf_object *o = NULL;
	int err = ENOMEM;

	if (elf && uncompress(elf, &n, packed->bytes, packed->n) == Z_OK) {
		if (patch)
			patch(elf);
		errno = 0;
		o = bpf_object__open_mem(elf, n, opts); /* keeps none of it */
		err = errno;
	}
	free(elf);
	errno = o ? 0 : err;
	return o;
}
