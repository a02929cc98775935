/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is changed in our programs for this kernel.
 *
 * Reads. Some kernels forbid to read kernel memory by helper (lockdown=confidentiality). There
 * only programs run whose reads are typed loads; config.probe_read is 0 and the verifier drops
 * the rest of them. What reads all the same must be refused, not misled: libbpf finds that
 * bpf_probe_read_kernel does not work and turns it into the old bpf_probe_read, which is refused
 * as well, but does the same to the reads of user memory, which would be allowed. So before
 * libbpf sees them the kernel's are made calls of no helper at all, and what it has turned after
 * that are the user's. Without a lockdown that is how reads are forbidden (--forbid).
 *
 * Holding the CPU: see hold_cpu() in bpf/lib/prog.h.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "capture/internal.h"

static bool calls_helper(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg && !insn->dst_reg;
}

static void blind_section(struct bpf_insn *insn, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (insn[i].code == (BPF_LD | BPF_DW | BPF_IMM))
			i++; /* two of them are one */
		else if (calls_helper(&insn[i]) && (insn[i].imm == BPF_FUNC_probe_read_kernel ||
						    insn[i].imm == BPF_FUNC_probe_read_kernel_str))
			insn[i].imm = BPF_FUNC_unspec;
	}
}

/* The object is our own: what it says of itself is true. */
void patch_blind(void *bytes)
{
	char *object = bytes;
	const Elf64_Ehdr *elf = bytes;
	const Elf64_Shdr *section = (const void *)(object + elf->e_shoff);

	for (size_t i = 0; i < elf->e_shnum; i++)
		if (section[i].sh_type == SHT_PROGBITS && section[i].sh_flags & SHF_EXECINSTR)
			blind_section((void *)(object + section[i].sh_offset),
				      section[i].sh_size / sizeof(struct bpf_insn));
}

/* libbpf looks for the section by its name. */
void patch_untyped(void *bytes)
{
	static const char name[] = ".BTF.ext";
	char *object = bytes, *names;
	const Elf64_Ehdr *elf = bytes;
	const Elf64_Shdr *section = (const void *)(object + elf->e_shoff);

	names = object + section[elf->e_shstrndx].sh_offset;
	for (size_t i = 0; i < elf->e_shnum; i++)
		if (!strcmp(names + section[i].sh_name, name))
			names[section[i].sh_name] = '_';
}

/* Calls that kfunc, or does nothing if there is none. */
static void call_kfunc(struct bpf_insn *insn, u32 btf_id)
{
	if (btf_id)
		*insn = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
					   .src_reg = BPF_PSEUDO_KFUNC_CALL,
					   .imm = (s32)btf_id };
	else
		*insn = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K };
}

static void patch_call(struct bpf_insn *insn, const struct patch *patch, bool hold)
{
	switch (insn->imm) {
	case BPF_FUNC_jiffies64:
		call_kfunc(insn, hold ? patch->preempt_disable : 0);
		break;
	case BPF_FUNC_get_numa_node_id:
		call_kfunc(insn, hold ? patch->preempt_enable : 0);
		break;
	case BPF_FUNC_probe_read:
		insn->imm = patch->blind ? BPF_FUNC_probe_read_user : insn->imm;
		break;
	case BPF_FUNC_probe_read_str:
		insn->imm = patch->blind ? BPF_FUNC_probe_read_user_str : insn->imm;
		break;
	}
}

static bool is_uprobe(const struct bpf_program *p)
{
	struct str section = str_of(bpf_program__section_name(p));

	return str_starts(section, STR("uprobe")) || str_starts(section, STR("uretprobe"));
}

static int patch_program(struct bpf_program *p, const struct patch *patch)
{
	size_t n = bpf_program__insn_cnt(p);
	struct bpf_insn *insn = malloc(n * sizeof(*insn));
	int err;

	if (!insn)
		return -ENOMEM;
	memcpy(insn, bpf_program__insns(p), n * sizeof(*insn));
	for (size_t i = 0; i < n; i++)
		if (calls_helper(&insn[i]))
			patch_call(&insn[i], patch, !patch->uprobes_only || is_uprobe(p));
	err = bpf_program__set_insns(p, insn, n);
	free(insn);
	return err;
}

int patch_object(struct bpf_object *o, const struct patch *patch)
{
	struct bpf_program *p;
	int err = bpf_object__prepare(o);

	if (err)
		return err;
	bpf_object__for_each_program(p, o) {
		err = bpf_program__autoload(p) ? patch_program(p, patch) : 0;
		if (err)
			return err;
	}
	return 0;
}
