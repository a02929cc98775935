/* SPDX-License-Identifier: Apache-2.0 */
/* What a family is attached by, and what the kernel counts there. */
#include "capture/internal.h"

void links_add(struct links *l, struct bpf_link *link, size_t prog)
{
	l->link[l->n].of = link;
	l->link[l->n++].prog = prog;
}

/* While one handler runs on a CPU no other does. The kernel tells since 6.7; before it counts as
 * well, and tells nobody (3acf8ace6823). */
static u64 missed(const struct bpf_link *link)
{
	struct bpf_link_info info = { 0 };
	u32 size = sizeof(info);

	if (bpf_link_get_info_by_fd(bpf_link__fd(link), &info, &size) ||
	    info.type != BPF_LINK_TYPE_PERF_EVENT)
		return 0;
	switch (info.perf_event.type) {
	case BPF_PERF_EVENT_KPROBE:
	case BPF_PERF_EVENT_KRETPROBE:
		return info.perf_event.kprobe.missed;
	default:
		return 0;
	}
}

void links_detach(struct links *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!l->link[i].of)
			continue;
		l->link[i].missed = missed(l->link[i].of);
		bpf_link__destroy(l->link[i].of);
		l->link[i].of = NULL;
	}
}

u64 links_missed(const struct links *l, size_t prog)
{
	u64 n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->link[i].prog == prog)
			n += l->link[i].of ? missed(l->link[i].of) : l->link[i].missed;
	return n;
}
