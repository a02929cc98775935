/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF objects, embedded by their generated skeletons. Programs and maps are found by the
 * names of the registry, so that of a skeleton only the bytes are used. */
#include "capture/internal.h"
#include "bpf/call.skel.h"
#include "bpf/cgroup.skel.h"
#include "bpf/dns.skel.h"
#include "bpf/file.skel.h"
#include "bpf/fit.skel.h"
#include "bpf/lookup.skel.h"
#include "bpf/maps.skel.h"
#include "bpf/preempt.skel.h"
#include "bpf/process.skel.h"
#include "bpf/self.skel.h"
#include "bpf/syscall.skel.h"
#include "bpf/tcp.skel.h"
#include "bpf/udp.skel.h"

const void *object_maps(size_t *ret_size)
{
	return maps_bpf__elf_bytes(ret_size);
}

const void *object_self(size_t *ret_size)
{
	return self_bpf__elf_bytes(ret_size);
}

const void *object_fit(size_t *ret_size)
{
	return fit_bpf__elf_bytes(ret_size);
}

const void *object_preempt(size_t *ret_size)
{
	return preempt_bpf__elf_bytes(ret_size);
}

const void *object_family(enum wire_family family, size_t *ret_size)
{
	static const void *(*const bytes[FAMILY_END])(size_t *) = {
#define FAMILY(family, text) [FAMILY_##family] = family##_bpf__elf_bytes,
#include "../../bpf/registry.def"
	};

	return bytes[family](ret_size);
}
