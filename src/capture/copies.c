/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of programs that are loaded, beside them on the same hook: see bpf/lib/again.h. libbpf
 * knows nothing of them. What it has made of a program (map fds, offsets, kfuncs) is copied as it
 * is, and the number written in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "capture/internal.h"

static bool is_mark(const struct bpf_insn *insn)
{
	return BPF_OP(insn->code) == BPF_MOV && BPF_SRC(insn->code) == BPF_K &&
	       (BPF_CLASS(insn->code) == BPF_ALU64 || BPF_CLASS(insn->code) == BPF_ALU) &&
	       insn->imm == COPY_MARK;
}

/* The function or tracepoint as the kernel's types number it; 0: no matter, or not known. */
static u32 attach_id(const struct bpf_program *p)
{
	enum bpf_attach_type type = bpf_program__expected_attach_type(p);
	struct bpf_prog_info info = { 0 };
	u32 size = sizeof(info);
	int id;

	if (bpf_program__type(p) != BPF_PROG_TYPE_TRACING)
		return 0;
	if (!bpf_prog_get_info_by_fd(bpf_program__fd(p), &info, &size) && info.attach_btf_id)
		return info.attach_btf_id; /* since 6.0 */
	id = libbpf_find_vmlinux_btf_id(strchr(bpf_program__section_name(p), '/') + 1, type);
	return id > 0 ? (u32)id : 0;
}

static int load(const struct bpf_object *o, const struct bpf_program *p,
		const struct bpf_insn *insn, u32 attach)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .attach_btf_id = attach,
		    .expected_attach_type = bpf_program__expected_attach_type(p),
		    .prog_flags = bpf_program__flags(p));

	if (bpf_object__btf_fd(o) >= 0) {
		opts.prog_btf_fd = (u32)bpf_object__btf_fd(o);
		opts.func_info = bpf_program__func_info(p);
		opts.func_info_cnt = bpf_program__func_info_cnt(p);
		opts.func_info_rec_size = sizeof(struct bpf_func_info);
	}
	return bpf_prog_load(bpf_program__type(p), bpf_program__name(p), "Dual BSD/GPL", insn,
			     bpf_program__insn_cnt(p), &opts);
}

static int attach(const struct bpf_program *p, int fd)
{
	const char *hook = strchr(bpf_program__section_name(p), '/') + 1;

	/* by name, or as the program itself says */
	return bpf_raw_tracepoint_open(
		bpf_program__type(p) == BPF_PROG_TYPE_RAW_TRACEPOINT ? hook : NULL, fd);
}

static int copy(struct copy *ret, const struct bpf_object *o, const struct bpf_program *p,
		struct bpf_insn *insn, u32 attach_to)
{
	ret->fd = load(o, p, insn, attach_to);
	if (ret->fd < 0)
		return ret->fd;
	ret->link = attach(p, ret->fd);
	if (ret->link >= 0)
		return 0;
	close(ret->fd);
	return ret->link;
}

void copies_make(struct copies *c, const struct bpf_object *o, size_t prog, unsigned n)
{
	const struct bpf_program *p = bpf_object__find_program_by_name(o, progs[prog].name);
	size_t insns = bpf_program__insn_cnt(p);
	struct bpf_insn *insn = n ? malloc(insns * sizeof(*insn)) : NULL;
	u32 attach_to = insn ? attach_id(p) : 0;

	for (unsigned i = 1; insn && i <= n && c->n < COPIES_MAX; i++) {
		int err;

		memcpy(insn, bpf_program__insns(p), insns * sizeof(*insn));
		for (size_t k = 0; k < insns; k++)
			insn[k].imm += is_mark(&insn[k]) ? (s32)i : 0;
		c->copy[c->n].prog = prog;
		err = copy(&c->copy[c->n], o, p, insn, attach_to);
		if (err) {
			log_debug("capture", "no copy %u of %s: %s: what comes while it runs may be "
				  "unseen", i, progs[prog].name, strerror(-err));
			break;
		}
		c->n++;
	}
	free(insn);
}

void copies_detach(struct copies *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->copy[i].link >= 0) {
			close(c->copy[i].link);
			c->copy[i].link = -1;
		}
}

void copies_free(struct copies *c)
{
	copies_detach(c);
	for (size_t i = 0; i < c->n; i++)
		close(c->copy[i].fd);
	c->n = 0;
}

static u64 missed(int fd)
{
	struct bpf_prog_info info = { 0 };
	u32 size = sizeof(info);

	return bpf_prog_get_info_by_fd(fd, &info, &size) ? 0 : info.recursion_misses;
}

u64 copies_missed(const struct copies *c, size_t prog, int fd)
{
	u64 least = missed(fd);

	for (size_t i = 0; i < c->n; i++)
		if (c->copy[i].prog == prog) {
			u64 n = missed(c->copy[i].fd);

			least = n < least ? n : least;
		}
	return least;
}
