/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The working directory of the current task: from its dentry up to its root. The names are
 * copied in the order met, innermost first; user space turns them round.
 *
 * Not static on purpose: the verifier then looks at these once, for any `at`, instead of anew
 * for each way that leads here (12,000 instructions in all, not 480,000).
 */
#ifndef PROCESS_CWD_H
#define PROCESS_CWD_H

INLINE struct scratch *cwd_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

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

/* Across mounts, with names of any length. */
__noinline int put_cwd(__u32 at)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct scratch *s = cwd_scratch();
	struct dentry *dentry, *root;
	struct vfsmount *vfs, *root_vfs;
	struct rec_process_exec *rec;
	__u32 begin = at & TAIL_MASK;
	bool whole = false;
	struct mount *mnt;

	if (!config.probe_read || !s)
		return at;
	dentry = BPF_CORE_READ(task, fs, pwd.dentry);
	root = BPF_CORE_READ(task, fs, root.dentry);
	vfs = BPF_CORE_READ(task, fs, pwd.mnt);
	root_vfs = BPF_CORE_READ(task, fs, root.mnt);
	mnt = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
	rec = (struct rec_process_exec *)s->record;
	at = begin;
	NO_UNROLL
	for (int i = 0; i < 2 * CWD_DEPTH; i++) {
		struct dentry *parent;
		struct mount *above;
		long n;

		at = MASKED(at, TAIL_MASK);
		if (dentry == root && vfs == root_vfs) {
			whole = true;
			break;
		}
		parent = BPF_CORE_READ(dentry, d_parent);
		if (dentry == BPF_CORE_READ(vfs, mnt_root) || dentry == parent) {
			above = BPF_CORE_READ(mnt, mnt_parent);
			if (above == mnt) { /* the namespace's root: outside of its own */
				whole = true;
				break;
			}
			dentry = BPF_CORE_READ(mnt, mnt_mountpoint);
			mnt = above;
			vfs = (void *)mnt + bpf_core_field_offset(struct mount, mnt);
			continue;
		}
		if (at - begin > CWD_MAX - 256) {
			rec->head.flags |= REC_CUT;
			break;
		}
		n = bpf_probe_read_kernel_str(s->record + at, 256,
					      BPF_CORE_READ(dentry, d_name.name));
		if (n <= 0) {
			rec->head.flags |= REC_UNREAD;
			break;
		}
		at += n;
		dentry = parent;
	}
	return cwd_done(s, begin, at, whole);
}

/*
 * By typed loads alone. A name that does not fit into its dentry is behind a pointer without a
 * type, and so is what a mount is mounted on: there it ends unread.
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
	struct scratch *s = cwd_scratch();
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
		if (dentry == vfs->mnt_root || at - begin > CWD_MAX - 256)
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
