/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls that send or receive by a socket, told when they end: what moved, from where to where, how
 * long it took, or why not. One body for the families whose sockets differ in little.
 *
 * A call that moved nothing and is no failure is not told at all: what would block (EAGAIN), what
 * a signal interrupted (it is made again, or its caller does), a look at what stays (MSG_PEEK) and
 * at what was sent (MSG_ERRQUEUE). What io_uring does is no system call: not seen.
 */
#ifndef LIB_SOCK_IO_H
#define LIB_SOCK_IO_H

#include "call.h"
#include "cgroup.h"
#include "emit.h"
#include "meter.h"
#include "sock.h"
#include "syscall.h"
#include "task.h"

/* ---- which calls ------------------------------------------------------------------------- */

#define IO_SENDS 0x1
#define IO_RECEIVES 0x2
#define IO_BY_NAME 0x4	/* its fifth argument is the peer's address */
#define IO_MESSAGE 0x8	/* its second a struct msghdr */
#define IO_MESSAGES 0x10 /* its second an array of struct mmsghdr */
#define IO_WHOLE 0x20	/* nothing asked for, nothing done: no datagram without bytes */

static const __u8 io_ways[CALL_NUMBERS] = {
	[NR_read] = IO_RECEIVES,
	[NR_readv] = IO_RECEIVES,
	[NR_preadv2] = IO_RECEIVES,
	[NR_write] = IO_SENDS,
	[NR_writev] = IO_SENDS | IO_WHOLE,
	[NR_pwritev2] = IO_SENDS | IO_WHOLE,
	[NR_sendfile] = IO_SENDS | IO_WHOLE,
	[NR_splice] = IO_RECEIVES | IO_WHOLE, /* or sends: see call->into */
	[NR_sendto] = IO_SENDS | IO_BY_NAME,
	[NR_recvfrom] = IO_RECEIVES | IO_BY_NAME,
	[NR_sendmsg] = IO_SENDS | IO_MESSAGE,
	[NR_recvmsg] = IO_RECEIVES | IO_MESSAGE,
	[NR_sendmmsg] = IO_SENDS | IO_MESSAGES,
	[NR_recvmmsg] = IO_RECEIVES | IO_MESSAGES,
};

/* What a family makes of it. */
struct io_of {
	enum wire_family family;
	enum call_about about;
	enum wire_kind kind;	  /* of what is sent; the next one of what is received */
	enum wire_meter messages; /* by direction; of TCP, where it is one for each call, errors too */
	enum wire_meter errors;
	enum wire_meter bytes;
	enum wire_meter duration;
};

struct io {
	__u64 args[4]; /* of the call, from the second on */
	__u64 bytes;
	__u32 messages;
	__s32 err;
	__u8 way;
	__u8 direction; /* enum tcp_direction */
};

/* ---- the socket, where descriptors cannot be looked at ----------------------------------- */

/* tid → the ends of the socket that its call has used. From the end of the function that sends or
 * receives to the end of the call: moments. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct wire_tuple);
} io_sockets SEC(".maps");

/* What the kernel sends for itself (a file system's requests) has no file. */
INLINE int io_by(const struct io_of *of, const struct sock *sk, bool sends, const bool btf)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &tid);
	struct socket *sock = GET(btf, sk, sk_socket);
	struct wire_tuple tuple = {};

	if (!call || !(call->open & 1u << of->family) || !sock || !GET(btf, sock, file))
		return 0;
	sock_tuple(&tuple, sk, TCP_ROLE_UNKNOWN, btf);
	bpf_map_update_elem(&io_sockets, &tid, &tuple, BPF_ANY);
	call->about = of->about;
	call->into = sends;
	return 0;
}

/* typed: it was found so. */
INLINE void io_tuple(struct wire_tuple *tuple, const struct call *call, const bool typed)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct wire_tuple *found;

	if (!typed) {
		sock_tuple(tuple, (const struct sock *)call->object, TCP_ROLE_UNKNOWN, false);
		return;
	}
	found = bpf_map_lookup_elem(&io_sockets, &tid);
	if (found)
		*tuple = *found;
}

/* ---- how much ---------------------------------------------------------------------------- */

#define MESSAGES_MAX 1024 /* UIO_MAXIOV: sendmmsg takes no more; recvmmsg does, nobody does that */

struct user_msghdr {
	__u64 name;
	__u64 name_len; /* int, and padding */
};

#define MMSGHDR_SIZE 64
#define MMSGHDR_LEN 56 /* where msg_len is */

#define UNREADABLE (~0ull)

/* Bytes of n messages. Global, so that the verifier looks at it once. */
__noinline __u64 io_sum(__u64 messages, __u32 n)
{
	__u64 sum = 0;
	__u32 len;

	NO_UNROLL
	for (__u32 i = 0; i < MESSAGES_MAX; i++) {
		if (i >= n)
			return sum;
		if (bpf_probe_read_user(&len, sizeof(len),
					(void *)(messages + i * MMSGHDR_SIZE + MMSGHDR_LEN)))
			break;
		sum += len;
	}
	return UNREADABLE;
}

#define MSG_PEEK 0x2
#define MSG_ERRQUEUE 0x2000

/* false: nothing to tell. */
INLINE bool io_moved(struct io *io, long ret)
{
	bool one = !(io->way & IO_MESSAGES);

	switch (ret) {
	case -4:   /* EINTR */
	case -11:  /* EAGAIN */
	case -115: /* EINPROGRESS: a connection that begins with data */
		return false;
	}
	if (ret < 0) {
		io->err = -ret;
		return ret >= -ERRNO_MAX;
	}
	if (io->direction == TCP_RECEIVED &&
	    io->way & (IO_BY_NAME | IO_MESSAGE | IO_MESSAGES) &&
	    (io->way & IO_MESSAGE ? io->args[1] : io->args[2]) & (MSG_PEEK | MSG_ERRQUEUE))
		return false;
	if (!ret && (!one || io->way & IO_WHOLE))
		return false;
	io->messages = one ? 1 : ret;
	io->bytes = one ? ret : io_sum(io->args[0], ret);
	return true;
}

/* ---- to and from whom -------------------------------------------------------------------- */

/* Where the caller keeps the peer's address, 0: nowhere; of several the first one's. */
INLINE __u64 io_name(const struct io *io, bool *ret_unread)
{
	struct user_msghdr msg = {};

	if (io->way & IO_BY_NAME)
		return io->args[3];
	if (!(io->way & (IO_MESSAGE | IO_MESSAGES)))
		return 0;
	*ret_unread = bpf_probe_read_user(&msg, sizeof(msg), (void *)io->args[0]);
	return (__u32)msg.name_len ? msg.name : 0;
}

/*
 * The peer of a socket that is not connected, or is told another: only the caller knows. One who
 * says that his room for it is smaller than it is lies about himself. false: his page is not
 * present.
 */
INLINE bool io_peer(struct wire_tuple *tuple, const struct io *io)
{
	struct user_addr addr = {};
	bool unread = false;
	__u64 at;

	if (io->direction == TCP_RECEIVED && io->err)
		return true; /* nothing came */
	at = io_name(io, &unread);
	if (!at)
		return !unread;
	if (!user_addr(&addr, at))
		return false;
	if (addr.family == AF_INET6 ? tuple->af != AF_INET6 : addr.family > AF_INET)
		return true; /* none that this socket can have */
	tuple->remote_port = bpf_ntohs(addr.port);
	if (addr.family == AF_INET6) {
		__builtin_memcpy(tuple->remote, addr.addr6, 16);
	} else if (tuple->af == AF_INET6) { /* it takes those of IPv4 as well */
		__builtin_memset(tuple->remote, 0, 10);
		__builtin_memset(tuple->remote + 10, 0xff, 2);
		__builtin_memcpy(tuple->remote + 12, &addr.addr4, 4);
	} else {
		__builtin_memcpy(tuple->remote, &addr.addr4, 4);
	}
	return true;
}

/* ---- the end of a call ------------------------------------------------------------------- */

INLINE void io_meter(const struct io_of *of, const struct io *io, enum wire_kind kind,
		     __u64 cgroup, __u64 ns)
{
	if (io->err)
		meter_add(kind, METER_KEY(of->errors, cgroup, io->direction, io->err), 1);
	else
		meter_add(kind, METER_KEY(of->messages, cgroup, io->direction, 0), io->messages);
	meter_add(kind, METER_KEY(of->bytes, cgroup, io->direction, 0), io->bytes);
	meter_time(kind, METER_KEY(of->duration, cgroup, io->direction, 0), ns, bounds_FAST);
}

INLINE void io_send(void *ctx, const struct io_of *of, const struct io *io, enum wire_kind kind,
		    const struct call *call, __u64 now, const bool typed, const bool btf)
{
	struct {
		struct rec_head head;
		struct wire_io io;
	} rec = {}; /* struct rec_... of each kind */

	stamp(&rec.head, kind, sizeof(rec), now, call->cgroup);
	rec.head.flags = io->err ? REC_FAILED : 0;
	rec.head.pid = bpf_get_current_pid_tgid() >> 32;
	rec.head.tid = bpf_get_current_pid_tgid();
	rec.head.key = task_start(current_task(btf), btf);
	io_tuple(&rec.io.tuple, call, typed);
	if (of->about == CALL_UDP && !io_peer(&rec.io.tuple, io))
		rec.head.flags |= REC_UNREAD;
	rec.io.start_ns = call->when_ns;
	rec.io.bytes = io->bytes;
	rec.io.messages = io->messages;
	rec.io.err = io->err;
	current_comm(rec.io.comm);
	REC_SEND(ctx, &rec, kind, true);
}

INLINE int on_io(void *ctx, const struct io_of *of, const struct pt_regs *regs, long ret,
		 const bool typed, const bool btf)
{
	long nr = syscall_nr(regs, btf);
	struct io io = {};
	enum wire_kind kind;
	struct call *call;
	__u64 now;

	if ((__u64)nr >= CALL_NUMBERS)
		return 0;
	io.way = io_ways[nr & (CALL_NUMBERS - 1)];
	if (!io.way)
		return 0;
	call = call_ended(of->family, nr);
	if (!call || call->about != of->about || bpf_get_current_pid_tgid() >> 32 == config.self)
		return 0;
	if (io.way & IO_RECEIVES && !(nr == NR_splice && call->into))
		io.direction = TCP_RECEIVED;
	kind = (enum wire_kind)(of->kind + io.direction);
	for (int i = 0; i < 4; i++)
		io.args[i] = syscall_arg(regs, i + 2, btf);
	if (!io_moved(&io, ret) || !counted(kind, true))
		return 0;
	if (io.bytes == UNREADABLE) {
		count(kind, LEDGER_LOST_METER);
		io.bytes = 0;
	}
	now = bpf_ktime_get_boot_ns();
	io_meter(of, &io, kind, call->cgroup, now - call->when_ns);
	if (streamed(kind, io.err))
		io_send(ctx, of, &io, kind, call, now, typed, btf);
	return 0;
}

#endif
