/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is behind a file descriptor. By helper alone: no type says how long an array is. */
#ifndef LIB_FD_H
#define LIB_FD_H

#include "prog.h"

/* 0: nothing, or it cannot be read. */
INLINE struct file *fd_file(const struct task_struct *task, __u32 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(fdt, fd), *file;

	if (fd >= BPF_CORE_READ(fdt, max_fds) ||
	    bpf_probe_read_kernel(&file, sizeof(file), &files[fd]))
		return 0;
	return file;
}

/* S_IFREG ... and permissions. */
INLINE __u16 file_mode(const struct file *file)
{
	return BPF_CORE_READ(file, f_inode, i_mode);
}

/*
 * Has it its place in a file system: a regular file, a directory, a block device? What has no
 * name (eventfd, epoll, timerfd) is a regular file by its mode since 6.16 (cfd86ef7e8e7).
 */
INLINE bool is_file(const struct file *file)
{
	switch (file_mode(file) & S_IFMT) {
	case S_IFREG:
		return BPF_CORE_READ(file, f_inode, i_sb, s_magic) != ANON_INODE_FS_MAGIC;
	case S_IFDIR:
	case S_IFBLK:
		return true;
	}
	return false;
}

/* 0: it is none. A socket's own file (of AF_UNIX) opened by O_PATH has no socket. */
INLINE struct sock *file_sock(const struct file *file)
{
	struct socket *sock;

	if ((file_mode(file) & S_IFMT) != S_IFSOCK)
		return 0;
	sock = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(sock, sk);
}

#endif
