/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoders.h"

enum decode_fault decode_http_head(const struct rec_http_head *rec, struct decode_room *room,
				   struct event *ret)
{
	struct ev_http_head *ev = &ret->http_head;
	enum decode_fault fault = decode_text(&rec->head, &rec->text, &ev->text);

	if (fault)
		return fault;
	if (rec->direction > TCP_RECEIVED || rec->part > (HTTP_BEGINS | HTTP_ENDS | HTTP_GIVEN_UP) ||
	    rec->size > HTTP_PIECE || rec->size < ev->text.n)
		return DECODE_VALUE;
	ev->direction = (enum tcp_direction)rec->direction;
	ev->seq = rec->seq;
	ev->size = rec->size;
	ev->other = rec->other;
	ev->number = rec->number;
	ev->part = rec->part;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return decode_tuple(&rec->tuple, false, &ev->tuple);
}

enum decode_fault decode_http_close(const struct rec_http_close *rec, struct decode_room *room,
				    struct event *ret)
{
	ret->http_close.seq[TCP_SENT] = rec->seq[TCP_SENT];
	ret->http_close.seq[TCP_RECEIVED] = rec->seq[TCP_RECEIVED];
	return DECODE_OK;
}

enum decode_fault decode_http_request(const struct rec_http_request *rec, struct decode_room *room,
				      struct event *ret)
{
	struct ev_http_request *ev = &ret->http_request;
	enum decode_fault fault = decode_text(&rec->head, &rec->method, &ev->method);

	if (!fault)
		fault = decode_text(&rec->head, &rec->path, &ev->path);
	if (!fault)
		fault = decode_text(&rec->head, &rec->address, &ev->address);
	if (!fault)
		fault = decode_text(&rec->head, &rec->parent, &ev->parent);
	if (fault)
		return fault;
	if (rec->outcome >= HTTP_OUTCOME_END || rec->version > 9 ||
	    rec->start_ns > rec->head.when_ns ||
	    (rec->outcome == HTTP_ANSWERED ? rec->status < 100 || rec->status > 999 : rec->status))
		return DECODE_VALUE;
	ev->outcome = (enum http_outcome)rec->outcome;
	ev->start_ns = rec->start_ns;
	ev->duration_ns = rec->head.when_ns - rec->start_ns;
	ev->request_bytes = rec->request_bytes;
	ev->response_bytes = rec->response_bytes;
	ev->status = rec->status;
	ev->version = rec->version;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return decode_tuple(&rec->tuple, false, &ev->tuple);
}
