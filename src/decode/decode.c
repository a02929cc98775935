/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "decode/decoders.h"
#include "kinds.h"

const char *decode_fault_name(enum decode_fault fault)
{
	static const char *const names[DECODE_END] = {
		[DECODE_OK] = "ok",	    [DECODE_SHORT] = "short", [DECODE_KIND] = "kind",
		[DECODE_SIZE] = "size",	    [DECODE_TEXT] = "text",   [DECODE_VALUE] = "value",
	};

	return names[fault];
}

enum decode_fault decode_text(const struct rec_head *head, const struct rec_text *text,
			      struct str *ret)
{
	if (!text->len) {
		*ret = STR("");
		return DECODE_OK;
	}
	if (text->off < kinds[head->kind].size || text->off + text->len > head->size)
		return DECODE_TEXT;
	*ret = (struct str){ (const char *)head + text->off, text->len };
	return DECODE_OK;
}

bool decode_join(struct str parts, char *room, size_t *at)
{
	struct str part = STR("?");

	while (parts.n) {
		str_cut(&parts, 0, &part);
		if (!part.n)
			continue;
		if (part.n + 1 > *at)
			return false;
		*at -= part.n;
		memcpy(room + *at, part.p, part.n);
		room[--*at] = '/';
	}
	return !part.n;
}

bool decode_errno_ok(s32 err)
{
	return err >= 0 && err <= 4095; /* MAX_ERRNO */
}

/* 146 years after boot: beyond it, the sum with any wall time would not fit. */
#define WHEN_MAX (1ull << 62)

/* Typed calls by kind, so that no function is called through a pointer of another type. */
#define KIND(id, kind, family, stream, live, name, text)                                         \
	static enum decode_fault call_##kind(const void *rec, struct decode_room *room,    \
					     struct event *ret)                            \
	{                                                                                  \
		return decode_##kind(rec, room, ret);                                      \
	}
#include "../../bpf/registry.def"

enum decode_fault decode(const void *record, size_t size, struct decode_room *room,
			 struct event *ret)
{
	static enum decode_fault (*const calls[KIND_END])(const void *, struct decode_room *,
							  struct event *) = {
#define KIND(id, kind, family, stream, live, name, text) [id] = call_##kind,
#include "../../bpf/registry.def"
	};
	const struct rec_head *head = record;
	struct event ev = { 0 };
	enum decode_fault fault;

	if (size < sizeof(*head))
		return DECODE_SHORT;
	if (!head->kind || head->kind >= KIND_END)
		return DECODE_KIND;
	if (head->when_ns > WHEN_MAX)
		return DECODE_VALUE;
	/* a perf sample may be longer by its padding */
	if (head->size > size || head->size > REC_SIZE_MAX)
		return DECODE_SIZE;
	if (head->size < kinds[head->kind].size)
		return DECODE_SHORT;
	ev.kind = (enum wire_kind)head->kind;
	ev.flags = head->flags;
	ev.cpu = head->cpu;
	ev.when_ns = head->when_ns;
	ev.cgroup = head->cgroup;
	ev.key = head->key;
	ev.pid = head->pid;
	ev.tid = head->tid;
	fault = calls[head->kind](record, room, &ev);
	if (fault == DECODE_OK)
		*ret = ev;
	return fault;
}
