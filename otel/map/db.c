/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements: spans of kind CLIENT, by the semantic conventions for database clients. The text is
 * the statement's shape, which has no literals. What failed is worth a note besides.
 */
#include "base/dbname.h"
#include "base/sql.h"
#include "otel/map/map.h"

_Static_assert(DB_CALLS == DB_CALL_END && DB_RESULTS == DB_RESULT_END, "each has a name");

/* By what the client is: MariaDB's talks to servers of MySQL too, in the same protocol. */
static struct str system_name(unsigned system)
{
	return system == DB_POSTGRESQL ? STR("postgresql") : STR("mysql");
}

void map_db(struct attrs *ret, unsigned system, unsigned result)
{
	attr_str(ret, "db.system.name", system_name(system));
	if (result)
		attr_str(ret, "error.type", str_of(db_result_name(result)));
}

static void put_shape(struct attrs *a, const struct ev_db_query *query, struct map_room *room)
{
	size_t n = sql_summary(room->summary, sizeof(room->summary), query->shape);

	if (query->shape.n)
		attr_str(a, "db.query.text", query->shape);
	if (query->shape.n && !query->whole)
		attr_bool(a, "podtrace.db.text_cut", true);
	if (n)
		attr_str(a, "db.query.summary", (struct str){ room->summary, n });
}

void otlp_db_query(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_db_query *query = &ev->db_query;
	unsigned system = query->call >= DB_MYSQL_QUERY ? DB_MYSQL : DB_POSTGRESQL;
	struct attrs *a = &ret->note.attrs;

	map_db(a, system, query->result);
	put_shape(a, query, &ret->room);
	attr_str(a, "podtrace.db.call", str_of(db_call_name(query->call)));
	map_seconds(a, "podtrace.db.duration", query->duration_ns);
	if (ev->pid)
		attr_int(a, "process.pid", ev->pid);
	if (ev->comm.n)
		attr_str(a, "thread.name", ev->comm);

	ret->has_span = true;
	ret->span.kind = SPAN_CLIENT;
	ret->span.name = *ret->room.summary ? str_of(ret->room.summary) : system_name(system);
	ret->span.start_ns = ret->span.end_ns - query->duration_ns;
	ret->span.status = query->result ? STATUS_ERROR : STATUS_UNSET;
	ret->span.attrs = ret->note.attrs;
	ret->has_note = query->result;
	ret->note.event_name = "podtrace.db.query.failed";
	ret->note.severity = NOTE_WARN;
}
