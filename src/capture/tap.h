/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tap: writes to a file what crossed the border between kernel and user space, and plays
 * it back. Everything to its right runs from such a file without a kernel.
 *
 * A file is a header and frames, each with its length and a CRC-32 (RFC 1952), the last one
 * an END with the count of all. It is written as FILE.part and renamed when complete, so a
 * file under its final name is whole; one that was cut or damaged is refused with the place.
 */
#ifndef CAPTURE_TAP_H
#define CAPTURE_TAP_H

#include "base/str.h"
#include "capture/capture.h"
#include "pod.h"

/* ---- writing ------------------------------------------------------------------------------ */

struct tap;

struct tap_origin {
	u64 boot_ns;		/* when the capture began */
	s64 wall_offset_ns;	/* boot time → UNIX time, then */
	char host[256], node[256], host_id[64], arch[16], kernel[64];
	char os_name[64], os_version[64], os_description[128];
	u8 command_args;	/* arguments were asked for */
};

/* 0 or -errno; err gets a sentence. max_bytes: later frames are refused (tap_full). */
int tap_create(struct tap **ret, const char *path, u64 max_bytes, const struct tap_origin *origin,
	       char *err, size_t err_cap);
/* These stick: after the first that fails, nothing is written any more (tap_error). */
void tap_record(struct tap *t, const void *record, size_t size);
void tap_cgroup(struct tap *t, u64 id, struct str path);	/* what a look-up said */
/* What was told by name, in the moment in which it was. */
void tap_container(struct tap *t, const struct container *draft);
void tap_pod(struct tap *t, const struct pod *draft);
void tap_environ(struct tap *t, u64 cgroup, const struct environ_otel *found);
void tap_expect(struct tap *t, bool names);
/* What is on or off besides programs, and which runtime there is: as in pipe.h. */
struct tap_check {
	char family[16], name[16], rung[32];
	u32 state;	/* enum feature_state */
	u32 rsvd;
};
void tap_check(struct tap *t, const struct tap_check *check);
struct tap_runtime {
	char name[32], version[64];
};
void tap_runtime(struct tap *t, const struct tap_runtime *runtime);
void tap_meter(struct tap *t, const struct meter_key *key, const struct meter_cell *cell);
void tap_figures(struct tap *t, const struct reading_set *set);
/* A collection begins: its meters and figures follow, the ledger ends it. */
void tap_collect(struct tap *t, u64 now_ns);
void tap_ledger(struct tap *t, const struct ledger_page *page);
void tap_feature(struct tap *t, const struct feature_status *status);

bool tap_full(const struct tap *t);	/* max_bytes was reached: time to stop */
int tap_error(const struct tap *t);	/* 0 or -errno of the write that failed */
u64 tap_records(const struct tap *t);
u64 tap_refused(const struct tap *t);	/* frames for which there was no room */
u64 tap_bytes(const struct tap *t);

/* Complete the file under its final name. 0 or -errno (then no file is left). */
int tap_finish(struct tap *t);
void tap_free(struct tap *t);		/* without tap_finish: the .part is removed */

/* ---- playing back ------------------------------------------------------------------------- */

struct tap_player {
	void (*record)(void *ctx, const void *record, size_t size);
	void (*cgroup)(void *ctx, u64 id, struct str path);
	void (*container)(void *ctx, const struct container *draft);
	void (*pod)(void *ctx, const struct pod *draft);
	void (*environ)(void *ctx, u64 cgroup, const struct environ_otel *found);
	void (*expect)(void *ctx, bool names);
	void (*check)(void *ctx, const struct tap_check *check);
	void (*runtime)(void *ctx, const struct tap_runtime *runtime);
	void (*meter)(void *ctx, const struct meter_key *key, const struct meter_cell *cell);
	void (*figures)(void *ctx, const struct reading_set *set);
	void (*collect)(void *ctx, u64 now_ns);
	void (*ledger)(void *ctx, const struct ledger_page *page);
	void (*feature)(void *ctx, const struct feature_status *status);
	void *ctx;
};

struct tap_file;

/* Map the file and check it whole, header to END: 0, or -errno with what is wrong with it in
 * err, to be put behind its name. */
int tap_open(struct tap_file **ret, const char *path, struct tap_origin *ret_origin, char *err,
	     size_t err_cap);
/* The same for bytes in memory (tests, fuzzing); they must stay. */
int tap_open_bytes(struct tap_file **ret, struct str bytes, struct tap_origin *ret_origin,
		   char *err, size_t err_cap);
/* The next frame to the player; false: that was the last. */
bool tap_next(struct tap_file *f, const struct tap_player *player);
void tap_close(struct tap_file *f);

#endif
