/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's types, as far as we read them: only the fields we name, in any order. The
 * loader relocates each access to where the running kernel has the field (CO-RE), so no
 * machine's vmlinux.h is needed to build. A struct with ___ in its name is another shape
 * of the one before it, for kernels that have it so.
 */
#ifndef LIB_KTYPES_H
#define LIB_KTYPES_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct kernfs_root;

struct kernfs_elem_dir {
	struct kernfs_root *root;
};

struct kernfs_node {
	atomic_t active; /* KERNFS_NEW until it is shown */
	struct kernfs_elem_dir dir;
	void *priv;
	struct kernfs_node *parent;
	const char *name;
	__u64 id; /* since 5.5 one 64-bit number on 64-bit kernels */
	unsigned short flags;
};

struct kernfs_node___v6_15 {
	struct kernfs_node *__parent; /* parent before 6.15 (633488947ef6) */
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup_root {
	struct kernfs_root *kf_root;
	int hierarchy_id;
};

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

/* Which there are, and so their numbers, depends on the kernel's configuration. */
enum cgroup_subsys_id { memory_cgrp_id, pids_cgrp_id, cpu_cgrp_id, devices_cgrp_id };

struct css_set {
	struct cgroup_subsys_state *subsys[1]; /* as many as there are controllers */
	struct cgroup *dfl_cgrp;	       /* the task's cgroup in the v2 hierarchy */
};

struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash; /* pprev NULL: nobody finds it by its name */
	struct dentry *d_parent;
	struct qstr d_name;
	unsigned char d_iname[40]; /* the name, if it fits; 32 bytes before 6.8 */
};

struct dentry___v6_14 {
	union {
		unsigned char string[40];
	} d_shortname; /* d_iname before 6.14 (58cf9c383c5c) */
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
};

typedef struct {
	__s64 counter;
} atomic64_t;

struct percpu_counter {
	__s64 count;
};

struct mm_struct {
	unsigned long arg_start, arg_end;
	unsigned long total_vm; /* pages */
	atomic64_t pgtables_bytes;
	struct percpu_counter rss_stat[4];
};

struct mm_rss_stat {
	atomic64_t count[4];
};

struct mm_struct___v6_1 {
	struct mm_rss_stat rss_stat; /* percpu_counter since 6.2 (f1a7941243c1) */
};

struct page_counter {
	atomic64_t usage; /* pages */
	unsigned long max;
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
};

/* its task's uid since 6.9, and then the argument is the task (72ba14deb40a) */
struct trace_event_raw_mark_victim {
	__u32 uid;
};

struct signal_struct {
	atomic_t live;
	int nr_threads;
	int group_exit_code;
	unsigned int flags;
	short oom_score_adj;
};

struct super_block {
	__u32 s_dev; /* major << 20 | minor */
	unsigned long s_magic;
};

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct file {
	struct inode *f_inode;
	void *private_data;
	struct path f_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct upid {
	int nr;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct pid_namespace *pid_ns_for_children;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct thread_info {
	__u32 status; /* x86: TS_COMPAT */
	__u64 preempt_count; /* arm64 */
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid;
	int tgid;
	int exit_code;
	__u64 start_boottime; /* real_start_time before 5.5 */
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	int rcu_read_lock_nesting; /* only where the kernel can be preempted */
	__u64 self_exec_id; /* counted up by each execve; 64 bits since 5.7 */
	struct signal_struct *signal;
	struct files_struct *files;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct mm_struct *mm;
	struct css_set *cgroups;
	const struct cred *cred;
	char comm[16];
};

struct linux_binprm {
	unsigned long exec; /* user address of the file name, on the new stack */
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_state;
	possible_net_t skc_net;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock_cgroup_data {
	struct cgroup *cgroup; /* since 5.15 (8520e224f547) */
};

struct sock_cgroup_data___v5_14 {
	__u64 val; /* bit 0 set: net_cls data, not a pointer */
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	int sk_err;
	atomic_t sk_drops;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
	struct sock_cgroup_data sk_cgrp_data;
	struct socket *sk_socket;
};

struct sk_buff {
	char cb[48];
};

struct tcp_skb_cb {
	__u8 tcp_flags;
};

enum sk_rst_reason { SK_RST_REASON_NOT_SPECIFIED }; /* since 6.10 */

/* since 6.17; before, the tracepoint was one of a class without err */
struct trace_event_raw_tcp_retransmit_skb {
	int err;
};

struct inet_sock {
	__u16 inet_sport;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u64 bytes_received;
	__u64 bytes_sent;    /* since 5.0, payload, retransmits included */
	__u64 bytes_retrans; /* since 5.0 */
	__u32 segs_in;
	__u32 segs_out;
	__u32 srtt_us; /* shifted left by 3 */
	__u32 total_retrans;
	__u32 write_seq;
	__u32 copied_seq;
	__u32 rcv_nxt;
};

struct socket {
	struct file *file;
	struct sock *sk;
};

struct bpf_iter_meta;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di, si, dx, cx, r8, r9, r10, ax, orig_ax, sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
};

struct pt_regs {
	__u64 regs[31];
	__u64 orig_x0;
	int syscallno;
};
#endif

#pragma clang attribute pop

/* enum values that never changed */
#define IPPROTO_TCP	  6
#define IPPROTO_UDP	  17
#define AF_INET		  2
#define AF_INET6	  10
#define EINTR 4
#define EAGAIN 11
#define ECONNABORTED 103
#define ETIMEDOUT 110
#define KERNFS_DIR	  0x1u
#define KERNFS_NEW	  (-0x7fffffff) /* KN_DEACTIVATED_BIAS */
#define ANON_INODE_FS_MAGIC 0x09041934ul /* linux/magic.h */
#define AT_FDCWD	  (-100)
#define AT_REMOVEDIR	  0x200
#define SOCKFS_MAGIC	  0x534f434bul /* linux/magic.h */
#define S_IFMT		  0170000
#define S_IFSOCK	  0140000
#define S_IFREG		  0100000
#define S_IFBLK		  0060000
#define S_IFDIR		  0040000
#define SIGNAL_GROUP_EXIT 0x4u
#define SOCK_DONE	  1 /* bit of skc_flags: the peer's FIN has arrived */
#define TCPHDR_RST	  0x4u
#define TS_COMPAT	  0x2u
#define O_CREAT_WRONLY_TRUNC 01101u /* what creat is */
#define PF_KTHREAD	  0x200000u

enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

#endif
