/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "otel/map/map.h"

#define KIND(id, kind, family, stream, live, name, text)                                         \
	static void call_##kind(const struct event *ev, const struct map_config *config,   \
				struct mapped *ret)                                        \
	{                                                                                  \
		otlp_##kind(ev, config, ret);                                              \
	}
#include "../../bpf/registry.def"

void map_event(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	static void (*const calls[KIND_END])(const struct event *, const struct map_config *,
					     struct mapped *) = {
#define KIND(id, kind, family, stream, live, name, text) [id] = call_##kind,
#include "../../bpf/registry.def"
	};
	static const char *const scopes[FAMILY_END] = {
#define FAMILY(family, text) [FAMILY_##family] = "podtrace/" #family,
#include "../../bpf/registry.def"
	};
	const struct kind *kind = &kinds[ev->kind];
	u64 wall = clock_wall_ns(ev->when_ns, config->wall_offset_ns);

	ret->has_span = ret->has_note = ret->has_parent = false;
	memset(&ret->span, 0, offsetof(struct span, attrs));
	memset(&ret->note, 0, offsetof(struct note, attrs));
	ret->span.attrs.n = ret->span.attrs.dropped = 0;
	ret->note.attrs.n = ret->note.attrs.dropped = 0;
	ret->span.scope = ret->note.scope = scopes[kind->family];
	ret->span.kind = SPAN_INTERNAL;
	ret->span.end_ns = wall;
	ret->note.event_name = kind->name;
	ret->note.severity = NOTE_INFO;
	ret->note.time_ns = ret->note.observed_ns = wall;
	calls[ev->kind](ev, config, ret);
}
