/* SPDX-License-Identifier: Apache-2.0 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "capture/internal.h"
#include "tests/bench/cost.h"
#include "tests/bench/trigger.h"

static struct loop *loop;

static void on_record(void *ctx, const void *record, size_t size)
{
}

/* ---- programs by name
 * ---------------------------------------------------------------------------- */

/* The kernel keeps fifteen letters of a name; the types of the program have it whole. */
static bool whole_name(int fd, char *ret, size_t cap)
{
	struct bpf_func_info func = { 0 };
	struct bpf_prog_info info = { .nr_func_info = 1,
				      .func_info_rec_size = sizeof(func),
				      .func_info = (u64)&func };
	u32 n = sizeof(info);
	const struct btf_type *type;
	struct btf *btf;

	if (bpf_prog_get_info_by_fd(fd, &info, &n) || !info.btf_id || !info.nr_func_info)
		return false;
	btf = btf__load_from_kernel_by_id(info.btf_id);
	type = btf ? btf__type_by_id(btf, func.type_id) : NULL;
	if (type)
		str_copy(ret, cap, str_of(btf__name_by_offset(btf, type->name_off)));
	btf__free(btf);
	return type;
}

static bool is_ours(const char *name)
{
	for (size_t i = 0; i < progs_n; i++)
		if (!strcmp(progs[i].name, name))
			return true;
	return false;
}

/* Those that this process holds and that no other watch has found before. */
static bool known[1024];

static void find_programs(struct watch *w)
{
	char name[64];

	for (int fd = 0; fd < (int)ARRAY_SIZE(known); fd++) {
		if (known[fd] || w->n == ARRAY_SIZE(w->programs) ||
		    !whole_name(fd, name, sizeof(name)) || !is_ours(name))
			continue;
		known[fd] = true;
		w->programs[w->n].fd = fd;
		str_copy(w->programs[w->n++].name, sizeof(name), str_of(name));
	}
}

bool watch_has(const struct watch *w, const char *program)
{
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->programs[i].name, program))
			return true;
	return false;
}

struct cost_sample watch_stats(const struct watch *w, const char *program)
{
	struct cost_sample all = { 0 };

	for (size_t i = 0; i < w->n; i++) {
		struct cost_sample one;

		if (strcmp(w->programs[i].name, program) != 0)
			continue;
		one = cost_stats(w->programs[i].fd);
		all.ns += one.ns;
		all.runs = one.runs > all.runs ? one.runs : all.runs;
	}
	return all;
}

const char *watch_section(const struct prog *prog)
{
	static struct bpf_object *objects[FAMILY_END];
	enum wire_family family = features[prog->feature].family;
	struct bpf_program *p;

	if (!objects[family])
		objects[family] = object_open(families[family].name, NULL, NULL);
	p = objects[family] ? bpf_object__find_program_by_name(objects[family], prog->name) : NULL;
	if (!p)
		cost_fail(prog->name, ENOENT);
	return bpf_program__section_name(p);
}

/* ---- captures
 * --------------------------------------------------------------------------------------- */

void watch_open(struct watch *w, const struct capture_config *config)
{
	struct capture_config c = *config;
	char err[512];

	*w = (struct watch){ 0 };
	if (!loop)
		loop = loop_new();
	c.record = on_record;
	c.diagnose = true; /* what cannot run is told by its features */
	if (!loop || capture_new(&w->capture, loop, &c, err, sizeof(err)))
		cost_fail(loop ? err : "loop", errno);
	/* one file is all libraries, one by one: together they are more than one has functions */
	for (int i = 0; i < LIBRARY_END; i++) {
		u32 which = capture_libraries(w->capture) & 1u << i;
		int got = which ? capture_attach(w->capture, which, trigger_library()) : 0;

		if (got < 0)
			cost_fail("no library is attached to", got);
	}
	find_programs(w);
}

void watch_close(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		known[w->programs[i].fd] = false;
	capture_free(w->capture);
	w->capture = NULL;
}

/* The map is the only one of this name that the first program uses. */
void watch_config(const struct watch *w, struct config *ret)
{
	u32 ids[64], zero = 0;
	struct bpf_prog_info info = { .nr_map_ids = ARRAY_SIZE(ids), .map_ids = (u64)ids };
	u32 n = sizeof(info);

	if (!w->n || bpf_prog_get_info_by_fd(w->programs[0].fd, &info, &n))
		cost_fail("no program is loaded", ENOENT);
	for (u32 i = 0; i < info.nr_map_ids; i++) {
		struct bpf_map_info map = { 0 };
		int fd = bpf_map_get_fd_by_id(ids[i]), err;
		bool it;

		n = sizeof(map);
		err = fd < 0 ? fd : bpf_map_get_info_by_fd(fd, &map, &n);
		it = !err && !strcmp(map.name, ".rodata.config") && map.value_size == sizeof(*ret);
		if (it)
			err = bpf_map_lookup_elem(fd, &zero, ret);
		close(fd);
		if (it && !err)
			return;
	}
	cost_fail(".rodata.config", ENOENT);
}
