/* SPDX-License-Identifier: Apache-2.0 */
#include "base/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#endif

#define SEGMENTS_MAX 64	   /* libraries have about ten */
#define DYNAMIC_MAX 512	   /* entries; glibc has 30 */
#define CHAIN_MAX 1024	   /* symbols of one hash: in a sound table a handful */
#define NAME_MAX_ELF 64	   /* of functions we look for */

struct elf {
	int fd;
	Elf64_Phdr segment[SEGMENTS_MAX];
	size_t segments_n;
	u64 symtab, strtab, hash, gnu_hash; /* addresses; 0: none */
};

/* One name that is looked for. */
struct search {
	const char *name;
	size_t n; /* its length and the NUL */
	u64 *found;
	int found_n;
};

static int read_at(const struct elf *e, u64 at, void *dst, size_t n)
{
	ssize_t got;

	if (at > INT64_MAX - n)
		return -EBADMSG;
	do
		got = pread(e->fd, dst, n, (off_t)at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return (size_t)got == n ? 0 : -EBADMSG;
}

/* Of n bytes at an address of the loaded library. */
static int offset_of(const struct elf *e, u64 address, u64 n, u32 flags, u64 *ret)
{
	for (size_t i = 0; i < e->segments_n; i++) {
		const Elf64_Phdr *s = &e->segment[i];
		u64 in = address - s->p_vaddr;

		if (s->p_type != PT_LOAD || (s->p_flags & flags) != flags || address < s->p_vaddr ||
		    in >= s->p_filesz || n > s->p_filesz - in || s->p_offset > INT64_MAX - in)
			continue;
		*ret = s->p_offset + in;
		return 0;
	}
	return -EBADMSG;
}

static int read_loaded(const struct elf *e, u64 address, void *dst, size_t n)
{
	u64 at;

	return offset_of(e, address, n, 0, &at) ?: read_at(e, at, dst, n);
}

/* The same of entry i in a table. */
static int read_entry(const struct elf *e, u64 table, u64 i, void *dst, size_t n)
{
	if (i > (UINT64_MAX - table) / n)
		return -EBADMSG;
	return read_loaded(e, table + i * n, dst, n);
}

/* ---- headers ------------------------------------------------------------------------------ */

static int read_segments(struct elf *e)
{
	Elf64_Ehdr head;
	int err = read_at(e, 0, &head, sizeof(head));

	if (err)
		return err == -EBADMSG ? -ENOEXEC : err;
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) || head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    head.e_ident[EI_DATA] != ELFDATA2LSB || head.e_machine != MACHINE ||
	    (head.e_type != ET_DYN && head.e_type != ET_EXEC))
		return -ENOEXEC;
	if (head.e_phentsize != sizeof(Elf64_Phdr) || !head.e_phnum || head.e_phnum > SEGMENTS_MAX)
		return -EBADMSG;
	e->segments_n = head.e_phnum;
	return read_at(e, head.e_phoff, e->segment, e->segments_n * sizeof(*e->segment));
}

static void take_dynamic(struct elf *e, const Elf64_Dyn *d)
{
	switch (d->d_tag) {
	case DT_SYMTAB:
		e->symtab = d->d_un.d_ptr;
		break;
	case DT_STRTAB:
		e->strtab = d->d_un.d_ptr;
		break;
	case DT_HASH:
		e->hash = d->d_un.d_ptr;
		break;
	case DT_GNU_HASH:
		e->gnu_hash = d->d_un.d_ptr;
		break;
	}
}

static int read_dynamic(struct elf *e)
{
	const Elf64_Phdr *s = e->segment;
	Elf64_Dyn d = { .d_tag = DT_DEBUG };

	while (s < e->segment + e->segments_n && s->p_type != PT_DYNAMIC)
		s++;
	if (s == e->segment + e->segments_n)
		return 0; /* a static program: it exports nothing */
	for (u64 i = 0; i < s->p_filesz / sizeof(d) && d.d_tag != DT_NULL; i++) {
		int err = i < DYNAMIC_MAX && s->p_offset < INT64_MAX / 2 ?
				  read_at(e, s->p_offset + i * sizeof(d), &d, sizeof(d)) :
				  -EBADMSG;

		if (err)
			return err;
		take_dynamic(e, &d);
	}
	return 0;
}

/* ---- symbols ------------------------------------------------------------------------------ */

static void found(struct search *s, u64 offset)
{
	for (int i = 0; i < s->found_n; i++)
		if (s->found[i] == offset)
			return;
	if (s->found_n < ELF_OFFSETS_MAX)
		s->found[s->found_n++] = offset;
}

/* Symbol i has the hash that is looked for: maybe it has the name. */
static int look_at(const struct elf *e, u64 i, struct search *s)
{
	char name[NAME_MAX_ELF];
	Elf64_Sym sym;
	u64 offset;
	int err = read_entry(e, e->symtab, i, &sym, sizeof(sym));

	if (err)
		return err;
	if (ELF64_ST_TYPE(sym.st_info) != STT_FUNC || sym.st_shndx == SHN_UNDEF)
		return 0;
	if (e->strtab > UINT64_MAX - sym.st_name)
		return -EBADMSG;
	err = read_loaded(e, e->strtab + sym.st_name, name, s->n);
	if (err == -EBADMSG || (!err && memcmp(name, s->name, s->n)))
		return 0; /* another name, maybe the last one, and shorter */
	if (err)
		return err;
	err = offset_of(e, sym.st_value, 1, PF_X, &offset);
	if (!err)
		found(s, offset);
	return err;
}

static u32 gnu_hash(const char *name)
{
	u32 h = 5381;

	while (*name)
		h = h * 33 + (u8)*name++;
	return h;
}

static int search_gnu(const struct elf *e, struct search *s)
{
	struct {
		u32 buckets, first, bloom, shift;
	} head;
	u32 hash = gnu_hash(s->name), i, value = 0;
	u64 buckets, chains;
	int err = read_loaded(e, e->gnu_hash, &head, sizeof(head));

	if (err)
		return err;
	if (!head.buckets || e->gnu_hash > INT64_MAX / 2)
		return -EBADMSG;
	buckets = e->gnu_hash + sizeof(head) + (u64)head.bloom * sizeof(u64);
	chains = buckets + (u64)head.buckets * sizeof(u32);
	err = read_entry(e, buckets, hash % head.buckets, &i, sizeof(i));
	if (err || !i)
		return err; /* an empty one */
	if (i < head.first)
		return -EBADMSG;
	for (int n = 0; n < CHAIN_MAX && !(value & 1); n++, i++) {
		err = read_entry(e, chains, i - head.first, &value, sizeof(value));
		if (!err && (value | 1) == (hash | 1))
			err = look_at(e, i, s);
		if (err)
			return err;
	}
	return value & 1 ? 0 : -EBADMSG;
}

static u32 sysv_hash(const char *name)
{
	u32 h = 0;

	while (*name) {
		u32 top;

		h = (h << 4) + (u8)*name++;
		top = h & 0xf0000000;
		h = (h ^ top >> 24) & ~top;
	}
	return h;
}

static int search_sysv(const struct elf *e, struct search *s)
{
	u32 head[2], i; /* numbers of buckets and of chains */
	u64 buckets = e->hash + sizeof(head);
	int err = read_loaded(e, e->hash, head, sizeof(head));

	if (err)
		return err;
	if (!head[0] || e->hash > INT64_MAX / 2)
		return -EBADMSG;
	err = read_entry(e, buckets, sysv_hash(s->name) % head[0], &i, sizeof(i));
	for (int n = 0; !err && i; n++) {
		err = n < CHAIN_MAX && i < head[1] ? look_at(e, i, s) : -EBADMSG;
		if (!err)
			err = read_entry(e, buckets, (u64)head[0] + i, &i, sizeof(i));
	}
	return err;
}

int elf_function(int fd, const char *name, u64 ret[static ELF_OFFSETS_MAX])
{
	struct search s = { .name = name, .n = strlen(name) + 1, .found = ret };
	struct elf e = { .fd = fd };
	int err = s.n <= NAME_MAX_ELF ? read_segments(&e) : -ENAMETOOLONG;

	if (!err)
		err = read_dynamic(&e);
	if (!err && e.symtab && e.strtab) {
		if (e.gnu_hash)
			err = search_gnu(&e, &s);
		else if (e.hash)
			err = search_sysv(&e, &s);
	}
	return err ?: s.found_n;
}
