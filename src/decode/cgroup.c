/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoders.h"

enum decode_fault decode_cgroup_mkdir(const struct rec_cgroup_mkdir *rec, struct decode_room *room,
				      struct event *ret)
{
	struct ev_cgroup_mkdir *ev = &ret->cgroup_mkdir;
	enum decode_fault fault = decode_text(&rec->head, &rec->path, &ev->path);

	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	ev->level = rec->level;
	return !fault && ev->path.n > CGROUP_PATH_WIRE ? DECODE_TEXT : fault;
}
