/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which pid we have in the initial pid namespace: the one that programs see. In a namespace of
 * our own nobody else can tell. Run once, by BPF_PROG_TEST_RUN (5.10), never attached.
 */
#include "lib/prog.h"

SEC("raw_tp/sys_enter")
int whoami(void *ctx)
{
	return bpf_get_current_pid_tgid() >> 32;
}
