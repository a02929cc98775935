/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tcp family. One tracepoint tells the life of every connection (inet_sock_set_state);
 * the others add retransmits and resets, the end of system calls adds who accepted and what
 * failed before a packet left, and an iterator counts what full listen queues dropped.
 *
 * Half of these run in softirq, where `current` is whoever was interrupted. So the owner is
 * written down when a socket is opened (connect, listen: process context) and when accept
 * returns it; the cgroup comes from the socket itself, on v1 from the owner.
 */
#include "lib/again.h"
#include "lib/conn.h"
#include "lib/emit.h"
#include "lib/meter.h"
#include "lib/sock.h"
#include "lib/sock_cgroup.h"
#include "lib/task.h"
#include "wire/tcp.h"
#include "tcp_listen.h"

/* ---- connect --------------------------------------------------------------------------- */

INLINE void connect_begins(const struct sock *sk, const bool btf)
{
	__u64 thread = bpf_get_current_pid_tgid(), sock = (__u64)sk, cgroup;
	struct conn conn = {};

	bpf_map_update_elem(&connecting, &thread, &sock, BPF_ANY);
	bpf_map_delete_elem(&failed, &sock);
	keep_cgroup(sk, KIND_tcp_connect);
	if (!sock_wanted(sk, &cgroup, btf))
		return; /* its end is counted as filtered without an entry */
	conn.start_ns = bpf_ktime_get_boot_ns();
	own(&conn, TCP_ROLE_CLIENT);
	conn_keep(sk, &conn, KIND_tcp_connect);
}

/* conn: NULL when the connect began before we looked, or is not wanted. */
INLINE void connect_ends(void *ctx, const struct sock *sk, struct conn *conn, __s32 err,
			 const bool btf)
{
	struct rec_tcp_connect rec = {};
	__u64 cgroup, now = bpf_ktime_get_boot_ns();

	if (!sock_concerns(KIND_tcp_connect, sk, &cgroup, btf))
		return;
	if (conn && !err)
		conn->established_ns = now;
	meter_add(KIND_tcp_connect, METER_KEY(METER_tcp_connections, cgroup, TCP_ROLE_CLIENT, err),
		  1);
	if (conn)
		meter_time(KIND_tcp_connect,
			   METER_KEY(METER_tcp_connect_duration, cgroup, TCP_ROLE_CLIENT, err),
			   now - conn->start_ns, bounds_FAST);
	if (!streamed(KIND_tcp_connect, err))
		return;
	stamp(&rec.head, KIND_tcp_connect, sizeof(rec), now, cgroup);
	rec.head.flags = err ? REC_FAILED : 0;
	put_owner(&rec.head, rec.comm, conn);
	sock_tuple(&rec.tuple, sk, TCP_ROLE_CLIENT, btf);
	rec.start_ns = conn ? conn->start_ns : now;
	rec.err = err;
	REC_SEND(ctx, &rec, KIND_tcp_connect, true);
}

/* ---- accept ---------------------------------------------------------------------------- */

/* One event can stand for many segments: the socket has counted them already. */
INLINE __u32 retransmitted(const struct sock *sk, struct conn *conn, __u32 *ret_total,
			   const bool btf)
{
	struct tcp_sock *tp = sock_tcp(sk, btf);
	__u32 new;

	*ret_total = tp ? GET(btf, tp, total_retrans) : 0;
	if (!conn)
		return 1;
	new = *ret_total - conn->retransmits;
	conn->retransmits = *ret_total;
	return new;
}

/* A child of a listener is established: in softirq, nobody has accepted it yet. */
INLINE void passive_established(const struct sock *sk, const bool btf)
{
	struct listener_key key = { .netns = sock_netns(sk, btf),
				    .port = GET(btf, sk, __sk_common.skc_num) };
	struct owner *owner = bpf_map_lookup_elem(&listeners, &key);
	struct conn conn = {};
	__u64 cgroup;
	__u32 total;

	if (!sock_wanted(sk, &cgroup, btf) && !is_nobodys(cgroup))
		return;
	conn.id = new_id();
	conn.start_ns = conn.established_ns = bpf_ktime_get_boot_ns();
	conn.role = TCP_ROLE_SERVER;
	/* the SYN-ACKs sent again have been told: the child begins with their count */
	retransmitted(sk, &conn, &total, btf);
	if (owner) {
		conn.pid = owner->pid;
		conn.tid = owner->tid;
		__builtin_memcpy(conn.comm, owner->comm, COMM_LEN);
		if (is_ours(conn.pid))
			conn.role = TCP_ROLE_IGNORED;
	}
	conn_keep(sk, &conn, KIND_tcp_accept);
	if (conn.role == TCP_ROLE_SERVER && !is_nobodys(cgroup))
		meter_add(KIND_tcp_accept,
			  METER_KEY(METER_tcp_connections, cgroup, TCP_ROLE_SERVER, 0), 1);
}

/*
 * The accepting process becomes the owner, on v1 of the socket's cgroup too. If that was nobody's
 * until now, neither was the connection counted, nor is the listener known.
 */
INLINE void accepted(void *ctx, struct sock *sk, struct task_struct *task, __u32 listener)
{
	bool found = on_v1() && !kept_cgroup(sk);
	struct rec_tcp_accept rec = {};
	struct conn *conn, me = {};
	__u64 cgroup, now;

	own(&me, TCP_ROLE_SERVER);
	conn = conn_of(sk);
	if (me.role == TCP_ROLE_IGNORED || ignored(conn))
		return;
	keep_cgroup(sk, KIND_tcp_accept);
	if (found)
		adopt_listener(task, listener);
	if (!sock_concerns(KIND_tcp_accept, sk, &cgroup, false))
		return;
	now = bpf_ktime_get_boot_ns();
	if (conn && found)
		meter_add(KIND_tcp_accept,
			  METER_KEY(METER_tcp_connections, cgroup, TCP_ROLE_SERVER, 0), 1);
	if (conn) {
		conn->pid = me.pid;
		conn->tid = me.tid;
		__builtin_memcpy(conn->comm, me.comm, COMM_LEN);
		me.id = conn->id;
		rec.established_ns = conn->established_ns;
		meter_time(KIND_tcp_accept, METER_KEY(METER_tcp_accept_wait, cgroup, 0, 0),
			   now - conn->established_ns, bounds_FAST);
	}
	if (!streamed(KIND_tcp_accept, false))
		return;
	stamp(&rec.head, KIND_tcp_accept, sizeof(rec), now, cgroup);
	put_owner(&rec.head, rec.comm, &me);
	if (!conn)
		rec.head.flags |= REC_OLDER;
	sock_tuple(&rec.tuple, sk, TCP_ROLE_SERVER, false);
	REC_SEND(ctx, &rec, KIND_tcp_accept, true);
}

/* ---- close ----------------------------------------------------------------------------- */

INLINE void put_totals(struct rec_tcp_close *rec, const struct sock *sk, const bool btf)
{
	struct tcp_sock *tp = sock_tcp(sk, btf);

	if (!tp)
		return;
	rec->sent = GET(btf, tp, bytes_sent) - GET(btf, tp, bytes_retrans);
	rec->received = GET(btf, tp, bytes_received);
	/* the peer's FIN takes a sequence number and is counted as a byte (tcp_rcv_nxt_update) */
	if (rec->received && GET(btf, sk, __sk_common.skc_flags) & (1ul << SOCK_DONE))
		rec->received--;
	rec->srtt_us = GET(btf, tp, srtt_us) >> 3;
	rec->retransmits = GET(btf, tp, total_retrans);
	rec->segs_out = GET(btf, tp, segs_out);
	rec->segs_in = GET(btf, tp, segs_in);
}

INLINE void meter_close(const struct rec_tcp_close *rec, __u64 cgroup, __u16 role, __u64 now)
{
	meter_add(KIND_tcp_close, METER_KEY(METER_tcp_io, cgroup, role | TCP_SENT << 8, 0),
		  rec->sent);
	meter_add(KIND_tcp_close, METER_KEY(METER_tcp_io, cgroup, role | TCP_RECEIVED << 8, 0),
		  rec->received);
	if (rec->start_ns)
		meter_time(KIND_tcp_close,
			   METER_KEY(METER_tcp_connection_duration, cgroup, role, 0),
			   now - rec->start_ns, bounds_LIFE);
	if (rec->srtt_us)
		meter_time(KIND_tcp_close, METER_KEY(METER_tcp_rtt, cgroup, role, 0),
			   rec->srtt_us * 1000ull, bounds_FAST);
}

INLINE void connection_ends(void *ctx, const struct sock *sk, struct conn *conn, int from,
			    const bool btf)
{
	struct rec_tcp_close rec = {};
	__u16 role = role_of(conn);
	__u64 cgroup, now;

	if (ignored(conn) || !sock_concerns(KIND_tcp_close, sk, &cgroup, btf))
		return;
	now = bpf_ktime_get_boot_ns();
	if (conn)
		rec.start_ns = conn->start_ns;
	sock_tuple(&rec.tuple, sk, role, btf);
	put_totals(&rec, sk, btf);
	rec.err = GET(btf, sk, sk_err);
	meter_close(&rec, cgroup, role, now);
	if (!streamed(KIND_tcp_close, rec.err))
		return;
	stamp(&rec.head, KIND_tcp_close, sizeof(rec), now, cgroup);
	rec.head.flags = rec.err ? REC_FAILED : 0;
	put_owner(&rec.head, rec.comm, conn);
	rec.from = from;
	REC_SEND(ctx, &rec, KIND_tcp_close, true);
}

/*
 * A socket closes that never was connected. Without an error of the socket its own process
 * did it: inside of connect, which then tells its errno when it returns (no free port), or by
 * giving up.
 */
INLINE void connect_fails(void *ctx, const struct sock *sk, struct conn *conn, const bool btf)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u64 *sock = bpf_map_lookup_elem(&connecting, &thread), key = (__u64)sk;
	__s32 err = GET(btf, sk, sk_err);

	if (!err && sock && *sock == (__u64)sk) {
		bpf_map_delete_elem(&connecting, &thread);
		return;
	}
	bpf_map_update_elem(&failed, &key, &err, BPF_ANY);
	connect_ends(ctx, sk, conn, err ? err : ECONNABORTED, btf);
}

INLINE void closed(void *ctx, const struct sock *sk, int from, const bool btf)
{
	struct conn *conn = conn_of(sk);

	if (from == TCP_LISTEN) {
		if (conn)
			listen_ends(ctx, sk, conn, btf);
	} else if (from == TCP_SYN_SENT ||
		   (from == TCP_SYN_RECV && conn && !conn->established_ns)) {
		if (!ignored(conn))
			connect_fails(ctx, sk, conn, btf);
	} else if (from != TCP_SYN_RECV) {
		connection_ends(ctx, sk, conn, from, btf);
	}
	conn_forget(sk);
}

/* ---- state ----------------------------------------------------------------------------- */

INLINE void state_changed(void *ctx, const struct sock *sk, int from, int to, const bool btf)
{
	struct conn *conn = conn_of(sk);
	struct rec_tcp_state rec = {};
	__u64 cgroup;

	if (ignored(conn) || !sock_concerns(KIND_tcp_state, sk, &cgroup, btf))
		return;
	meter_add(KIND_tcp_state, METER_KEY(METER_tcp_state_changes, cgroup, to, 0), 1);
	if (!streamed(KIND_tcp_state, false))
		return;
	stamp(&rec.head, KIND_tcp_state, sizeof(rec), bpf_ktime_get_boot_ns(), cgroup);
	put_owner(&rec.head, 0, conn);
	sock_tuple(&rec.tuple, sk, role_of(conn), btf);
	rec.from = from;
	rec.to = to;
	REC_SEND(ctx, &rec, KIND_tcp_state, true);
}

/* Nobody is established twice: then it is of a socket at this address whose end was not seen. */
INLINE struct conn *conn_of_this(const struct sock *sk)
{
	struct conn *conn = conn_of(sk);

	if (!conn || !conn->established_ns)
		return conn;
	conn_forget(sk);
	return 0;
}

INLINE int on_state(void *ctx, const struct sock *sk, int from, int to, const bool btf)
{
	struct conn *conn;

	if (!is_tcp(sk, btf))
		return 0;
	if (to == TCP_SYN_SENT)
		connect_begins(sk, btf);
	else if (to == TCP_LISTEN)
		listen_begins(sk, btf);
	else if (from == TCP_LISTEN && to == TCP_SYN_RECV)
		child_begins(sk, btf);
	state_changed(ctx, sk, from, to, btf);
	if (to == TCP_ESTABLISHED) {
		conn = conn_of_this(sk);
		if (conn ? conn->role == TCP_ROLE_CLIENT : from == TCP_SYN_SENT)
			connect_ends(ctx, sk, conn, 0, btf);
		else if (from == TCP_SYN_RECV)
			passive_established(sk, btf);
	} else if (to == TCP_CLOSE) {
		closed(ctx, sk, from, btf);
		forget_cgroup(sk);
	}
	return 0;
}

PROGRAMS_AGAIN(tcp_state, "inet_sock_set_state", sk, to, on_state(ctx, sk, from, to, btf),
	       const struct sock *sk, int from, int to)

/* ---- end of system calls --------------------------------------------------------------- */

/* Errors of connect that say nothing of the connection, or that it goes on. */
INLINE bool connect_goes_on(__s32 err)
{
	switch (err) {
	case 4:	  /* EINTR */
	case 9:	  /* EBADF */
	case 14:  /* EFAULT */
	case 88:  /* ENOTSOCK */
	case 106: /* EISCONN */
	case 114: /* EALREADY */
	case 115: /* EINPROGRESS */
		return true;
	}
	return err > 511; /* ERESTARTSYS and its like */
}

struct user_addr {
	__u16 family;
	__u16 port;
	__u32 addr4; /* flow label of an IPv6 address */
	__u8 addr6[16];
};

/* No route, no free port, forbidden: connect failed before a SYN left. */
INLINE void connect_refused_here(void *ctx, struct sock *sk, __u64 to, __s32 err)
{
	struct rec_tcp_connect rec = {};
	struct user_addr addr = {};
	struct conn me = {};
	__u64 cgroup;

	own(&me, TCP_ROLE_CLIENT);
	/* the state was never SYN_SENT, or is no more: on v1 nothing is kept */
	if (me.role == TCP_ROLE_IGNORED ||
	    !concerns(KIND_tcp_connect, on_v1() ? current_cgroup() : sock_cgroup(sk, false),
		      &cgroup, false))
		return;
	meter_add(KIND_tcp_connect, METER_KEY(METER_tcp_connections, cgroup, TCP_ROLE_CLIENT, err),
		  1);
	if (!streamed(KIND_tcp_connect, true))
		return;
	stamp(&rec.head, KIND_tcp_connect, sizeof(rec), bpf_ktime_get_boot_ns(), cgroup);
	rec.head.flags = REC_FAILED;
	put_owner(&rec.head, rec.comm, &me);
	sock_tuple(&rec.tuple, sk, TCP_ROLE_CLIENT, false);
	/* the socket does not know its peer: the caller's address does */
	if (bpf_probe_read_user(&addr, sizeof(addr), (void *)to))
		bpf_probe_read_user(&addr, 8, (void *)to);
	rec.tuple.remote_port = bpf_ntohs(addr.port);
	if (addr.family == AF_INET6)
		__builtin_memcpy(rec.tuple.remote, addr.addr6, 16);
	else
		__builtin_memcpy(rec.tuple.remote, &addr.addr4, 4);
	rec.start_ns = rec.head.when_ns;
	rec.err = err;
	REC_SEND(ctx, &rec, KIND_tcp_connect, true);
}

/* connect called again on a socket that failed in the meantime returns that failure. */
INLINE bool told_already(const struct sock *sk, __s32 err)
{
	__u64 key = (__u64)sk;
	__s32 *told = bpf_map_lookup_elem(&failed, &key);
	bool same = told && *told == err;

	bpf_map_delete_elem(&failed, &key);
	return same;
}

/* Runs at the end of every system call: out again after three comparisons. */
INLINE int on_sysexit(void *ctx, struct pt_regs *regs, long ret, const bool btf)
{
	long nr = syscall_nr(regs, btf);
	__u64 thread, sent = 0, *entry;
	struct task_struct *task;
	struct sock *sk;

	if (nr != NR_connect && nr != NR_accept && nr != NR_accept4)
		return 0;
	task = (struct task_struct *)bpf_get_current_task();
	if (syscall_compat(task, false))
		return 0;
	if (nr != NR_connect) {
		sk = ret >= 0 ? fd_to_tcp(task, ret) : 0;
		if (sk)
			accepted(ctx, sk, task, syscall_arg1(regs, btf));
		return 0;
	}
	thread = bpf_get_current_pid_tgid();
	entry = bpf_map_lookup_elem(&connecting, &thread);
	if (entry)
		sent = *entry;
	bpf_map_delete_elem(&connecting, &thread);
	if (ret >= 0 || connect_goes_on(-ret))
		return 0;
	sk = fd_to_tcp(task, syscall_arg1(regs, btf));
	if (sk && (__u64)sk != sent && !told_already(sk, -ret))
		connect_refused_here(ctx, sk, syscall_arg2(regs, btf), -ret);
	return 0;
}

PROGRAMS(tcp_sysexit, "sys_exit", on_sysexit(ctx, regs, ret, btf), struct pt_regs *regs, long ret)

/* ---- retransmits and resets ------------------------------------------------------------ */

INLINE int on_retransmit(void *ctx, const struct sock *sk, enum tcp_segment segment, const bool btf)
{
	struct rec_tcp_retransmit rec = {};
	__u16 state = GET(btf, sk, __sk_common.skc_state);
	struct conn *conn = conn_of(sk);
	__u32 segments = 1;
	__u64 cgroup;

	if (segment == TCP_SEGMENT_DATA && state == TCP_SYN_SENT)
		segment = TCP_SEGMENT_SYN;
	if (ignored(conn) || !sock_concerns(KIND_tcp_retransmit, sk, &cgroup, btf))
		return 0;
	if (segment != TCP_SEGMENT_SYNACK) /* of those sk is the listener */
		segments = retransmitted(sk, conn, &rec.total, btf);
	meter_add(KIND_tcp_retransmit, METER_KEY(METER_tcp_retransmits, cgroup, segment, 0),
		  segments);
	if (!streamed(KIND_tcp_retransmit, true))
		return 0;
	stamp(&rec.head, KIND_tcp_retransmit, sizeof(rec), bpf_ktime_get_boot_ns(), cgroup);
	put_owner(&rec.head, 0, conn);
	sock_tuple(&rec.tuple, sk, role_of(conn), btf);
	rec.segment = segment;
	rec.state = state;
	REC_SEND(ctx, &rec, KIND_tcp_retransmit, true);
	return 0;
}

PROGRAMS(tcp_retransmit, "tcp_retransmit_skb", on_retransmit(ctx, sk, TCP_SEGMENT_DATA, btf),
	 const struct sock *sk)

PROGRAMS(tcp_retransmit_synack, "tcp_retransmit_synack",
	 on_retransmit(ctx, sk, TCP_SEGMENT_SYNACK, btf), const struct sock *sk)

/*
 * sk may be NULL: an answer to a packet for which no socket was open. In TIME_WAIT and
 * NEW_SYN_RECV it is a smaller object that only begins like a socket: its cgroup is not known.
 */
INLINE int on_reset(void *ctx, const struct sock *sk, bool answer, enum tcp_direction direction,
		    const bool btf)
{
	__u16 state = sk ? GET(btf, sk, __sk_common.skc_state) : 0;
	bool full = sk && state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
	struct conn *conn = full ? conn_of(sk) : 0, me = {};
	struct rec_tcp_reset rec = {};
	bool is_wanted;
	__u64 cgroup;

	/* not an answer, and sent by a socket just closed: by the call that closes it, which is
	 * the current task's (tcp_send_active_reset; before 6.10 it names a packet all the same) */
	if (!conn && !answer && direction == TCP_SENT && state == TCP_CLOSE) {
		own(&me, TCP_ROLE_UNKNOWN);
		conn = &me;
	}
	if (ignored(conn))
		return 0;
	if (on_v1() && conn == &me) /* what was kept went with the socket's end */
		is_wanted = concerns(KIND_tcp_reset, current_cgroup(), &cgroup, false);
	else
		is_wanted = sock_concerns(KIND_tcp_reset, full ? sk : 0, &cgroup, btf);
	if (!is_wanted)
		return 0;
	meter_add(KIND_tcp_reset, METER_KEY(METER_tcp_resets, cgroup, direction, 0), 1);
	if (!streamed(KIND_tcp_reset, true))
		return 0;
	stamp(&rec.head, KIND_tcp_reset, sizeof(rec), bpf_ktime_get_boot_ns(), cgroup);
	put_owner(&rec.head, 0, conn);
	rec.direction = direction;
	if (sk) {
		rec.state = state;
		sock_tuple(&rec.tuple, sk, role_of(conn), btf);
	}
	REC_SEND(ctx, &rec, KIND_tcp_reset, true);
	return 0;
}

PROGRAMS(tcp_send_reset, "tcp_send_reset", on_reset(ctx, sk, skb, TCP_SENT, btf),
	 const struct sock *sk, const struct sk_buff *skb)

PROGRAMS(tcp_receive_reset, "tcp_receive_reset", on_reset(ctx, sk, false, TCP_RECEIVED, btf),
	 struct sock *sk)
