// SPDX-License-Identifier: Apache-2.0
/* links: src/enrich/names.c src/pod.c */
/* What is remembered of containers and pods: by whom, how long, how much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrich/names.h"

#define T0 (1000 * NSEC_PER_SEC)

static struct container container(unsigned i, enum name_source source, const char *name)
{
	struct container c = { .source = source, .name = str_of(name), .pod_uid = "uid" };

	snprintf(c.id, sizeof(c.id), "%064x", i);
	return c;
}

static struct pod pod(unsigned i, enum name_source source, const char *name)
{
	struct pod p = { .source = source, .name = str_of(name), .namespace = STR("shop") };

	snprintf(p.uid, sizeof(p.uid), "%032x", i);
	return p;
}

static const struct container *find(struct names *n, unsigned i)
{
	struct container c = container(i, NAME_FROM_CRI, "");

	return names_find_container(n, c.id);
}

/* A better source replaces a worse one, never the other way round; the same is no news. */
static void test_sources(void **state)
{
	struct names *n = names_new();
	struct container logs = container(1, NAME_FROM_LOGS, "logs"),
			 cri = container(1, NAME_FROM_CRI, "cri"),
			 api = container(1, NAME_FROM_API, "api");
	struct pod p = pod(1, NAME_FROM_CRI, "cart-0"), better = pod(1, NAME_FROM_API, "cart-0");

	(void)state;
	assert_null(find(n, 1));
	assert_true(names_container(n, &logs));
	assert_false(names_container(n, &logs));
	assert_true(names_container(n, &api));
	assert_false(names_container(n, &logs));
	assert_true(str_eq(find(n, 1)->name, STR("api")));
	assert_true(names_container(n, &cri));
	assert_false(names_container(n, &api));
	assert_true(str_eq(find(n, 1)->name, STR("cri")));
	assert_null(find(n, 2));

	assert_true(names_pod(n, &p));
	assert_false(names_pod(n, &p));
	assert_true(names_pod(n, &better));
	assert_false(names_pod(n, &p));
	assert_int_equal(names_find_pod(n, p.uid)->source, NAME_FROM_API);
	names_free(n);
}

/* Labels in another order are the same labels; another value is news. */
static void test_labels(void **state)
{
	struct label a[] = { { STR("x"), STR("1") }, { STR("y"), STR("2") } };
	struct label b[] = { { STR("y"), STR("2") }, { STR("x"), STR("1") } };
	struct label c[] = { { STR("y"), STR("2") }, { STR("x"), STR("3") } };
	struct pod p = pod(1, NAME_FROM_CRI, "cart-0");
	struct names *n = names_new();
	struct names_stats stats;

	(void)state;
	p.labels = a;
	p.labels_n = 2;
	assert_true(names_pod(n, &p));
	p.labels = b;
	assert_false(names_pod(n, &p));
	p.ip = STR("10.1.0.1"); /* news, but not of labels */
	assert_true(names_pod(n, &p));
	names_stats(n, &stats);
	assert_int_equal(stats.relabelled, 0);
	p.labels = c;
	assert_true(names_pod(n, &p));
	p.labels_n = 1;
	assert_true(names_pod(n, &p));
	names_stats(n, &stats);
	assert_int_equal(stats.relabelled, 2);
	names_free(n);
}

/* Gone for less than ten minutes it still has its name; who holds a block keeps it longer. */
static void test_memory(void **state)
{
	struct names *n = names_new();
	struct container c = container(1, NAME_FROM_CRI, "web");
	struct container *kept;
	struct names_stats s;

	(void)state;
	names_container(n, &c);
	kept = container_ref(names_find_container(n, c.id));
	names_container_gone(n, str_of(c.id), T0);
	names_expire(n, T0 + NAMES_MEMORY_NS);
	assert_non_null(find(n, 1));
	names_container_gone(n, str_of(c.id), T0 + NAMES_MEMORY_NS); /* told twice: the first counts */
	names_expire(n, T0 + NAMES_MEMORY_NS + 1);
	assert_null(find(n, 1));
	assert_true(str_eq(kept->name, STR("web")));
	container_unref(kept);
	/* it came back in time */
	names_container(n, &c);
	names_container_gone(n, str_of(c.id), T0);
	names_container(n, &c);
	names_expire(n, T0 + 2 * NAMES_MEMORY_NS);
	assert_non_null(find(n, 1));
	names_stats(n, &s);
	assert_int_equal(s.containers, 1);
	assert_int_equal(s.evicted, 0);
	names_free(n);
}

/* More than the limits: the oldest go and are counted, bytes stay below their limit. */
static void test_bounds(void **state)
{
	struct names *n = names_new();
	static char long_name[POD_NAME_MAX + 1];
	struct label labels[POD_LABELS_MAX];
	struct names_stats s;

	(void)state;
	memset(long_name, 'a', POD_NAME_MAX);
	for (unsigned i = 0; i < NAMES_CONTAINERS_MAX + 100; i++) {
		struct container c = container(i, NAME_FROM_CRI, "web");

		names_container(n, &c);
	}
	names_stats(n, &s);
	assert_int_equal(s.containers, NAMES_CONTAINERS_MAX);
	assert_int_equal(s.evicted, 100);
	assert_null(find(n, 99));
	assert_non_null(find(n, 100));
	for (size_t i = 0; i < POD_LABELS_MAX; i++)
		labels[i] = (struct label){ str_of(long_name), str_of(long_name) };
	for (unsigned i = 0; i < 1000; i++) { /* 32 KB each: 4 times what is allowed */
		struct pod p = pod(i, NAME_FROM_CRI, "big");

		p.labels = labels;
		p.labels_n = POD_LABELS_MAX;
		names_pod(n, &p);
	}
	names_stats(n, &s);
	assert_true(s.pods > 100 && s.pods < 400);
	assert_int_equal(s.evicted, 100 + 1000 - s.pods);
	assert_non_null(names_find_pod(n, "000000000000000000000000000003e7"));
	names_free(n);
}

static void test_walk(void **state)
{
	struct names *n = names_new();
	const struct container *c;
	size_t pos = 0, seen = 0;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		struct container draft = container(i, NAME_FROM_CRI, "web");

		names_container(n, &draft);
	}
	while ((c = names_next(n, &pos)))
		seen++;
	assert_int_equal(seen, 5);
	names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources), cmocka_unit_test(test_labels),
		cmocka_unit_test(test_memory),	cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
