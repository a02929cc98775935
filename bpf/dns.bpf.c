/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The dns family: queries and answers in the packets of sockets, whoever made them. Its programs
 * hang on the root of the v2 tree and read packets and their own arguments, nothing of the kernel's
 * memory: they need no types and no lockdown forbids them. None has a say: each returns 1, on
 * whatever way, which lets the packet or the call pass.
 */
#include "lib/emit.h"
#include "lib/meter.h"
#include "lib/skb_cgroup.h"
#include "lib/sock_cgroup.h"
#include "wire/dns.h"
#include <bpf/bpf_endian.h>

#define DNS_PORT 53

/* A program: whatever it does, the packet or the call passes. */
#define PASS 1
#define HOOK(name, section, call, context)                                                         \
	SEC("?" section)                                                                           \
	int name(context *ctx)                                                                     \
	{                                                                                          \
		call;                                                                              \
		return PASS;                                                                       \
	}

/* ---- whose socket ------------------------------------------------------------------------- */

struct owner {
	__u64 cgroup;	/* its task's, only on v1: the socket has none there */
	__u32 pid;
	__u32 tid;
	__u8 comm[COMM_LEN];
};

/* Cookie of a socket → who opened it to port 53, or sent by it last. The oldest makes room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct owner);
} owners SEC(".maps");

/* Called by the task itself, which a packet's program may not be. */
static __noinline int keep_owner(struct bpf_sock_addr *ctx)
{
	struct owner owner = {};
	__u64 cookie, id;

	if (ctx->user_port != bpf_htons(DNS_PORT))
		return 0;
	cookie = bpf_get_socket_cookie(ctx);
	id = bpf_get_current_pid_tgid();
	if (on_v1()) {
		struct cgroup *cgrp = current_cgroup();

		keep_parents((__u64)cgrp);
		owner.cgroup = cgroup_id(cgrp, false);
	}
	owner.pid = id >> 32;
	owner.tid = id;
	bpf_get_current_comm(owner.comm, sizeof(owner.comm));
	bpf_map_update_elem(&owners, &cookie, &owner, BPF_ANY);
	return 0;
}

HOOK(dns_connect4, "cgroup/connect4", keep_owner(ctx), struct bpf_sock_addr)
HOOK(dns_connect6, "cgroup/connect6", keep_owner(ctx), struct bpf_sock_addr)
HOOK(dns_sendmsg4, "cgroup/sendmsg4", keep_owner(ctx), struct bpf_sock_addr)
HOOK(dns_sendmsg6, "cgroup/sendmsg6", keep_owner(ctx), struct bpf_sock_addr)
HOOK(dns_bind4, "cgroup/bind4", keep_owner(ctx), struct bpf_sock_addr)
HOOK(dns_bind6, "cgroup/bind6", keep_owner(ctx), struct bpf_sock_addr)

/* ---- where in a packet -------------------------------------------------------------------- */

#define IPPROTO_TCP_ 6
#define IPPROTO_UDP_ 17
#define EXTENSIONS_MAX 6 /* of IPv6, in front of the transport's header */

struct place {
	__u32 off;	/* of the transport's header, then of what is behind it */
	__u32 size;	/* of that */
	__be32 seq;	/* TCP: of its first byte */
	__u8 proto;
	__u8 v6;
	__be16 source, dest;
	__u8 from[16], to[16];
};

/* IPv4 (RFC 791) with the ports behind it, where there are no options. */
struct ipv4_head {
	__u8 version_words, tos;
	__be16 size, id, fragment;
	__u8 ttl, proto;
	__be16 sum;
	__u8 from[4], to[4];
	__be16 source, dest;
};

struct ipv6_head {
	__u8 version, class_flow[3];
	__be16 size;
	__u8 next, hops;
	__u8 from[16], to[16];
};

INLINE bool read_ports(struct __sk_buff *skb, struct place *p)
{
	return !bpf_skb_load_bytes(skb, p->off, &p->source, 2 * sizeof(p->source));
}

/* All packets of the machine come by: one read is what most of them cost. */
INLINE bool find_v4(struct __sk_buff *skb, const struct ipv4_head *ip, struct place *p)
{
	p->proto = ip->proto;
	if ((p->proto != IPPROTO_UDP_ && p->proto != IPPROTO_TCP_) ||
	    ip->fragment & bpf_htons(0x1fff)) /* not the first of its packet */
		return false;
	p->off = (ip->version_words & 0xf) * 4;
	p->source = ip->source;
	p->dest = ip->dest;
	__builtin_memcpy(p->from, ip->from, 4);
	__builtin_memcpy(p->to, ip->to, 4);
	return p->off == 20 || read_ports(skb, p);
}

INLINE bool find_v6(struct __sk_buff *skb, struct place *p)
{
	struct ipv6_head ip;
	__u8 next[4];

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
		return false;
	p->v6 = true;
	p->off = sizeof(ip);
	p->proto = ip.next;
	__builtin_memcpy(p->from, ip.from, sizeof(ip.from));
	__builtin_memcpy(p->to, ip.to, sizeof(ip.to));
	NO_UNROLL
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		if (p->proto == IPPROTO_UDP_ || p->proto == IPPROTO_TCP_)
			return read_ports(skb, p);
		if (p->proto != 0 && p->proto != 43 && p->proto != 60 && p->proto != 44)
			return false;
		if (bpf_skb_load_bytes(skb, p->off, next, sizeof(next)))
			return false;
		if (p->proto == 44 && (next[2] || next[3] & 0xf8)) /* not the first fragment */
			return false;
		p->off += p->proto == 44 ? 8 : (next[1] + 1) * 8;
		p->proto = next[0];
	}
	return false;
}

INLINE bool find(struct __sk_buff *skb, struct place *p)
{
	struct ipv4_head ip;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
		return false;
	if (ip.version_words >> 4 == 4) {
		if (!find_v4(skb, &ip, p))
			return false;
	} else if (!find_v6(skb, p)) {
		return false;
	}
	return p->source == bpf_htons(DNS_PORT) || p->dest == bpf_htons(DNS_PORT);
}

/* Behind the transport's header. False: there is nothing. */
INLINE bool find_payload(struct __sk_buff *skb, struct place *p)
{
	__be16 size;
	__u8 words;

	if (p->proto == IPPROTO_UDP_) {
		if (bpf_skb_load_bytes(skb, p->off + 4, &size, sizeof(size)))
			return false;
		p->off += 8;
		p->size = bpf_ntohs(size) - 8;
		return true;
	}
	if (bpf_skb_load_bytes(skb, p->off + 4, &p->seq, sizeof(p->seq)) ||
	    bpf_skb_load_bytes(skb, p->off + 12, &words, sizeof(words)))
		return false;
	p->off += (words >> 4) * 4;
	if (skb->len <= p->off)
		return false;
	p->size = skb->len - p->off;
	return true;
}

/* ---- what it is --------------------------------------------------------------------------- */

struct dns_head {
	__be16 id;
	__u8 flags, rcode;
	__be16 questions, answers, authorities, additionals;
};

/* One question is all that anybody asks (RFC 9619). */
INLINE enum dns_packet packet_of(struct __sk_buff *skb, const struct place *p,
				 struct dns_head *head)
{
	__builtin_memset(head, 0, sizeof(*head));
	if (p->proto == IPPROTO_TCP_)
		return DNS_SEGMENT;
	if (p->size < DNS_HEAD || bpf_skb_load_bytes(skb, p->off, head, sizeof(*head)))
		return DNS_MALFORMED;
	if (head->flags & 0x78)
		return (head->flags >> 3 & 0xf) <= 6 ? DNS_OTHER : DNS_MALFORMED;
	if (head->questions != bpf_htons(1))
		return DNS_MALFORMED;
	return head->flags & 0x80 ? DNS_ANSWER : DNS_QUERY;
}

/* ---- the record --------------------------------------------------------------------------- */

/* A packet that comes in may interrupt the program of one that goes out: each has its own. */
struct room {
	volatile __u64 busy;
	struct rec_dns_packet rec;
	__u8 payload[DNS_COPY_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct room);
} rooms SEC(".maps");

INLINE void fill_tuple(struct wire_tuple *tuple, const struct place *p, enum tcp_direction direction)
{
	bool sent = direction == TCP_SENT;

	__builtin_memcpy(tuple->local, sent ? p->from : p->to, sizeof(p->from));
	__builtin_memcpy(tuple->remote, sent ? p->to : p->from, sizeof(p->from));
	tuple->local_port = bpf_ntohs(sent ? p->source : p->dest);
	tuple->remote_port = bpf_ntohs(sent ? p->dest : p->source);
	tuple->af = p->v6 ? 10 : 2;
}

INLINE void fill_owner(struct rec_dns_packet *rec, const struct owner *owner)
{
	if (!owner)
		return;
	rec->head.pid = owner->pid;
	rec->head.tid = owner->tid;
	__builtin_memcpy(rec->comm, owner->comm, sizeof(rec->comm));
}

INLINE void send_packet(struct __sk_buff *skb, struct room *room, const struct place *p,
			enum tcp_direction direction, __u64 cgroup, __u64 cookie,
			const struct owner *owner)
{
	struct rec_dns_packet *rec = &room->rec;
	__u64 n = skb->len - p->off;

	if (n > p->size)
		n = p->size;
	if (n > DNS_COPY_MAX)
		n = DNS_COPY_MAX;
	/* the same, from 1: a comparison with 0 tells the verifiers of 5.10 and 6.1 nothing */
	n--;
	barrier_var(n);
	n = (n & (DNS_COPY_MAX - 1)) + 1;
	if (bpf_skb_load_bytes(skb, p->off, room->payload, n)) {
		count(KIND_dns_packet, LEDGER_COUNTED); /* its head was there a moment ago */
		return;
	}
	__builtin_memset(rec, 0, sizeof(*rec));
	stamp(&rec->head, KIND_dns_packet, sizeof(*rec) + n, bpf_ktime_get_boot_ns(), cgroup);
	rec->head.key = cookie;
	rec->head.flags = n < p->size ? REC_CUT : 0;
	fill_owner(rec, owner);
	fill_tuple(&rec->tuple, p, direction);
	rec->transport = p->proto == IPPROTO_UDP_ ? DNS_UDP : DNS_TCP;
	rec->direction = direction;
	rec->size = p->size;
	rec->seq = bpf_ntohl(p->seq);
	rec->payload.off = sizeof(*rec);
	rec->payload.len = n;
	send(skb, rec, sizeof(*rec) + n, KIND_dns_packet, true);
}

INLINE void on_packet(struct __sk_buff *skb, const struct place *p, enum tcp_direction direction,
		      __u64 cgroup, __u64 cookie, const struct owner *owner)
{
	__u32 of = direction;
	struct dns_head head;
	enum dns_packet packet = packet_of(skb, p, &head);
	__u16 rcode = packet == DNS_ANSWER ? head.rcode & 0xf : 0;
	struct room *room;

	meter_add(KIND_dns_packet, METER_KEY(METER_dns_packets, cgroup,
					     DNS_DIM(direction, packet, rcode), 0), 1);
	if (packet == DNS_OTHER || packet == DNS_MALFORMED) {
		count(KIND_dns_packet, LEDGER_COUNTED);
		return;
	}
	if (!streamed(KIND_dns_packet, false))
		return;
	room = bpf_map_lookup_elem(&rooms, &of);
	if (!room)
		return;
	hold_cpu();
	__sync_fetch_and_add(&room->busy, 1); /* see scratch_take */
	if (room->busy == 1)
		send_packet(skb, room, p, direction, cgroup, cookie, owner);
	else
		count(KIND_dns_packet, LEDGER_LOST_SCRATCH);
	__sync_fetch_and_add(&room->busy, -1);
	release_cpu();
}

/* On v1 of a socket of which nothing is known nobody wants anything. */
INLINE bool is_wanted(struct __sk_buff *skb, const struct owner *owner, __u64 *ret_cgroup)
{
	if (!on_v1())
		return skb_wanted(skb, ret_cgroup);
	*ret_cgroup = owner ? owner->cgroup : 0;
	return wanted(0, *ret_cgroup, false);
}

static __noinline int look(struct __sk_buff *skb, enum tcp_direction direction)
{
	struct place p = {};
	struct owner *owner;
	__u64 cgroup, cookie;

	if (!find(skb, &p) || !find_payload(skb, &p))
		return 0;
	cookie = bpf_get_socket_cookie(skb);
	owner = bpf_map_lookup_elem(&owners, &cookie);
	if (owner && owner->pid == config.self)
		return 0;
	if (counted(KIND_dns_packet, is_wanted(skb, owner, &cgroup)))
		on_packet(skb, &p, direction, cgroup, cookie, owner);
	return 0;
}

HOOK(dns_egress, "cgroup_skb/egress", look(ctx, TCP_SENT), struct __sk_buff)
HOOK(dns_ingress, "cgroup_skb/ingress", look(ctx, TCP_RECEIVED), struct __sk_buff)
