/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoders.h"

enum decode_fault decode_udp_send(const struct rec_udp_send *rec, struct decode_room *room,
				  struct event *ret)
{
	return decode_io(&rec->io, ret);
}

enum decode_fault decode_udp_receive(const struct rec_udp_receive *rec, struct decode_room *room,
				     struct event *ret)
{
	return decode_io(&rec->io, ret);
}
