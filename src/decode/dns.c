/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoders.h"

enum decode_fault decode_dns_packet(const struct rec_dns_packet *rec, struct decode_room *room,
				    struct event *ret)
{
	struct ev_dns_packet *ev = &ret->dns_packet;
	enum decode_fault fault = decode_text(&rec->head, &rec->payload, &ev->payload);

	if (fault)
		return fault;
	if (rec->transport > DNS_TCP || rec->direction > TCP_RECEIVED ||
	    rec->size < ev->payload.n)
		return DECODE_VALUE;
	ev->transport = (enum dns_transport)rec->transport;
	ev->direction = (enum tcp_direction)rec->direction;
	ev->size = rec->size;
	ev->seq = rec->seq;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return decode_tuple(&rec->tuple, false, &ev->tuple);
}

enum decode_fault decode_dns_lookup(const struct rec_dns_lookup *rec, struct decode_room *room,
				    struct event *ret)
{
	struct ev_dns_lookup *ev = &ret->dns_lookup;
	enum decode_fault fault = decode_text(&rec->head, &rec->name, &ev->name);

	if (!fault)
		fault = decode_text(&rec->head, &rec->addresses, &ev->addresses);
	if (!fault)
		fault = decode_text(&rec->head, &rec->names, &ev->names);
	if (fault)
		return fault;
	if (rec->transport > DNS_TCP || rec->outcome >= DNS_OUTCOME_END || rec->rcode > 15 ||
	    rec->start_ns > rec->head.when_ns || !rec->attempts)
		return DECODE_VALUE;
	ev->transport = (enum dns_transport)rec->transport;
	ev->outcome = (enum dns_outcome)rec->outcome;
	ev->start_ns = rec->start_ns;
	ev->duration_ns = rec->head.when_ns - rec->start_ns;
	ev->type = rec->type;
	ev->rcode = rec->rcode;
	ev->attempts = rec->attempts;
	ev->answers = rec->answers;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return decode_tuple(&rec->tuple, false, &ev->tuple);
}
