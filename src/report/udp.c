/* SPDX-License-Identifier: Apache-2.0 */
#include "report/live.h"

void live_udp_send(const struct event *ev, struct buf *out)
{
	live_io(out, &ev->io, "udp send", true);
}

void live_udp_receive(const struct event *ev, struct buf *out)
{
	live_io(out, &ev->io, "udp receive", false);
}
