/* SPDX-License-Identifier: Apache-2.0 */
#include "base/eainame.h"
#include "report/live.h"

void live_lookup_getaddrinfo(const struct event *ev, struct buf *out)
{
	const struct ev_lookup_getaddrinfo *lookup = &ev->lookup_getaddrinfo;

	buf_cstr(out, "lookup ");
	live_text(out, lookup->name.n ? lookup->name : STR("?"), LOOKUP_NAME_MAX);
	if (lookup->result)
		buf_printf(out, " failed: %s", eainame(lookup->result));
	buf_cstr(out, "  in ");
	live_time(out, lookup->duration_ns);
}
