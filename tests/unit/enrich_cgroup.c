// SPDX-License-Identifier: Apache-2.0
/* links: src/enrich/cgroup.c src/enrich/cgroup_tree.c src/enrich/cgroup_walk.c src/enrich/cgroup_path.c */
/* Cgroup ids and paths, both ways of finding them, on this machine's own cgroup v2 tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mount.h>

#include "enrich/cgroup.h"
#include "enrich_tree.h"

#define T0 (1000 * NSEC_PER_SEC)

static struct cgroups *whole_tree(void)
{
	struct cgroups *c = NULL;
	char err[256] = "";

	if (cgroups_open(&c, CGROUP_BASE, "/proc", err, sizeof(err)) < 0)
		fail_msg("%s", err);
	return c;
}

static u64 id_of(const struct cgroups *c, const char *rel)
{
	char path[PATH_MAX];
	u64 id = 0;
	int r;

	tree_path(path, rel);
	r = cgroups_id(c, path, &id);
	if (r < 0)
		fail_msg("%s: %s", path, strerror(-r));
	return id;
}

/* The path is from the root of the tree, as tests make them below tree_top. */
static void expect_path(struct cgroups *c, u64 id, u64 now_ns, const char *rel)
{
	char path[CGROUPS_PATH_MAX], want[2 * PATH_MAX];
	int r = cgroups_path(c, id, now_ns, path, sizeof(path));

	if (r < 0)
		fail_msg("%s: %s", rel, strerror(-r));
	snprintf(want, sizeof(want), "%s%s%s", tree_top + strlen(tree_root), *rel ? "/" : "", rel);
	assert_string_equal(path, want);
	assert_int_equal(r, strlen(want));
}

static void check_both_ways(struct cgroups *c)
{
	char path[CGROUPS_PATH_MAX];
	u64 id, root;

	tree_make("a/b/c");
	id = id_of(c, "a/b/c");
	expect_path(c, id, T0, "a/b/c");
	expect_path(c, id_of(c, "a"), T0, "a"); /* by walk: known from the first one */
	assert_int_equal(cgroups_id(c, "/", &root), 0);
	assert_int_equal(cgroups_path(c, root, T0, path, sizeof(path)), 1);
	assert_string_equal(path, "/");
	assert_int_equal(cgroups_path(c, id, T0, path, 4), -ENAMETOOLONG);
	assert_int_equal(cgroups_path(c, id, T0, path, 0), -ENAMETOOLONG);
	assert_int_equal(cgroups_path(c, 0, T0, path, sizeof(path)), -ENOENT);
	tree_remove("a/b/c");
}

static void test_by_handle(void **state)
{
	struct cgroups_stats s;
	struct cgroups *c;
	char path[CGROUPS_PATH_MAX];
	u64 id;

	(void)state;
	TREE_NEEDED();
	if (!tree_has_capability()) {
		print_message("SKIP %s: CAP_DAC_READ_SEARCH is missing\n", __func__);
		skip();
	}
	c = whole_tree();
	cgroups_stats(c, &s);
	assert_true(s.by_handle);
	assert_false(s.partial);
	check_both_ways(c);

	tree_make("gone");
	id = id_of(c, "gone");
	tree_remove("gone");
	assert_int_equal(cgroups_path(c, id, T0, path, sizeof(path)), -ENOENT);
	cgroups_stats(c, &s);
	assert_int_equal(s.walks, 0);
	cgroups_close(c);
}

static void test_by_walk(void **state)
{
	struct cgroups_stats s;
	struct cgroups *c;

	(void)state;
	TREE_NEEDED();
	tree_capability(false);
	c = whole_tree();
	cgroups_stats(c, &s);
	assert_false(s.by_handle);
	check_both_ways(c);
	cgroups_stats(c, &s);
	assert_int_equal(s.walks, 1);
	assert_true(s.dirs >= 4);
	cgroups_close(c);
	tree_capability(true);
}

/* The capability is taken while we run: the next look-up walks. */
static void test_capability_lost(void **state)
{
	struct cgroups_stats s;
	struct cgroups *c;
	u64 id;

	(void)state;
	TREE_NEEDED();
	c = whole_tree();
	tree_make("x");
	id = id_of(c, "x");
	expect_path(c, id, T0, "x");
	tree_capability(false);
	expect_path(c, id, T0, "x");
	tree_capability(true);
	cgroups_stats(c, &s);
	assert_false(s.by_handle);
	assert_int_equal(s.walks, 1);
	tree_remove("x");
	cgroups_close(c);
}

static void test_walk_is_rare(void **state)
{
	const u64 wait_ns = 3600 * NSEC_PER_SEC; /* however slow this machine walks */
	char path[CGROUPS_PATH_MAX];
	struct cgroups_stats s;
	struct cgroups *c;
	u64 gone, late, old;

	(void)state;
	TREE_NEEDED();
	tree_capability(false);
	c = whole_tree();
	tree_make("gone");
	tree_make("old");
	gone = id_of(c, "gone");
	old = id_of(c, "old");
	tree_remove("gone");
	for (int i = 0; i < 1000; i++) /* many events of a dead cgroup: one walk */
		assert_int_equal(cgroups_path(c, gone, T0 + (u64)i * 1000, path, sizeof(path)),
				 -ENOENT);
	cgroups_stats(c, &s);
	assert_int_equal(s.walks, 1);

	tree_make("late");
	late = id_of(c, "late");
	assert_int_equal(cgroups_path(c, late, T0 + NSEC_PER_MSEC, path, sizeof(path)), -EAGAIN);
	tree_remove("old");
	expect_path(c, late, T0 + wait_ns, "late");
	cgroups_stats(c, &s);
	assert_int_equal(s.walks, 2);
	expect_path(c, old, T0 + wait_ns, "old"); /* the walk before still knew it */

	/* Gone is not for ever: asked again after CGROUPS_GONE_NS. */
	assert_int_equal(cgroups_path(c, gone, T0 + 2 * wait_ns, path, sizeof(path)), -ENOENT);
	cgroups_stats(c, &s);
	assert_int_equal(s.walks, 3);
	tree_remove("late");
	tree_capability(true);
	cgroups_close(c);
}

static void test_ids(void **state)
{
	struct cgroups *c;
	char path[PATH_MAX];
	struct stat st;
	u64 id, same;

	(void)state;
	TREE_NEEDED();
	c = whole_tree();
	tree_make("d");
	id = id_of(c, "d");
	tree_path(path, "d");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(id, st.st_ino); /* 64 bits, 5.5 and newer */
	assert_int_equal(cgroups_id(c, path + strlen(tree_root), &same), 0); /* "/podtrace…/d" */
	assert_int_equal(same, id);
	assert_int_equal(cgroups_id(c, path + strlen(tree_root) + 1, &same), 0);
	assert_int_equal(same, id);

	assert_int_equal(cgroups_id(c, "no/such/cgroup", &same), -ENOENT);
	assert_int_equal(cgroups_id(c, "/no/such/cgroup", &same), -ENOENT);
	assert_int_equal(cgroups_id(c, "/usr", &same), -EINVAL); /* there, but no cgroup */
	assert_int_equal(cgroups_id(c, "..", &same), -EINVAL);	 /* out of the tree */
	assert_int_equal(cgroups_id(c, "../..", &same), -EINVAL); /* sysfs has ids alike */
	strcat(path, "/cgroup.procs");
	assert_int_equal(cgroups_id(c, path, &same), -ENOTDIR);
	assert_int_equal(same, id); /* untouched by failures */
	tree_remove("d");
	cgroups_close(c);
}

static void test_open_fails(void **state)
{
	struct cgroups *c = NULL;
	char err[256] = "";

	(void)state;
	assert_int_equal(cgroups_open(&c, "/no/such/dir", "/proc", err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "/no/such/dir"));
	assert_int_equal(cgroups_open(&c, "/usr", "/proc", err, sizeof(err)), -ENODEV);
	assert_non_null(strstr(err, "no cgroups are mounted at /usr"));
	assert_null(c);
	cgroups_close(NULL);
}

/* Without a usable /proc the name of an open file is not known: walks do it. */
static void test_no_proc(void **state)
{
	struct cgroups_stats s;
	struct cgroups *c = NULL;
	char err[256] = "";

	(void)state;
	TREE_NEEDED();
	assert_int_equal(cgroups_open(&c, CGROUP_BASE, "/no/proc", err, sizeof(err)), 0);
	cgroups_stats(c, &s);
	assert_false(s.by_handle);
	check_both_ways(c);
	cgroups_close(c);
}

/* A part of the tree, bind-mounted elsewhere, as a private cgroup namespace shows it. */
static void test_partial(void **state)
{
	char at[] = "/tmp/podtrace-test-XXXXXX", path[CGROUPS_PATH_MAX], dir[PATH_MAX];
	struct cgroups *c = NULL, *whole;
	struct cgroups_stats s;
	char err[256] = "";
	u64 in, out;

	(void)state;
	TREE_NEEDED();
	whole = whole_tree();
	tree_make("pod/in");
	tree_make("out");
	in = id_of(whole, "pod/in");
	out = id_of(whole, "out");
	cgroups_close(whole);
	assert_non_null(mkdtemp(at));
	tree_path(dir, "pod");
	if (mount(dir, at, NULL, MS_BIND, NULL) < 0) {
		print_message("SKIP %s: cannot bind-mount: %s\n", __func__, strerror(errno));
		rmdir(at);
		tree_remove("pod/in");
		tree_remove("out");
		skip();
	}
	assert_int_equal(cgroups_open(&c, at, "/proc", err, sizeof(err)), 0);
	cgroups_stats(c, &s);
	assert_true(s.partial);
	assert_int_equal(cgroups_path(c, in, T0, path, sizeof(path)), 3);
	assert_string_equal(path, "/in");
	if (s.by_handle)
		assert_int_equal(cgroups_path(c, out, T0, path, sizeof(path)), -EXDEV);
	cgroups_close(c);
	assert_int_equal(umount(at), 0);
	rmdir(at);
	tree_remove("pod/in");
	tree_remove("out");
}

struct finding {
	const char *not; /* the match says no to what ends so */
	unsigned asked;
};

static bool find_match(void *ctx, struct str path)
{
	struct finding *f = ctx;

	f->asked++;
	return !str_ends(path, str_of(f->not));
}

/* The topmost directory by part of its name; others are not even asked about. */
static void test_find(void **state)
{
	struct finding f = { "/none", 0 };
	char path[CGROUPS_PATH_MAX], want[2 * PATH_MAX];
	struct cgroups *c;

	(void)state;
	TREE_NEEDED();
	tree_make("a/deep/findme-1");
	tree_make("z/findme-2");
	c = whole_tree();
	snprintf(want, sizeof(want), "%s/z/findme-2", tree_top + strlen(tree_root));
	assert_int_equal(cgroups_find(c, STR("findme"), find_match, &f, T0, path, sizeof(path)),
			 strlen(want));
	assert_string_equal(path, want);
	assert_int_equal(f.asked, 1);
	f.not = "/z/findme-2";
	snprintf(want, sizeof(want), "%s/a/deep/findme-1", tree_top + strlen(tree_root));
	assert_int_equal(cgroups_find(c, STR("findme"), find_match, &f, T0, path, sizeof(path)),
			 strlen(want));
	assert_string_equal(path, want);
	assert_int_equal(f.asked, 3);
	assert_int_equal(cgroups_find(c, STR("findme"), find_match, &f, T0, path, 4),
			 -ENAMETOOLONG);
	assert_int_equal(cgroups_find(c, STR("missing"), find_match, &f, T0, path, sizeof(path)),
			 -EAGAIN);
	assert_int_equal(cgroups_find(c, STR("missing"), find_match, &f, 2 * T0, path,
				      sizeof(path)),
			 -ENOENT);
	assert_int_equal(cgroups_find(c, STR(""), find_match, &f, 2 * T0, path, sizeof(path)), 1);
	assert_string_equal(path, "/");
	tree_remove("a/deep/findme-1");
	tree_remove("z/findme-2");
	cgroups_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_handle),
		cmocka_unit_test(test_by_walk),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_capability_lost),
		cmocka_unit_test(test_walk_is_rare),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_open_fails),
		cmocka_unit_test(test_no_proc),
		cmocka_unit_test(test_partial),
	};

	return cmocka_run_group_tests(tests, tree_setup, tree_teardown);
}
