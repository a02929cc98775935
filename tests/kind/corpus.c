// SPDX-License-Identifier: Apache-2.0
/* The goldens as seeds of the fuzzers decode, tap and pipe: tests/fuzz/<name>.c says the form. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/tap.h"
#include "tests/kind/kind.h"

static void seed(const char *fuzzer, const char *name, const void *bytes, size_t n)
{
	char path[256];

	snprintf(path, sizeof(path), CORPUS_DIR "/%s", fuzzer);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), CORPUS_DIR "/%s/%s", fuzzer, name);
	file_save(path, (struct str){ bytes, n });
}

static const struct meter_key key = { .cgroup = 4711, .meter = METER_tcp_connect_duration,
				      .dim = 1, .err = 111 };
static const struct meter_cell cell = { .sum = 3000000, .slots = { 1, 0, 0, 2 } };

static void fill_page(struct ledger_page *page)
{
	memset(page, 0, sizeof(*page));
	for (size_t k = 1; k < KIND_END; k++) {
		page->kind[k].n[LEDGER_SEEN] = 4;
		page->kind[k].n[LEDGER_SENT] = page->kind[k].n[LEDGER_LOST_RING] = 1;
		page->kind[k].n[LEDGER_COUNTED] = 2;
	}
}

/* A capture with one frame of each type, and each kind or only the last. */
static void seed_tap(const char *name, size_t first_kind)
{
	struct tap_origin origin = { .boot_ns = WORLD_START_NS,
				     .wall_offset_ns = WORLD_WALL_OFFSET_NS,
				     .host = "node-1",
				     .kernel = "6.12.0",
				     .command_args = 1 };
	struct feature_status status = { .feature = &features[1],
					 .state = FEATURE_OFF,
					 .err = 1,
					 .reason = "not permitted",
					 .fix = "run it as root" };
	char path[256], err[256];
	struct ledger_page page;
	struct golden g;
	struct tap *t;

	mkdir(CORPUS_DIR "/tap", 0755);
	snprintf(path, sizeof(path), CORPUS_DIR "/tap/%s", name);
	if (tap_create(&t, path, 1 << 20, &origin, err, sizeof(err)))
		fail_msg("%s", err);
	fill_page(&page);
	tap_cgroup(t, 4711, STR("/system.slice/a.service"));
	for (size_t k = first_kind; k < KIND_END; k++) {
		golden_load(kinds[k].id, &g);
		tap_record(t, g.bytes, g.n);
	}
	tap_collect(t, WORLD_START_NS + NSEC_PER_SEC);
	tap_meter(t, &key, &cell);
	tap_ledger(t, &page);
	tap_feature(t, &status);
	assert_int_equal(tap_finish(t), 0);
	tap_free(t);
}

/* A step: what (u8), bytes (u16), the bytes. */
static void step(struct buf *b, u8 what, const void *bytes, size_t n)
{
	u16 size = (u16)n;

	buf_add(b, &what, 1);
	buf_add(b, &size, sizeof(size));
	buf_add(b, bytes, n);
}

/* how: the bits of tests/fuzz/pipe.c, begin(). */
static void seed_pipe(const char *name, u8 how)
{
	u64 now = WORLD_START_NS + NSEC_PER_SEC;
	u8 meter[sizeof(key) + sizeof(cell)];
	struct ledger_page page;
	struct golden g;
	struct buf b;

	buf_init(&b, GOLDEN_MAX);
	buf_add(&b, &how, 1);
	for (size_t k = 1; k < KIND_END; k++) {
		golden_load(kinds[k].id, &g);
		step(&b, 0, g.bytes, g.n);
	}
	step(&b, 1, &now, sizeof(now));
	memcpy(meter, &key, sizeof(key));
	memcpy(meter + sizeof(key), &cell, sizeof(cell));
	step(&b, 2, meter, sizeof(meter));
	step(&b, 3, "", 0);
	fill_page(&page);
	step(&b, 4, &page, sizeof(page));
	step(&b, 5, &now, sizeof(now));
	step(&b, 6, "not permitted", 13);
	step(&b, 7, &now, sizeof(now));
	seed("pipe", name, b.p, b.n);
	buf_free(&b);
}

void corpus_write(void)
{
	struct golden g;

	for (size_t k = 1; k < KIND_END; k++) {
		golden_load(kinds[k].id, &g);
		seed("decode", kinds[k].id, g.bytes, g.n);
	}
	seed_tap("all", 1);
	seed_tap("small", KIND_END - 1);
	seed_pipe("text", 0);
	seed_pipe("json", 1);
	seed_pipe("export", 7);
}
