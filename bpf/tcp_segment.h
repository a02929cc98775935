/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of the tcp family that is about single segments: those sent again, and resets.
 * Included by tcp.bpf.c, whose maps and helpers it uses.
 */
#ifndef TCP_SEGMENT_H
#define TCP_SEGMENT_H

/* ---- sent again ------------------------------------------------------------------------ */

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

BODY(retransmit, (void *ctx, const struct sock *sk, enum tcp_segment segment),
     on_retransmit(ctx, sk, segment, btf))

/* Since 6.17 (ad892e912b84) the tracepoint tells of those that could not be sent, too. */
INLINE bool not_sent(const __u64 *args)
{
	return bpf_core_field_exists(struct trace_event_raw_tcp_retransmit_skb, err) &&
	       (int)args[2];
}

PROGRAMS(tcp_retransmit, "tcp_retransmit_skb",
	 not_sent(ctx) ? 0 : OF(retransmit)(ctx, sk, TCP_SEGMENT_DATA), const struct sock *sk)

/*
 * By kprobe a function's end does not know its arguments, so its begin leaves them here. What a
 * softirq does on top of a thread ends before that goes on: the last in is the first out.
 */
struct calls_inside {
	__u32 n;
	__u64 sock[4];
};

/* struct task_struct * (the threads that idle have one pid) → those it is in. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct calls_inside);
} inside SEC(".maps");

INLINE int goes_in(const struct sock *sk, const bool btf)
{
	__u64 task = bpf_get_current_task();
	struct calls_inside *in = bpf_map_lookup_elem(&inside, &task), first = { .n = 1 };

	first.sock[0] = (__u64)sk;
	/* full: of those that never came out (no instance of the kretprobe was free) */
	if (!in || in->n >= 4) {
		bpf_map_update_elem(&inside, &task, &first, BPF_ANY);
		return 0;
	}
	in->sock[in->n & 3] = (__u64)sk;
	in->n++;
	return 0;
}

/* NULL: it went in before we looked. */
INLINE struct sock *comes_out(void)
{
	__u64 task = bpf_get_current_task();
	struct calls_inside *in = bpf_map_lookup_elem(&inside, &task);

	if (!in || !in->n)
		return 0;
	in->n--;
	return (struct sock *)in->sock[in->n & 3];
}

INLINE int on_retransmit_end(void *ctx, int ret, enum tcp_segment segment, const bool btf)
{
	struct sock *sk = comes_out();

	return ret || !sk ? 0 : OF(retransmit)(ctx, sk, segment);
}

/*
 * The tracepoint is in a function below this one, which compilers cut in two (gcc 12). All pass
 * here but probes for a lost tail.
 */
FEXIT(tcp_retransmit, "tcp_retransmit_skb", ret ? 0 : OF(retransmit)(ctx, sk, TCP_SEGMENT_DATA),
      struct sock *sk, void *skb, int segments, int ret)
KPROBE(tcp_retransmit, "tcp_retransmit_skb", goes_in(sk, btf), const struct sock *sk)
KRETPROBE(tcp_retransmit, "tcp_retransmit_skb", on_retransmit_end(ctx, ret, TCP_SEGMENT_DATA, btf), int ret)

/* Such a probe is new data or the last segment once more: then the socket has counted it. */
INLINE int on_probe(void *ctx, const struct sock *sk, const bool btf)
{
	struct tcp_sock *tp = sock_tcp(sk, btf);
	struct conn *conn = conn_of(sk);

	if (!conn || !tp || GET(btf, tp, total_retrans) == conn->retransmits)
		return 0;
	return OF(retransmit)(ctx, sk, TCP_SEGMENT_DATA);
}

INLINE int on_probe_end(void *ctx, const bool btf)
{
	struct sock *sk = comes_out();

	return sk ? on_probe(ctx, sk, btf) : 0;
}

FEXIT(tcp_probe, "tcp_send_loss_probe", on_probe(ctx, sk, btf), const struct sock *sk)
KPROBE(tcp_probe, "tcp_send_loss_probe", goes_in(sk, btf), const struct sock *sk)
KRETPROBE(tcp_probe, "tcp_send_loss_probe", on_probe_end(ctx, btf), int ret)

PROGRAMS(tcp_retransmit_synack, "tcp_retransmit_synack",
	 OF(retransmit)(ctx, sk, TCP_SEGMENT_SYNACK), const struct sock *sk)

FEXIT(tcp_retransmit_synack, "tcp_rtx_synack",
      ret ? 0 : OF(retransmit)(ctx, sk, TCP_SEGMENT_SYNACK), const struct sock *sk, void *req,
      int ret)

KPROBE(tcp_retransmit_synack, "tcp_rtx_synack", goes_in(sk, btf), const struct sock *sk)
KRETPROBE(tcp_retransmit_synack, "tcp_rtx_synack",
	  on_retransmit_end(ctx, ret, TCP_SEGMENT_SYNACK, btf), int ret)

/* ---- resets ---------------------------------------------------------------------------- */

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
	if (conn == &me) /* what was kept went with the socket's end */
		is_wanted = own_sock_concerns(KIND_tcp_reset, sk, &cgroup, btf);
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

BODY(reset, (void *ctx, const struct sock *sk, bool answer, enum tcp_direction direction),
     on_reset(ctx, sk, answer, direction, btf))

PROGRAMS(tcp_send_reset, "tcp_send_reset", OF(reset)(ctx, sk, skb, TCP_SENT), const struct sock *sk,
	 const struct sk_buff *skb)

PROGRAMS(tcp_receive_reset, "tcp_receive_reset", OF(reset)(ctx, sk, false, TCP_RECEIVED),
	 struct sock *sk)

/* The first that the tracepoint's function does. Called from another file too, and too large to
 * be inlined where it is called from its own. */
ENTRY_PROGRAMS(tcp_receive_reset, "tcp_reset", OF(reset)(ctx, sk, false, TCP_RECEIVED),
	       struct sock *sk)

/* By a socket of its own accord; told before it is sent. */
ENTRY_PROGRAMS(tcp_send_reset, "tcp_send_active_reset", OF(reset)(ctx, sk, false, TCP_SENT),
	       const struct sock *sk)

/*
 * As an answer to a packet. The functions call the tracepoint after they have asked what is asked
 * here; what is not asked: whether the packet was signed wrong (RFC 2385), or was for an address
 * of several hosts. They are static, but called by pointer too.
 */
INLINE int on_answer(void *ctx, const struct sock *sk, const struct sk_buff *skb, const bool btf)
{
	const struct tcp_skb_cb *cb = (const void *)&skb->cb;
	__u16 state = sk ? GET(btf, sk, __sk_common.skc_state) : 0;

	if (GET(btf, cb, tcp_flags) & TCPHDR_RST)
		return 0;
	/* before 6.10 the tracepoint did not tell of them */
	if (!bpf_core_type_exists(enum sk_rst_reason) &&
	    (!sk || state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV))
		return 0;
	return OF(reset)(ctx, sk, true, TCP_SENT);
}

ENTRY_PROGRAMS(tcp_answer_v4, "tcp_v4_send_reset", on_answer(ctx, sk, skb, btf),
	       const struct sock *sk, struct sk_buff *skb)
ENTRY_PROGRAMS(tcp_answer_v6, "tcp_v6_send_reset", on_answer(ctx, sk, skb, btf),
	       const struct sock *sk, struct sk_buff *skb)

#endif
