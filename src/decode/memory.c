/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoders.h"

#define SCORE_ADJ_MAX 1000 /* OOM_SCORE_ADJ_MAX */

enum decode_fault decode_memory_oom_kill(const struct rec_memory_oom_kill *rec,
					 struct decode_room *room, struct event *ret)
{
	struct ev_memory_oom_kill *ev = &ret->memory_oom_kill;

	if (rec->score_adj < -SCORE_ADJ_MAX || rec->score_adj > SCORE_ADJ_MAX)
		return DECODE_VALUE;
	ev->total_vm = rec->total_vm;
	ev->anon = rec->anon;
	ev->file = rec->file;
	ev->shmem = rec->shmem;
	ev->swap = rec->swap;
	ev->pgtables = rec->pgtables;
	ev->limit = rec->limit;
	ev->used = rec->used;
	ev->uid = rec->uid;
	ev->score_adj = rec->score_adj;
	ev->by_pid = rec->by_pid;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	return DECODE_OK;
}
