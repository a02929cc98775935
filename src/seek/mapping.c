/* SPDX-License-Identifier: Apache-2.0 */
#include "seek/mapping.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>

#include "base/parse.h"

static struct str without_deleted(struct str path)
{
	static const struct str deleted = STR(" (deleted)");

	return str_ends(path, deleted) ? str_slice(path, 0, path.n - deleted.n) : path;
}

/* "7f0c8a000000-7f0c8a001000 r-xp 00026000 fd:01 1234     /usr/lib/libc.so.6" */
bool mapping_of_line(struct str line, struct mapping *ret)
{
	struct str part[5], from;
	u64 begin, end;

	for (size_t i = 0; i < ARRAY_SIZE(part); i++)
		if (!str_cut(&line, ' ', &part[i]))
			return false;
	if (!str_cut(&part[0], '-', &from) || parse_hex(from, &begin) || parse_hex(part[0], &end) ||
	    begin >= end || part[1].n != 4)
		return false;
	*ret = (struct mapping){ .from = begin, .to = end, .exec = part[1].p[2] == 'x' };
	ret->path = without_deleted(str_trim(line));
	return true;
}

/* include/uapi/linux/perf_event.h; no sample_id, it is not asked for */
struct record {
	struct perf_event_header header;
	u32 pid, tid;
	u64 address, length, offset;
	u8 inode[24];
	u32 prot, flags;
};

bool mapping_of_record(const void *record, size_t n, u32 *ret_pid, struct mapping *ret)
{
	const char *path = (const char *)record + sizeof(struct record);
	struct record r;

	if (n < sizeof(r))
		return false;
	memcpy(&r, record, sizeof(r));
	if (r.header.type != PERF_RECORD_MMAP2 || !r.length || r.length > UINT64_MAX - r.address)
		return false;
	*ret_pid = r.pid;
	*ret = (struct mapping){ .from = r.address, .to = r.address + r.length,
				 .exec = r.prot & PROT_EXEC };
	ret->path = without_deleted(str_ofn(path, n - sizeof(r)));
	return true;
}

struct str mapping_file(const struct mapping *m)
{
	size_t i = m->path.n;

	while (i > 0 && m->path.p[i - 1] != '/')
		i--;
	return str_slice(m->path, i, m->path.n);
}
