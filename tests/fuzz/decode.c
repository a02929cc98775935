// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/pod.c src/decode/[a-z]*.c src/report/[a-z]*.c otel/map/[a-z]*.c libs: */
/*
 * Any bytes as a record. What is taken has its views inside of the record, is a line that no
 * terminal obeys, and maps to attributes whose every byte can be read. Each input is tried as
 * it is, and once more with a head that fits its bytes.
 */
#include <stdint.h>
#include <string.h>

#include "decode/decode.h"
#include "kinds.h"
#include "otel/map/map.h"
#include "report/live.h"
#include "tests/fuzz/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct decode_room room;
static struct mapped mapped;
static volatile u8 sink;

static void touch(struct str s)
{
	u8 sum = 0;

	for (size_t i = 0; i < s.n; i++)
		sum ^= (u8)s.p[i];
	sink = sum;
}

static void check_inside(struct str s, const void *record, size_t size)
{
	const char *begin = record;

	CHECK(!s.n || (s.p >= begin && s.p + s.n <= begin + size));
}

static void check_views(const struct event *ev, const void *record, size_t size)
{
	const struct str *cwd = &ev->process_exec.cwd;

	CHECK(!ev->who && !ev->process);
	check_inside(ev->comm, record, size);
	CHECK(ev->comm.n <= COMM_LEN);
	if (ev->kind == KIND_process_exec) {
		check_inside(ev->process_exec.path, record, size);
		check_inside(ev->process_exec.args, record, size);
		CHECK(cwd->n <= 1 || (cwd->p >= room.cwd &&
				      cwd->p + cwd->n <= room.cwd + sizeof(room.cwd)));
		CHECK(!cwd->n || cwd->p[0] == '/');
	} else if (ev->kind == KIND_process_exec_failed) {
		check_inside(ev->process_exec_failed.path, record, size);
	}
}

static void check_live(const struct event *ev)
{
	static char text[32768];
	struct buf b;

	buf_fixed(&b, text, sizeof(text));
	live_line(ev, 1795253560000000000, false, &b);
	CHECK(!b.err);
	check_text(buf_view(&b), false);
}

static void check_attrs(const struct attrs *attrs)
{
	CHECK(attrs->n <= ATTRS_MAX && !attrs->dropped);
	for (size_t i = 0; i < attrs->n; i++) {
		const struct attr *a = &attrs->v[i];

		touch(str_of(a->key));
		if (a->type == ATTR_STR)
			touch(a->s);
		for (size_t k = 0; a->type == ATTR_STRS && k < a->strs.n; k++)
			touch(a->strs.v[k]);
	}
}

static void check_mapped(const struct event *ev)
{
	const struct map_config config = { 1795253560000000000, true };

	map_event(ev, &config, &mapped);
	check_attrs(&mapped.note.attrs);
	CHECK(mapped.note.event_name && mapped.note.scope);
	if (!mapped.has_span)
		return;
	touch(mapped.span.name);
	check_attrs(&mapped.span.attrs);
	CHECK(mapped.span.start_ns <= mapped.span.end_ns);
}

static void try(const void *record, size_t size)
{
	struct who host = { .kind = WHO_HOST };
	struct event ev, before;
	enum decode_fault fault;

	memset(&ev, 0xa5, sizeof(ev));
	before = ev;
	fault = decode(record, size, &room, &ev);
	CHECK(fault < DECODE_END && decode_fault_name(fault));
	if (fault) {
		CHECK(!memcmp(&ev, &before, sizeof(ev)));
		return;
	}
	check_views(&ev, record, size);
	ev.who = &host;
	check_live(&ev);
	check_mapped(&ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rec_head *head = malloc(size ? size : 1); /* exactly: for the sanitizer */

	memcpy(head, data, size);
	try(head, size);
	if (size >= sizeof(*head) && size <= REC_SIZE_MAX) {
		head->size = (u16)size;
		head->kind = (u16)(1 + head->kind % (KIND_END - 1));
		/* late, so that most other times are before it */
		head->when_ns = head->when_ns >> 2 | 1ull << 61;
		try(head, size);
	}
	free(head);
	return 0;
}
