/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for capture files, one frame of each type to put into them, and what comes back. In a
 * header because each test is one file. */
#ifndef TESTS_UNIT_TAP_FILE_H
#define TESTS_UNIT_TAP_FILE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/tap_format.h"
#include "tests/kind/kind.h"

static char dir[] = "/tmp/tap_XXXXXX", path[64], part[80], err[512];

static const struct tap_origin origin = { .boot_ns = 5,
					  .wall_offset_ns = 6,
					  .host = "node-1",
					  .kernel = "6.12.0",
					  .command_args = 1 };
static const struct meter_key key = { 4711, METER_tcp_rtt, 1, 0 };
static const struct meter_cell cell = { .sum = 7, .slots = { [15] = 8 } };

static inline int setup(void **state)
{
	(void)state;
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/capture", dir);
	snprintf(part, sizeof(part), "%s.part", path);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(part);
	return rmdir(dir);
}

static inline bool there(const char *name)
{
	return !access(name, F_OK);
}

/* ---- writing --------------------------------------------------------------------------------- */

static inline struct tap *create(u64 max)
{
	struct tap *t;

	if (tap_create(&t, path, max, &origin, err, sizeof(err)))
		fail_msg("%s", err);
	return t;
}

static inline struct ledger_page page_of(u64 n)
{
	struct ledger_page page = { 0 };

	page.kind[KIND_END - 1].n[LEDGER_SENT] = n;
	return page;
}

static inline void put_all(struct tap *t)
{
	struct feature_status status = { .feature = &features[features_n - 1],
					 .state = FEATURE_REDUCED,
					 .rung = RUNG_raw_tp,
					 .err = 95,
					 .reason = "no",
					 .fix = "yes" };
	struct ledger_page page = page_of(9);
	struct golden g;

	golden_load("tcp_reset", &g);
	tap_cgroup(t, 4711, STR("/a"));
	tap_record(t, g.bytes, g.n);
	tap_collect(t, 77);
	tap_meter(t, &key, &cell);
	tap_ledger(t, &page);
	tap_feature(t, &status);
}

/* A small whole file, as bytes. */
static inline struct buf small_file(void)
{
	struct tap *t = create(1 << 20);
	struct buf bytes;

	put_all(t);
	assert_int_equal(tap_finish(t), 0);
	tap_free(t);
	assert_true(file_load(path, &bytes));
	return bytes;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct seen {
	size_t records, cgroups, meters, collects, ledgers, features;
	u8 record[REC_SIZE_MAX];
	size_t record_n;
};

static inline void on_record(void *ctx, const void *record, size_t size)
{
	struct seen *s = ctx;

	s->records++;
	assert_int_equal((uintptr_t)record % _Alignof(u64), 0);
	if (size <= sizeof(s->record)) {
		memcpy(s->record, record, size);
		s->record_n = size;
	}
}

static inline void on_cgroup(void *ctx, u64 id, struct str text)
{
	((struct seen *)ctx)->cgroups++;
	assert_int_equal(id, 4711);
	assert_true(str_eq(text, STR("/a")));
}

static inline void on_meter(void *ctx, const struct meter_key *k, const struct meter_cell *c)
{
	((struct seen *)ctx)->meters++;
	assert_memory_equal(k, &key, sizeof(key));
	assert_memory_equal(c, &cell, sizeof(cell));
}

static inline void on_collect(void *ctx, u64 now_ns)
{
	((struct seen *)ctx)->collects++;
	assert_int_equal(now_ns, 77);
}

static inline void on_ledger(void *ctx, const struct ledger_page *page)
{
	((struct seen *)ctx)->ledgers++;
	assert_true(page->kind[KIND_END - 1].n[LEDGER_SENT] == 9 ||
		    page->kind[KIND_END - 2].n[LEDGER_SENT] == 9);
}

static inline void on_feature(void *ctx, const struct feature_status *status)
{
	((struct seen *)ctx)->features++;
	assert_ptr_equal(status->feature, &features[features_n - 1]);
	assert_int_equal(status->state, FEATURE_REDUCED);
	assert_int_equal(status->rung, RUNG_raw_tp);
	assert_int_equal(status->err, 95);
	assert_string_equal(status->reason, "no");
	assert_string_equal(status->fix, "yes");
}

static inline struct tap_file *reopen(struct tap_origin *ret_origin)
{
	struct tap_file *f;

	if (tap_open(&f, path, ret_origin, err, sizeof(err)))
		fail_msg("%s", err);
	return f;
}

static inline struct seen play_all(struct tap_file *f)
{
	struct seen seen = { 0 };
	struct tap_player player = { on_record, on_cgroup, on_meter, on_collect,
				     on_ledger, on_feature, &seen };

	while (tap_next(f, &player))
		;
	assert_false(tap_next(f, &player)); /* the end stays the end */
	return seen;
}

/* Refused, and told in one line of printable text what is wrong and what to do. */
static inline int refused(struct str bytes)
{
	struct tap_origin got;
	struct tap_file *f = NULL;
	int e;

	err[0] = '\0';
	e = tap_open_bytes(&f, bytes, &got, err, sizeof(err));
	if (!e) {
		tap_close(f);
		return 0;
	}
	assert_null(f);
	assert_true(strlen(err) > 20 && strlen(err) < sizeof(err) - 1);
	assert_non_null(strstr(err, "podtrace"));
	for (const char *p = err; *p; p++)
		assert_in_range(*p, 0x20, 0x7e);
	return e;
}

#endif
