// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/capture/tap.c src/capture/tap_names.c src/capture/tap_read.c src/pod.c tests/kind/world.c libs: z */
/* capture/tap: a file that is cut, changed or of another version is refused with a sentence. */
#include <zlib.h>

#include "tests/unit/tap_file.h"

/* ---- damage ---------------------------------------------------------------------------------- */

static void test_every_truncation(void **state)
{
	struct buf whole = small_file();

	(void)state;
	assert_int_equal(refused(buf_view(&whole)), 0);
	for (size_t n = 0; n < whole.n; n++) {
		char *copy = malloc(n ? n : 1); /* exactly: for the sanitizer */

		memcpy(copy, whole.p, n);
		if (refused((struct str){ copy, n }) != -EBADMSG)
			fail_msg("%zu of %zu bytes: taken, or \"%s\"", n, whole.n, err);
		free(copy);
	}
	buf_char(&whole, 'x'); /* and one too many */
	assert_int_equal(refused(buf_view(&whole)), -EBADMSG);
	buf_free(&whole);
}

static void test_every_flip(void **state)
{
	static const u8 masks[] = { 0x01, 0x80, 0xff };
	struct buf whole = small_file();

	(void)state;
	for (size_t at = 0; at < whole.n; at++) {
		for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
			whole.p[at] ^= (char)masks[i];
			if (refused(buf_view(&whole)) != -EBADMSG)
				fail_msg("byte %zu of %zu ^ 0x%02x: taken, or \"%s\"", at, whole.n,
					 masks[i], err);
			whole.p[at] ^= (char)masks[i];
		}
	}
	assert_int_equal(refused(buf_view(&whole)), 0);
	buf_free(&whole);
}

/* Frames left out, said twice or in another order: the end counts them, or the order is free. */
static void test_frame_left_out(void **state)
{
	struct buf whole = small_file();
	size_t first = sizeof(struct tap_header), n = sizeof(struct tap_frame) + 8 + 2;

	(void)state;
	memmove(whole.p + first, whole.p + first + n, whole.n - first - n);
	whole.n -= n;
	assert_int_equal(refused(buf_view(&whole)), -EBADMSG);
	assert_non_null(strstr(err, "count"));
	buf_free(&whole);
}

/* ---- other versions -------------------------------------------------------------------------- */

static void seal_header(struct tap_header *h)
{
	h->crc = (u32)crc32(0, (const Bytef *)h, offsetof(struct tap_header, crc));
}

static void test_other_versions(void **state)
{
	struct buf whole = small_file();
	struct tap_header h, good;

	(void)state;
	memcpy(&good, whole.p, sizeof(good));
#define REFUSE(change)                                                                             \
	do {                                                                                       \
		h = good;                                                                          \
		change;                                                                            \
		seal_header(&h);                                                                   \
		memcpy(whole.p, &h, sizeof(h));                                                    \
		assert_int_equal(refused(buf_view(&whole)), -EPROTONOSUPPORT);                     \
	} while (0)
	REFUSE(h.version++);
	REFUSE(h.kinds++);
	REFUSE(h.kinds = 0xffffffff);
	REFUSE(h.meters++);
	REFUSE(h.ledger++);
	REFUSE(h.kind_sizes[KIND_process_exit] += 8);
	assert_int_equal(refused(STR("")), -EBADMSG);
	assert_int_equal(refused(STR("podtrac")), -EBADMSG);
	assert_int_equal(refused(STR("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0")), -EBADMSG);
	assert_non_null(strstr(err, "is no capture file"));
	buf_free(&whole);
}

/* With a sound checksum all the same: times whose sums would not fit. */
static void test_impossible_times(void **state)
{
	struct buf whole = small_file();
	struct tap_header h, good;

	(void)state;
	memcpy(&good, whole.p, sizeof(good));
#define TIMES(boot, wall, want)                                                                    \
	do {                                                                                       \
		h = good;                                                                          \
		h.boot_ns = boot;                                                                  \
		h.wall_offset_ns = wall;                                                           \
		seal_header(&h);                                                                   \
		memcpy(whole.p, &h, sizeof(h));                                                    \
		assert_int_equal(refused(buf_view(&whole)), want);                                 \
	} while (0)
	TIMES(0, 0, 0);
	TIMES(1ull << 62, 1ll << 62, 0);
	TIMES((1ull << 62) + 1, 0, -EBADMSG);
	TIMES(0, (1ll << 62) + 1, -EBADMSG);
	TIMES(0, -1, -EBADMSG);
	buf_free(&whole);
}

/* The writer knew one kind less: its tables are the beginning of ours, so it can be read. */
static void test_older_writer(void **state)
{
	size_t page_n = (KIND_END - 1) * sizeof(struct ledger_cell), old_n = 0;
	struct tap_frame frame = { .size = (u32)page_n, .type = TAP_LEDGER };
	struct tap_frame end_frame = { .size = sizeof(struct tap_end_payload), .type = TAP_END };
	struct tap_end_payload end = { .frames = 1 };
	struct buf whole = small_file();
	struct ledger_page page = { 0 };
	static char old[sizeof(struct tap_header) + sizeof(struct ledger_page) + 256];
	struct tap_origin got;
	struct tap_header h;
	struct tap_file *f;

	(void)state;
	memcpy(&h, whole.p, sizeof(h));
	h.kinds--;
	h.kind_sizes[KIND_END - 1] = 0;
	seal_header(&h);
	page.kind[KIND_END - 2].n[LEDGER_SENT] = 9;
#define PUT(p, n) (memcpy(old + old_n, p, n), old_n += (n))
	PUT(&h, sizeof(h));
	frame.crc = (u32)crc32(crc32(0, (const Bytef *)&frame, 8), (const Bytef *)&page,
			       (uInt)page_n);
	PUT(&frame, sizeof(frame));
	PUT(&page, page_n);
	end_frame.crc = (u32)crc32(crc32(0, (const Bytef *)&end_frame, 8), (const Bytef *)&end,
				   sizeof(end));
	PUT(&end_frame, sizeof(end_frame));
	PUT(&end, sizeof(end));
	if (tap_open_bytes(&f, (struct str){ old, old_n }, &got, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(play_all(f).ledgers, 1);
	tap_close(f);
	buf_free(&whole);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(test_every_truncation),
		ROW(test_every_flip),
		ROW(test_frame_left_out),
		ROW(test_other_versions),
		ROW(test_impossible_times),
		ROW(test_older_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
