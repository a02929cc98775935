/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry and figures.def, expanded for user space: tables of kinds, families, features,
 * programs, meters and figures. All const; ids index them.
 */
#ifndef KINDS_H
#define KINDS_H

#include "base/str.h"
#include "../bpf/wire/config.h"

struct kind {
	const char *id;		/* "process_exec" */
	const char *name;	/* "podtrace.process.exec" */
	const char *text;
	enum wire_family family;
	enum stream stream;	/* what the agent streams by default */
	enum stream live;	/* what the live view shows */
	size_t size;		/* of the fixed part of its record */
};

struct family {
	const char *name;
	const char *text;
};

/* The numbers are in capture files: append only. */
enum rung {
	RUNG_tp_btf, RUNG_raw_tp, RUNG_iter, RUNG_fentry, RUNG_kprobe, RUNG_uprobe_multi, RUNG_uprobe,
	RUNG_cgroup, RUNG_COUNT
};

struct feature {
	enum wire_family family;
	const char *name;
	bool needed;		/* the family is worth nothing without it */
	const char *without;	/* what is missing without it */
};

/* Rows of one feature stand together, best first; those of one rung are needed together. */
struct prog {
	u16 feature;		/* index in features */
	enum rung rung;
	const char *name;
	u8 copies[2];		/* beside it; [1]: where tracepoints can be preempted */
};

enum meter_type { METER_COUNTER, METER_HISTOGRAM };
enum meter_dim {
	DIM_NONE, DIM_ERRNO, DIM_EXIT, DIM_CONNECT, DIM_ROLE, DIM_ROLE_DIRECTION, DIM_SEGMENT,
	DIM_DIRECTION, DIM_STATE, DIM_SYSCALL, DIM_EAI, DIM_FILE, DIM_FUTEX, DIM_DNS_PACKET, DIM_DNS_LOOKUP,
	DIM_DNS_ROLE, DIM_DNS_REASON, DIM_HTTP, DIM_HTTP_REASON, DIM_DB,
};
enum meter_bounds {
	BOUNDS_NONE,
#define BOUNDS(name, ...) BOUNDS_##name,
#include "../bpf/wire/bounds.def"
	BOUNDS_COUNT
};

struct meter {
	const char *id;
	const char *name;
	const char *unit;
	const char *text;
	enum wire_family family;
	enum meter_type type;
	enum meter_dim dim;
	enum meter_bounds bounds;
};

/* Whose functions programs are attached to: a file whose name fits one of these is tried. */
enum library {
#define LIBRARY(library, ...) LIBRARY_##library,
#include "../bpf/registry.def"
	LIBRARY_END
};

enum figure_type { FIGURE_COUNTER, FIGURE_UPDOWN, FIGURE_GAUGE };

/* Where a file of a cgroup is: in the v2 tree, or in the hierarchy of a v1 controller. */
enum figure_tree {
	FIGURE_NOWHERE, FIGURE_V2, FIGURE_MEMORY, FIGURE_CPU, FIGURE_CPUACCT, FIGURE_PIDS,
	FIGURE_TREES
};

struct figure_source {
	enum figure_tree tree;
	const char *file, *key;	/* figures.def has their grammar */
	u32 scale;
};

struct figure {
	const char *name;
	const char *unit;
	const char *text;
	const char *attr;	/* NULL: it has one reading */
	enum wire_family family;
	enum figure_type type;
};

enum figure_id {
#define FIGURE(figure, ...) FIGURE_##figure,
#include "figures.def"
	FIGURE_END
};

struct reading {
	enum figure_id figure;
	const char *value;	/* of the figure's attribute; NULL */
	struct figure_source of[2], less[2]; /* v2, v1 */
};

enum reading_id {
#define READING(reading, ...) READING_##reading,
#include "figures.def"
	READING_END
};

/* Of one container, at one time. */
struct reading_set {
	u64 cgroup;
	u64 start_ns, read_ns;	/* boot ns; counters count since start */
	u64 has;		/* bit per enum reading_id */
	u64 value[READING_END];	/* count, bytes, nanoseconds */
};

extern const struct figure figures[FIGURE_END];
extern const struct reading readings[READING_END];
extern const struct kind kinds[KIND_END];	/* [0] is empty: ids start at 1 */
extern const struct family families[FAMILY_END];
extern const struct meter meters[METER_END];	/* [0] is empty */
extern const struct feature features[];
extern const size_t features_n;
extern const struct prog progs[];
extern const size_t progs_n;

#define FEATURES_MAX 64
#define PROGS_MAX 256

/* Bucket bounds in ns; *ret_n is how many (0 for BOUNDS_NONE). */
const u64 *bounds_of(enum meter_bounds bounds, size_t *ret_n);

/* The kind a feature feeds: the one whose name its own begins with (tcp_reset_sent: tcp_reset), else
 * the first of its family, which it feeds too. KIND_NONE: the family has none. */
enum wire_kind feature_kind(size_t feature);
/* The groups of system calls (CALLS_*, bpf/wire/call.h) whose beginnings a feature needs; 0: none. */
u32 feature_calls(size_t feature);
/* Bit per enum wire_family: of these some events can be left untold. Not of those whose metrics are
 * made from what is told (FOLDED), nor of new cgroups, by which all others are known. */
u32 families_thinned(void);
/* Whether it reads what programs send and receive. */
bool feature_payload(size_t feature);
/* Families that have figures: bits. */
u32 figure_families(void);
/* What a feature is without where kernel memory cannot be read by helper; NULL: nothing. */
const char *feature_lacks(size_t feature);
const char *rung_name(enum rung rung);
/* Index, or -1. */
int family_find(struct str name);
int rung_find(struct str name);
/* At functions of libraries. */
bool rung_is_uprobe(enum rung rung);
int library_find(struct str name);
/* Bit per enum library: those that a file of that name can be. */
u32 library_of_file(struct str name);

#endif
