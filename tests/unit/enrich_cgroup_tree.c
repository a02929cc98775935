// SPDX-License-Identifier: Apache-2.0
/* links: src/enrich/cgroup_tree.c src/enrich/cgroup.c src/enrich/cgroup_walk.c src/enrich/cgroup_path.c */
/* Which cgroup tree is used, on folders where parts of this machine's own trees are mounted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "enrich/cgroup.h"
#include "enrich/cgroup_tree.h"
#include "enrich_tree.h"

#define T0 (1000 * NSEC_PER_SEC)
#define POD "kubepods/burstable/pod0f0e0d0c-0b0a-0908-0706-050403020100"
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CONTAINER POD "/" ID

static char v1_top[PATH_MAX]; /* our folder in the memory hierarchy */
static char base[PATH_MAX];   /* what stands for /sys/fs/cgroup */

/* PATH below TOP, made with all above it. */
static void make(const char *top, const char *path)
{
	char dir[2 * PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/%s/", top, path);
	for (char *p = dir + strlen(top) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			fail_msg("%s: %s", dir, strerror(errno));
		*p = '/';
	}
}

/* SOURCE is to be seen as base/NAME. */
static void bind_at(const char *source, const char *name)
{
	char at[2 * PATH_MAX];

	make(base, name);
	snprintf(at, sizeof(at), "%s/%s", base, name);
	if (mount(source, at, NULL, MS_BIND, NULL) < 0)
		fail_msg("mount %s at %s: %s", source, at, strerror(errno));
}

/* A mount namespace of our own: what a failed test leaves mounted goes with the process. */
static const char *missing(void)
{
	static bool private;
	struct statfs fs;

	if (tree_missing())
		return tree_missing();
	if (statfs(CGROUP_BASE "/memory", &fs) || fs.f_type != CGROUP_SUPER_MAGIC)
		return "no memory hierarchy of cgroup v1 here";
	if (!private && (unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)))
		return "cannot have a mount namespace";
	private = true;
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	if (missing())
		return 0;
	snprintf(base, sizeof(base), "/tmp/podtrace-test-XXXXXX");
	snprintf(v1_top, sizeof(v1_top), CGROUP_BASE "/memory/podtrace-test-%d", getpid());
	return mkdtemp(base) && !mkdir(v1_top, 0755) && !mount("t", base, "tmpfs", 0, NULL) ? 0 : -1;
}

static int remove_dir(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type == FTW_DP)
		rmdir(path);
	return 0;
}

/* Who just died still counts for a moment. */
static void remove_all(const char *top)
{
	for (int i = 0; i < 500 && access(top, F_OK) == 0; i++) {
		nftw(top, remove_dir, 16, FTW_DEPTH | FTW_PHYS);
		usleep(10000);
	}
}

static int teardown(void **state)
{
	(void)state;
	if (missing())
		return 0;
	if (umount2(base, MNT_DETACH) || rmdir(base))
		return -1;
	remove_all(v1_top);
	remove_all(tree_top);
	return mkdir(tree_top, 0755);
}

#define NEEDED()                                                                                   \
	do {                                                                                       \
		if (missing()) {                                                                   \
			print_message("SKIP %s: %s\n", __func__, missing());                       \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

/* A process that rests in PATH of the v1 tree. */
static pid_t rest_in(const char *path)
{
	char procs[2 * PATH_MAX];
	pid_t pid = fork();
	FILE *f;

	if (pid == 0)
		for (;;)
			pause();
	snprintf(procs, sizeof(procs), "%s/%s/cgroup.procs", v1_top, path);
	f = fopen(procs, "w");
	if (!f || fprintf(f, "%d", pid) < 0 || fclose(f))
		fail_msg("%s: %s", procs, strerror(errno));
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct cgroups *opened(enum cgroup_tree want)
{
	struct cgroups_stats stats;
	struct cgroups *c = NULL;
	char err[256] = "";

	if (cgroups_open(&c, base, "/proc", err, sizeof(err)) < 0)
		fail_msg("%s", err);
	cgroups_stats(c, &stats);
	assert_string_equal(cgroup_tree_name(stats.tree), cgroup_tree_name(want));
	return c;
}

static void expect(enum cgroup_tree want)
{
	cgroups_close(opened(want));
}

static void test_v2(void **state)
{
	(void)state;
	NEEDED();
	bind_at(tree_root, "unified");
	expect(CGROUP_TREE_V2);
}

/* The whole hierarchy: ids and paths both ways, as on v2. */
static void check_v1(bool by_handle)
{
	char path[CGROUPS_PATH_MAX], dir[2 * PATH_MAX], want[2 * PATH_MAX];
	struct cgroups *c = opened(CGROUP_TREE_MEMORY);
	struct cgroups_stats stats;
	struct stat st;
	u64 id, same;

	cgroups_stats(c, &stats);
	assert_int_equal(stats.by_handle, by_handle);
	assert_false(stats.partial);
	make(v1_top, CONTAINER);
	snprintf(dir, sizeof(dir), "%s/%s", v1_top, CONTAINER);
	assert_int_equal(cgroups_id(c, dir, &id), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(id, st.st_ino); /* 64 bits, 5.5 and newer */
	snprintf(want, sizeof(want), "%s/%s", v1_top + strlen(CGROUP_BASE "/memory"), CONTAINER);
	assert_int_equal(cgroups_id(c, want, &same), 0);
	assert_int_equal(same, id);
	assert_int_equal(cgroups_path(c, id, T0, path, sizeof(path)), strlen(want));
	assert_string_equal(path, want);
	/* another hierarchy has ids of its own, that mean other cgroups here */
	assert_int_equal(cgroups_id(c, CGROUP_BASE "/cpu", &same), -EINVAL);
	assert_int_equal(cgroups_id(c, tree_root, &same), -EINVAL);
	cgroups_close(c);
}

static void test_v1(void **state)
{
	(void)state;
	NEEDED();
	bind_at(CGROUP_BASE "/memory", "memory");
	bind_at(CGROUP_BASE "/pids", "pids");
	if (tree_has_capability())
		check_v1(true);
	tree_capability(false);
	check_v1(false);
	tree_capability(true);
}

/* What newer kernels leave of v1: they refuse memory. A plain folder is no hierarchy. */
static void test_other_controllers(void **state)
{
	(void)state;
	NEEDED();
	make(base, "memory");
	bind_at(CGROUP_BASE "/devices", "devices");
	expect(CGROUP_TREE_DEVICES);
	bind_at(CGROUP_BASE "/cpu", "cpu,cpuacct");
	expect(CGROUP_TREE_CPU);
	bind_at(CGROUP_BASE "/pids", "pids");
	expect(CGROUP_TREE_PIDS);
}

static void test_partial(void **state)
{
	struct cgroups_stats stats;
	struct cgroups *c;

	(void)state;
	NEEDED();
	bind_at(v1_top, "memory");
	c = opened(CGROUP_TREE_MEMORY);
	cgroups_stats(c, &stats);
	assert_true(stats.partial);
	cgroups_close(c);
}

/* A runtime that knows nothing of v2 leaves its containers in v1 alone. */
static void test_hybrid(void **state)
{
	pid_t pid;

	(void)state;
	NEEDED();
	bind_at(tree_top, "unified");
	bind_at(v1_top, "memory");
	expect(CGROUP_TREE_V2);
	make(v1_top, POD);
	expect(CGROUP_TREE_V2); /* a pod's folder is no container */
	make(v1_top, CONTAINER);
	expect(CGROUP_TREE_V2); /* left behind, or still being made: nobody is in it */
	pid = rest_in(CONTAINER);
	expect(CGROUP_TREE_MEMORY);
	make(tree_top, POD);
	expect(CGROUP_TREE_MEMORY); /* a kubelet that knows v2, a runtime that does not */
	make(tree_top, CONTAINER);
	expect(CGROUP_TREE_V2);
	end(pid);
}

/* Services, and what is below a container, say nothing. */
static void test_hybrid_of_services(void **state)
{
	pid_t pid, child;

	(void)state;
	NEEDED();
	bind_at(tree_top, "unified");
	bind_at(v1_top, "memory");
	make(v1_top, "system.slice/docker.service");
	make(v1_top, CONTAINER "/init.scope");
	make(tree_top, CONTAINER);
	pid = rest_in("system.slice/docker.service");
	child = rest_in(CONTAINER "/init.scope");
	expect(CGROUP_TREE_V2);
	end(pid);
	end(child);
}

static void test_none(void **state)
{
	enum cgroup_tree tree;
	char err[256] = "";

	(void)state;
	assert_int_equal(cgroup_tree_open("/no/such/dir", &tree, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "/no/such/dir"));
	assert_int_equal(cgroup_tree_open("/usr", &tree, err, sizeof(err)), -ENODEV);
	assert_non_null(strstr(err, "no cgroups are mounted at /usr"));
	NEEDED();
	make(base, "unified");
	make(base, "memory");
	assert_int_equal(cgroup_tree_open(base, &tree, err, sizeof(err)), -ENODEV);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_v2),
		TEST(test_v1),
		TEST(test_other_controllers),
		TEST(test_partial),
		TEST(test_hybrid),
		TEST(test_hybrid_of_services),
		TEST(test_none),
	};

	return cmocka_run_group_tests(tests, tree_setup, tree_teardown);
}
