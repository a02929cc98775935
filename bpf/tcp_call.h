/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of the tcp family that is about connect and accept as calls: who accepted, and which
 * connects failed before a packet left. Included by tcp.bpf.c, whose maps and helpers it uses.
 *
 * No tracepoint is about either. The end of all system calls is (sys_exit); below it the
 * functions that do the work, of which those are taken that are called by pointer or from
 * another file.
 */
#ifndef TCP_CALL_H
#define TCP_CALL_H

/* ---- a connect that fails here --------------------------------------------------------- */

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

/* No route, no free port, forbidden: connect failed before a SYN left. */
INLINE void connect_refused_here(void *ctx, const struct sock *sk, __u64 to, __s32 err,
				 const bool btf)
{
	struct rec_tcp_connect rec = {};
	struct user_addr addr = {};
	struct conn me = {};
	__u64 cgroup;

	own(&me, TCP_ROLE_CLIENT);
	/* the state was never SYN_SENT, or is no more: on v1 nothing is kept */
	if (me.role == TCP_ROLE_IGNORED || !own_sock_concerns(KIND_tcp_connect, sk, &cgroup, btf))
		return;
	meter_add(KIND_tcp_connect, METER_KEY(METER_tcp_connections, cgroup, TCP_ROLE_CLIENT, err),
		  1);
	if (!streamed(KIND_tcp_connect, true))
		return;
	stamp(&rec.head, KIND_tcp_connect, sizeof(rec), bpf_ktime_get_boot_ns(), cgroup);
	rec.head.flags = REC_FAILED;
	put_owner(&rec.head, rec.comm, &me);
	sock_tuple(&rec.tuple, sk, TCP_ROLE_CLIENT, btf);
	/* the socket does not know its peer: the caller's address does */
	user_addr(&addr, to);
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

/* The socket whose SYN left in this thread's connect, 0: none did. Asked when the call ends. */
INLINE __u64 sent_here(void)
{
	__u64 thread = bpf_get_current_pid_tgid(), sent = 0;
	__u64 *entry = bpf_map_lookup_elem(&connecting, &thread);

	if (entry)
		sent = *entry;
	bpf_map_delete_elem(&connecting, &thread);
	return sent;
}

INLINE int on_failure(void *ctx, const struct sock *sk, __u64 sent, __u64 to, __s32 err,
		      const bool btf)
{
	if ((__u64)sk != sent && !told_already(sk, err))
		connect_refused_here(ctx, sk, to, err, btf);
	return 0;
}

BODY(connect_failed, (void *ctx, const struct sock *sk, __u64 sent, __u64 to, __s32 err),
     on_failure(ctx, sk, sent, to, err, btf))

/* ---- the end of system calls ----------------------------------------------------------- */

/* Runs at the end of every system call: out again after three comparisons. */
INLINE int on_sysexit(void *ctx, struct pt_regs *regs, long ret, const bool btf)
{
	long nr = syscall_nr(regs, btf);
	struct task_struct *task;
	struct sock *sk;
	__u64 sent;

	if (nr != NR_connect && nr != NR_accept && nr != NR_accept4)
		return 0;
	task = (struct task_struct *)bpf_get_current_task();
	if (syscall_compat(task, false))
		return 0;
	if (config.preempted && call_again())
		return 0;
	if (nr != NR_connect) {
		sk = ret >= 0 ? fd_to_tcp(task, ret) : 0;
		if (sk && on_v1() && !kept_cgroup(sk))
			adopt_listener(task, syscall_arg(regs, 1, btf));
		if (sk)
			accepted_plain(ctx, sk);
		return 0;
	}
	sent = sent_here();
	if (ret >= 0 || connect_goes_on(-ret))
		return 0;
	sk = fd_to_tcp(task, syscall_arg(regs, 1, btf));
	if (sk)
		connect_failed_plain(ctx, sk, sent, syscall_arg(regs, 2, btf), -ret);
	return 0;
}

PROGRAMS(tcp_sysexit, "sys_exit", on_sysexit(ctx, regs, ret, btf), struct pt_regs *regs, long ret)

/* ---- accept, by function --------------------------------------------------------------- */

/* A connection meets the socket it is taken by. One that the kernel accepts for itself (nfsd)
 * has no file. */
INLINE int on_accept(void *ctx, const struct sock *sk, const struct socket *by, const bool btf)
{
	if (is_tcp(sk, btf) && GET(btf, by, file))
		OF(accepted)(ctx, sk);
	return 0;
}

ENTRY_PROGRAMS(tcp_accept, "security_sock_graft", on_accept(ctx, sk, by, btf), struct sock *sk,
	       struct socket *by)

/* ---- connect, by function -------------------------------------------------------------- */

struct connect_call {
	__u64 to;   /* address in user memory; the kernel's copy has a type for 16 bytes only */
	__u64 sock; /* struct sock *, kprobe: at a function's end its arguments are gone */
};

/* Threads inside connect. What the kernel connects for itself is not among them. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct connect_call);
} connect_calls SEC(".maps");

INLINE int on_connect(const struct pt_regs *regs, const bool btf)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct connect_call call = { .to = syscall_arg(regs, 2, btf) };

	if (!btf) {
		call.sock = (__u64)fd_to_tcp((struct task_struct *)bpf_get_current_task(),
					     syscall_arg(regs, 1, btf));
		if (!call.sock)
			return 0;
	}
	bpf_map_update_elem(&connect_calls, &thread, &call, BPF_ANY);
	return 0;
}

ENTRY_PROGRAMS(tcp_connect, SYSCALL("connect"), on_connect(regs, btf), struct pt_regs *regs)

/* Takes the thread's entry out; false: there is none. */
INLINE bool connect_take(struct connect_call *ret)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct connect_call *call = bpf_map_lookup_elem(&connect_calls, &thread);

	if (!call)
		return false;
	*ret = *call;
	bpf_map_delete_elem(&connect_calls, &thread);
	return true;
}

INLINE int on_connect_end(void *ctx, const struct socket *sock, int ret, const bool btf)
{
	const struct sock *sk = GET(btf, sock, sk);
	__u64 sent = sent_here();
	struct connect_call call;

	if (connect_take(&call) && ret < 0 && !connect_goes_on(-ret) && sk && is_tcp(sk, btf))
		OF(connect_failed)(ctx, sk, sent, call.to, -ret);
	return 0;
}

/* All that connect does, but for the question whether it may. */
FEXIT(tcp_connect, "inet_stream_connect", on_connect_end(ctx, sock, ret, btf), struct socket *sock,
      void *to, int len, int flags, int ret)
FEXIT(tcp_connect_denied, "security_socket_connect", ret ? on_connect_end(ctx, sock, ret, btf) : 0,
      struct socket *sock, void *to, int len, int ret)

/*
 * Not at the end of connect itself, where a kretprobe of a CPU or ten would be used up by as many
 * threads that wait for an answer. These do not wait: the security module's answer, that of a
 * program of the cgroup, and what sends the SYN, of which one calls the other for a mapped
 * address. Not seen: an address of less than two bytes.
 */
INLINE int on_sent(void *ctx, int ret, const bool btf)
{
	struct connect_call call;

	sent_here();
	if (connect_take(&call) && ret < 0 && !connect_goes_on(-ret))
		OF(connect_failed)(ctx, (struct sock *)call.sock, 0, call.to, -ret);
	return 0;
}

KRETPROBE(tcp_connect_denied, "security_socket_connect", ret ? on_sent(ctx, ret, btf) : 0, int ret)
KRETPROBE(tcp_connect_asked_v4, "tcp_v4_pre_connect", ret ? on_sent(ctx, ret, btf) : 0, int ret)
KRETPROBE(tcp_connect_asked_v6, "tcp_v6_pre_connect", ret ? on_sent(ctx, ret, btf) : 0, int ret)
KRETPROBE(tcp_connect_v4, "tcp_v4_connect", on_sent(ctx, ret, btf), int ret)
KRETPROBE(tcp_connect_v6, "tcp_v6_connect", on_sent(ctx, ret, btf), int ret)

#endif
