// SPDX-License-Identifier: Apache-2.0
/* links: src/enrich/enrich.c src/enrich/enrich_names.c src/enrich/names.c src/enrich/environ.c src/enrich/cgroup_proc.c src/pod.c src/enrich/cgroup.c src/enrich/cgroup_tree.c src/enrich/cgroup_walk.c src/enrich/cgroup_path.c src/kinds.c src/enrich/process.c src/enrich/process_args.c */
/* Events to containers, on this machine's own cgroup v2 tree: the whole way of enrich. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "enrich/enrich.h"
#include "enrich_tree.h"

#define T0  (1000 * NSEC_PER_SEC)
#define A   "2f4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccdd"
#define B   "b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eaf"
#define UID "6c1b6a5e-7d2f-4c3b-9a8e-0f1e2d3c4b5a"
#define POD "kubepods/burstable/pod" UID

struct gone {
	size_t n;
	struct who last;
};

static void who_gone(void *ctx, struct who *who)
{
	struct gone *g = ctx;

	g->n++;
	g->last = *who;
}

static struct enrich *new_enrich(struct gone *g, size_t cgroups_max)
{
	struct enrich_config config = {
		.cgroup_base = CGROUP_BASE,
		.proc_base = "/proc",
		.cgroups_max = cgroups_max,
		.processes_max = 64,
		.who_gone = who_gone,
		.ctx = g,
	};
	struct enrich *e = NULL;
	char err[256] = "";

	*g = (struct gone){ 0 };
	if (enrich_new(&e, &config, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	return e;
}

static u64 make(const struct enrich *e, const char *rel)
{
	char path[PATH_MAX];
	u64 id = 0;
	int r;

	tree_make(rel);
	tree_path(path, rel);
	r = enrich_cgroup_id(e, path, &id);
	if (r < 0)
		fail_msg("%s: %s", path, strerror(-r));
	return id;
}

/* A container, its child, its pod, and a service: who they are, and that two cgroups of one
 * container are one who. */
static void check_containers(void)
{
	struct enrich_stats s;
	struct gone g;
	struct enrich *e = new_enrich(&g, 64);
	u64 a = make(e, POD "/" A), child = make(e, POD "/" A "/container"), pod = make(e, POD);
	struct who *who = enrich_cgroup(e, a, T0);

	assert_int_equal(who->kind, WHO_CONTAINER);
	assert_string_equal(who->container_id, A);
	assert_string_equal(who->pod_uid, UID);
	assert_string_equal(who->qos, "burstable");
	assert_int_equal(who->resource, -1);
	assert_int_equal(who->last_ns, T0);
	who->resource = 5;

	assert_ptr_equal(enrich_cgroup(e, child, T0 + 1), who);
	assert_ptr_equal(enrich_cgroup(e, a, T0 + 2), who);
	assert_int_equal(who->last_ns, T0 + 2);
	assert_int_equal(who->resource, 5);
	assert_int_equal(enrich_cgroup(e, pod, T0)->kind, WHO_POD);
	assert_string_equal(enrich_cgroup(e, pod, T0)->pod_uid, UID);
	assert_int_equal(enrich_cgroup(e, 0, T0)->kind, WHO_UNKNOWN);

	enrich_stats(e, &s);
	assert_int_equal(s.cgroups, 3);
	assert_int_equal(s.whos, 2);
	assert_int_equal(s.cgroup_hits, 2);
	assert_int_equal(s.cgroup_lookups, 3);
	assert_int_equal(s.cgroup_gone, 0); /* id 0 is no cgroup: nobody is asked */
	assert_int_equal(s.cgroup_unread, 0);
	tree_remove(POD "/" A "/container");
	enrich_free(e);
	assert_int_equal(g.n, 0);
}

static void test_containers(void **state)
{
	(void)state;
	TREE_NEEDED();
	check_containers();
}

static void test_containers_by_walk(void **state)
{
	(void)state;
	TREE_NEEDED();
	tree_capability(false);
	/* All were made before the first look-up, so that one walk finds them. */
	check_containers();
	tree_capability(true);
}

static void test_gone(void **state)
{
	struct enrich_stats s;
	struct gone g;
	struct enrich *e;
	struct who *who;
	u64 known, unknown;

	(void)state;
	TREE_NEEDED();
	e = new_enrich(&g, 64);
	known = make(e, POD "/" A);
	unknown = make(e, POD "/" B);
	who = enrich_cgroup(e, known, T0);
	tree_remove(POD "/" B);
	tree_remove(POD "/" A);

	/* Seen alive: keeps its name. Never seen alive: has none, and is counted. */
	assert_ptr_equal(enrich_cgroup(e, known, T0 + NSEC_PER_SEC), who);
	assert_string_equal(who->container_id, A);
	assert_int_equal(enrich_cgroup(e, unknown, T0)->kind, WHO_UNKNOWN);
	assert_ptr_equal(enrich_cgroup(e, unknown, T0), enrich_cgroup(e, 1ull << 60, T0));
	assert_string_equal(enrich_cgroup(e, unknown, T0)->unknown, "cgroup_gone");
	assert_string_equal(enrich_cgroup(e, 0, T0)->unknown, "no_cgroup");
	assert_null(who->unknown); /* the control: this one is known */
	enrich_stats(e, &s);
	assert_int_equal(s.cgroup_gone, 4);
	assert_int_equal(s.cgroups, 1);

	/* Ten minutes after the last event, not earlier. */
	enrich_expire(e, T0 + NSEC_PER_SEC + ENRICH_MEMORY_NS);
	assert_int_equal(g.n, 0);
	enrich_expire(e, T0 + NSEC_PER_SEC + ENRICH_MEMORY_NS + 1);
	assert_int_equal(g.n, 1);
	assert_string_equal(g.last.container_id, A);
	enrich_stats(e, &s);
	assert_int_equal(s.cgroups, 0);
	assert_int_equal(s.whos, 0);
	enrich_free(e);
}

/* One of a container's cgroups going idle does not take the container away. */
static void test_expire_shared(void **state)
{
	struct gone g;
	struct enrich *e;
	struct who *who;
	u64 a, child;

	(void)state;
	TREE_NEEDED();
	e = new_enrich(&g, 64);
	a = make(e, POD "/" A);
	child = make(e, POD "/" A "/exec-1");
	who = enrich_cgroup(e, child, T0);
	enrich_cgroup(e, a, T0 + ENRICH_MEMORY_NS);
	enrich_expire(e, T0 + ENRICH_MEMORY_NS + NSEC_PER_SEC);
	assert_int_equal(g.n, 0);
	assert_ptr_equal(enrich_cgroup(e, a, T0 + ENRICH_MEMORY_NS + NSEC_PER_SEC), who);
	enrich_expire(e, T0 + 3 * ENRICH_MEMORY_NS);
	assert_int_equal(g.n, 1);
	tree_remove(POD "/" A "/exec-1");
	enrich_free(e);
}

static void test_host(void **state)
{
	struct gone g;
	struct enrich *e;
	u64 root = 0;

	(void)state;
	TREE_NEEDED();
	e = new_enrich(&g, 64);
	assert_int_equal(enrich_cgroup_id(e, "/", &root), 0);
	assert_int_equal(enrich_cgroup(e, root, T0)->kind, WHO_HOST);
	enrich_free(e);
}

/* An impostor: a container that makes a cgroup with another's id as its name below its own
 * is not taken for that one. */
static void test_impostor(void **state)
{
	struct gone g;
	struct enrich *e;
	u64 victim, fake;

	(void)state;
	TREE_NEEDED();
	e = new_enrich(&g, 64);
	victim = make(e, POD "/" A);
	fake = make(e, "kubepods/pod00000000-0000-0000-0000-000000000001/" B "/" A);
	assert_ptr_not_equal(enrich_cgroup(e, victim, T0), enrich_cgroup(e, fake, T0));
	assert_string_equal(enrich_cgroup(e, fake, T0)->pod_uid,
			    "00000000-0000-0000-0000-000000000001");
	tree_remove(POD "/" A);
	tree_remove("kubepods/pod00000000-0000-0000-0000-000000000001/" B "/" A);
	enrich_free(e);
}

static void test_events(void **state)
{
	struct event ev = {
		.kind = KIND_process_exec,
		.pid = 10,
		.key = T0,
		.when_ns = T0,
		.process_exec = { .path = STR("/bin/x"), .args = STR("x\0"), .args_n = 2 },
	};
	struct gone g;
	struct enrich *e;
	struct enrich_stats s;

	(void)state;
	TREE_NEEDED();
	e = new_enrich(&g, 64);
	ev.cgroup = make(e, POD "/" A);
	enrich_event(e, &ev);
	assert_string_equal(ev.who->container_id, A);
	assert_string_equal(ev.process->exe, "/bin/x");

	ev = (struct event){ .kind = KIND_tcp_connect,
			     .pid = 10,
			     .key = 0xffff888000000000ull,
			     .when_ns = T0 + 1,
			     .cgroup = ev.cgroup };
	enrich_event(e, &ev);
	assert_string_equal(ev.process->exe, "/bin/x");

	/* Its cgroup goes, its process stays known; and the other way round. */
	ev.cgroup = 1ull << 60;
	enrich_event(e, &ev);
	assert_int_equal(ev.who->kind, WHO_UNKNOWN);
	assert_null(ev.process); /* another cgroup: another process */
	enrich_stats(e, &s);
	assert_int_equal(s.processes, 1);
	assert_int_equal(s.process_evicted, 0);
	assert_true(s.bytes > 0);
	tree_remove(POD "/" A);
	enrich_free(e);
}

static void test_new_fails(void **state)
{
	struct enrich_config config = { .cgroup_base = "/usr",
					.cgroups_max = 4,
					.processes_max = 4 };
	struct enrich *e = NULL;
	char err[256] = "";
	u64 id;

	(void)state;
	assert_int_equal(enrich_new(&e, &config, err, sizeof(err)), -ENODEV);
	assert_non_null(strstr(err, "no cgroups"));
	config.cgroups_max = 0;
	assert_int_equal(enrich_new(&e, &config, err, sizeof(err)), -EINVAL);
	config.cgroups_max = 4;
	config.processes_max = 0;
	assert_int_equal(enrich_new(&e, &config, err, sizeof(err)), -EINVAL);
	assert_null(e);
	enrich_free(NULL);

	/* Replay: nobody is asked. */
	config = (struct enrich_config){ .cgroups_max = 4, .processes_max = 4 };
	assert_int_equal(enrich_new(&e, &config, err, sizeof(err)), 0);
	assert_int_equal(enrich_cgroup(e, 1, T0)->kind, WHO_UNKNOWN);
	assert_int_equal(enrich_cgroup_id(e, "/", &id), -ENODEV);
	enrich_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containers), cmocka_unit_test(test_containers_by_walk),
		cmocka_unit_test(test_gone),	   cmocka_unit_test(test_expire_shared),
		cmocka_unit_test(test_host),	   cmocka_unit_test(test_impostor),
		cmocka_unit_test(test_events),	   cmocka_unit_test(test_new_fails),
	};

	return cmocka_run_group_tests(tests, tree_setup, tree_teardown);
}
