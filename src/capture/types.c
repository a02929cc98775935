/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose types the programs are fitted by: a file that the user names, the kernel's own, or those
 * that podtrace carries for its release. Nothing in the first and the last says of which kernel
 * they really are, so they are tried on our own task before anything relies on them.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "base/file.h"
#include "capture/btf_embedded.h"
#include "capture/btf_file.h"
#include "capture/internal.h"

/* Bytes of a TCP socket as the kernel allocates it: sizeof(struct tcp_sock), exactly. Since
 * 2.6.22, with CONFIG_SLUB_DEBUG. */
#define TCP_SIZE_FILE "/sys/kernel/slab/TCP/object_size"

static const char *const misfits[FIT_END] = {
	[FIT_LACKS] = "they lack structs that podtrace reads",
	[FIT_PID] = "by them this process has another pid",
	[FIT_NAME] = "by them this process has another name",
	[FIT_USER] = "by them this process has another user",
	[FIT_CGROUP] = "by them this process is in another cgroup",
	[FIT_START] = "by them this process has not started yet",
};

static u32 tcp_size(const struct btf *btf)
{
	s32 id = btf__find_by_name_kind(btf, "tcp_sock", BTF_KIND_STRUCT);

	return id > 0 ? btf__type_by_id(btf, (u32)id)->size : 0;
}

/* What our own task does not show: another configuration can move what is in a socket. */
static bool same_sockets(unsigned long theirs, char *why, size_t cap)
{
	unsigned long ours = 0;
	char text[32];

	if (file_read(AT_FDCWD, TCP_SIZE_FILE, text, sizeof(text)) > 0)
		ours = strtoul(text, NULL, 10);
	if (!theirs || !ours || theirs == ours)
		return true; /* or it cannot be compared */
	snprintf(why, cap, "by them a TCP socket has %lu bytes, not %lu", theirs, ours);
	return false;
}

/* 0: they are this kernel's, as far as can be told; -errno with words in why. */
static int try_on(const char *path, char *why, size_t cap)
{
	struct btf *btf = btf__parse(path, NULL);
	enum fit fit;
	u32 size;

	if (!btf) {
		snprintf(why, cap, "%s",
			 errno == ENOENT ? "there is no /proc to hand them over in"
					 : "its types are damaged");
		return -EINVAL;
	}
	size = tcp_size(btf);
	btf__free(btf);
	fit = self_fit(path);
	if (fit == FIT_YES)
		return same_sockets(size, why, cap) ? 0 : -ESTALE;
	snprintf(why, cap, "%s", misfits[fit]);
	return -ESTALE;
}

static int open_file(struct types *t, const char *path, char *err, size_t err_cap)
{
	char why[128];
	int e = btf_file_check(path, why, sizeof(why));

	if (!e)
		e = try_on(path, why, sizeof(why));
	if (e) {
		snprintf(err, err_cap,
			 "--btf: cannot use \"%s\": %s%s: name a file with the BTF of "
			 "this kernel%s",
			 path, e == -ESTALE ? "it is of another kernel: " : "", why,
			 t->own ? ", or leave it out: this kernel tells its own" : "");
		return e;
	}
	t->source = TYPES_FILE;
	t->path = path;
	return 0;
}

/* 0 even if they are of no use: then the features say why. */
static void open_embedded(struct types *t)
{
	const struct btf_embedded *e = btf_embedded_find(t->release);
	int err;

	if (!e)
		return;
	err = t->fd = btf_embedded_open(e);
	if (err < 0) {
		snprintf(t->misfit, sizeof(t->misfit), "%s", strerror(-err));
		return;
	}
	snprintf(t->memory, sizeof(t->memory), "/proc/self/fd/%d", t->fd);
	err = try_on(t->memory, t->misfit, sizeof(t->misfit));
	if (err)
		return;
	t->source = TYPES_EMBEDDED;
	t->path = t->memory;
}

static bool has_sysfs(void)
{
	struct statfs fs;

	return !statfs("/sys", &fs) && fs.f_type == SYSFS_MAGIC;
}

int types_open(struct types *t, const char *file, char *err, size_t err_cap)
{
	struct utsname name;
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);

	*t = (struct types){ .fd = -1, .own = fd >= 0 };
	if (fd >= 0)
		close(fd);
	t->unseen = !t->own && !has_sysfs();
	if (!uname(&name))
		str_copy(t->release, sizeof(t->release), str_of(name.release));
	if (file)
		return open_file(t, file, err, err_cap);
	if (t->own)
		t->source = TYPES_OWN;
	else
		open_embedded(t);
	return 0;
}

void types_close(struct types *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

bool capture_btf_embedded(void)
{
	struct utsname name;

	return !uname(&name) && btf_embedded_find(name.release);
}
