/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Records of the lookup family. */
#ifndef WIRE_LOOKUP_H
#define WIRE_LOOKUP_H

#include "head.h"

#define LOOKUP_NAME_MAX 255	/* a name of the DNS has at most 253; what is as long is cut */

/* Results: those of netdb.h (EAI_NONAME -2) without their sign. Glibc's last is 105; whatever else
 * a process returns is no result. */
#define EAI_MAX 105u
#define EAI_UNKNOWN 0xffffu

struct rec_lookup_getaddrinfo {
	struct rec_head head;	/* when_ns: the end */
	__u64 duration_ns;
	__u16 result;		/* 0: found; EAI_* without the sign, or EAI_UNKNOWN */
	__u16 family;		/* AF_*, as asked for; 0: any */
	struct rec_text name;	/* none: the address of no host was asked for (NULL) */
	__u32 rsvd[2];
	__u8 comm[COMM_LEN];
};

#endif
