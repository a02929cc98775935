/* SPDX-License-Identifier: Apache-2.0 */
/* Names looked up by getaddrinfo. */
#include "base/eainame.h"
#include "otel/map/map.h"

void otlp_lookup_getaddrinfo(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_lookup_getaddrinfo *lookup = &ev->lookup_getaddrinfo;
	struct attrs *a = &ret->note.attrs;

	if (lookup->name.n)
		attr_str(a, "dns.question.name", lookup->name);
	if (lookup->family == 2 || lookup->family == 10) /* AF_INET, AF_INET6 */
		attr_str(a, "network.type", lookup->family == 2 ? STR("ipv4") : STR("ipv6"));
	attrs_add(a, "podtrace.lookup.duration", ATTR_DOUBLE)->d =
		(double)lookup->duration_ns / (double)NSEC_PER_SEC;
	if (ev->pid)
		attr_int(a, "process.pid", ev->pid);
	if (ev->comm.n)
		attr_str(a, "thread.name", ev->comm);
	if (!lookup->result)
		return;
	attr_str(a, "error.type", str_of(eainame(lookup->result)));
	ret->has_note = true;
	ret->note.event_name = "podtrace.lookup.getaddrinfo.failed";
	ret->note.severity = NOTE_WARN;
}
