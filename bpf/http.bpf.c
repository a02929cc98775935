/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The http family: heads of HTTP/1 messages, as programs hand them to the kernel and are handed
 * them. What begins like a message is read up to its end and sent to user space without what nobody
 * asks for; bodies are never read. Which response belongs to which request, user space knows.
 *
 * Places in a connection are the kernel's own sequence numbers: so they are right whatever was sent
 * by calls that are not seen (splice from a pipe, io_uring).
 */
#include "lib/call.h"
#include "lib/emit.h"
#include "lib/sock.h"
#include "lib/syscall.h"
#include "lib/task.h"
#include "wire/http.h"
#include "http_head.h"

/* ---- what a call has transferred ----------------------------------------------------------- */

#define MSG_PEEK 2

enum bytes_at { NOT_A_TRANSFER, AT_POINTER, AT_VECTOR, AT_MESSAGE, NOWHERE };

#define SENDS 0x80

static const __u8 transfers[CALL_NUMBERS] = {
	[NR_read] = AT_POINTER,	     [NR_write] = AT_POINTER | SENDS,
	[NR_recvfrom] = AT_POINTER,  [NR_sendto] = AT_POINTER | SENDS,
	[NR_readv] = AT_VECTOR,	     [NR_writev] = AT_VECTOR | SENDS,
	[NR_recvmsg] = AT_MESSAGE,   [NR_sendmsg] = AT_MESSAGE | SENDS,
	[NR_splice] = NOWHERE,	     [NR_sendfile] = NOWHERE | SENDS,
};

/* struct user_msghdr, as far as it matters */
struct message {
	__u64 name, name_len, vector, vector_n;
};

/* Arguments of the call. All are read, for some verifiers let no load be of one or the other. */
struct arguments {
	__u64 second, third, fourth;
};

INLINE void read_arguments(struct arguments *ret, const struct pt_regs *regs, const bool btf)
{
	ret->second = syscall_arg(regs, 2, btf);
	barrier_var(ret->second);
	ret->third = syscall_arg(regs, 3, btf);
	barrier_var(ret->third);
	ret->fourth = syscall_arg(regs, 4, btf);
	barrier_var(ret->fourth);
}

/* It looked and took nothing. */
INLINE bool peeked(const struct arguments *args, long nr)
{
	return (nr == NR_recvfrom && args->fourth & MSG_PEEK) ||
	       (nr == NR_recvmsg && args->third & MSG_PEEK);
}

INLINE bool find_bytes(struct room *room, const struct arguments *args, __u8 at)
{
	struct message message;

	room->vector = room->vector_n = 0;
	room->from = room->n = 0;
	switch (at) {
	case AT_POINTER:
		room->from = args->second;
		room->n = room->left;
		return true;
	case AT_VECTOR:
		room->vector = args->second;
		room->vector_n = args->third;
		return true;
	case AT_MESSAGE:
		if (bpf_probe_read_user(&message, sizeof(message), (void *)args->second))
			return false;
		room->vector = message.vector;
		room->vector_n = message.vector_n;
		return true;
	default:
		return false;
	}
}

/* ---- the socket ---------------------------------------------------------------------------- */

struct seen {
	__u64 sock;
	__u32 ports; /* tell another one at the same address */
	__u32 place; /* behind what was transferred */
};

/* A FIN takes a number too, and is read along with the last byte. */
INLINE __u32 place_of(const struct sock *sk, const struct tcp_sock *tp,
		      enum tcp_direction direction, const bool btf)
{
	__u32 seq;

	if (direction == TCP_SENT)
		return GET(btf, tp, write_seq);
	seq = GET(btf, tp, copied_seq);
	if (GET(btf, sk, __sk_common.skc_flags) & (1ul << SOCK_DONE) && seq == GET(btf, tp, rcv_nxt))
		seq--;
	return seq;
}

/* false: it is no TCP socket. */
INLINE bool see(struct seen *ret, const struct sock *sk, enum tcp_direction direction,
		const bool btf)
{
	const struct tcp_sock *tp = sock_tcp(sk, btf);

	if (!tp)
		return false;
	ret->sock = (__u64)sk;
	ret->ports = (__u32)GET(btf, sk, __sk_common.skc_num) << 16 |
		     GET(btf, sk, __sk_common.skc_dport);
	ret->place = place_of(sk, tp, direction, btf);
	return true;
}

/* Where descriptors cannot be looked at, the functions that send and receive tell which socket it
 * is: tid → what its call has used, from the end of the function to the end of the call. */
struct used {
	struct seen seen;
	struct wire_tuple tuple;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct used);
} http_sockets SEC(".maps");

INLINE struct used *used_by_call(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&http_sockets, &tid);
}

INLINE int use(const struct sock *sk, enum tcp_direction direction, const bool btf)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &tid);
	struct used used = {};

	if (!call || !(call->open & 1u << FAMILY_http) || !see(&used.seen, sk, direction, btf))
		return 0;
	sock_tuple(&used.tuple, sk, TCP_ROLE_UNKNOWN, btf);
	bpf_map_update_elem(&http_sockets, &tid, &used, BPF_ANY);
	call->about = CALL_TCP;
	return 0;
}

INLINE bool seen_in_call(struct seen *ret, const struct call *call, enum tcp_direction direction,
			 const bool typed)
{
	struct used *used;

	if (!typed)
		return see(ret, (const struct sock *)call->object, direction, false);
	used = used_by_call();
	if (!used)
		return false;
	*ret = used->seen;
	return true;
}

INLINE void tuple_in_call(struct wire_tuple *ret, const struct call *call, const bool typed)
{
	struct used *used;

	if (!typed) {
		sock_tuple(ret, (const struct sock *)call->object, TCP_ROLE_UNKNOWN, false);
		return;
	}
	used = used_by_call();
	if (used)
		*ret = used->tuple;
}

/* ---- connections --------------------------------------------------------------------------- */

static const struct http_conn nothing_yet; /* on the stack it would be too much for 5.10 */

INLINE struct http_conn *conn_of_call(const struct seen *seen, __u64 cgroup)
{
	__u64 key = seen->sock;
	struct http_conn *conn = bpf_map_lookup_elem(&https, &key);

	if (conn && conn->ports == seen->ports)
		return conn;
	if (bpf_map_update_elem(&https, &key, &nothing_yet, BPF_ANY)) {
		count(KIND_http_head, LEDGER_LOST_STATE);
		return 0;
	}
	conn = bpf_map_lookup_elem(&https, &key);
	if (!conn)
		return 0;
	conn->id = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
	conn->cgroup = cgroup;
	conn->ports = seen->ports;
	return conn;
}

/*
 * Is this transfer worth a look? Of a connection that had no message yet only what comes first after
 * a change of direction could be the beginning of one, and two that were none are enough.
 */
INLINE bool worth_a_look(struct http_conn *conn, enum tcp_direction direction)
{
	bool turned = conn->last != direction + 1;

	conn->last = direction + 1;
	return conn->messages || conn->side[direction & 1].under_way ||
	       (turned && conn->bad < BAD_BEGINNINGS_MAX);
}

/* ---- programs ------------------------------------------------------------------------------ */

INLINE void send_head(void *ctx, struct room *room, const struct call *call, const bool typed)
{
	struct rec_http_head *rec = &room->rec;
	__u32 n = room->text_n;

	count(KIND_http_head, LEDGER_SEEN);
	if (!streamed(KIND_http_head, false))
		return;
	if (n > HTTP_PIECE)
		n = HTTP_PIECE;
	barrier_var(n);
	stamp(&rec->head, KIND_http_head, sizeof(*rec) + n, room->when_ns, call->cgroup);
	rec->head.flags = 0;
	rec->head.key = room->id;
	rec->head.pid = bpf_get_current_pid_tgid() >> 32;
	rec->head.tid = bpf_get_current_pid_tgid();
	rec->text.off = sizeof(*rec);
	rec->text.len = n;
	current_comm(rec->comm);
	tuple_in_call(&rec->tuple, call, typed);
	send(ctx, rec, sizeof(*rec) + n, KIND_http_head, true);
}

/* More in one transfer than is looked at: what comes next has a gap before it, by its number. */
INLINE void lose_rest(struct room *room)
{
	struct http_conn *conn = conn_of(room);

	if (conn) {
		conn->side[room->direction & 1].under_way = false;
		conn->side[room->direction & 1].nth++;
	}
	count(KIND_http_head, LEDGER_SEEN);
	count(KIND_http_head, LEDGER_LOST_SCRATCH);
}

INLINE void look_at_all(void *ctx, struct room *room, __u32 slot, const struct call *call,
			const bool typed)
{
	NO_UNROLL
	for (int i = 0; i < LOOKS_MAX; i++) {
		int found = http_look(slot);

		if (found == LOOK_DONE)
			return;
		if (found == LOOK_HEAD)
			send_head(ctx, room, call, typed);
	}
	lose_rest(room);
}

/* typed: see http_sockets. */
INLINE int on_sysexit(void *ctx, struct pt_regs *regs, long ret, const bool typed, const bool btf)
{
	long nr = syscall_nr(regs, btf);
	__u8 transfer = (__u64)nr < CALL_NUMBERS ? transfers[nr & (CALL_NUMBERS - 1)] : 0;
	enum tcp_direction direction = transfer & SENDS ? TCP_SENT : TCP_RECEIVED;
	struct arguments args;
	struct http_conn *conn;
	struct call *call;
	struct room *room;
	struct seen seen;
	__u32 slot;

	if (!transfer || ret <= 0)
		return 0;
	call = call_ended(FAMILY_http, nr);
	if (!call || call->about != CALL_TCP || bpf_get_current_pid_tgid() >> 32 == config.self)
		return 0;
	read_arguments(&args, regs, btf);
	if (peeked(&args, nr))
		return 0;
	if (!seen_in_call(&seen, call, direction, typed))
		return 0;
	conn = conn_of_call(&seen, call->cgroup);
	if (!conn)
		return 0;
	conn->side[direction].end = seen.place;
	if (!worth_a_look(conn, direction))
		return 0;
	room = room_take(&slot);
	if (!room) {
		count(KIND_http_head, LEDGER_SEEN);
		count(KIND_http_head, LEDGER_LOST_SCRATCH);
		return 0;
	}
	room->sock = seen.sock;
	room->id = conn->id;
	room->direction = direction;
	room->left = ret;
	room->seq = seen.place - (__u32)ret;
	room->when_ns = direction == TCP_SENT ? call->when_ns : bpf_ktime_get_boot_ns();
	room->first = true;
	if (find_bytes(room, &args, transfer & ~SENDS))
		look_at_all(ctx, room, slot, call, typed);
	room_give(room);
	return 0;
}

PROGRAMS(http_sysexit, "sys_exit", on_sysexit(ctx, regs, ret, false, btf), struct pt_regs *regs,
	 long ret)
TP_BTF(http_typed, "sys_exit", on_sysexit(ctx, regs, ret, true, btf), struct pt_regs *regs, long ret)
FEXIT(http_sendmsg, "tcp_sendmsg", use(sk, TCP_SENT, btf), const struct sock *sk)
FEXIT(http_recvmsg, "tcp_recvmsg", use(sk, TCP_RECEIVED, btf), const struct sock *sk)
FEXIT(http_splice_read, "tcp_splice_read", use(GET(btf, sock, sk), TCP_RECEIVED, btf),
      const struct socket *sock)

INLINE int on_state(void *ctx, const struct sock *sk, int to, const bool btf)
{
	struct rec_http_close rec = {};
	__u64 key = (__u64)sk;
	struct http_conn *conn;

	if (to != TCP_CLOSE)
		return 0;
	conn = bpf_map_lookup_elem(&https, &key);
	if (!conn)
		return 0;
	if (conn->messages) {
		count(KIND_http_close, LEDGER_SEEN);
		if (streamed(KIND_http_close, false)) {
			stamp(&rec.head, KIND_http_close, sizeof(rec), bpf_ktime_get_boot_ns(),
			      conn->cgroup);
			rec.head.key = conn->id;
			rec.seq[TCP_SENT] = conn->side[TCP_SENT].end;
			rec.seq[TCP_RECEIVED] = conn->side[TCP_RECEIVED].end;
			REC_SEND(ctx, &rec, KIND_http_close, true);
		}
	}
	bpf_map_delete_elem(&https, &key);
	return 0;
}

PROGRAMS(http_state, "inet_sock_set_state", on_state(ctx, sk, to, btf), const struct sock *sk,
	 int from, int to)
