/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types that podtrace carries for kernels that do not tell theirs (btf/README.md), each by
 * the kernel's release, for this architecture.
 */
#ifndef CAPTURE_BTF_EMBEDDED_H
#define CAPTURE_BTF_EMBEDDED_H

#include "base/types.h"

#define BTF_EMBEDDED_MAX (1u << 20) /* bytes of one, unpacked: they have about 4,000 */

struct btf_embedded {
	const char *release; /* as uname -r says it */
	const u8 *packed;    /* by zlib */
	size_t packed_n;
	size_t n; /* unpacked */
};

/* All of them, by release. */
const struct btf_embedded *btf_embedded(size_t *ret_n);
/* NULL: there is none for it. */
const struct btf_embedded *btf_embedded_find(const char *release);

/* A descriptor of a file in memory (memfd) that holds it unpacked, the caller's; or -errno:
 * -EINVAL when it is damaged. */
int btf_embedded_open(const struct btf_embedded *e);

#endif
