/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The working directory of the current task, see lib/path.h. */
#ifndef PROCESS_CWD_H
#define PROCESS_CWD_H

/* Say where it lies; what ends with the root is whole. Returns where the next text goes. */
INLINE __u32 cwd_done(struct scratch *s, __u32 begin, __u32 at, bool whole)
{
	struct rec_process_exec *rec = (struct rec_process_exec *)s->record;

	if (whole) {
		s->record[MASKED(at, TAIL_MASK)] = 0;
		at++;
	}
	rec->cwd.off = begin;
	rec->cwd.len = at - begin;
	return at;
}

INLINE __u32 put_cwd(struct rec_process_exec *rec, __u32 begin)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 dentry = (__u64)BPF_CORE_READ(task, fs, pwd.dentry);
	__u64 vfs = (__u64)BPF_CORE_READ(task, fs, pwd.mnt);
	__u32 at = put_path(dentry, vfs, begin, CWD_MAX);

	rec->cwd.off = begin;
	rec->cwd.len = at - begin;
	return at;
}

/*
 * By typed loads alone. A name that does not fit into its dentry is behind a pointer without a
 * type, and so is what a mount is mounted on: there it ends unread. Not static: see put_path().
 */

/* Where a dentry has its short name, and how much room there is. The barriers keep the compiler
 * from taking both values first: one of the two is an instruction that no verifier takes. */
INLINE void find_iname(__u32 *ret_offset, __u32 *ret_size)
{
	if (bpf_core_field_exists(struct dentry, d_iname)) {
		*ret_offset = bpf_core_field_offset(struct dentry, d_iname);
		*ret_size = bpf_core_field_size(struct dentry, d_iname);
		barrier_var(*ret_offset);
		barrier_var(*ret_size);
	} else {
		*ret_offset = bpf_core_field_offset(struct dentry___v6_14, d_shortname);
		*ret_size = bpf_core_field_size(struct dentry___v6_14, d_shortname);
		barrier_var(*ret_offset);
		barrier_var(*ret_size);
	}
}

/* Copies all of the room: what is behind the name's end is overwritten by the next. Bytes with
 * NUL; 0: it is not there. */
INLINE __u32 put_iname(__u8 *to, const struct dentry *dentry)
{
	__u32 len = dentry->d_name.len, offset, size;
	const __u64 *from;

	find_iname(&offset, &size);
	if (len >= size)
		return 0;
	from = (void *)dentry + offset;
	for (__u32 i = 0; i < sizeof(dentry->d_iname) / 8; i++)
		if (i * 8 < size)
			((__u64 *)to)[i] = from[i];
	return len + 1;
}

__noinline int put_cwd_typed(__u32 at)
{
	struct scratch *s = path_scratch();
	struct rec_process_exec *rec;
	__u32 begin = at & TAIL_MASK;
	struct dentry *dentry, *root;
	struct task_struct *task;
	struct vfsmount *vfs;
	bool whole = false;
	__u16 flags;

	if (config.probe_read || !s)
		return at;
	rec = (struct rec_process_exec *)s->record;
	flags = rec->head.flags;
	rec->head.flags = flags | REC_UNREAD;
	if (!config.typed_task)
		return at;
	task = bpf_get_current_task_btf();
	if (!task->fs)
		return at;
	vfs = task->fs->pwd.mnt;
	dentry = task->fs->pwd.dentry;
	root = task->fs->root.dentry;
	at = begin;
	NO_UNROLL
	for (int i = 0; i < CWD_DEPTH; i++) {
		__u32 n;

		at = MASKED(at, TAIL_MASK);
		if (dentry == root) {
			whole = vfs == task->fs->root.mnt;
			break;
		}
		if (dentry == vfs->mnt_root || at - begin + PATH_STEP > CWD_MAX)
			break;
		n = put_iname(s->record + at, dentry);
		if (!n)
			break;
		at += n;
		dentry = dentry->d_parent;
	}
	if (whole)
		rec->head.flags = flags;
	return cwd_done(s, begin, at, whole);
}

#endif
