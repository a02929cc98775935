/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "base/sql.h"
#include "decode/decoders.h"

static enum sql_dialect dialect_of(const struct rec_db_query *rec)
{
	return rec->call >= DB_MYSQL_QUERY ? SQL_MYSQL : SQL_POSTGRESQL;
}

/* What is no whole record keeps no text at all. */
const void *decode_veiled(const void *record, size_t *size, struct decode_veil *room)
{
	struct rec_db_query *rec = (struct rec_db_query *)room;
	const struct rec_head *head = record;
	struct str statement = { NULL, 0 };
	bool whole = true;

	if (*size < sizeof(*rec) || head->kind != KIND_db_query)
		return record;
	memcpy(rec, record, sizeof(*rec));
	if (head->size == *size &&
	    decode_text(head, &((const struct rec_db_query *)record)->statement, &statement))
		statement.n = 0;
	statement = str_slice(statement, 0, DB_STATEMENT_MAX);
	rec->statement.off = sizeof(*rec);
	rec->statement.len = (u16)sql_shape((char *)(rec + 1), statement, dialect_of(rec), &whole);
	rec->head.flags |= whole ? 0 : REC_CUT;
	*size = sizeof(*rec) + rec->statement.len;
	rec->head.size = (u16)*size;
	return rec;
}

/* The statement itself goes no farther than here. */
enum decode_fault decode_db_query(const struct rec_db_query *rec, struct decode_room *room,
				  struct event *ret)
{
	struct ev_db_query *ev = &ret->db_query;
	enum decode_fault fault;
	struct str statement;

	if (rec->call >= DB_CALL_END || rec->result >= DB_RESULT_END ||
	    rec->duration_ns > rec->head.when_ns)
		return DECODE_VALUE;
	ev->call = (enum db_call)rec->call;
	ev->result = (enum db_result)rec->result;
	ev->duration_ns = rec->duration_ns;
	ret->comm = str_ofn((const char *)rec->comm, COMM_LEN);
	fault = decode_text(&rec->head, &rec->statement, &statement);
	if (fault)
		return fault;
	if (statement.n > DB_STATEMENT_MAX)
		return DECODE_TEXT;
	ev->shape.p = room->shape;
	ev->shape.n = sql_shape(room->shape, statement, dialect_of(rec), &ev->whole);
	ev->whole = ev->whole && !(rec->head.flags & REC_CUT);
	return DECODE_OK;
}
