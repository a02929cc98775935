/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The udp family: datagrams sent and received by system calls. */
#include "lib/sock_io.h"
#include "wire/udp.h"

_Static_assert(KIND_udp_receive == KIND_udp_send + TCP_RECEIVED, "see on_io");

static const struct io_of udp = {
	.family = FAMILY_udp,
	.about = CALL_UDP,
	.kind = KIND_udp_send,
	.messages = METER_udp_datagrams,
	.errors = METER_udp_errors,
	.bytes = METER_udp_io,
	.duration = METER_udp_call_duration,
};

PROGRAMS(udp_sysexit, "sys_exit", on_io(ctx, &udp, regs, ret, false, btf), struct pt_regs *regs,
	 long ret)

/* Where no descriptor can be looked at, the functions below the call tell its socket. A family
 * has functions of its own, and a socket of IPv6 calls the other's for a mapped address. */
TP_BTF(udp_typed, "sys_exit", on_io(ctx, &udp, regs, ret, true, btf), struct pt_regs *regs, long ret)
FEXIT(udp_sendmsg, "udp_sendmsg", io_by(&udp, sk, true, btf), const struct sock *sk)
FEXIT(udpv6_sendmsg, "udpv6_sendmsg", io_by(&udp, sk, true, btf), const struct sock *sk)
FEXIT(udp_recvmsg, "udp_recvmsg", io_by(&udp, sk, false, btf), const struct sock *sk)
FEXIT(udpv6_recvmsg, "udpv6_recvmsg", io_by(&udp, sk, false, btf), const struct sock *sk)
