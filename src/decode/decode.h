/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wire record → event. The one place where lengths are checked: after it every view lies in
 * the record. Pure: no I/O, no allocation, no log; any bytes may come (a capture file can be
 * damaged), each refusal has a name.
 */
#ifndef DECODE_H
#define DECODE_H

#include "event.h"

enum decode_fault {
	DECODE_OK,
	DECODE_SHORT,	/* smaller than a head, or than its kind's record */
	DECODE_KIND,	/* a kind we do not know */
	DECODE_SIZE,	/* head.size does not fit the bytes */
	DECODE_TEXT,	/* a text points outside of the record */
	DECODE_VALUE,	/* a field has a value it cannot have */
	DECODE_END
};

/* Room for what cannot be a view: owned by the caller, valid as long as the event. */
struct decode_room {
	union {
		char cwd[CWD_MAX + 2];
		char path[2][FILE_BASE_MAX + 1 + FILE_PATH_MAX];
		char shape[DB_STATEMENT_MAX];
	};
};

/* ret is filled only if DECODE_OK comes back; who and process are NULL. */
enum decode_fault decode(const void *record, size_t size, struct decode_room *room,
			 struct event *ret);

/*
 * The record as a file may keep it, which others will read: without what stands in statements. Itself,
 * or one in room; *size is its size.
 */
struct decode_veil {
	union {
		struct rec_head head;
		u8 bytes[sizeof(struct rec_db_query) + DB_STATEMENT_MAX];
	};
};
const void *decode_veiled(const void *record, size_t *size, struct decode_veil *room);

const char *decode_fault_name(enum decode_fault fault);

#endif
