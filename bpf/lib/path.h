/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a dentry as the current task sees it: from there up to the task's root, across
 * mounts, with names of any length. The names are copied in the order met, innermost first, each
 * ended by NUL, and an empty one for the root; user space turns them round. Without the root the
 * walk was cut. No lock is held: of what is renamed meanwhile the path may be neither the old nor
 * the new one.
 */
#ifndef LIB_PATH_H
#define LIB_PATH_H

#include "tail.h"

#define PATH_DEPTH 128 /* names and mounts on the way at most */
#define PATH_STEP 257  /* what a name can add, and the root */

INLINE struct scratch *path_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

/*
 * Append it, of at most max bytes, to the record in the scratch buffer, which is taken. Returns
 * where the next text goes.
 *
 * Not static on purpose: the verifier then looks at it once, for any `begin`, instead of anew
 * for each way that leads here (12,000 instructions in all, not 480,000).
 */
__noinline int put_path(__u64 of_dentry, __u64 of_vfs, __u32 begin, __u32 max)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct dentry *dentry = (struct dentry *)of_dentry, *root;
	struct vfsmount *vfs = (struct vfsmount *)of_vfs, *root_vfs;
	struct scratch *s = path_scratch();
	__u16 flag = REC_CUT;
	struct mount *mnt;
	__u32 at;

	begin &= TAIL_MASK;
	if (!config.probe_read || !s)
		return begin;
	root = BPF_CORE_READ(task, fs, root.dentry);
	root_vfs = BPF_CORE_READ(task, fs, root.mnt);
	mnt = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
	at = begin;
	NO_UNROLL
	for (int i = 0; i < PATH_DEPTH; i++) {
		struct dentry *parent;
		long n;

		at = MASKED(at, TAIL_MASK);
		if (dentry == root && vfs == root_vfs) {
			flag = 0;
			break;
		}
		parent = BPF_CORE_READ(dentry, d_parent);
		if (dentry == BPF_CORE_READ(vfs, mnt_root)) {
			struct mount *above = BPF_CORE_READ(mnt, mnt_parent);

			if (above == mnt) { /* the namespace's root: outside of its own */
				flag = 0;
				break;
			}
			dentry = BPF_CORE_READ(mnt, mnt_mountpoint);
			mnt = above;
			vfs = (void *)mnt + bpf_core_field_offset(struct mount, mnt);
			continue;
		}
		if (at - begin + PATH_STEP > max)
			break;
		n = bpf_probe_read_kernel_str(s->record + at, 256,
					      BPF_CORE_READ(dentry, d_name.name));
		if (n <= 0) {
			flag = REC_UNREAD;
			break;
		}
		at += n;
		if (dentry == parent) { /* in no directory: a memfd */
			flag = 0;
			break;
		}
		dentry = parent;
	}
	at = MASKED(at, TAIL_MASK);
	((struct rec_head *)s->record)->flags |= flag;
	if (!flag) {
		s->record[at] = 0;
		at++;
	}
	return at;
}

#endif
