/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event + who: fills event.who and event.process. The cgroup decides, never the pid: an id
 * leads to a directory, the directory's path by the grammar of cgroup_path.h to a container,
 * a unit or the host. All tables are bounded; what does not fit or cannot be known is
 * counted, and the event goes on as WHO_UNKNOWN or without a process: never a wrong name.
 *
 * A cgroup id is kept for ten minutes after its last event, so that what a container did
 * last still has its name when its directory is gone. A who lives as long as one of the ids
 * that lead to it. WHO_UNKNOWN, one for each reason, live as long as enrich.
 */
#ifndef ENRICH_H
#define ENRICH_H

#include "enrich/environ.h"
#include "enrich/names.h"
#include "event.h"
#include "kinds.h"

#define ENRICH_MEMORY_NS (600 * NSEC_PER_SEC)
/* So long a container that was just met waits for its name, if somebody may still tell it. */
#define ENRICH_WAIT_NS (2 * NSEC_PER_SEC)

struct enrich;

struct enrich_config {
	/* "/sys/fs/cgroup"; the tree below it is found. NULL: ask nobody, every cgroup is
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
	 * is never a WHO_UNKNOWN; enrich_free does not call it. May be NULL. Must not call
	 * back into enrich. */
	void (*who_gone)(void *ctx, struct who *who);
	void *ctx;
	/* A container without a name was met: ask for it. May be NULL. */
	void (*want)(void *ctx, struct str container_id);
	void *want_ctx;
	/* Is this directory, or one above it, asked for? Sets who->placed; may be NULL. */
	bool (*placed)(void *ctx, struct str path);
	void *placed_ctx;
	/* A container's directory was met, or one of its children (then cgroup is the child's): path is
	 * its own. made_ns: when it was made, boot ns, 0: before we looked. May be NULL; must not
	 * call back into enrich. ctx is who_gone's. */
	void (*met)(void *ctx, struct who *who, u64 cgroup, struct str path, u64 made_ns);
	/* Told the OTEL_ variables that were read of a container's process (environ.h), with the
	 * cgroup of the event: for the tap. NULL: environments are not read at all. */
	void (*environ)(void *ctx, u64 cgroup, const struct environ_otel *found);
	void *environ_ctx;
};

struct enrich_stats {
	u64 cgroup_hits, cgroup_lookups;
	/* Lookups without a name: */
	u64 cgroup_gone;	/* no directory with that id any more */
	u64 cgroup_unread;	/* cannot be seen or asked for just now */
	u64 cgroup_evicted, process_evicted;
	u64 cgroup_walks, cgroup_walks_cut;
	size_t cgroups, whos, processes, bytes;
	size_t containers, pods; /* known by name */
	u64 names_evicted;
	u64 names_forged;	/* a path bears the id of another pod's container: not believed */
	u64 environs;		/* environments read */
	/* How cgroups are found (cgroup.h): for doctor and the log. */
	enum cgroup_tree cgroup_tree; /* whose ids the kernel side must give */
	bool cgroup_by_handle;	/* false: by walks, CAP_DAC_READ_SEARCH is missing */
	bool cgroup_partial;	/* only a part of the tree is mounted */
};

/* 0, or -errno with the reason in err. -ENODEV: no cgroups are mounted; the caller may
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

/* The cgroup is still there: it is not forgotten for another ten minutes. */
void enrich_alive(struct enrich *e, u64 cgroup, u64 now_ns);

/* Whom it leads to, if it is remembered: not looked up, and that does not keep it. NULL: not. */
struct who *enrich_peek(struct enrich *e, u64 cgroup);

/* The same for a cgroup whose path the caller knows (a walk of the tree). */
struct who *enrich_learn(struct enrich *e, u64 cgroup, struct str path, u64 now_ns);

/* Id of the cgroup directory `dir` (absolute, or relative to the tree; "/kubepods/..." is
 * taken as relative when it is no directory of the tree). 0, or -errno (cgroup.h). */
int enrich_cgroup_id(const struct enrich *e, const char *dir, u64 *ret_id);

/*
 * What somebody knows by name (drafts of pod.h). A who that it belongs to has it from its next
 * event on, or when enrich_waits asks.
 */
void enrich_container(struct enrich *e, const struct container *draft);
void enrich_pod(struct enrich *e, const struct pod *draft);
void enrich_container_gone(struct enrich *e, struct str id, u64 now_ns);
void enrich_pod_gone(struct enrich *e, struct str uid, u64 now_ns);
void enrich_environ(struct enrich *e, u64 cgroup, u64 now_ns, const struct environ_otel *found);

/* Whether a name may still come: false when there is nobody to ask, and at first. */
void enrich_expect_names(struct enrich *e, bool expected);

/* Bring who's names up to date. True: they are not complete and may still come, at most
 * ENRICH_WAIT_NS after who was first met. */
bool enrich_waits(struct enrich *e, struct who *who, u64 now_ns);

/* All that somebody could tell of it is known; of the host and of units nothing is missing. */
bool enrich_is_named(const struct who *who);

const struct names *enrich_names(const struct enrich *e);

/* Every cgroup there is now, by a walk of the tree. path is valid during the call. */
int enrich_walk(const struct enrich *e, void (*fn)(void *ctx, u64 cgroup, struct str path), void *ctx);

/* Path of a cgroup, as cgroups_path; and the tree itself, to look for one (NULL: none). */
int enrich_cgroup_path(const struct enrich *e, u64 cgroup, char *dst, size_t cap);
struct cgroups *enrich_cgroups(const struct enrich *e);
/* NULL: not known. */
const struct pod *enrich_pod_of(const struct enrich *e, const char *uid);

/* Is there still such a cgroup? True when that cannot be told. */
bool enrich_cgroup_exists(const struct enrich *e, u64 cgroup);

/* Is a cgroup known whose path bears this container's id? */
bool enrich_has_container(const struct enrich *e, const struct container *c);

/* Forget what has been idle for ten minutes. Call about once a minute. */
void enrich_expire(struct enrich *e, u64 now_ns);

void enrich_stats(const struct enrich *e, struct enrich_stats *ret);

#endif
