/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include "capture/btf_embedded.h"
#include "capture/btf_file.h"
#include "btf/embedded.inc"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u /* 6.3; where vm.memfd_noexec is 2 nothing else is allowed */
#endif

const struct btf_embedded *btf_embedded(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(embedded);
	return embedded;
}

const struct btf_embedded *btf_embedded_find(const char *release)
{
	for (size_t i = 0; i < ARRAY_SIZE(embedded); i++)
		if (!strcmp(embedded[i].release, release))
			return &embedded[i];
	return NULL;
}

static int memory_file(void)
{
	int fd = memfd_create("btf", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("btf", MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_all(int fd, const u8 *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0)
			return -errno;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

static int unpack(const struct btf_embedded *e, u8 *room)
{
	uLongf n = e->n;
	int err = uncompress(room, &n, e->packed, e->packed_n);

	return err == Z_OK && n == e->n && btf_bytes(room, n, n) ? 0 : -EINVAL;
}

int btf_embedded_open(const struct btf_embedded *e)
{
	u8 *room = e->n <= BTF_EMBEDDED_MAX ? malloc(e->n) : NULL;
	int fd, err = room ? unpack(e, room) : -ENOMEM;

	fd = err ? err : memory_file();
	if (fd >= 0)
		err = write_all(fd, room, e->n);
	free(room);
	if (fd >= 0 && err)
		close(fd);
	return err ? err : fd;
}
