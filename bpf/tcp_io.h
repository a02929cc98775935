/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The part of the tcp family that is about calls that send and receive. Included by tcp.bpf.c. */
#ifndef TCP_IO_H
#define TCP_IO_H

#include "lib/sock_io.h"

_Static_assert(KIND_tcp_receive == KIND_tcp_send + TCP_RECEIVED, "see on_io");

static const struct io_of tcp_calls = {
	.family = FAMILY_tcp,
	.about = CALL_TCP,
	.kind = KIND_tcp_send,
	.messages = METER_tcp_calls,
	.errors = METER_tcp_calls,
	.bytes = METER_tcp_call_io,
	.duration = METER_tcp_call_duration,
};

PROGRAMS(tcp_io, "sys_exit", on_io(ctx, &tcp_calls, regs, ret, false, btf), struct pt_regs *regs,
	 long ret)

/* Where no descriptor can be looked at. */
TP_BTF(tcp_typed, "sys_exit", on_io(ctx, &tcp_calls, regs, ret, true, btf), struct pt_regs *regs,
       long ret)
FEXIT(tcp_sendmsg, "tcp_sendmsg", io_by(&tcp_calls, sk, true, btf), const struct sock *sk)
FEXIT(tcp_recvmsg, "tcp_recvmsg", io_by(&tcp_calls, sk, false, btf), const struct sock *sk)
FEXIT(tcp_splice_read, "tcp_splice_read", io_by(&tcp_calls, GET(btf, sock, sk), false, btf),
      const struct socket *sock)

#endif
