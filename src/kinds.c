/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include "kinds.h"
#include "../bpf/wire/call.h"
#include "../bpf/wire/records.h"

enum { no, yes }; /* as the registry writes them */
enum { LIVE_no = STREAM_NONE, LIVE_failed = STREAM_FAILED, LIVE_yes = STREAM_ALL };

const struct kind kinds[KIND_END] = {
#define KIND(id_, kind, family_, stream_, live_, name_, text_)                                    \
	[id_] = { .id = #kind,                                                             \
		  .name = name_,                                                           \
		  .text = text_,                                                           \
		  .family = FAMILY_##family_,                                              \
		  .stream = STREAM_##stream_,                                              \
		  .live = (enum stream)LIVE_##live_,                                      \
		  .size = sizeof(struct rec_##kind) },
#include "../bpf/registry.def"
};

const struct family families[FAMILY_END] = {
#define FAMILY(family, text_) [FAMILY_##family] = { .name = #family, .text = text_ },
#include "../bpf/registry.def"
};

const struct meter meters[METER_END] = {
#define METER(id_, meter, family_, type_, name_, unit_, dim_, bounds_, text_)              \
	[id_] = { .id = #meter,                                                            \
		  .name = name_,                                                           \
		  .unit = unit_,                                                           \
		  .text = text_,                                                           \
		  .family = FAMILY_##family_,                                              \
		  .type = METER_##type_,                                                   \
		  .dim = DIM_##dim_,                                                       \
		  .bounds = BOUNDS_##bounds_ },
#include "../bpf/registry.def"
};

#define V2(file, key, scale) { FIGURE_V2, file, key, scale }
#define V1(tree, file, key, scale) { FIGURE_##tree, file, key, scale }
#define NOWHERE { FIGURE_NOWHERE, NULL, NULL, 0 }
const struct figure figures[FIGURE_END] = {
#define FIGURE(figure, family_, type_, name_, unit_, attr_, text_)                                 \
	[FIGURE_##figure] = {                                                                      \
		.name = name_,                                                                     \
		.unit = unit_,                                                                     \
		.text = text_,                                                                     \
		.attr = attr_,                                                                     \
		.family = FAMILY_##family_,                                                        \
		.type = FIGURE_##type_,                                                            \
	},
#include "figures.def"
};

const struct reading readings[READING_END] = {
#define READING(reading, figure_, value_, v2, v1)                                                  \
	[READING_##reading].figure = FIGURE_##figure_, [READING_##reading].value = value_,         \
	[READING_##reading].of = { v2, v1 },
#define LESS(reading, v2, v1) [READING_##reading].less = { v2, v1 },
#include "figures.def"
};

_Static_assert(READING_END <= 64, "more readings than masks have bits");

enum {
#define FEATURE(family, feature, needed, text) FEATURE_##feature,
#include "../bpf/registry.def"
	FEATURE_END
};

const struct feature features[] = {
#define FEATURE(family_, feature, needed_, text)                                           \
	{ .family = FAMILY_##family_, .name = #feature, .needed = needed_, .without = text },
#include "../bpf/registry.def"
};
const size_t features_n = ARRAY_SIZE(features);

const struct prog progs[] = {
#define PROG(feature_, rung_, program)                                                     \
	{ .feature = FEATURE_##feature_, .rung = RUNG_##rung_, .name = #program },
#define PROG_COPIED(feature_, rung_, program, copies_, preempted_)                         \
	{ .feature = FEATURE_##feature_, .rung = RUNG_##rung_, .name = #program,           \
	  .copies = { copies_, preempted_ } },
#include "../bpf/registry.def"
};
const size_t progs_n = ARRAY_SIZE(progs);

_Static_assert(ARRAY_SIZE(features) <= FEATURES_MAX, "more features than masks have bits");
_Static_assert(ARRAY_SIZE(progs) <= PROGS_MAX, "more programs than tables have rows");

#define BOUNDS(name, ...) static const u64 ns_##name[] = { __VA_ARGS__ };                  \
	_Static_assert(ARRAY_SIZE(ns_##name) < METER_SLOTS, "too many bounds");
#include "../bpf/wire/bounds.def"

const u64 *bounds_of(enum meter_bounds bounds, size_t *ret_n)
{
	static const struct {
		const u64 *v;
		size_t n;
	} table[BOUNDS_COUNT] = {
#define BOUNDS(name, ...) [BOUNDS_##name] = { ns_##name, ARRAY_SIZE(ns_##name) },
#include "../bpf/wire/bounds.def"
	};

	*ret_n = table[bounds].n;
	return table[bounds].v;
}

enum wire_kind feature_kind(size_t feature)
{
	const struct feature *f = &features[feature];
	size_t best = KIND_NONE, longest = 0;
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", families[f->family].name, f->name);
	for (size_t k = 1; k < KIND_END; k++) {
		size_t n = strlen(kinds[k].id);

		if (kinds[k].family != f->family || (best && n <= longest))
			continue;
		if (strncmp(name, kinds[k].id, n) || (name[n] && name[n] != '_'))
			n = 0; /* the family's first, if no name fits */
		if (!best || n)
			best = k;
		longest = n > longest ? n : longest;
	}
	return (enum wire_kind)best;
}

u32 feature_calls(size_t feature)
{
	static const u32 calls[FEATURE_END] = {
#define CALLS(feature_, groups) [FEATURE_##feature_] = groups,
#include "../bpf/registry.def"
	};

	return calls[feature];
}

u32 families_thinned(void)
{
	u32 whole = 1u << FAMILY_cgroup;

#define FOLDED(kind) whole |= 1u << kinds[KIND_##kind].family;
#include "../bpf/registry.def"
	return ((1u << FAMILY_END) - 1) & ~whole;
}

bool feature_payload(size_t feature)
{
	static const bool payload[FEATURE_END] = {
#define PAYLOAD(feature_) [FEATURE_##feature_] = true,
#include "../bpf/registry.def"
	};

	return payload[feature];
}

u32 figure_families(void)
{
	u32 bits = 0;

	for (size_t i = 0; i < FIGURE_END; i++)
		bits |= 1u << figures[i].family;
	return bits;
}

const char *feature_lacks(size_t feature)
{
	static const char *const lacks[FEATURE_END] = {
#define LACKS(feature_, text) [FEATURE_##feature_] = text,
#include "../bpf/registry.def"
	};

	return lacks[feature];
}

static const char *const rung_names[RUNG_COUNT] = {
	[RUNG_tp_btf] = "tp_btf",
	[RUNG_raw_tp] = "raw_tp",
	[RUNG_iter] = "iter",
	[RUNG_fentry] = "fentry",
	[RUNG_kprobe] = "kprobe",
	[RUNG_uprobe_multi] = "uprobe_multi",
	[RUNG_uprobe] = "uprobe",
	[RUNG_cgroup] = "cgroup",
};

const char *rung_name(enum rung rung)
{
	return rung_names[rung];
}

int rung_find(struct str name)
{
	for (int i = 0; i < RUNG_COUNT; i++)
		if (str_eq(name, str_of(rung_names[i])))
			return i;
	return -1;
}

int family_find(struct str name)
{
	for (int i = 0; i < FAMILY_END; i++)
		if (str_eq(name, str_of(families[i].name)))
			return i;
	return -1;
}

#define LIBRARY_NAMES_MAX 6

static const struct {
	const char *name;
	const char *files[LIBRARY_NAMES_MAX]; /* NULL: none */
} libraries[LIBRARY_END] = {
#define LIBRARY(library, ...) [LIBRARY_##library] = { #library, { __VA_ARGS__ } },
#include "../bpf/registry.def"
};

bool rung_is_uprobe(enum rung rung)
{
	return rung == RUNG_uprobe_multi || rung == RUNG_uprobe;
}

int library_find(struct str name)
{
	for (int i = 0; i < LIBRARY_END; i++)
		if (str_eq(name, str_of(libraries[i].name)))
			return i;
	return -1;
}

static bool fits(struct str name, const char *pattern)
{
	struct str rest = str_of(pattern), head;

	str_cut(&rest, '*', &head);
	if (!rest.p)
		return str_eq(name, head);
	return name.n >= head.n + rest.n && str_starts(name, head) && str_ends(name, rest);
}

u32 library_of_file(struct str name)
{
	u32 bits = 0;

	for (int i = 0; i < LIBRARY_END; i++)
		for (int k = 0; k < LIBRARY_NAMES_MAX && libraries[i].files[k]; k++)
			bits |= (u32)fits(name, libraries[i].files[k]) << i;
	return bits;
}
