/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two variables with which OpenTelemetry programs name themselves, read from a process's
 * environment: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES. Every other variable is passed
 * over while reading and never kept, logged or exported: an environment is full of secrets.
 */
#ifndef ENRICH_ENVIRON_H
#define ENRICH_ENVIRON_H

#include "who.h"

#define ENVIRON_READ_MAX (256u << 10)	/* bytes of an environment looked at */

/*
 * pid as proc_base's pid namespace has it. container_id: the process must be in that
 * container by its /proc/PID/cgroup, read before and after, so that a reused pid or one of
 * another pid namespace never gives a stranger's names. 0; -ENOENT no such process, or in
 * another container; -EACCES may not (SYS_PTRACE is missing); another errno.
 */
int environ_read(const char *proc_base, u32 pid, struct str container_id, struct environ_otel *ret);

#endif
