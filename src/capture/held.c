/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stays of a BPF object when it is loaded and attached: descriptors of its maps and
 * programs. The rest, copies of the ELF file, its instructions and types, is of no use any more
 * and 0.6 MiB. Links hold nothing of libbpf's object and the kernel's programs hold their maps.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "capture/internal.h"

/* -1: the table or the process has no room. It costs a figure, not an event. */
static int keep(int fd, const char *name, size_t n, size_t max)
{
	int ret = n < max ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (ret < 0)
		log_debug("capture", "no descriptor is left to count with: %s", name);
	return ret;
}

static void hold_map(struct held *h, const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);
	int fd = keep(bpf_map__fd(map), name, h->maps_n, ARRAY_SIZE(h->maps));

	if (fd < 0)
		return;
	str_copy(h->maps[h->maps_n].name, sizeof(h->maps->name), str_of(name));
	h->maps[h->maps_n++].fd = fd;
}

static void hold_program(struct held *h, const struct bpf_object *o, size_t prog)
{
	struct bpf_program *p = bpf_object__find_program_by_name(o, progs[prog].name);
	int fd;

	if (!p || bpf_program__fd(p) < 0)
		return;
	fd = keep(bpf_program__fd(p), progs[prog].name, h->progs_n, ARRAY_SIZE(h->progs));
	if (fd < 0)
		return;
	h->progs[h->progs_n].prog = prog;
	h->progs[h->progs_n++].fd = fd;
}

void held_take(struct held *ret, const struct bpf_object *o, const struct held *shared)
{
	struct bpf_map *map;

	*ret = (struct held){ 0 };
	/* libbpf holds a place-keeping descriptor even for a map it does not create */
	bpf_object__for_each_map(map, o) if (bpf_map__autocreate(map) &&
					     (!shared || bpf_map__is_internal(map) ||
					      held_map(shared, bpf_map__name(map)) < 0))
		hold_map(ret, map);
	for (size_t i = 0; i < progs_n; i++)
		hold_program(ret, o, i);
}

void held_drop(struct held *h)
{
	for (size_t i = 0; i < h->maps_n; i++)
		close(h->maps[i].fd);
	for (size_t i = 0; i < h->progs_n; i++)
		close(h->progs[i].fd);
	*h = (struct held){ 0 };
}

int held_map(const struct held *h, const char *name)
{
	for (size_t i = 0; i < h->maps_n; i++)
		if (!strcmp(h->maps[i].name, name))
			return h->maps[i].fd;
	return -1;
}

int held_prog(const struct held *h, size_t prog)
{
	for (size_t i = 0; i < h->progs_n; i++)
		if (h->progs[i].prog == prog)
			return h->progs[i].fd;
	return -1;
}
