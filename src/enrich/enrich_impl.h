/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of enrich, for its own two files: enrich.c (cgroup ids to whos) and enrich_names.c
 * (whos to names). */
#ifndef ENRICH_IMPL_H
#define ENRICH_IMPL_H

#include "base/table.h"
#include "enrich/cgroup.h"
#include "enrich/enrich.h"
#include "enrich/process.h"

/* What a who is. The pod belongs to it, though an id is unique: who may make cgroups below
 * its own (a privileged container) can give them another container's id as a name. */
struct identity {
	char pod_uid[WHO_UID_MAX];
	char name[WHO_UNIT_MAX]; /* id or unit */
	u8 kind;
};

struct person {
	struct who who; /* first: a who is a person */
	size_t ids;	/* cgroup ids that lead here */
	u64 since_ns;	/* first met */
	u32 learnt;	/* enrich.learnt when its names were looked up */
	u8 environ_tries;
};

struct known {
	struct person *person;
	u64 last_ns;
};

enum unknown { UNKNOWN_NO_CGROUP, UNKNOWN_GONE, UNKNOWN_UNREAD, UNKNOWN_COUNT };

struct enrich {
	struct enrich_config config;
	struct cgroups *cgroups; /* NULL: ask nobody */
	struct table *ids;	 /* u64 → struct known */
	struct table *persons;	 /* struct identity → struct person */
	struct processes *processes;
	struct names *names;
	u32 learnt; /* counts what names learnt */
	bool names_expected;
	struct who unknown[UNKNOWN_COUNT];
	u64 hits, lookups, gone, unread, forged, environs;
};

struct identity enrich_identity(const struct who *who);

/* A who was met for the first time: look up its names, ask for those that are missing. */
void enrich_met(struct enrich *e, struct person *p, u64 now_ns);
/* Take what names learnt since the last time. */
void enrich_refresh(struct enrich *e, struct person *p);
/* The OTEL_ variables of the event's process, unless its container's are known. */
void enrich_read_environ(struct enrich *e, const struct event *ev);

#endif
