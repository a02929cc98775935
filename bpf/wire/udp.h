/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Records of the udp family. head.key: the process's start, head.pid: who called. */
#ifndef WIRE_UDP_H
#define WIRE_UDP_H

#include "sock.h"

struct rec_udp_send {
	struct rec_head head;
	struct wire_io io;
};

struct rec_udp_receive {
	struct rec_head head;
	struct wire_io io;
};

#endif
