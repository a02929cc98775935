/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dbname.h"
#include "report/live.h"

#define SHAPE_SHOWN 160

void live_db_query(const struct event *ev, struct buf *out)
{
	const struct ev_db_query *query = &ev->db_query;

	buf_printf(out, "db %s ", db_call_name(query->call));
	live_text(out, query->shape.n ? query->shape : STR("?"), SHAPE_SHOWN);
	if (query->shape.n && !query->whole)
		buf_cstr(out, " ...");
	if (query->result)
		buf_printf(out, " failed: %s after ", db_result_name(query->result));
	else
		buf_cstr(out, "  in ");
	live_time(out, query->duration_ns);
}
