// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/capture/tap.c src/capture/tap_names.c src/capture/tap_read.c src/pod.c tests/kind/world.c libs: z */
/* capture/tap: what was written comes back; limits and disks that are full. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/tap_file.h"

/* ---- round trip ------------------------------------------------------------------------------ */

static void test_round_trip(void **state)
{
	struct tap *t = create(1 << 20);
	struct tap_origin got;
	struct tap_file *f;
	struct golden g;
	struct seen seen;
	struct stat st;

	(void)state;
	put_all(t);
	assert_int_equal(tap_records(t), 1);
	assert_false(tap_full(t));
	assert_true(there(part) && !there(path));
	assert_int_equal(tap_finish(t), 0);
	assert_true(!there(part) && there(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, tap_bytes(t));
	assert_int_equal(st.st_mode & 0777, 0600); /* arguments can hold secrets */
	tap_free(t);
	assert_true(there(path));

	f = reopen(&got);
	assert_memory_equal(&got, &origin, offsetof(struct tap_origin, command_args) + 1);
	seen = play_all(f);
	tap_close(f);
	golden_load("tcp_reset", &g);
	assert_int_equal(seen.record_n, g.n);
	assert_memory_equal(seen.record, g.bytes, g.n);
	assert_true(seen.records == 1 && seen.cgroups == 1 && seen.meters == 1);
	assert_true(seen.containers == 1 && seen.pods == 1 && seen.environs == 1);
	assert_true(seen.expects == 1 && seen.checks == 1 && seen.runtimes == 1);
	assert_true(seen.collects == 1 && seen.figures == 1 && seen.ledgers == 1 && seen.features == 1);
}

static void test_empty(void **state)
{
	struct tap *t = create(1 << 20);
	struct tap_origin got;
	struct tap_file *f;

	(void)state;
	assert_int_equal(tap_finish(t), 0);
	tap_free(t);
	f = reopen(&got);
	assert_int_equal(play_all(f).records, 0);
	tap_close(f);
	tap_free(NULL);
	tap_close(NULL);
}

/* More than is gathered before a write. */
static void test_many(void **state)
{
	struct tap *t = create(64 << 20);
	static u8 large[TAP_FRAME_MAX];
	struct tap_origin got;
	struct tap_file *f;

	(void)state;
	for (int i = 0; i < 50; i++)
		tap_record(t, large, sizeof(large));
	assert_int_equal(tap_finish(t), 0);
	assert_int_equal(tap_records(t), 50);
	tap_free(t);
	f = reopen(&got);
	assert_int_equal(play_all(f).records, 50);
	tap_close(f);
}

/* ---- limits and disks ------------------------------------------------------------------------ */

static void test_max_bytes(void **state)
{
	struct tap *t = create(4096);
	struct tap_origin got;
	struct tap_file *f;
	struct golden g;
	struct seen seen;
	u64 records = 0;

	(void)state;
	golden_load("tcp_reset", &g);
	for (int i = 0; i < 100; i++) {
		tap_record(t, g.bytes, g.n);
		if (!tap_full(t))
			records++;
	}
	assert_true(tap_full(t));
	assert_int_equal(tap_records(t), records);
	assert_true(records > 10 && records < 40);
	assert_true(tap_bytes(t) <= 4096);
	put_all(t); /* what closes a collection still fits, the others do not */
	assert_int_equal(tap_finish(t), 0);
	tap_free(t);
	f = reopen(&got);
	seen = play_all(f);
	tap_close(f);
	assert_int_equal(seen.records, records);
	assert_true(seen.collects == 1 && seen.ledgers == 1 && seen.features == 1);
	assert_true(!seen.meters && !seen.cgroups);
}

/* A record that would still fit is refused too: what is in the file has no gaps. */
static void test_small_after_full(void **state)
{
	struct tap *t = create(4096);
	struct buf bytes;
	struct golden g;

	(void)state;
	golden_load("tcp_reset", &g);
	while (!tap_full(t))
		tap_record(t, g.bytes, 600);
	tap_record(t, g.bytes, g.n);
	assert_int_equal(tap_finish(t), 0);
	tap_free(t);
	assert_true(file_load(path, &bytes));
	if (refused(buf_view(&bytes)))
		fail_msg("%s", err);
	buf_free(&bytes);
}

static void keep_page(void *ctx, const struct ledger_page *page)
{
	*(struct ledger_page *)ctx = *page;
}

static void ignore_record(void *ctx, const void *record, size_t size)
{
	(void)ctx;
	(void)record;
	(void)size;
}

/* The ledger in the file is of what is in the file: what had no room was lost to the file. */
static void test_left_out(void **state)
{
	struct tap *t = create(4096);
	struct ledger_page page = { 0 }, got_page = { 0 };
	struct tap_player player = { .record = ignore_record,
				     .ledger = keep_page,
				     .ctx = &got_page };
	struct tap_origin got;
	struct tap_file *f;
	struct golden g;
	u64 records;

	(void)state;
	golden_load("tcp_reset", &g);
	for (int i = 0; i < 100; i++)
		tap_record(t, g.bytes, g.n);
	page.kind[KIND_tcp_reset].n[LEDGER_SEEN] = page.kind[KIND_tcp_reset].n[LEDGER_SENT] = 100;
	tap_ledger(t, &page);
	records = tap_records(t);
	assert_int_equal(tap_finish(t), 0);
	tap_free(t);
	f = reopen(&got);
	while (tap_next(f, &player))
		;
	tap_close(f);
	assert_int_equal(got_page.kind[KIND_tcp_reset].n[LEDGER_SENT], records);
	assert_int_equal(got_page.kind[KIND_tcp_reset].n[LEDGER_LOST_FILE], 100 - records);
	assert_int_equal(got_page.kind[KIND_tcp_reset].n[LEDGER_SEEN], 100);
}

static void test_not_finished(void **state)
{
	struct tap *t = create(1 << 20);

	(void)state;
	put_all(t);
	assert_true(there(part));
	tap_free(t);
	assert_true(!there(part) && !there(path));
}

static void test_not_writable(void **state)
{
	struct tap *t = NULL;

	(void)state;
	assert_int_equal(tap_create(&t, "/nonexistent/a/b", 1 << 20, &origin, err, sizeof(err)),
			 -ENOENT);
	assert_non_null(strstr(err, "/nonexistent/a/b"));
	assert_non_null(strstr(err, "choose"));
	/* a folder, a device: told before anything is written */
	assert_int_equal(tap_create(&t, dir, 1 << 20, &origin, err, sizeof(err)), -EISDIR);
	assert_int_equal(tap_create(&t, "/dev/null", 1 << 20, &origin, err, sizeof(err)), -EEXIST);
	assert_true(there("/dev/null") && !there("/dev/null.part"));
	assert_null(t);
	/* a link in its place is not followed: a file of our own takes the place */
	assert_int_equal(symlink("/tmp/tap_elsewhere", part), 0);
	assert_int_equal(tap_create(&t, path, 1 << 20, &origin, err, sizeof(err)), 0);
	assert_int_equal(tap_finish(t), 0);
	tap_free(t);
	assert_false(there("/tmp/tap_elsewhere"));
}

static void test_full_disk(void **state)
{
	struct rlimit before, limit;
	static u8 large[TAP_FRAME_MAX];
	struct tap *t = create(64 << 20);
	u64 records;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ 300000, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 20 && !tap_error(t); i++)
		tap_record(t, large, sizeof(large));
	assert_int_equal(tap_error(t), -EFBIG);
	records = tap_records(t);
	tap_record(t, large, sizeof(large));
	assert_int_equal(tap_records(t), records); /* sticks: nothing is written any more */
	assert_int_equal(tap_finish(t), -EFBIG);
	tap_free(t);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(!there(part) && !there(path));
}

static void test_not_readable(void **state)
{
	struct tap_origin got;
	struct tap_file *f;

	(void)state;
	/* the caller puts the name before it */
	assert_int_equal(tap_open(&f, "/nonexistent/x", &got, err, sizeof(err)), -ENOENT);
	assert_string_equal(err, "cannot be read: No such file or directory: name a file that "
				 "podtrace capture made");
	assert_true(tap_open(&f, dir, &got, err, sizeof(err)) < 0);
	assert_non_null(strstr(err, "name a file"));
	assert_int_equal(tap_open(&f, "/dev/null", &got, err, sizeof(err)), -EBADMSG);
	assert_non_null(strstr(err, "empty or no file"));
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(test_round_trip),
		ROW(test_empty),
		ROW(test_many),
		ROW(test_max_bytes),
		ROW(test_small_after_full),
		ROW(test_left_out),
		ROW(test_not_finished),
		ROW(test_not_writable),
		ROW(test_full_disk),
		ROW(test_not_readable),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
