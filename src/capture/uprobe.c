/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs at functions of libraries, attached to each file that has them: by a link of many
 * uprobes (since 6.6), else by perf_event_open, which takes one more descriptor for each place.
 * Not by tracefs, whose probes outlive us. A uprobe belongs to the file's inode: it is in each
 * process that maps it, now or later.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/elf.h"
#include "base/file.h"
#include "base/log.h"
#include "capture/internal.h"

#define PMU "/sys/bus/event_source/devices/uprobe/"

/* The first byte of our own executable: the magic number of an ELF file, which is mapped, so that
 * all is done as it is done later, and never run. */
#define NOBODY_RUNS 0

/* A number in a file of sysfs, behind "config:" if there is such a word. */
static int read_number(const char *path, u64 *ret)
{
	char text[32], *digits;
	int n = file_read(AT_FDCWD, path, text, sizeof(text));

	if (n < 0)
		return n;
	digits = strchr(text, ':');
	*ret = strtoull(digits ? digits + 1 : text, NULL, 10);
	return 0;
}

static int open_event(const char *path, u64 offset, bool returns)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .uprobe_path = (u64)(uintptr_t)path,
					.probe_offset = offset };
	u64 type = 0, bit = 0;
	int err, fd;

	err = read_number(PMU "type", &type);
	if (!err && returns)
		err = read_number(PMU "format/retprobe", &bit);
	if (err)
		return err == -ENOENT ? -EOPNOTSUPP : err;
	attr.type = (u32)type;
	attr.config = returns ? 1ull << (bit & 63) : 0;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int attach_event(int prog, const char *path, u64 offset, bool returns)
{
	int fd = open_event(path, offset, returns), err;

	if (fd < 0)
		return fd;
	if (!ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog) && !ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int attach_multi(int prog, const char *path, const u64 *offsets, u32 n, bool returns)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);

	opts.uprobe_multi.path = path;
	opts.uprobe_multi.offsets = (const unsigned long *)offsets;
	opts.uprobe_multi.cnt = n;
	opts.uprobe_multi.flags = returns ? BPF_F_UPROBE_MULTI_RETURN : 0;
	return bpf_link_create(prog, 0, BPF_TRACE_UPROBE_MULTI, &opts);
}

static int attach_rung(enum rung rung, int prog, const char *path, const u64 *offsets, int n,
		       bool returns, struct attached *ret)
{
	bool multi = rung == RUNG_uprobe_multi;

	ret->events = ret->events || !multi;
	for (int i = 0; i < (multi ? 1 : n); i++) {
		int fd = ret->n == ATTACHED_MAX ? -E2BIG :
			 multi ? attach_multi(prog, path, offsets, (u32)n, returns) :
				 attach_event(prog, path, offsets[i], returns);

		if (fd < 0)
			return fd;
		ret->fd[ret->n++] = fd;
	}
	return 0;
}

/* "uretprobe.multi/libc:getaddrinfo", or several: "libpq:PQexec,PQprepare" */
static int take_section(struct uprobe *u, const char *section)
{
	struct str rest = str_of(section), kind, library;
	int found;

	str_cut(&rest, '/', &kind);
	str_cut(&rest, ':', &library);
	found = library_find(library);
	if (found < 0 || rest.n >= sizeof(u->functions))
		return -EINVAL;
	u->library = (enum library)found;
	u->returns = str_starts(kind, STR("uretprobe"));
	str_copy(u->functions, sizeof(u->functions), rest);
	return 0;
}

int uprobes_add(struct uprobes *u, const struct bpf_program *p, size_t prog)
{
	struct uprobe *new = &u->uprobe[u->n];
	struct attached tried = { 0 };
	u64 offset = NOBODY_RUNS;
	int err = u->n < UPROBES_MAX ? take_section(new, bpf_program__section_name(p)) : -E2BIG;

	new->prog = prog;
	if (!err)
		err = attach_rung(progs[prog].rung, bpf_program__fd(p), "/proc/self/exe", &offset,
				  1, new->returns, &tried);
	attached_let_go(&tried);
	u->n += !err;
	return err;
}

/* Where the file has the functions. How many places; 0: it has none of them. */
static int find_functions(int fd, const char *functions, u64 *ret)
{
	struct str rest = str_of(functions), function;
	char name[64];
	int n = 0;

	for (int i = 0; i < FUNCTIONS_MAX && str_cut(&rest, ',', &function); i++) {
		int found;

		str_copy(name, sizeof(name), function);
		found = elf_function(fd, name, ret + n);
		if (found < 0)
			return found;
		n += found;
	}
	return n;
}

int uprobes_attach(const struct uprobes *u, const struct held *h, u32 which, int fd,
		   struct attached *ret)
{
	struct attached all = *ret;
	int functions = 0, err = 0;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t i = 0; !err && i < u->n; i++) {
		const struct uprobe *at = &u->uprobe[i];
		u64 offsets[FUNCTIONS_MAX * ELF_OFFSETS_MAX];
		int n;

		if (!(which >> at->library & 1))
			continue;
		n = find_functions(fd, at->functions, offsets);
		if (n > 0)
			err = attach_rung(progs[at->prog].rung, held_prog(h, at->prog), path, offsets, n,
					  at->returns, &all);
		else
			err = n;
		functions += n > 0;
	}
	if (err) {
		for (; all.n > ret->n; all.n--)
			close(all.fd[all.n - 1]);
		return err;
	}
	*ret = all;
	return functions;
}
