/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event + who: fills event.who and event.process. The cgroup decides, never the pid: an id
 * leads to a directory, the directory's path by the grammar of cgroup_path.h to a container,
 * a unit or the host. All tables are bounded; what does not fit or cannot be known is
 * counted, and the event goes on as WHO_UNKNOWN or without a process: never a wrong name.
 *
 * A cgroup id is kept for ten minutes after its last event, so that what a container did
 * last still has its name when its directory is gone. A who lives as long as one of the ids
 * that lead to it. The single WHO_UNKNOWN lives as long as enrich.
 */
#ifndef ENRICH_H
#define ENRICH_H

#include "event.h"

#define ENRICH_MEMORY_NS (600 * NSEC_PER_SEC)

struct enrich;

struct enrich_config {
	/* "/sys/fs/cgroup"; the v2 tree below it is found. NULL: ask nobody, every cgroup is
	 * WHO_UNKNOWN (replay: the ids of another machine must not be looked up here). */
	const char *cgroup_base;
	/* Asked instead of the node, if set (replay): the length of the path, or -ENOENT. */
	int (*lookup)(void *ctx, u64 id, char *dst, size_t cap);
	/* Told each path that was found (the tap); may be NULL. */
	void (*looked_up)(void *ctx, u64 id, struct str path);
	void *lookup_ctx;	/* of these two */
	const char *proc_base;		/* "/proc", our own pid namespace's; NULL means that */
	size_t cgroups_max;		/* cgroup ids kept, and so whos */
	size_t processes_max;
	/* A who is about to be forgotten: ten minutes after its last event, or evicted. It
	 * is never the WHO_UNKNOWN; enrich_free does not call it. May be NULL. Must not call
	 * back into enrich. */
	void (*who_gone)(void *ctx, struct who *who);
	void *ctx;
};

struct enrich_stats {
	u64 cgroup_hits, cgroup_lookups;
	/* Lookups without a name: */
	u64 cgroup_gone;	/* no directory with that id any more */
	u64 cgroup_unread;	/* cannot be seen or asked for just now */
	u64 cgroup_evicted, process_evicted;
	u64 cgroup_walks, cgroup_walks_cut;
	size_t cgroups, whos, processes, bytes;
	/* How cgroups are found (cgroup.h): for doctor and the log. */
	bool cgroup_by_handle;	/* false: by walks, CAP_DAC_READ_SEARCH is missing */
	bool cgroup_partial;	/* only a part of the tree is mounted */
};

/* 0, or -errno with the reason in err. -ENODEV: no cgroup v2 tree (v1 only); the caller may
 * go on with cgroup_base NULL. -EINVAL: a table of size 0. */
int enrich_new(struct enrich **ret, const struct enrich_config *config, char *err,
	       size_t err_cap);
void enrich_free(struct enrich *e);	/* NULL is fine */

/* Fill ev->who and ev->process; learn from exec, fork and exit. Both are valid until the
 * next call of enrich_event, enrich_cgroup or enrich_expire; a who longer: until who_gone. */
void enrich_event(struct enrich *e, struct event *ev);

/* Who a cgroup id belongs to (metrics have only that). Never NULL. Counts as an event of it
 * at now_ns: ask only for what changed. */
struct who *enrich_cgroup(struct enrich *e, u64 cgroup, u64 now_ns);

/* Id of the cgroup directory `dir` (absolute, or relative to the v2 tree; "/kubepods/..." is
 * taken as relative when it is no directory of the v2 tree). 0, or -errno (cgroup.h). */
int enrich_cgroup_id(const struct enrich *e, const char *dir, u64 *ret_id);

/* Forget what has been idle for ten minutes. Call about once a minute. */
void enrich_expire(struct enrich *e, u64 now_ns);

void enrich_stats(const struct enrich *e, struct enrich_stats *ret);

#endif
