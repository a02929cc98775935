/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoders.h"

#define STATE_MAX 13 /* TCP_BOUND_INACTIVE, the last the kernel has */

enum decode_fault decode_tcp_connect(const struct rec_tcp_connect *rec, struct decode_room *room,
				     struct event *ret)
{
	struct ev_tcp_connect *ev = &ret->tcp_connect;

	if (rec->start_ns > rec->head.when_ns || !decode_errno_ok(rec->err))
		return DECODE_VALUE;
	ev->start_ns = rec->start_ns;
	ev->duration_ns = rec->head.when_ns - rec->start_ns;
	ev->err = rec->err;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return decode_tuple(&rec->tuple, false, &ev->tuple);
}

enum decode_fault decode_tcp_accept(const struct rec_tcp_accept *rec, struct decode_room *room,
				    struct event *ret)
{
	struct ev_tcp_accept *ev = &ret->tcp_accept;

	if (rec->established_ns > rec->head.when_ns)
		return DECODE_VALUE;
	ev->wait_known = rec->established_ns;
	ev->wait_ns = ev->wait_known ? rec->head.when_ns - rec->established_ns : 0;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return decode_tuple(&rec->tuple, false, &ev->tuple);
}

enum decode_fault decode_tcp_state(const struct rec_tcp_state *rec, struct decode_room *room,
				   struct event *ret)
{
	struct ev_tcp_state *ev = &ret->tcp_state;

	if (rec->from > STATE_MAX || rec->to > STATE_MAX)
		return DECODE_VALUE;
	ev->from = rec->from;
	ev->to = rec->to;
	return decode_tuple(&rec->tuple, false, &ev->tuple);
}

enum decode_fault decode_tcp_close(const struct rec_tcp_close *rec, struct decode_room *room,
				   struct event *ret)
{
	struct ev_tcp_close *ev = &ret->tcp_close;

	if (rec->start_ns > rec->head.when_ns || rec->from > STATE_MAX ||
	    !decode_errno_ok(rec->err))
		return DECODE_VALUE;
	ev->start_ns = rec->start_ns;
	ev->sent = rec->sent;
	ev->received = rec->received;
	ev->srtt_us = rec->srtt_us;
	ev->retransmits = rec->retransmits;
	ev->segs_out = rec->segs_out;
	ev->segs_in = rec->segs_in;
	ev->err = rec->err;
	ev->from = (u16)rec->from;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return decode_tuple(&rec->tuple, false, &ev->tuple);
}

enum decode_fault decode_tcp_retransmit(const struct rec_tcp_retransmit *rec,
					struct decode_room *room, struct event *ret)
{
	struct ev_tcp_retransmit *ev = &ret->tcp_retransmit;

	if (rec->segment > TCP_SEGMENT_SYNACK || rec->state > STATE_MAX)
		return DECODE_VALUE;
	ev->segment = (enum tcp_segment)rec->segment;
	ev->state = rec->state;
	ev->total = rec->total;
	return decode_tuple(&rec->tuple, false, &ev->tuple);
}

enum decode_fault decode_tcp_reset(const struct rec_tcp_reset *rec, struct decode_room *room,
				   struct event *ret)
{
	struct ev_tcp_reset *ev = &ret->tcp_reset;

	if (rec->direction > TCP_RECEIVED || rec->state > STATE_MAX)
		return DECODE_VALUE;
	ev->direction = (enum tcp_direction)rec->direction;
	ev->state = rec->state;
	return decode_tuple(&rec->tuple, true, &ev->tuple);
}

enum decode_fault decode_tcp_listen_drop(const struct rec_tcp_listen_drop *rec,
					 struct decode_room *room, struct event *ret)
{
	struct ev_tcp_listen_drop *ev = &ret->tcp_listen_drop;

	ev->drops = rec->drops;
	ev->backlog = rec->backlog;
	ev->backlog_max = rec->backlog_max;
	return decode_tuple(&rec->tuple, false, &ev->tuple);
}

enum decode_fault decode_tcp_send(const struct rec_tcp_send *rec, struct decode_room *room,
				  struct event *ret)
{
	return decode_io(&rec->io, ret);
}

enum decode_fault decode_tcp_receive(const struct rec_tcp_receive *rec, struct decode_room *room,
				     struct event *ret)
{
	return decode_io(&rec->io, ret);
}
