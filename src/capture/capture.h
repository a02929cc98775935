/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the kernel to records: choose programs, load, attach, drain. The only folder that
 * knows libbpf. Each family is an object of its own: what one of them cannot do here costs
 * only that feature, is told by capture_feature, and never takes another family along.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "base/loop.h"
#include "kinds.h"

struct capture;

/* One record, bytes as the kernel wrote them; valid during the call. */
typedef void (*capture_record_fn)(void *ctx, const void *record, size_t size);

struct capture_config {
	u32 families;		/* bit per enum wire_family */
	u32 forbidden;		/* bit per enum rung */
	bool forbid_ringbuf;	/* use a perf buffer */
	bool metadata_only;	/* what reads payload is not loaded */
	bool forbid_copies;	/* of programs, for what they miss */
	bool forbid_reads;	/* of kernel memory by helper, as lockdown=confidentiality does */
	const char *btf;	/* file with the kernel's types; NULL: its own, else embedded ones */
	const char *cgroup_base; /* where cgroups are mounted; NULL: wherever */
	enum cgroup_tree cgroup_tree; /* whose ids events and targets have (enrich_stats) */
	u64 ring_bytes;		/* ring buffer, rounded up to a power of two of pages */
	u32 args_max;		/* bytes of argv, 0: none */
	bool filter;		/* only targets (capture_target); else everything */
	bool follow;		/* with filter: new cgroups are targets until capture_target(.., false) */
	bool diagnose;		/* doctor: what cannot run is told by capture_features, even if
				 * that is everything; capture_new fails only for want of memory
				 * or a wrong btf */
	bool mariadb;		/* attach to libraries that switch stacks, src/capture/proof.c */
	u32 slow_us[FAMILY_END];	/* STREAM_FAILED is also what took so long; 0: all */
	enum stream stream[KIND_END];
	u32 sample[FAMILY_END];	/* one process or connection in so many is told of; 0, 1: all. Only
				 * of families_thinned(), which the cap is for, too */
	u32 cap;		/* records a second of a cgroup and kind, 0: any number */
	capture_record_fn record;
	void *ctx;
};

enum feature_state { FEATURE_ON, FEATURE_REDUCED, FEATURE_OFF };

/* What became of a feature. REDUCED: not the best rung of those the registry has. */
struct feature_status {
	const struct feature *feature;
	enum feature_state state;
	enum rung rung;		/* valid unless OFF */
	int err;		/* errno of the first rung that was refused, 0: none */
	bool verified;		/* refused by the verifier, which says why: by nobody else */
	char reason[160];	/* why it is not ON, or what it lacks all the same; "": nothing */
	char fix[120];		/* what a person can do about it; "" if nothing */
};

/*
 * Create maps, load and attach what works. 0 even if features are off (ask
 * capture_feature); -errno with a sentence in err when nothing at all can run.
 */
int capture_new(struct capture **ret, struct loop *l, const struct capture_config *config,
		char *err, size_t err_cap);
/* Detach everything; what is in the ring stays readable. */
void capture_stop(struct capture *c);
void capture_free(struct capture *c);	/* NULL is fine */

/* Hand over what the ring holds now, all of it. Otherwise it happens on a timer. */
void capture_drain(struct capture *c);

/* Look at all listening sockets now (otherwise every ten seconds). */
void capture_poll(struct capture *c);

/* Want this cgroup and all below it (or no longer). 0 or -errno. */
int capture_target(struct capture *c, u64 cgroup, bool on);

/* Each target there is: those that the kernel side added itself (follow) among them. */
void capture_targets(const struct capture *c, void (*fn)(void *ctx, u64 cgroup), void *ctx);

/*
 * Functions of libraries have no place to attach to until a file is found that has them. Who finds
 * one hands it over: fd is open for reading, a regular file, and may be closed afterwards.
 * which, bit per enum library: those it can be by its name. Returns a handle; -ENOENT: it has
 * none of the functions; -ENOEXEC, -EBADMSG: see base/elf.h; -ENOSPC: CAPTURE_FILES_MAX are
 * attached to; others: as the kernel refused. Takes milliseconds.
 */
#define CAPTURE_FILES_MAX 256
int capture_attach(struct capture *c, u32 which, int fd);
void capture_detach(struct capture *c, int handle);
/* Those that a feature which is on has functions of. */
u32 capture_libraries(const struct capture *c);

/* Sum over CPUs. Cells of kinds whose family is off are zero. */
void capture_ledger(const struct capture *c, struct ledger_page *ret);

typedef void (*capture_meter_fn)(void *ctx, const struct meter_key *key,
				 const struct meter_cell *cell);
/* Every cell there is, in no order. */
void capture_meters(const struct capture *c, capture_meter_fn fn, void *ctx);
void capture_meter_delete(struct capture *c, const struct meter_key *key);

size_t capture_features(const struct capture *c, const struct feature_status **ret);
/* "ring buffer", "perf buffer"; "none" when there are no maps (diagnose). */
const char *capture_transport(const struct capture *c);
/* errno that the ring buffer was refused with; 0: there is one, or it is forbidden. */
int capture_ring_err(const struct capture *c);

/* Whether podtrace carries the types of the running kernel, for those that do not tell them. */
bool capture_btf_embedded(void);

/* A map of ours, as the kernel bills it now: hashes grow with what they hold. */
struct capture_map {
	const char *family;	/* "": of all families */
	const char *name;
	const char *type;	/* "ringbuf", "lru_hash" */
	u32 entries;		/* at most; of a ring its bytes */
	u64 bytes;
};

typedef void (*capture_map_fn)(void *ctx, const struct capture_map *map);
/* Each map once; valid during the call. */
void capture_maps(const struct capture *c, capture_map_fn fn, void *ctx);
u64 capture_map_bytes(const struct capture *c);		/* of all of them */

#endif
