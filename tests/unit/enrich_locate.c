// SPDX-License-Identifier: Apache-2.0
/* links: src/enrich/locate.c src/enrich/cgroup*.c */
/* From an id to a directory, on directories of this machine's cgroup v2 tree and a /proc made
 * of files; and what a person reads when no way leads there. */
#include "node_fixture.h"

#include "enrich/locate.h"
#include "enrich_tree.h"

#define A    "2f4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccdd"
#define B    "b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eaf"
#define UID  "6c1b6a5e-7d2f-4c3b-9a8e-0f1e2d3c4b5a"
#define UID_ "6c1b6a5e_7d2f_4c3b_9a8e_0f1e2d3c4b5a"

#define CGROUPFS   "/kubepods/burstable/pod" UID "/" A
#define POD_SLICE  "kubepods-burstable-pod" UID_ ".slice"
#define BELOW	   "/kubepods-burstable.slice/" POD_SLICE
#define CRIO	   "/kubepods.slice" BELOW "/crio-" A ".scope"
#define CONMON	   "/kubepods.slice" BELOW "/crio-conmon-" A ".scope"
#define CONTAINERD "/kubepods.slice" BELOW "/cri-containerd-" A ".scope"

static struct locate l;
static char got[CGROUPS_PATH_MAX], text[2048];

/* The tree begins at the test's own directory. */
static int setup(void **state)
{
	char err[256] = "";

	if (node_setup(state))
		return -1;
	memset(&l, 0, sizeof(l));
	l.cgroup_base = "/sys/fs/cgroup";
	l.proc_base = roots.proc;
	if (!tree_missing() && cgroups_open(&l.cgroups, tree_top, "/proc", err, sizeof(err))) {
		print_message("%s\n", err);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	cgroups_close(l.cgroups);
	tree_remove(&CGROUPFS[1]);
	tree_remove(&CONMON[1]);
	tree_remove(&CRIO[1]);
	tree_remove(&CONTAINERD[1]);
	return node_teardown(state);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void expect(int r, const char *path)
{
	if (r < 0)
		fail_msg("%s: %s: %s | %s | %s", path, strerror(-r), l.why[0], l.why[1], l.why[2]);
	assert_string_equal(got, path);
	assert_int_equal(r, strlen(path));
}

static void expect_why(int r, enum locate_way way, const char *why, const char *fix)
{
	assert_int_equal(r, -ENOENT);
	if (!strstr(l.why[way], why) || !strstr(l.fix[way], fix))
		fail_msg("%s (%s)", l.why[way], l.fix[way]);
}

static int runtime(const char *told)
{
	return locate_by_runtime(&l, STR(A), str_of(told), NULL, got, sizeof(got));
}

static void test_expand(void **state)
{
	static const struct {
		const char *told, *path; /* NULL: not of that form */
	} forms[] = {
		{ POD_SLICE ":cri-containerd:" A,
		  "/kubepods.slice" BELOW "/cri-containerd-" A ".scope" },
		{ "kubelet-kubepods-pod" UID_ ".slice:cri-containerd:" A,
		  "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_
		  ".slice/cri-containerd-" A ".scope" },
		{ "a.slice:p:i", "/a.slice/p-i.scope" },
		{ "-.slice:p:i", "/p-i.scope" },
		{ ":docker:i", "/system.slice/docker-i.scope" },
		{ "", NULL },
		{ "a.slice", NULL },
		{ "a.slice:p", NULL },
		{ "a.slice::i", NULL },
		{ "a.slice:p:", NULL },
		{ "a.slice:p:i:j", NULL },
		{ "a.slice:p:i/j", NULL },
		{ "a.slice:p/q:i", NULL },
		{ "a/b.slice:p:i", NULL },
		{ "a.scope:p:i", NULL },
		{ ".slice:p:i", NULL },
		{ "a-.slice:p:i", NULL },
		{ "-a.slice:p:i", NULL },
		{ "a--b.slice:p:i", NULL },
	};
	char dst[CGROUPS_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		int r = locate_expand(str_of(forms[i].told), dst, sizeof(dst));
		const char *path = forms[i].path;

		if (r != (path ? (int)strlen(path) : -EINVAL) || (path && strcmp(dst, path)))
			fail_msg("%s: %d %s", forms[i].told, r, dst);
	}
	assert_int_equal(locate_expand(STR("a.slice:p:i\0j"), dst, sizeof(dst)), -EINVAL);
	assert_int_equal(locate_expand(STR("a.slice:p:i"), dst, 19), 18);
	assert_int_equal(locate_expand(STR("a.slice:p:i"), dst, 18), -ENAMETOOLONG);
	memset(dst, 'a', sizeof(dst)); /* each "-" doubles what is above */
	for (size_t i = 1; i < 400; i += 2)
		dst[i] = '-';
	memcpy(dst + 401, ".slice:p:i", 10);
	assert_int_equal(locate_expand((struct str){ dst, 411 }, text, sizeof(text)), -EINVAL);
}

static void test_runtime(void **state)
{
	(void)state;
	TREE_NEEDED();
	tree_make(&CGROUPFS[1]);
	expect(runtime(CGROUPFS), CGROUPFS);
	expect(runtime(&CGROUPFS[1]), CGROUPFS);
	expect(runtime("/burstable/pod" UID "/" A), CGROUPFS);
	expect(runtime("/sys/fs/cgroup" CGROUPFS), CGROUPFS);
	l.cgroup_base = "/host/cg";
	expect(runtime("/host/cg" CGROUPFS), CGROUPFS);
	tree_make(&CRIO[1]);
	expect(runtime(POD_SLICE ":crio:" A), CRIO);
	expect(runtime(CRIO), CRIO);
	expect(runtime(BELOW "/crio-" A ".scope"), CRIO); /* the OpenShift seed's */
	expect(runtime(&BELOW "/crio-" A ".scope/container"[1]), CRIO);
	assert_string_equal(l.why[LOCATE_RUNTIME], "");
	assert_int_equal(locate_by_runtime(&l, STR(A), STR(CRIO), NULL, got, sizeof(CRIO) - 1),
			 -ENAMETOOLONG);
	expect(locate_by_runtime(&l, STR(A), STR(CRIO), NULL, got, sizeof(CRIO)), CRIO);
}

/* A runtime with the cgroupfs driver that is given a path in systemd's form. */
static void test_runtime_literal(void **state)
{
	static const char literal[] = POD_SLICE ":crio:" A;

	(void)state;
	TREE_NEEDED();
	tree_make(literal);
	expect(runtime(literal), "/" POD_SLICE ":crio:" A);
	tree_remove(literal);
}

static void test_runtime_fails(void **state)
{
	static const char *const others[] = {
		"/",
		"/kubepods.slice",
		"/kubepods/burstable/pod" UID,
		"/kubepods/burstable/pod" UID "/" B,
		CONMON,
		"/kubepods/burstable/../burstable/pod" UID "/" A,
		"/kubepods/burstable/pod" UID "/" A "/../" A,
		POD_SLICE ":crio:" B,
		"\x1b]0;x\x07",
	};

	(void)state;
	expect_why(runtime(""), LOCATE_RUNTIME, "it told no path", "CRI socket");
	expect_why(locate_by_runtime(&l, STR(A), STR(""), "no socket\n at /run", got, sizeof(got)),
		   LOCATE_RUNTIME, "no socket? at /run", "/run/crio");
	TREE_NEEDED();
	tree_make("kubepods/burstable/pod" UID "/" B);
	tree_make(&CGROUPFS[1]);
	tree_make(&CONMON[1]);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		expect_why(runtime(others[i]), LOCATE_RUNTIME, "not the container's",
			   "PODTRACE_CRI_CGROUP_FIELDS");
	assert_null(strchr(l.why[LOCATE_RUNTIME], '\x1b'));
	expect_why(runtime(CRIO), LOCATE_RUNTIME, "no such directory is below /sys/fs/cgroup",
		   "PODTRACE_CGROUP_BASE");
	tree_remove("kubepods/burstable/pod" UID "/" B);
}

static void process(const char *pid, const char *cgroup)
{
	char name[64];

	snprintf(name, sizeof(name), "proc/%s/cgroup", pid);
	node_file(name, cgroup);
}

static void host_proc(const char *ns)
{
	char name[NODE_PATH_MAX];

	node_dir("proc/1/ns");
	node_name(name, "proc/1/ns/pid");
	assert_int_equal(symlink(ns, name), 0);
}

static int by_proc(void)
{
	return locate_by_proc(&l, STR(A), got, sizeof(got));
}

static void test_proc(void **state)
{
	(void)state;
	TREE_NEEDED();
	tree_make(&CRIO[1]);
	tree_make(&CONMON[1]);
	process("1", "0::/init.scope\n");
	process("20", "0::" CONMON "\n"); /* its helper, which is in none of its cgroups */
	process("x1", "0::" CRIO "\n");
	expect_why(by_proc(), LOCATE_PROC, "none of the 2 processes in", "hostPID");
	process("21", "0::" CRIO "/container\n");
	expect(by_proc(), CRIO);
	assert_string_equal(l.why[LOCATE_PROC], "");
	/* from a cgroup namespace at the root's child; docker exec on hybrid */
	process("21", "0::/../.." CRIO "\n");
	expect(by_proc(), CRIO);
	process("21", "4:memory:" CRIO "\n0::/\n");
	expect(by_proc(), CRIO);
	assert_int_equal(locate_by_proc(&l, STR(A), got, sizeof(CRIO) - 1), -ENAMETOOLONG);
}

/* B named a directory of its own like A: not taken when A's is there, whatever their depths. */
#define NESTED "/docker/" B "/kubepods/pod" UID "/" A

static void test_proc_pretender(void **state)
{
	static const char own[] = "kubepods/pod" UID "/" B "/" A;

	(void)state;
	TREE_NEEDED();
	tree_make(&CRIO[1]);
	tree_make(own);
	for (int i = 0; i < 2; i++) {
		process(i ? "30" : "10", "0::/kubepods/pod" UID "/" B "/" A "\n");
		process(i ? "10" : "30", "0::" CRIO "\n");
		expect(by_proc(), CRIO);
	}
	expect(locate_by_walk(&l, STR(A), got, sizeof(got)), CRIO);
	/* the control: alone it is not taken either, but a container in a container (kind) is */
	process("10", "0::/kubepods/pod" UID "/" B "/" A "\n");
	process("30", "0::/\n");
	assert_int_equal(by_proc(), -ENOENT);
	tree_make(&NESTED[1]);
	process("10", "0::" NESTED "\n");
	expect(by_proc(), NESTED);
	tree_remove(&CRIO[1]);
	usleep(250000); /* the next walk is due */
	expect(locate_by_walk(&l, STR(A), got, sizeof(got)), NESTED);
	tree_remove(&NESTED[1]);
	tree_remove(own);
}

static void test_proc_fails(void **state)
{
	(void)state;
	TREE_NEEDED();
	host_proc("pid:[4026531836]");
	process("1", "0::/init.scope\n");
	expect_why(by_proc(), LOCATE_PROC, "none of the 1 processes", "does it run");
	process("9", "4:memory:" CRIO "\n0::/\n"); /* only v1 has it */
	expect_why(by_proc(), LOCATE_PROC, "process 9 is in /kubepods.slice",
		   "PODTRACE_CGROUP_BASE");
	l.proc_base = "/nonexistent";
	expect_why(by_proc(), LOCATE_PROC, "cannot read /nonexistent: No such file",
		   "PODTRACE_PROC_BASE");
	assert_int_equal(locate_by_proc(&l, STR(""), got, sizeof(got)), -ENOENT);
}

static void test_proc_nested(void **state)
{
	(void)state;
	host_proc("pid:[4026532999]");
	process("1", "0::/\n");
	expect_why(by_proc(), LOCATE_PROC, "none of the 1 processes", "hostPID: true");
}

static void test_walk(void **state)
{
	(void)state;
	TREE_NEEDED();
	tree_make(&CONMON[1]);
	tree_make("other/" A "x");
	expect_why(locate_by_walk(&l, STR(A), got, sizeof(got)), LOCATE_WALK, "none of the ",
		   "PODTRACE_CGROUP_BASE");
	assert_non_null(strstr(l.why[LOCATE_WALK], "not all of the host's tree is mounted"));
	tree_make(&CONTAINERD[1]);
	tree_make(&CONTAINERD "/init.scope"[1]);
	usleep(250000); /* the next walk is due */
	expect(locate_by_walk(&l, STR(A), got, sizeof(got)), CONTAINERD);
	assert_string_equal(l.why[LOCATE_WALK], "");
	assert_int_equal(locate_by_walk(&l, STR(A), got, sizeof(CONTAINERD) - 1), -ENAMETOOLONG);
	tree_remove(&CONTAINERD "/init.scope"[1]);
	tree_remove("other/" A "x");
}

/* Asked again and again it does not walk each time. */
static void test_walk_is_rare(void **state)
{
	struct cgroups_stats stats;

	(void)state;
	TREE_NEEDED();
	for (int i = 0; i < 20; i++)
		assert_int_equal(locate_by_walk(&l, STR(A), got, sizeof(got)), -ENOENT);
	cgroups_stats(l.cgroups, &stats);
	assert_in_range(stats.walks, 1, 5);
}

/* Nothing mounted, the seed's case: each way is named, with what to do. */
static void test_explain(void **state)
{
	(void)state;
	cgroups_close(l.cgroups);
	l.cgroups = NULL;
	l.proc_base = "/nonexistent";
	locate_explain(&l, STR(A), text, sizeof(text));
	assert_string_equal(text, "cgroup path not found for container " A);
	assert_int_equal(
		locate_by_runtime(&l, STR(A), STR(""), "no CRI socket was found", got, sizeof(got)),
		-ENOENT);
	assert_int_equal(by_proc(), -ENOENT);
	assert_int_equal(locate_by_walk(&l, STR(A), got, sizeof(got)), -ENOENT);
	locate_explain(&l, STR(A), text, sizeof(text));
	assert_string_equal(
		text, "cgroup path not found for container " A ": runtime: no CRI socket was found "
		      "(mount the folder of the CRI socket (/run/crio, /run/containerd); "
		      "PODTRACE_CRI_CGROUP_FIELDS names other fields of its answer); "
		      "/proc: cannot read /nonexistent: No such file or directory "
		      "(mount the host's /proc and name it by PODTRACE_PROC_BASE); "
		      "cgroup tree: there is no cgroup tree at /sys/fs/cgroup (mount the host's "
		      "/sys/fs/cgroup (hostPath, readOnly) and name it by PODTRACE_CGROUP_BASE)");
	assert_true(strlen(text) < 1000); /* a log line has no more */
	for (size_t cap = 1; cap < sizeof(text); cap += 7) {
		locate_explain(&l, STR("\x1b[31m\xc2\x9b"), text, cap);
		assert_true(strlen(text) < cap);
		assert_null(strpbrk(text, "\x1b\x9b"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_expand),	  TEST(test_runtime),	  TEST(test_runtime_literal),
		TEST(test_runtime_fails), TEST(test_proc),	  TEST(test_proc_pretender),
		TEST(test_proc_fails),	  TEST(test_proc_nested), TEST(test_walk),
		TEST(test_walk_is_rare),  TEST(test_explain),
	};

	return cmocka_run_group_tests_name("enrich_locate", tests, tree_setup, tree_teardown);
}
