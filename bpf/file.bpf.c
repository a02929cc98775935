/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file family: operations on files of file systems, directories and block devices, told when
 * their system calls end; what began, when and on which file, the family call has noted. Calls
 * about anything else, sockets most of all, are out again after one look-up. What does not come
 * through these calls is not seen: mapped memory, io_uring, the kernel's own work, 32-bit calls.
 */
#include "lib/call.h"
#include "lib/emit.h"
#include "lib/cgroup.h"
#include "lib/fd.h"
#include "lib/meter.h"
#include "lib/path.h"
#include "lib/syscall.h"
#include "lib/task.h"
#include "wire/file.h"

/* ---- which ------------------------------------------------------------------------------- */

#define OP(op) ((op) + 1) /* 0: not a call of ours */
#define OP_COPY OP(FILE_OP_END) /* from a file to a file, or to and from something else */

static const __u8 ops[CALL_NUMBERS] = {
	[NR_openat] = OP(FILE_OPEN),
	[NR_openat2] = OP(FILE_OPEN),
	[NR_read] = OP(FILE_READ),
	[NR_readv] = OP(FILE_READ),
	[NR_pread64] = OP(FILE_READ),
	[NR_preadv] = OP(FILE_READ),
	[NR_preadv2] = OP(FILE_READ),
	[NR_write] = OP(FILE_WRITE),
	[NR_writev] = OP(FILE_WRITE),
	[NR_pwrite64] = OP(FILE_WRITE),
	[NR_pwritev] = OP(FILE_WRITE),
	[NR_pwritev2] = OP(FILE_WRITE),
	[NR_sendfile] = OP_COPY,
	[NR_splice] = OP_COPY,
	[NR_copy_file_range] = OP_COPY,
	[NR_fsync] = OP(FILE_SYNC),
	[NR_fdatasync] = OP(FILE_SYNC),
	[NR_close] = OP(FILE_CLOSE),
	[NR_unlinkat] = OP(FILE_UNLINK),
	[NR_renameat] = OP(FILE_RENAME),
	[NR_renameat2] = OP(FILE_RENAME),
#if defined(__TARGET_ARCH_x86)
	[NR_open] = OP(FILE_OPEN),
	[NR_creat] = OP(FILE_OPEN),
	[NR_unlink] = OP(FILE_UNLINK),
	[NR_rmdir] = OP(FILE_RMDIR),
	[NR_rename] = OP(FILE_RENAME),
#endif
};

/* One operation; a call from file to file is two. */
struct op {
	__u64 cgroup;
	__u64 ns;
	__u64 file; /* 0: by path, or gone */
	__u64 bytes;
	__s32 err;
	__u32 op; /* enum file_op */
	__s64 nr;
};

/* ---- the record -------------------------------------------------------------------------- */

INLINE __u32 put_walk(struct scratch *s, struct rec_text *text, const struct path *path, __u32 at,
		      __u32 max)
{
	__u64 dentry = (__u64)BPF_CORE_READ(path, dentry), vfs = (__u64)BPF_CORE_READ(path, mnt);
	__u32 begin = at;

	if (!dentry)
		return at;
	at = put_path(dentry, vfs, begin, max);
	text->off = begin;
	text->len = at - begin;
	return at;
}

INLINE __u32 put_file(struct rec_file_op *rec, struct scratch *s, struct file *file, __u32 at)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

	rec->what = FILE_WALKED;
	if (!BPF_CORE_READ(dentry, d_hash.pprev) && BPF_CORE_READ(dentry, d_parent) != dentry)
		rec->what |= FILE_DELETED;
	rec->inode = BPF_CORE_READ(file, f_inode, i_ino);
	rec->device = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	return put_walk(s, &rec->path, &file->f_path, at, FILE_WALK_MAX);
}

/* A path as it was asked for, with its directory if it is relative. */
INLINE __u32 put_asked(struct scratch *s, struct rec_text *text, struct rec_text *base, __s32 dir,
		       __u64 path, __u32 at)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 begin = at;
	struct file *file;

	at = put_user_str(s, at, text, path, FILE_PATH_MAX + 1);
	if (!text->len || s->record[MASKED(begin, TAIL_MASK)] == '/' || !config.probe_read)
		return at;
	if (dir == AT_FDCWD) {
		struct fs_struct *fs = BPF_CORE_READ(task, fs);

		return put_walk(s, base, &fs->pwd, at, FILE_BASE_MAX);
	}
	file = fd_file(task, dir);
	return file ? put_walk(s, base, &file->f_path, at, FILE_BASE_MAX) : at;
}

/* Whether the call has directories beside its paths: the -at calls. */
INLINE bool has_dirs(long nr)
{
	switch (nr) {
	case NR_openat:
	case NR_openat2:
	case NR_unlinkat:
	case NR_renameat:
	case NR_renameat2:
		return true;
	}
	return false;
}

INLINE __u32 put_names(struct rec_file_op *rec, struct scratch *s, const struct pt_regs *regs,
		       long nr, __u32 at, const bool btf)
{
	bool dirs = has_dirs(nr);
	__u64 path = dirs ? syscall_arg(regs, 2, btf) : syscall_arg(regs, 1, btf);
	__u64 to = dirs ? syscall_arg(regs, 4, btf) : syscall_arg(regs, 2, btf);
	__s32 dir = dirs ? syscall_arg(regs, 1, btf) : AT_FDCWD;
	__s32 to_dir = dirs ? syscall_arg(regs, 3, btf) : AT_FDCWD;

	at = put_asked(s, &rec->path, &rec->base, dir, path, at);
	if (rec->op == FILE_RENAME)
		at = put_asked(s, &rec->to, &rec->to_base, to_dir, to, at);
	return at;
}

INLINE __u32 open_flags(const struct pt_regs *regs, long nr, const bool btf)
{
	__u64 flags = 0;

	switch (nr) {
	case NR_creat:
		return O_CREAT_WRONLY_TRUNC;
	case NR_openat2: /* struct open_how begins with them */
		bpf_probe_read_user(&flags, sizeof(flags), (void *)syscall_arg(regs, 3, btf));
		return flags;
	case NR_openat:
		return syscall_arg(regs, 3, btf);
	default:
		return syscall_arg(regs, 2, btf);
	}
}

INLINE void send_op(void *ctx, const struct pt_regs *regs, const struct op *op, const bool btf)
{
	struct scratch *s = scratch_take(KIND_file_op);
	__u64 id = bpf_get_current_pid_tgid();
	struct rec_file_op *rec;
	__u32 at = sizeof(*rec);

	if (!s)
		return;
	rec = (struct rec_file_op *)s->record;
	__builtin_memset(rec, 0, sizeof(*rec));
	stamp(&rec->head, KIND_file_op, 0, bpf_ktime_get_boot_ns(), op->cgroup);
	rec->head.flags = op->err ? REC_FAILED : 0;
	if (is_slow(FAMILY_file, op->ns))
		rec->head.flags |= REC_SLOW;
	rec->head.pid = id >> 32;
	rec->head.tid = id;
	rec->head.key = task_start(current_task(btf), btf);
	rec->duration_ns = op->ns;
	rec->bytes = op->bytes;
	rec->err = op->err;
	rec->op = op->op;
	current_comm(rec->comm);
	if (op->op == FILE_OPEN)
		rec->open_flags = open_flags(regs, op->nr, btf);
	if (op->file && config.probe_read)
		at = put_file(rec, s, (struct file *)op->file, at);
	else if (op->op == FILE_OPEN || op->op >= FILE_UNLINK)
		at = put_names(rec, s, regs, op->nr, at, btf);
	rec->head.size = at;
	send(ctx, rec, MASKED(at, TAIL_MASK), KIND_file_op, true);
	scratch_give(s);
}

/* ---- what ended -------------------------------------------------------------------------- */

INLINE int on_op(void *ctx, const struct pt_regs *regs, const struct op *op, const bool btf)
{
	if (!counted(KIND_file_op, true))
		return 0;
	meter_time(KIND_file_op, METER_KEY(METER_file_duration, op->cgroup, op->op, op->err),
		   op->ns, bounds_FILE);
	meter_add(KIND_file_op, METER_KEY(METER_file_io, op->cgroup, op->op, 0), op->bytes);
	if (streamed(KIND_file_op, op->err || is_slow(FAMILY_file, op->ns)))
		send_op(ctx, regs, op, btf);
	return 0;
}

BODY(tell, (void *ctx, const struct pt_regs *regs, const struct op *op), on_op(ctx, regs, op, btf))

/* The file behind a descriptor, now; 0: none of ours. */
INLINE __u64 file_now(__u32 fd)
{
	struct file *file;

	if (!config.probe_read)
		return 0;
	file = fd_file((struct task_struct *)bpf_get_current_task(), fd);
	return file && is_file(file) ? (__u64)file : 0;
}

/* Bytes went from one descriptor to another: a read of the one that is a file, a write of the other. */
INLINE void on_copy(void *ctx, const struct pt_regs *regs, struct op *op, const bool btf)
{
	__u64 from, to;

	if (op->nr == NR_sendfile) {
		from = file_now(syscall_arg(regs, 2, btf));
		to = op->file;
	} else {
		from = op->file;
		to = file_now(syscall_arg(regs, 3, btf));
	}
	op->op = FILE_READ;
	op->file = from;
	if (from)
		OF(tell)(ctx, regs, op);
	op->op = FILE_WRITE;
	op->file = to;
	if (to)
		OF(tell)(ctx, regs, op);
}

/* A file that is closed may be gone by now (6.6, 021a160abf62), so nothing of it is read. */
INLINE bool about(const struct pt_regs *regs, struct op *op, long ret, const bool btf)
{
	bool is = op->file;

	switch (op->op) {
	case FILE_OPEN:
		op->file = ret >= 0 ? file_now(ret) : 0;
		return ret < 0 || op->file;
	case FILE_CLOSE:
		op->file = 0;
		return is;
	case FILE_UNLINK:
		if (op->nr == NR_unlinkat && syscall_arg(regs, 3, btf) & AT_REMOVEDIR)
			op->op = FILE_RMDIR;
		return true;
	case FILE_RMDIR:
	case FILE_RENAME:
		return true;
	default:
		return is;
	}
}

/*
 * What is above ERRNO_MAX the kernel returns to itself: the call is made again and told when that
 * ends, or ends with EINTR behind this point.
 */
INLINE int on_sysexit(void *ctx, struct pt_regs *regs, long ret, const bool btf)
{
	long nr = syscall_nr(regs, btf);
	struct call *call;
	struct op op = {};

	if ((__u64)nr >= CALL_NUMBERS || !ops[nr & (CALL_NUMBERS - 1)] || ret < -ERRNO_MAX)
		return 0;
	call = call_ended(FAMILY_file, nr);
	if (!call)
		return 0;
	op.op = ops[nr & (CALL_NUMBERS - 1)] - 1;
	op.nr = nr;
	op.file = call->about == CALL_FILE && !call->into ? call->object : 0;
	if (op.op != FILE_OP_END && !about(regs, &op, ret, btf))
		return 0;
	op.cgroup = call->cgroup;
	op.ns = bpf_ktime_get_boot_ns() - call->when_ns;
	op.err = ret < 0 ? -ret : 0;
	if (op.op == FILE_READ || op.op == FILE_WRITE || op.op == FILE_OP_END)
		op.bytes = ret > 0 ? ret : 0;
	if (op.op == FILE_OP_END)
		on_copy(ctx, regs, &op, btf);
	else
		OF(tell)(ctx, regs, &op);
	return 0;
}

PROGRAMS(file_sysexit, "sys_exit", on_sysexit(ctx, regs, ret, btf), struct pt_regs *regs, long ret)
