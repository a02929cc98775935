/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* What bpf/fit.bpf.c found when it looked at our own task through somebody else's types. */
#ifndef WIRE_FIT_H
#define WIRE_FIT_H

enum fit {
	FIT_YES,
	FIT_LACKS, /* a struct or field that we read is not in them */
	FIT_PID,   /* the task has another pid than the kernel says */
	FIT_NAME,
	FIT_USER,
	FIT_CGROUP,
	FIT_START, /* a time in the future, or none */
	FIT_END
};

#endif
