// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c libs: elf */
/* The registry: dense ids, names that are one of a kind, and programs that the BPF objects
 * really have, in the sections their rungs say. */
#include <fcntl.h>
#include <gelf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "kinds.h"
#include "../bpf/wire/config.h"

/* ---- tables --------------------------------------------------------------------------------- */

static void assert_named(const char *name, const char *family, const char *id)
{
	/* in their own namespaces, which are of the semantic conventions */
	static const char conventions[] = "db.client.operation.duration";
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "podtrace.%s.", family);
	if (strcmp(name, conventions) && !str_starts(str_of(name), str_of(prefix)))
		fail_msg("%s: \"%s\" does not begin with \"%s\"", id, name, prefix);
	snprintf(prefix, sizeof(prefix), "%s_", family);
	if (!str_starts(str_of(id), str_of(prefix)))
		fail_msg("\"%s\" does not begin with its family", id);
}

/* The highest number has room in its mask; kprobes exclude each other, so they have none. */
static void test_copies(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < progs_n; i++) {
		assert_true(progs[i].copies[0] <= progs[i].copies[1]);
		assert_true(progs[i].copies[1] <= COPY_NUMBERS);
		if (!progs[i].copies[1])
			continue;
		assert_true(progs[i].rung == RUNG_tp_btf || progs[i].rung == RUNG_raw_tp ||
			    progs[i].rung == RUNG_fentry);
		n++;
	}
	assert_true(n > 0);
}

static void test_kinds(void **state)
{
	(void)state;
	assert_null(kinds[0].id);
	for (size_t k = 1; k < KIND_END; k++) {
		assert_non_null(kinds[k].id); /* dense */
		assert_true(kinds[k].family < FAMILY_END);
		assert_named(kinds[k].name, families[kinds[k].family].name, kinds[k].id);
		assert_true(strlen(kinds[k].text) > 10);
		for (size_t i = 1; i < k; i++) {
			assert_string_not_equal(kinds[i].id, kinds[k].id);
			assert_string_not_equal(kinds[i].name, kinds[k].name);
		}
	}
}

/* Ids are in capture files: those that were once given stay. Add new ones at the end. */
static void test_ids_stay(void **state)
{
	static const char *const ids[] = {
		[1] = "process_exec", [2] = "process_exec_failed", [3] = "process_fork",
		[4] = "process_exit", [5] = "tcp_connect", [6] = "tcp_accept", [7] = "tcp_state",
		[8] = "tcp_close", [9] = "tcp_retransmit", [10] = "tcp_reset",
		[11] = "tcp_listen_drop",
	};

	(void)state;
	assert_true(ARRAY_SIZE(ids) <= KIND_END);
	for (size_t k = 1; k < ARRAY_SIZE(ids); k++)
		assert_string_equal(kinds[k].id, ids[k]);
}

/* Of semantic conventions, which name the family's protocol and not who counts. */
static bool is_standard(const char *name)
{
	return !strcmp(name, "http.server.request.duration") ||
	       !strcmp(name, "http.client.request.duration");
}

static void test_meters(void **state)
{
	size_t standard = 0;

	(void)state;
	assert_null(meters[0].id);
	for (size_t m = 1; m < METER_END; m++) {
		const u64 *bounds;
		size_t n;

		assert_non_null(meters[m].id);
		if (is_standard(meters[m].name))
			standard++;
		else
			assert_named(meters[m].name, families[meters[m].family].name, meters[m].id);
		assert_true(str_ends(str_of(meters[m].text), STR(".")));
		for (size_t i = 1; i < m; i++)
			assert_string_not_equal(meters[i].name, meters[m].name);
		bounds = bounds_of(meters[m].bounds, &n);
		assert_int_equal(n > 0, meters[m].type == METER_HISTOGRAM);
		for (size_t i = 1; i < n; i++)
			assert_true(bounds[i - 1] < bounds[i]);
		/* the kernel's histograms are of times, counters have no time unit */
		assert_int_equal(!strcmp(meters[m].unit, "s"), meters[m].type == METER_HISTOGRAM);
	}
	assert_int_equal(standard, 2);
}

/* A family without programs has figures. */
static bool has_programs(int family)
{
	for (size_t f = 0; f < features_n; f++)
		if ((int)features[f].family == family)
			return true;
	assert_true(figure_families() >> family & 1);
	return false;
}

/* Programs of a feature stand together, best first; each family has what it is worth having. */
static void test_features(void **state)
{
	bool needed[FAMILY_END] = { false };
	size_t p = 0;

	(void)state;
	assert_true(features_n > 0 && features_n <= FEATURES_MAX);
	for (size_t f = 0; f < features_n; f++) {
		size_t first = p;

		for (; p < progs_n && progs[p].feature == f; p++)
			assert_true(p == first || progs[p - 1].rung <= progs[p].rung);
		if (p == first)
			fail_msg("%s: no program, or not in the order of the features",
				 features[f].name);
		assert_true(strlen(features[f].without) > 10);
		needed[features[f].family] |= features[f].needed;
	}
	assert_int_equal(p, progs_n);
	for (int f = 0; f < FAMILY_END; f++)
		assert_int_equal(needed[f], has_programs(f));
	for (size_t i = 0; i < progs_n; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(progs[i].name, progs[k].name);
}

static void test_feature_kinds(void **state)
{
	static const struct {
		const char *feature;
		enum wire_kind kind;
	} rows[] = { { "exec", KIND_process_exec },
		     { "exec_failed", KIND_process_exec_failed },
		     { "state", KIND_tcp_state },
		     { "retransmit_synack", KIND_tcp_retransmit },
		     { "reset_sent", KIND_tcp_reset },
		     { "mkdir", KIND_cgroup_mkdir },
		     { "begin", KIND_NONE },
		     { "listen_drop", KIND_tcp_listen_drop },
		     { "accept", KIND_tcp_accept } };

	(void)state;
	for (size_t f = 0; f < features_n; f++) {
		if (features[f].family != FAMILY_call) {
			assert_in_range(feature_kind(f), 1, KIND_END - 1);
			assert_int_equal(kinds[feature_kind(f)].family, features[f].family);
		}
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			if (!strcmp(features[f].name, rows[i].feature))
				assert_int_equal(feature_kind(f), rows[i].kind);
	}
}

static void test_names(void **state)
{
	(void)state;
	for (int f = 0; f < FAMILY_END; f++)
		assert_int_equal(family_find(str_of(families[f].name)), f);
	assert_int_equal(family_find(STR("")), -1);
	assert_int_equal(family_find(STR("Tcp")), -1);
	for (int r = 0; r < RUNG_COUNT; r++)
		assert_int_equal(rung_find(str_of(rung_name((enum rung)r))), r);
	assert_int_equal(rung_find(STR("tracefs")), -1);
}

/* ---- the BPF objects ------------------------------------------------------------------------ */

struct object {
	char path[256];
	Elf *elf;
	int fd;
};

static void object_open(struct object *o, const char *family)
{
	const char *arch = getenv("ARCH");

	snprintf(o->path, sizeof(o->path), "build/%s/obj/bpf/%s.bpf.o", arch ? arch : "amd64",
		 family);
	o->fd = open(o->path, O_RDONLY | O_CLOEXEC);
	o->elf = o->fd < 0 ? NULL : elf_begin(o->fd, ELF_C_READ, NULL);
	if (!o->elf)
		fail_msg("%s: cannot be read: run make in the root of the tree first", o->path);
}

static void object_close(struct object *o)
{
	elf_end(o->elf);
	close(o->fd);
}

static Elf_Scn *symbols_of(Elf *elf, GElf_Shdr *ret)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, ret) && ret->sh_type == SHT_SYMTAB)
			return scn;
	fail_msg("no symbols");
	return NULL;
}

/* Calls fn for every program: a global function in a section of its own kind, not .text. */
static void object_programs(struct object *o,
			    void (*fn)(void *ctx, const char *name, const char *section), void *ctx)
{
	GElf_Shdr symtab, shdr;
	Elf_Scn *scn = symbols_of(o->elf, &symtab);
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t shstr, n = 0;
	GElf_Sym sym;

	assert_int_equal(elf_getshdrstrndx(o->elf, &shstr), 0);
	for (int i = 0; gelf_getsym(data, i, &sym); i++) {
		const char *section;

		if (GELF_ST_TYPE(sym.st_info) != STT_FUNC ||
		    GELF_ST_BIND(sym.st_info) != STB_GLOBAL)
			continue;
		assert_non_null(gelf_getshdr(elf_getscn(o->elf, sym.st_shndx), &shdr));
		section = elf_strptr(o->elf, shstr, shdr.sh_name);
		if (!strcmp(section, ".text"))
			continue;
		fn(ctx, elf_strptr(o->elf, symtab.sh_link, sym.st_name), section);
		n++;
	}
	assert_true(n > 0);
}

struct find {
	const char *name;
	char section[128];
};

static void find_program(void *ctx, const char *name, const char *section)
{
	struct find *f = ctx;

	if (!strcmp(f->name, name))
		snprintf(f->section, sizeof(f->section), "%s", section);
}

/* "?tp_btf/sched_process_exec": '?' because programs are loaded only when they are chosen. */
static void check_program(struct object *o, const struct prog *prog)
{
	static const char *const sections[RUNG_COUNT][3] = {
		[RUNG_tp_btf] = { "?tp_btf/" },		    [RUNG_raw_tp] = { "?raw_tp/" },
		[RUNG_iter] = { "?iter/" },
		/* what tells of calls asks functions below them about sockets */
		[RUNG_fentry] = { "?fentry/", "?fexit/", "?tp_btf/sys_exit" },
		[RUNG_kprobe] = { "?kprobe/", "?kretprobe/" },
		[RUNG_uprobe_multi] = { "?uprobe.multi/", "?uretprobe.multi/" },
		[RUNG_uprobe] = { "?uprobe/", "?uretprobe/" },
		[RUNG_cgroup] = { "?cgroup_skb/", "?cgroup/" },
	};
	const char *const *of = sections[prog->rung];
	struct find f = { .name = prog->name };
	struct str section;
	bool found = false;

	object_programs(o, find_program, &f);
	if (!f.section[0])
		fail_msg("%s: no program %s", o->path, prog->name);
	section = str_of(f.section);
	for (int i = 0; i < 3 && of[i]; i++)
		found |= str_starts(section, str_of(of[i]));
	if (!found)
		fail_msg("%s: %s is in section %s, not in %s...", o->path, prog->name, f.section,
			 of[0]);
}

static void test_programs(void **state)
{
	(void)state;
	for (int family = 0; family < FAMILY_END; family++) {
		struct object o;

		if (!has_programs(family))
			continue;
		object_open(&o, families[family].name);
		for (size_t p = 0; p < progs_n; p++)
			if ((int)features[progs[p].feature].family == family)
				check_program(&o, &progs[p]);
		object_close(&o);
	}
}

static void is_in_registry(void *ctx, const char *name, const char *section)
{
	(void)section;
	for (size_t p = 0; p < progs_n; p++)
		if (!strcmp(progs[p].name, name))
			return;
	fail_msg("%s: program %s is not in the registry", ((struct object *)ctx)->path, name);
}

static void test_no_others(void **state)
{
	(void)state;
	for (int family = 0; family < FAMILY_END; family++) {
		struct object o;

		if (!has_programs(family))
			continue;
		object_open(&o, families[family].name);
		object_programs(&o, is_in_registry, &o);
		object_close(&o);
	}
}

static void test_control(void **state)
{
	struct find f = { .name = "no_such_program" };
	struct object o;

	(void)state;
	object_open(&o, "process");
	object_programs(&o, find_program, &f);
	object_close(&o);
	assert_string_equal(f.section, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),	 cmocka_unit_test(test_copies),
		 cmocka_unit_test(test_ids_stay),
		cmocka_unit_test(test_meters),	 cmocka_unit_test(test_features),
		cmocka_unit_test(test_feature_kinds),
		cmocka_unit_test(test_names),	 cmocka_unit_test(test_programs),
		cmocka_unit_test(test_no_others), cmocka_unit_test(test_control),
	};

	elf_version(EV_CURRENT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
