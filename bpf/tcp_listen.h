/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of the tcp family that is about listening sockets: who listens, what full queues
 * drop, and what is older than we are. Included by tcp.bpf.c, whose maps and helpers it uses.
 */
#ifndef TCP_LISTEN_H
#define TCP_LISTEN_H

INLINE void put_listener(const struct listener_key *key, const struct sock *sk,
			 const struct conn *conn)
{
	struct owner owner = { .id = conn->id, .pid = conn->pid, .tid = conn->tid }, *first;

	__builtin_memcpy(owner.comm, conn->comm, COMM_LEN);
	if (on_v1())
		owner.cgroup = kept_cgroup(sk);
	if (!bpf_map_update_elem(&listeners, key, &owner, BPF_NOEXIST) || !on_v1())
		return;
	/* two cgroups listen on the port: a child may be of either until it is accepted */
	first = bpf_map_lookup_elem(&listeners, key);
	if (first && first->cgroup != owner.cgroup)
		first->cgroup = 0;
}

INLINE void listen_begins(const struct sock *sk, const bool btf)
{
	struct listener_key key = { .netns = sock_netns(sk, btf),
				    .port = GET(btf, sk, __sk_common.skc_num) };
	struct conn conn = {};

	keep_cgroup(sk, KIND_tcp_accept);
	own(&conn, TCP_ROLE_LISTENER);
	/* a socket can have listened before: what was dropped then is not ours */
	conn.drops = GET(btf, sk, sk_drops.counter);
	conn_keep(sk, &conn, KIND_tcp_accept);
	/* whoever listens already stays the owner: a listen that fails takes nothing from it */
	put_listener(&key, sk, &conn);
}

/* v1: a child has its listener's cgroup until it is accepted. */
INLINE void child_begins(const struct sock *sk, const bool btf)
{
	struct listener_key key = { .netns = sock_netns(sk, btf),
				    .port = GET(btf, sk, __sk_common.skc_num) };
	struct owner *owner;

	if (!on_v1())
		return;
	owner = bpf_map_lookup_elem(&listeners, &key);
	keep_cgroup_id(sk, owner ? owner->cgroup : 0, KIND_tcp_accept);
}

/*
 * No tracepoint fires when a full queue drops a SYN, but the listening socket counts it
 * (sk_drops, tcp_listendrop()). So the difference is taken on a timer and at the end.
 */
INLINE void listener_dropped(void *ctx, const struct sock *sk, struct conn *conn, const bool btf,
			     const bool perf_ok)
{
	struct rec_tcp_listen_drop rec = {};
	__u32 drops = GET(btf, sk, sk_drops.counter), new;
	__u64 cgroup;

	new = drops - conn->drops;
	conn->drops = drops;
	if (!new || ignored(conn))
		return;
	if (!sock_concerns(KIND_tcp_listen_drop, sk, &cgroup, btf))
		return;
	meter_add(KIND_tcp_listen_drop, METER_KEY(METER_tcp_listen_drops, cgroup, 0, 0), new);
	if (!streamed(KIND_tcp_listen_drop, true))
		return;
	stamp(&rec.head, KIND_tcp_listen_drop, sizeof(rec), bpf_ktime_get_boot_ns(), cgroup);
	rec.head.flags = REC_FAILED;
	put_owner(&rec.head, 0, conn);
	sock_tuple(&rec.tuple, sk, TCP_ROLE_SERVER, btf);
	rec.drops = new;
	rec.backlog = GET(btf, sk, sk_ack_backlog);
	rec.backlog_max = GET(btf, sk, sk_max_ack_backlog);
	REC_SEND(ctx, &rec, KIND_tcp_listen_drop, perf_ok);
}

INLINE void listen_ends(void *ctx, const struct sock *sk, struct conn *conn, const bool btf)
{
	struct listener_key key = { .netns = sock_netns(sk, btf),
				    .port = sock_local_port(sk, btf) };
	struct owner *owner = bpf_map_lookup_elem(&listeners, &key);

	listener_dropped(ctx, sk, conn, btf, true);
	if (owner && owner->id == conn->id)
		bpf_map_delete_elem(&listeners, &key);
}

/* A listener that is older than we are: the task found holding it becomes its owner. */
INLINE void adopt(const struct sock *sk, struct task_struct *task, const bool btf)
{
	struct listener_key key = { .netns = sock_netns(sk, btf),
				    .port = GET(btf, sk, __sk_common.skc_num) };
	struct conn conn = { .role = TCP_ROLE_LISTENER };

	conn.pid = GET(btf, task, tgid);
	conn.tid = GET(btf, task, pid);
	if (is_ours(conn.pid))
		conn.role = TCP_ROLE_IGNORED;
	task_comm(conn.comm, task, btf);
	conn.drops = GET(btf, sk, sk_drops.counter);
	conn_keep(sk, &conn, KIND_tcp_accept);
	put_listener(&key, sk, &conn);
}

/* v1: the same for the cgroup of any socket. One that closes meanwhile leaves nothing behind. */
INLINE void adopt_cgroup(const struct sock *sk, struct task_struct *task, const bool btf)
{
	keep_cgroup_of(sk, task, KIND_tcp_state);
	if (GET(btf, sk, __sk_common.skc_state) == TCP_CLOSE)
		forget_cgroup(sk);
}

/* v1: the listener behind a descriptor from which the current task has accepted. */
INLINE void adopt_listener(struct task_struct *task, __u32 fd)
{
	struct sock *sk = fd_to_tcp(task, fd);

	if (!sk || GET(false, sk, __sk_common.skc_state) != TCP_LISTEN || conn_of(sk))
		return;
	adopt_cgroup(sk, task, false);
	adopt(sk, task, false);
}

INLINE int on_socket(void *ctx, struct task_struct *task, const struct sock *sk, const bool btf)
{
	struct conn *conn;
	__u8 state;

	if (!is_tcp(sk, btf))
		return 0;
	state = GET(btf, sk, __sk_common.skc_state);
	if (on_v1() && state != TCP_CLOSE && !kept_cgroup(sk))
		adopt_cgroup(sk, task, btf);
	if (state != TCP_LISTEN)
		return 0;
	conn = conn_of(sk);
	if (conn)
		listener_dropped(ctx, sk, conn, btf, false);
	else
		adopt(sk, task, btf);
	return 0;
}

SEC("?iter/task_file")
int tcp_listeners(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *sock;
	struct sock *sk;

	if (!task || !file)
		return 0;
	/* the helper is there since 5.11 (b60da4955f53). Asked for by what came with 5.15: the enum
	 * of the helpers' names would triple every file of reduced types */
	if (bpf_core_field_exists(struct sock_cgroup_data, cgroup)) {
		sock = (struct socket *)bpf_sock_from_file((void *)file);
		sk = sock ? sock->sk : 0;
		return sk ? on_socket(ctx, task, sk, true) : 0;
	}
	/* without it by the file system, and what is behind it has no type */
	if (file->f_inode->i_sb->s_magic != SOCKFS_MAGIC)
		return 0;
	sock = file->private_data;
	sk = BPF_CORE_READ(sock, sk);
	return sk ? on_socket(ctx, task, sk, false) : 0;
}

#endif
