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
#include "lib/syscall.h"
#include "lib/task.h"
#include "wire/tcp.h"
#include "tcp_io.h"
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

/* Count those of which no event told: where there is none, and what could not be sent. */
INLINE void settle(const struct sock *sk, struct conn *conn, __u64 cgroup, enum tcp_segment segment,
		   const bool btf)
{
	__u32 total;

	meter_add(KIND_tcp_retransmit, METER_KEY(METER_tcp_retransmits, cgroup, segment, 0),
		  retransmitted(sk, conn, &total, btf));
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
	if (conn) {
		meter_time(KIND_tcp_connect,
			   METER_KEY(METER_tcp_connect_duration, cgroup, TCP_ROLE_CLIENT, err),
			   now - conn->start_ns, bounds_FAST);
		settle(sk, conn, cgroup, TCP_SEGMENT_SYN, btf);
	}
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
	conn.start_ns = conn.established_ns = conn.state_ns = bpf_ktime_get_boot_ns();
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
 * until now, neither was the connection counted.
 */
INLINE int on_accepted(void *ctx, const struct sock *sk, const bool btf)
{
	bool found = on_v1() && !kept_cgroup(sk);
	struct rec_tcp_accept rec = {};
	struct conn *conn, me = {};
	__u64 cgroup, now;

	own(&me, TCP_ROLE_SERVER);
	conn = conn_of(sk);
	if (me.role == TCP_ROLE_IGNORED || ignored(conn))
		return 0;
	keep_cgroup(sk, KIND_tcp_accept);
	if (!sock_concerns(KIND_tcp_accept, sk, &cgroup, btf))
		return 0;
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
		return 0;
	stamp(&rec.head, KIND_tcp_accept, sizeof(rec), now, cgroup);
	put_owner(&rec.head, rec.comm, &me);
	if (!conn)
		rec.head.flags |= REC_OLDER;
	sock_tuple(&rec.tuple, sk, TCP_ROLE_SERVER, btf);
	REC_SEND(ctx, &rec, KIND_tcp_accept, true);
	return 0;
}

BODY(accepted, (void *ctx, const struct sock *sk), on_accepted(ctx, sk, btf))

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
	if (conn)
		settle(sk, conn, cgroup, TCP_SEGMENT_DATA, btf);
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

/* How long it was in the state that it leaves. */
INLINE void meter_state(struct conn *conn, __u64 cgroup, int from, __u64 now)
{
	if (conn->state_ns && from != TCP_CLOSE)
		meter_time(KIND_tcp_state, METER_KEY(METER_tcp_state_duration, cgroup, from, 0),
			   now - conn->state_ns, bounds_LIFE);
	conn->state_ns = now;
}

INLINE void state_changed(void *ctx, const struct sock *sk, int from, int to, const bool btf)
{
	struct conn *conn = conn_of(sk);
	struct rec_tcp_state rec = {};
	__u64 cgroup, now;

	if (ignored(conn) || !sock_concerns(KIND_tcp_state, sk, &cgroup, btf))
		return;
	now = bpf_ktime_get_boot_ns();
	meter_add(KIND_tcp_state, METER_KEY(METER_tcp_state_changes, cgroup, to, 0), 1);
	if (conn)
		meter_state(conn, cgroup, from, now);
	if (!streamed(KIND_tcp_state, false))
		return;
	stamp(&rec.head, KIND_tcp_state, sizeof(rec), now, cgroup);
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

BODY(state, (void *ctx, const struct sock *sk, int from, int to), on_state(ctx, sk, from, to, btf))

struct addresses {
	volatile __u64 of[2 * (COPY_NUMBERS + 1)];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct addresses);
} addresses SEC(".maps");

/* A typed pointer as a number: the verifier allows no arithmetic with it, but forgets what it
 * was in a map. No program interrupts itself, so its place is its own. */
INLINE __u64 address_of(const void *object, __u32 place)
{
	__u32 zero = 0;
	struct addresses *a = bpf_map_lookup_elem(&addresses, &zero);

	if (!a)
		return 0;
	a->of[place] = (__u64)object;
	return a->of[place];
}

/*
 * A tracepoint has copies of its program (lib/again.h), a function too; which of them runs first
 * is there the trampoline's matter. Whoever changes a socket holds its lock, and it goes no way
 * twice in a row. Where it stays what it was the program itself tells, no copy.
 * at: which of two programs in one object.
 */
INLINE int on_state_once(void *ctx, const struct sock *sk, int from, int to, const int at,
			 const bool btf)
{
	__u32 copy = copy_number(), place = at * (COPY_NUMBERS + 1) + copy;
	bool noted = config.guarded &&
		     again(btf ? address_of(sk, place) : (__u64)sk, from << 4 | to);

	return (from == to ? copy : noted) ? 0 : OF(state)(ctx, sk, from, to);
}

PROGRAMS(tcp_state, "inet_sock_set_state", on_state_once(ctx, sk, from, to, 0, btf),
	 const struct sock *sk, int from, int to)

/*
 * The two functions in which the tracepoint is: both call it first. One stores with a barrier, the
 * other is for sockets that nobody else can see yet.
 */
INLINE int on_new_state(void *ctx, const struct sock *sk, int to, const bool btf)
{
	return OF(state)(ctx, sk, GET(btf, sk, __sk_common.skc_state), to);
}

FENTRY(tcp_set_state, "inet_sk_set_state",
       on_state_once(ctx, sk, GET(btf, sk, __sk_common.skc_state), to, 0, btf),
       const struct sock *sk, int to)
FENTRY(tcp_store_state, "inet_sk_state_store",
       on_state_once(ctx, sk, GET(btf, sk, __sk_common.skc_state), to, 1, btf),
       const struct sock *sk, int to)
KPROBE(tcp_set_state, "inet_sk_set_state", on_new_state(ctx, sk, to, btf), const struct sock *sk,
       int to)
KPROBE(tcp_store_state, "inet_sk_state_store", on_new_state(ctx, sk, to, btf),
       const struct sock *sk, int to)

#include "tcp_call.h"
#include "tcp_segment.h"
