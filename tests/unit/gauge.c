// SPDX-License-Identifier: Apache-2.0
/* links: src/gauge/[a-z]*.c src/kinds.c */
/* gauge: numbers in files of cgroups; whose are read in which turn; what a counter counts. The cgroups
 * are real. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "gauge/gauge.h"
#include "gauge/number.h"

#define BASE "/sys/fs/cgroup"
#define ALL (1u << FAMILY_sched | 1u << FAMILY_memory)
#define MEMBERS 40
#define TICK (100 * NSEC_PER_MSEC)

/* ---- numbers ------------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
	static const struct {
		const char *text, *key;
		s64 value; /* -1: none */
	} rows[] = {
		{ "12\n", "", 12 },
		{ "12", "", 12 },
		{ "0\n", "", 0 },
		{ "max\n", "", -1 },
		{ "", "", -1 },
		{ "\n", "", -1 },
		{ "-1\n", "", -1 },
		{ "1 2\n", "", -1 },
		{ "4611686018427387903\n", "", 4611686018427387903 },
		{ "4611686018427387904\n", "", -1 },
		{ "9223372036854771712\n", "", -1 }, /* v1's "no limit" */
		{ "99999999999999999999\n", "", -1 },
		{ "anon 1\npgfault 2\npgmajfault 3\n", "pgfault", 2 },
		{ "anon 1\npgfault 2\npgmajfault 3", "pgmajfault", 3 },
		{ "anon 1\npgfault 2\n", "pg", -1 },
		{ "anon 1\npgfault 2\n", "pgfault2", -1 },
		{ "total_pgfault 5\npgfault 2\n", "pgfault", 2 },
		{ "pgfault\n", "pgfault", -1 },
		{ "pgfault \n", "pgfault", -1 },
		{ "pgfault x\npgfault 2\n", "pgfault", -1 },
		{ "max max\n", "max", -1 },
		{ "max 7\n", "max", 7 },
		{ "some avg10=1.50 total=9\nfull avg10=0.00 total=4\n", "some total", 9 },
		{ "some avg10=1.50 total=9\nfull avg10=0.00 total=4\n", "full total", 4 },
		{ "some avg10=1.50 total=9\n", "full total", -1 },
		{ "some avg10=1.50\n", "some total", -1 },
		{ "some total\n", "some total", -1 },
		{ "some total=\n", "some total", -1 },
		{ "some total 9\n", "some total", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 got = 77;
		bool has = gauge_number(str_of(rows[i].text), str_of(rows[i].key), &got);

		if (has != (rows[i].value >= 0) || (has ? got != (u64)rows[i].value : got != 77))
			fail_msg("row %zu: %d %" PRI_U64, i, has, got);
	}
}

/* A figure has readings: several only if an attribute tells them apart. */
static void test_rows(void **state)
{
	size_t of[FIGURE_END] = { 0 };

	(void)state;
	for (size_t i = 0; i < READING_END; i++) {
		const struct reading *row = &readings[i];
		const struct figure *figure = &figures[row->figure];

		of[row->figure]++;
		assert_int_equal(row->of[0].tree, FIGURE_V2);
		assert_true(row->less[0].tree == FIGURE_NOWHERE || row->less[0].tree == FIGURE_V2);
		assert_int_equal(!figure->attr, !row->value);
		for (size_t k = 0; k < i; k++)
			if (readings[k].figure == row->figure)
				assert_string_not_equal(readings[k].value, row->value);
	}
	for (size_t f = 0; f < FIGURE_END; f++)
		assert_true(figures[f].attr ? of[f] > 1 : of[f] == 1);
}

/* ---- rounds -------------------------------------------------------------------------------- */

static struct gauge *gauge;
static struct who whos[MEMBERS];
static unsigned reads[MEMBERS];
static char tree[64]; /* where the v2 tree is */

static void path_of(size_t i, char dst[static 160], bool absolute)
{
	snprintf(dst, 160, "%s/podtrace-gauge-%d-%zu", absolute ? tree : "", (int)getpid(), i);
}

static void make(size_t i)
{
	char path[160];

	path_of(i, path, true);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void drop(size_t i)
{
	char path[160];

	path_of(i, path, true);
	for (int tries = 0; rmdir(path) && tries < 1000; tries++)
		usleep(1000);
}

static void add(size_t i, u64 made_ns)
{
	char path[160];

	path_of(i, path, false);
	gauge_add(gauge, &whos[i], i, str_of(path), made_ns);
}

static int setup(void **state)
{
	(void)state;
	snprintf(tree, sizeof(tree), BASE "/unified");
	if (access(tree, F_OK))
		snprintf(tree, sizeof(tree), BASE);
	memset(reads, 0, sizeof(reads));
	gauge = gauge_new(BASE, ALL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	gauge_free(gauge);
	gauge = NULL;
	for (size_t i = 0; i < MEMBERS; i++)
		drop(i);
	return 0;
}

static void on_alive(void *ctx, u64 cgroup)
{
	(void)ctx;
	reads[cgroup]++;
}

static void turn(u64 round_ns)
{
	gauge_turn(gauge, TICK, round_ns, on_alive, NULL);
}

static void needs_cgroups(void)
{
	if (!gauge || geteuid() || access(tree, W_OK))
		skip();
}

static size_t total(void)
{
	size_t n = 0;

	for (size_t i = 0; i < MEMBERS; i++)
		n += reads[i];
	return n;
}

static void test_once_a_round(void **state)
{
	(void)state;
	needs_cgroups();
	for (size_t i = 0; i < MEMBERS; i++) {
		make(i);
		add(i, 0);
	}
	for (int t = 0; t < 10; t++) {
		turn(10 * TICK);
		assert_in_range(total(), t + 1, (t + 1) * MEMBERS / 10);
	}
	while (total() < MEMBERS) /* what a busy machine had no time for: a turn is short */
		turn(MEMBERS * TICK);
	for (size_t i = 0; i < MEMBERS; i++)
		assert_int_equal(reads[i], 1);
	turn(0);
	for (size_t i = 0; i < MEMBERS; i++)
		assert_int_equal(reads[i], 2);
}

static void test_the_new_one_first(void **state)
{
	(void)state;
	needs_cgroups();
	for (size_t i = 0; i < MEMBERS - 1; i++) {
		make(i);
		add(i, 0);
	}
	turn(MEMBERS * TICK);
	make(MEMBERS - 1);
	add(MEMBERS - 1, 0);
	turn(MEMBERS * TICK);
	assert_int_equal(reads[MEMBERS - 1], 1);
	gauge_forget(gauge, &whos[MEMBERS - 1]);
	gauge_forget(gauge, &whos[MEMBERS - 1]); /* not there: nothing */
	turn(0);
	assert_int_equal(reads[MEMBERS - 1], 1);
	for (size_t i = 0; i < MEMBERS - 1; i++)
		assert_in_range(reads[i], 1, 2);
}

struct seen {
	size_t n;
	struct reading_set point;
};

static void on_point(void *ctx, struct who *who, const struct reading_set *set)
{
	struct seen *seen = ctx;

	if (who != &whos[0])
		return;
	seen->n++;
	seen->point = *set;
}

static struct reading_set point(size_t n)
{
	struct seen seen = { 0 };

	gauge_walk(gauge, on_point, &seen);
	assert_int_equal(seen.n, n);
	return seen.point;
}

/* Processor time in there, which is what every v2 tree counts. */
static void burn(size_t i)
{
	char path[160], procs[200];
	int fd;

	path_of(i, path, true);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	if (fork() == 0) {
		fd = open(procs, O_WRONLY);
		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(1);
		for (volatile long k = 0; k < 60 * 1000 * 1000; k++)
			;
		_exit(0);
	}
	wait(&fd);
	assert_int_equal(fd, 0);
}

static u64 used(const struct reading_set *p)
{
	return p->value[READING_sched_cpu_user] + p->value[READING_sched_cpu_system];
}

static bool yes(void *ctx, const struct who *who)
{
	(void)ctx;
	return who == &whos[0];
}

static void test_what_counters_count(void **state)
{
	struct reading_set p;
	u64 first;

	(void)state;
	needs_cgroups();
	make(0);
	burn(0);
	add(0, 0);
	point(0); /* not read yet */
	turn(0);
	p = point(1);
	assert_int_equal(used(&p), 0); /* before we looked */
	assert_int_equal(p.start_ns, p.read_ns);
	burn(0);
	turn(0);
	first = p.start_ns;
	p = point(1);
	assert_in_range(used(&p), 5 * NSEC_PER_MSEC, 20 * NSEC_PER_SEC);
	assert_int_equal(p.start_ns, first);
	gauge_renamed(gauge, yes, NULL);
	first = p.read_ns;
	p = point(1);
	assert_int_equal(used(&p), 0);
	assert_int_equal(p.start_ns, first);
}

static void test_made_while_we_look(void **state)
{
	struct reading_set p;
	u64 before;

	(void)state;
	needs_cgroups();
	make(0);
	burn(0);
	add(0, 12345);
	turn(0);
	p = point(1);
	before = used(&p);
	assert_in_range(before, 5 * NSEC_PER_MSEC, 20 * NSEC_PER_SEC);
	assert_int_equal(p.start_ns, 12345);
	drop(0);
	turn(0);
	point(0); /* gone */
	make(0);
	burn(0);
	add(0, 23456); /* the same container, made again */
	turn(0);
	p = point(1);
	assert_in_range(used(&p), before + 5 * NSEC_PER_MSEC, before + 20 * NSEC_PER_SEC);
	assert_int_equal(p.start_ns, 12345);
}

static void test_hostile_paths(void **state)
{
	static char longest[5000];
	static const char *const paths[] = { "", "/", "/../../..", "/\x01\xff", "/not there" };

	(void)state;
	needs_cgroups();
	memset(longest, 'a', sizeof(longest) - 1);
	longest[0] = '/';
	gauge_add(gauge, &whos[0], 0, str_of(longest), 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		gauge_add(gauge, &whos[i + 1], i + 1, str_of(paths[i]), 0);
	turn(0);
	point(0);
}

static void test_no_cgroups(void **state)
{
	(void)state;
	assert_null(gauge_new("/proc", ALL));
	assert_int_equal(errno, ENODEV);
	assert_null(gauge_new("/not/there", ALL));
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_rows),
		cmocka_unit_test_setup_teardown(test_once_a_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_new_one_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_counters_count, setup, teardown),
		cmocka_unit_test_setup_teardown(test_made_while_we_look, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_paths, setup, teardown),
		cmocka_unit_test(test_no_cgroups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
