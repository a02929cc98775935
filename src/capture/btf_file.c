/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "capture/btf_file.h"

bool btf_bytes(const void *bytes, size_t n, u64 size)
{
	struct btf_header h;

	if (n < sizeof(h))
		return false;
	memcpy(&h, bytes, sizeof(h));
	return h.magic == BTF_MAGIC && h.version == BTF_VERSION && h.hdr_len >= sizeof(h) &&
	       h.type_len && h.str_len && (u64)h.hdr_len + h.type_off + h.type_len <= size &&
	       (u64)h.hdr_len + h.str_off + h.str_len <= size;
}

static int refuse(int err, char *why, size_t cap, const char *words)
{
	snprintf(why, cap, "%s", words);
	return err;
}

/* What people have at hand instead, and how it becomes what is wanted. */
static int judge_head(const unsigned char *head, size_t n, u64 size, char *why, size_t cap)
{
	static const char make[] = "`make btf VMLINUX=FILE` takes the types out of it";

	if (btf_bytes(head, n, size))
		return 0;
	if (n >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG))
		snprintf(why, cap, "it is an ELF file: %s", make);
	else if (n >= 2 && (!memcmp(head, "MZ", 2) || !memcmp(head, "\x1f\x8b", 2)))
		snprintf(why, cap, "it is packed: %s", make);
	else if (n >= 2 && !memcmp(head, "\xeb\x9f", 2))
		snprintf(why, cap, "its BTF is for machines of the other byte order");
	else if (n >= 2 && !memcmp(head, "\x9f\xeb", 2))
		snprintf(why, cap, "its BTF is cut off or damaged");
	else
		snprintf(why, cap, "it has no BTF in it");
	return -EINVAL;
}

static int check_open(int fd, char *why, size_t cap)
{
	unsigned char head[sizeof(struct btf_header)];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return refuse(-errno, why, cap, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return refuse(-EISDIR, why, cap, "it is a directory");
	if (!S_ISREG(st.st_mode))
		return refuse(-EINVAL, why, cap, "it is no regular file");
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return refuse(-errno, why, cap, strerror(errno));
	if (!n)
		return refuse(-EINVAL, why, cap, "it is empty");
	if (st.st_size > BTF_FILE_MAX && btf_bytes(head, (size_t)n, (u64)st.st_size))
		return refuse(-EFBIG, why, cap, "it is larger than 64 MiB");
	return judge_head(head, (size_t)n, (u64)st.st_size, why, cap);
}

int btf_file_check(const char *path, char *why, size_t cap)
{
	int err, fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return refuse(-errno, why, cap, strerror(errno));
	err = check_open(fd, why, cap);
	close(fd);
	return err;
}
