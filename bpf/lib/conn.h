/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who a TCP socket belongs to. Half of the events of a connection come in softirq, where
 * `current` is whoever was interrupted: so the owner is written down when a socket is opened
 * (connect, listen: process context) and again when accept returns it.
 */
#ifndef LIB_CONN_H
#define LIB_CONN_H

#include "emit.h"
#include "fd.h"
#include "sock.h"
#include "task.h"

#define TCP_ROLE_IGNORED  255 /* our own socket: never reported */
#define TCP_ROLE_LISTENER 254

/* An open socket: who opened it and when. */
struct conn {
	__u64 id;	      /* names the socket to user space: an address has no business there */
	__u64 start_ns;	      /* connect began; established, for accepted ones */
	__u64 established_ns; /* 0: not yet */
	__u64 state_ns;	      /* in its state since; 0: not known */
	__u32 pid;
	__u32 tid;
	__u32 drops;	   /* listener: sk_drops told so far */
	__u32 retransmits; /* total_retrans told so far */
	__u16 role;	   /* enum tcp_role, TCP_ROLE_LISTENER, TCP_ROLE_IGNORED */
	__u16 rsvd[3];
	__u8 comm[COMM_LEN];
};

/* struct sock * → conn. An entry lives from open to close; sized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct conn);
} conns SEC(".maps");

struct listener_key {
	__u32 netns;
	__u32 port;
};

struct owner {
	__u64 id;     /* of the listening socket's conn */
	__u64 cgroup; /* only on v1; 0: of several, or not known */
	__u32 pid;
	__u32 tid;
	__u8 comm[COMM_LEN];
};

/* Who listens on a port: the owner of a connection nobody has accepted yet. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct listener_key);
	__type(value, struct owner);
} listeners SEC(".maps");

/* Sockets whose connect failed, and the errno: told when it happened, not again when the
 * program asks. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __s32);
} failed SEC(".maps");

/* Threads inside connect, and the socket whose SYN went out: its result comes by the state
 * change, so the end of the call has nothing to add. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} connecting SEC(".maps");

INLINE struct conn *conn_of(const struct sock *sk)
{
	__u64 key = (__u64)sk;

	return bpf_map_lookup_elem(&conns, &key);
}

INLINE void conn_forget(const struct sock *sk)
{
	__u64 key = (__u64)sk;

	bpf_map_delete_elem(&conns, &key);
}

INLINE void conn_keep(const struct sock *sk, const struct conn *conn, enum wire_kind kind)
{
	__u64 key = (__u64)sk;

	if (bpf_map_update_elem(&conns, &key, conn, BPF_ANY))
		count(kind, LEDGER_LOST_STATE);
}

INLINE bool is_ours(__u32 pid)
{
	return pid == config.self;
}

INLINE __u64 new_id(void)
{
	return (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
}

/* The current task as owner. Only in process context. */
INLINE void own(struct conn *conn, __u16 role)
{
	__u64 id = bpf_get_current_pid_tgid();

	conn->pid = id >> 32;
	conn->tid = (__u32)id;
	conn->id = new_id();
	conn->role = is_ours(conn->pid) ? TCP_ROLE_IGNORED : role;
	current_comm(conn->comm);
}

/* Owner and comm of a record; without a conn the socket is older than we are. */
INLINE void put_owner(struct rec_head *head, __u8 comm[COMM_LEN], const struct conn *conn)
{
	if (!conn) {
		head->flags |= REC_OLDER;
		return;
	}
	head->key = conn->id;
	head->pid = conn->pid;
	head->tid = conn->tid;
	if (comm)
		__builtin_memcpy(comm, conn->comm, COMM_LEN);
}

INLINE __u16 role_of(const struct conn *conn)
{
	return conn && conn->role <= TCP_ROLE_SERVER ? conn->role : TCP_ROLE_UNKNOWN;
}

INLINE bool ignored(const struct conn *conn)
{
	return conn && conn->role == TCP_ROLE_IGNORED;
}

/* The socket behind a descriptor of the current task, if it is TCP. */
INLINE struct sock *fd_to_tcp(struct task_struct *task, __u32 fd)
{
	struct file *file = fd_file(task, fd);
	struct sock *sk = file ? file_sock(file) : 0;

	return sk && is_tcp(sk, false) ? sk : 0;
}

#endif
