/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoders.h"

enum decode_fault decode_lookup_getaddrinfo(const struct rec_lookup_getaddrinfo *rec, struct decode_room *room,
				struct event *ret)
{
	struct ev_lookup_getaddrinfo *ev = &ret->lookup_getaddrinfo;
	enum decode_fault fault;

	if (rec->duration_ns > rec->head.when_ns ||
	    (rec->result > EAI_MAX && rec->result != EAI_UNKNOWN))
		return DECODE_VALUE;
	ev->duration_ns = rec->duration_ns;
	ev->result = rec->result;
	ev->family = rec->family;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	fault = decode_text(&rec->head, &rec->name, &ev->name);
	return !fault && ev->name.n > LOOKUP_NAME_MAX ? DECODE_TEXT : fault;
}
