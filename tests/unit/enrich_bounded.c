// SPDX-License-Identifier: Apache-2.0
/* links: src/enrich/enrich.c src/enrich/enrich_names.c src/enrich/names.c src/enrich/environ.c src/enrich/cgroup_proc.c src/pod.c src/enrich/cgroup_path.c src/kinds.c src/enrich/process.c src/enrich/process_args.c */
/*
 * 100,000 cgroups through a table of 256, with a tree that this file makes up (it stands in
 * for src/enrich/cgroup.c src/enrich/cgroup_tree.c): memory does not grow, and each who that goes is told of once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrich/cgroup.h"
#include "enrich/enrich.h"

#define T0	(1000 * NSEC_PER_SEC)
#define CGROUPS 100000u
#define CAP	256u

struct cgroups {
	u64 asked;
};

static struct cgroups fake;

int cgroups_open(struct cgroups **ret, const char *base, const char *proc_base, char *err,
		 size_t err_cap)
{
	(void)base;
	(void)proc_base;
	(void)err;
	(void)err_cap;
	fake.asked = 0;
	*ret = &fake;
	return 0;
}

u32 cgroups_first_pid(const struct cgroups *c, struct str path)
{
	(void)c;
	(void)path;
	return 0;
}

void cgroups_close(struct cgroups *c)
{
	(void)c;
}

/* Container id / 2: each has two cgroups; every seventh id is one that is gone. */
int cgroups_path(struct cgroups *c, u64 id, u64 now_ns, char *dst, size_t cap)
{
	(void)now_ns;
	c->asked++;
	if (id % 7 == 0)
		return -ENOENT;
	return snprintf(dst, cap, "/kubepods/pod%032llx/%064llx%s", id / 2, id / 2,
			id % 2 ? "/container" : "");
}

int cgroups_id(const struct cgroups *c, const char *dir, u64 *ret_id)
{
	(void)c;
	(void)dir;
	(void)ret_id;
	return -ENOENT;
}

int cgroups_each(const struct cgroups *c, void (*fn)(void *ctx, u64 id, struct str path), void *ctx)
{
	(void)c;
	(void)fn;
	(void)ctx;
	return 0;
}

void cgroups_stats(const struct cgroups *c, struct cgroups_stats *ret)
{
	(void)c;
	*ret = (struct cgroups_stats){ 0 };
}

/* Every who that was given out and has not been taken back, by its resource number. */
struct given {
	bool *alive; /* by container number */
	size_t n, gone;
};

static void who_gone(void *ctx, struct who *who)
{
	struct given *l = ctx;
	u64 number = strtoull(who->container_id, NULL, 16);

	assert_int_equal(who->resource, number); /* the very one we marked */
	assert_true(l->alive[number]);
	l->alive[number] = false;
	l->n--;
	l->gone++;
}

static void mark(struct given *l, struct who *who, u64 id)
{
	u64 number = strtoull(who->container_id, NULL, 16);

	assert_int_equal(who->kind, WHO_CONTAINER);
	assert_int_equal(number, id / 2);
	if (who->resource < 0) {
		assert_false(l->alive[number]);
		l->alive[number] = true;
		l->n++;
		who->resource = (int)number;
	}
	assert_int_equal(who->resource, number);
}

static struct enrich *new_enrich(struct given *l)
{
	struct enrich_config config = {
		.cgroup_base = "made up",
		.cgroups_max = CAP,
		.processes_max = 16,
		.who_gone = who_gone,
		.ctx = l,
	};
	struct enrich *e = NULL;
	char err[256];

	*l = (struct given){ .alive = calloc(CGROUPS + 2, sizeof(bool)) };
	assert_non_null(l->alive);
	assert_int_equal(enrich_new(&e, &config, err, sizeof(err)), 0);
	return e;
}

static void test_in_order(void **state)
{
	struct enrich_stats first, s;
	struct given l;
	struct enrich *e = new_enrich(&l);
	u64 gone = 0;

	(void)state;
	enrich_stats(e, &first);
	for (u64 id = 1; id <= CGROUPS; id++) {
		struct who *who = enrich_cgroup(e, id, T0 + id);

		if (id % 7 == 0) {
			gone++;
			assert_int_equal(who->kind, WHO_UNKNOWN);
			continue;
		}
		mark(&l, who, id);
		enrich_stats(e, &s);
		assert_true(s.cgroups <= CAP);
		assert_int_equal(s.whos, l.n);
		assert_int_equal(s.bytes, first.bytes);
	}
	assert_int_equal(s.cgroup_gone, gone);
	assert_int_equal(s.cgroups, CAP);
	assert_int_equal(s.cgroup_evicted, CGROUPS - gone - CAP);
	/* One idle id after another: in the end nothing is left, and each was told. */
	enrich_expire(e, T0 + CGROUPS + ENRICH_MEMORY_NS + 1);
	enrich_stats(e, &s);
	assert_int_equal(s.cgroups, 0);
	assert_int_equal(s.whos, 0);
	assert_int_equal(l.n, 0);
	enrich_free(e);
	free(l.alive);
}

/* Back and forth over ids that share whos, around the edge of the table. */
static void test_at_random(void **state)
{
	struct enrich_stats s;
	struct given l;
	struct enrich *e = new_enrich(&l);
	u64 x = 1;

	(void)state;
	for (u32 i = 0; i < 300000; i++) {
		u64 id;

		x = x * 6364136223846793005ull + 1442695040888963407ull;
		id = 1 + (x >> 33) % (2 * CAP);
		if (id % 7 == 0)
			assert_int_equal(enrich_cgroup(e, id, T0 + i)->kind, WHO_UNKNOWN);
		else
			mark(&l, enrich_cgroup(e, id, T0 + i), id);
		if (i % 1000 == 0)
			enrich_expire(e, T0 + i);
		enrich_stats(e, &s);
		assert_true(s.cgroups <= CAP);
		assert_int_equal(s.whos, l.n);
	}
	assert_true(l.gone > 1000); /* the edge was really met */
	enrich_free(e);
	free(l.alive);
}

/* A table of one: the who just found must outlive the id that makes room for the new one. */
static void test_table_of_one(void **state)
{
	struct enrich_config config = { .cgroup_base = "x", .cgroups_max = 1, .processes_max = 1 };
	struct enrich *e = NULL;
	char err[256];

	(void)state;
	assert_int_equal(enrich_new(&e, &config, err, sizeof(err)), 0);
	for (u64 id = 2; id < 6; id++) { /* 2 and 3, 4 and 5: the same container */
		struct who *who = enrich_cgroup(e, id, T0);

		assert_int_equal(who->kind, WHO_CONTAINER);
		assert_int_equal(strtoull(who->container_id, NULL, 16), id / 2);
	}
	enrich_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_at_random),
		cmocka_unit_test(test_table_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
