/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a program wants to know of a socket. */
#ifndef LIB_SOCK_H
#define LIB_SOCK_H

#include "prog.h"
#include <bpf/bpf_endian.h>
#include "../wire/sock.h"

/* struct sockaddr_in and sockaddr_in6, as far as we look. */
struct user_addr {
	__u16 family;
	__u16 port;
	__u32 addr4; /* flow label of an IPv6 address */
	__u8 addr6[16];
};

/* false: its page is not present. */
INLINE bool user_addr(struct user_addr *ret, __u64 at)
{
	return !bpf_probe_read_user(ret, sizeof(*ret), (void *)at) ||
	       !bpf_probe_read_user(ret, 8, (void *)at);
}

INLINE bool is_tcp(const struct sock *sk, const bool btf)
{
	__u16 family = GET(btf, sk, __sk_common.skc_family);

	return (family == AF_INET || family == AF_INET6) &&
	       GET(btf, sk, sk_protocol) == IPPROTO_TCP;
}

INLINE __u32 sock_netns(const struct sock *sk, const bool btf)
{
	struct net *net = GET(btf, sk, __sk_common.skc_net.net);

	return net ? GET(btf, net, ns.inum) : 0;
}

/* The socket as TCP's own struct; NULL for those the verifier cannot vouch for. */
INLINE struct tcp_sock *sock_tcp(const struct sock *sk, const bool btf)
{
	return btf ? (struct tcp_sock *)bpf_skc_to_tcp_sock((void *)sk) : (struct tcp_sock *)sk;
}

INLINE __u16 sock_local_port(const struct sock *sk, const bool btf)
{
	__u16 port = GET(btf, sk, __sk_common.skc_num);
	struct tcp_sock *tp;

	if (port)
		return port;
	/* one the kernel chose is given back before the state becomes CLOSE (inet_put_port) */
	tp = sock_tcp(sk, btf);
	return tp ? bpf_ntohs(GET(btf, tp, inet_conn.icsk_inet.inet_sport)) : 0;
}

INLINE void sock_tuple(struct wire_tuple *tuple, const struct sock *sk, __u16 role, const bool btf)
{
	tuple->af = GET(btf, sk, __sk_common.skc_family);
	tuple->role = role;
	tuple->netns = sock_netns(sk, btf);
	tuple->local_port = sock_local_port(sk, btf);
	tuple->remote_port = bpf_ntohs(GET(btf, sk, __sk_common.skc_dport));
	if (tuple->af == AF_INET6) {
		__u32 *local = (__u32 *)tuple->local, *remote = (__u32 *)tuple->remote;

		for (int i = 0; i < 4; i++) {
			local[i] = GET(btf, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[i]);
			remote[i] = GET(btf, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[i]);
		}
	} else {
		*(__u32 *)tuple->local = GET(btf, sk, __sk_common.skc_rcv_saddr);
		*(__u32 *)tuple->remote = GET(btf, sk, __sk_common.skc_daddr);
	}
}

#endif
