/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tracepoints and functions this kernel has. Asked before anything is loaded: a target
 * that is missing costs one look-up here, and an object that must be opened anew there.
 *
 * The kernel's BTF names both: a tracepoint as typedef btf_trace_NAME, a function as FUNC. Names
 * that it lacks may still be in /proc/kallsyms (modules; functions that pahole leaves out), which
 * has names even where kptr_restrict hides the addresses. Functions that a compiler renamed
 * (NAME.isra.0, NAME.llvm.1234) are missing: their arguments may have changed too.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "capture/internal.h"

#define LINE_MAX 512 /* of kallsyms: names have at most KSYM_NAME_LEN, 512 since 6.1 */

/* The name as the kernel has it: "fexit/cgroup_mkdir", "iter/task_file" */
static void name_target(struct targets *t, size_t prog, const struct bpf_program *p)
{
	const char *slash = p ? strchr(bpf_program__section_name(p), '/') : NULL;

	if (!slash)
		return;
	t->tracepoint[prog] = bpf_program__type(p) == BPF_PROG_TYPE_RAW_TRACEPOINT ||
			      bpf_program__expected_attach_type(p) == BPF_TRACE_RAW_TP;
	if (progs[prog].rung == RUNG_cgroup) { /* whose hooks are in every kernel */
		t->missing[prog] = t->root < 0;
		return;
	}
	snprintf(t->name[prog], sizeof(t->name[prog]), "%s%s",
		 progs[prog].rung == RUNG_iter ? "bpf_iter_" : "", slash + 1);
	t->missing[prog] = true; /* until it is found */
}

static void name_family(struct targets *t, enum wire_family family, u32 forbidden)
{
	struct bpf_object *o = object_open(families[family].name, NULL, NULL);

	for (size_t i = 0; o && i < progs_n; i++)
		if (features[progs[i].feature].family == family &&
		    !rung_is_uprobe(progs[i].rung) && !(forbidden >> progs[i].rung & 1))
			name_target(t, i, bpf_object__find_program_by_name(o, progs[i].name));
	bpf_object__close(o);
}

static void found(struct targets *t, const char *name, bool tracepoint)
{
	for (size_t i = 0; i < progs_n; i++)
		if (t->missing[i] && t->tracepoint[i] == tracepoint &&
		    !strcmp(t->name[i], name))
			t->missing[i] = false;
}

static void look_into_btf(struct targets *t, const struct btf *btf)
{
	static const char tracepoint[] = "btf_trace_";
	u32 n = btf__type_cnt(btf);

	for (u32 id = 1; id < n; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *name;

		if (!btf_is_func(type) && !btf_is_typedef(type))
			continue;
		name = btf__name_by_offset(btf, type->name_off);
		if (btf_is_func(type)) {
			found(t, name, false);
			if (!strcmp(name, "bpf_preempt_disable"))
				t->preempt_disable = id;
			else if (!strcmp(name, "bpf_preempt_enable"))
				t->preempt_enable = id;
		}
		if (!strncmp(name, tracepoint, sizeof(tracepoint) - 1))
			found(t, name + sizeof(tracepoint) - 1, true);
	}
}

/* "ffffffff81000000 T name\t[module]". Types of functions in modules are in BTF of their own,
 * which libbpf looks into; a function of the kernel itself that has no type has no fentry. */
static void look_into_line(struct targets *t, char *line)
{
	char *type = strchr(line, ' '), *name;
	bool module;

	if (!type || !type[1] || !strchr("tTwW", type[1]) || type[2] != ' ')
		return;
	name = type + 3;
	name[strcspn(name, "\t\n")] = 0;
	module = name[strlen(name) + 1] == '[';
	for (size_t i = 0; i < progs_n; i++)
		if (t->missing[i] && !strcmp(t->name[i], name) &&
		    (progs[i].rung == RUNG_kprobe || (progs[i].rung == RUNG_fentry && module)))
			t->missing[i] = false;
}

static bool any_missing(const struct targets *t, bool fentry)
{
	for (size_t i = 0; i < progs_n; i++)
		if (t->missing[i] &&
		    (progs[i].rung == RUNG_kprobe || (fentry && progs[i].rung == RUNG_fentry)))
			return true;
	return false;
}

/* Without BTF or without kallsyms nobody can tell about the rungs that need none: they are
 * tried. */
static void presume(struct targets *t, enum rung rung)
{
	for (size_t i = 0; i < progs_n; i++)
		if (progs[i].rung == rung)
			t->missing[i] = false;
}

static void look_into_kallsyms(struct targets *t)
{
	char line[LINE_MAX + 64] = ""; /* longer ones are no names of ours */
	FILE *f = fopen("/proc/kallsyms", "re");

	while (f && fgets(line, sizeof(line), f))
		look_into_line(t, line);
	if (f)
		fclose(f);
	else
		presume(t, RUNG_kprobe);
}

void targets_find(struct targets *ret, const struct capture_config *config,
		  const struct types *types)
{
	struct btf *btf;

	*ret = (struct targets){ .types = types, .root = cgroup_root_open(config->cgroup_base) };
	for (int f = 0; f < FAMILY_END; f++)
		if (config->families >> f & 1)
			name_family(ret, (enum wire_family)f, config->forbidden);
	btf = btf__load_vmlinux_btf();
	ret->btf = btf;
	if (btf)
		look_into_btf(ret, btf);
	else
		presume(ret, RUNG_raw_tp);
	if (any_missing(ret, btf))
		look_into_kallsyms(ret);
	btf__free(btf);
}

void targets_drop(struct targets *t)
{
	if (t->root >= 0)
		close(t->root);
	t->root = -1;
}
