/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Which system calls are noted when they begin (config.calls): groups that features ask for by CALLS rows. */
#ifndef WIRE_CALL_H
#define WIRE_CALL_H

#define CALLS_TRANSFER 0x1u	/* read, write and their like: of files and of sockets */
#define CALLS_SOCKET 0x2u	/* send..., recv... */
#define CALLS_FILE 0x4u		/* open, close, fsync, unlink, rename */
#define CALLS_FUTEX 0x8u

#endif
