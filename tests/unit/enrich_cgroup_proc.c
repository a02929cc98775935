// SPDX-License-Identifier: Apache-2.0
/* links: src/enrich/cgroup_proc.c src/enrich/cgroup_path.c */
/* Real texts of /proc/PID/cgroup, v1, hybrid and v2, and texts that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "enrich/cgroup_path.h"
#include "enrich/cgroup_proc.h"

#define A    "2f4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccdd"
#define B    "b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eaf"
#define UID  "6c1b6a5e-7d2f-4c3b-9a8e-0f1e2d3c4b5a"
#define UID_ "6c1b6a5e_7d2f_4c3b_9a8e_0f1e2d3c4b5a"
#define POD  "/kubepods/burstable/pod" UID "/" A
#define SLICE                                                                                      \
	"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_                     \
	".slice/cri-containerd-" A ".scope"

/* path NULL: no line. id, pod: what the path is then found to name. */
static const struct test_text {
	const char *text, *path, *id, *pod;
	bool v2, outside;
} texts[] = {
	/* v2 */
	{ "0::/\n", "/", "", "", true, true },
	{ "0::/init.scope\n", "/init.scope", "", "", true, true },
	{ "0::" POD "\n", POD, A, UID, true, false },
	{ "0::" POD " (deleted)\n", POD, A, UID, true, false },
	{ "0::" SLICE "\n", SLICE, A, UID, true, false },
	{ "0::/podruntime/kubelet\n", "/podruntime/kubelet", "", "", true, true },
	{ "0::/system.slice/kubelet.service\n", "/system.slice/kubelet.service", "", "", true,
	  true },
	/* kind: its kubelet from the node's own view, and from the machine that runs docker */
	{ "0::/kubelet.slice/kubelet.service\n", "/kubelet.slice/kubelet.service", "", "", true,
	  true },
	{ "0::/docker/" B "/kubelet.slice/kubelet.service\n",
	  "/docker/" B "/kubelet.slice/kubelet.service", B, "", true, true },
	{ "0::/system.slice/docker-" B ".scope/kubelet.slice/kubelet.service\n",
	  "/system.slice/docker-" B ".scope/kubelet.slice/kubelet.service", B, "", true, true },
	/* from the agent's cgroup namespace: a kubelet, a pod, a container beside us */
	{ "0::/../../../../podruntime/kubelet\n", "/../../../../podruntime/kubelet", "", "", true,
	  true },
	{ "0::/../../pod" UID "/" B "\n", "/../../pod" UID "/" B, B, UID, true, false },
	{ "0::/../" B "\n", "/../" B, B, "", true, false },
	{ "0::/../cri-containerd-" B ".scope/evil\n", "/../cri-containerd-" B ".scope/evil", B, "",
	  true, false },

	/* v1: Flatcar before 2969 (cgroupfs), RHEL 8 with CRI-O (systemd) */
	{ "12:hugetlb:" POD "\n11:pids:" POD "\n10:cpuset:" POD "\n4:memory:" POD "\n"
	  "1:name=systemd:" POD "\n",
	  POD, A, UID, false, false },
	{ "11:pids:" SLICE "\n10:cpu,cpuacct:" SLICE "\n9:memory:" SLICE "\n1:name=systemd:" SLICE
	  "\n",
	  SLICE, A, UID, false, false },
	{ "11:pids:/user.slice/user-0.slice/session-1.scope\n10:cpu,cpuacct:/\n8:memory:/\n"
	  "1:name=systemd:/user.slice/user-0.slice/session-1.scope\n",
	  "/", "", "", false, true },
	{ "5:cpu,memory,io:/a\n4:pids:/b\n1:name=systemd:/c\n", "/a", "", "", false, true },
	{ "5:cpu:/a\n4:pids:/b\n1:name=systemd:/c\n", "/b", "", "", false, true },
	{ "5:cpu:/a\n1:name=systemd:/c\n", "/c", "", "", false, true },
	{ "5:cpu:/a\n1:name=mine:/c\n", "/a", "", "", false, true },
	{ "5:cpu:/a\n3:blkio:/docker/" A "\n4:memory:/b\n", "/docker/" A, A, "", false, true },

	/* hybrid: in both; docker exec and cgroupfs drivers only in v1; only v2 */
	{ "4:memory:" POD "\n1:name=systemd:" POD "\n0::" POD "\n", POD, A, UID, true, false },
	{ "4:memory:" POD "\n1:name=systemd:" POD "\n0::/\n", POD, A, UID, false, false },
	{ "4:memory:" POD "\n1:name=systemd:" POD "\n0::/system.slice/containerd.service\n", POD, A,
	  UID, false, false },
	{ "4:memory:/\n1:name=systemd:/\n0::" POD "\n", POD, A, UID, true, false },
	{ "4:memory:/x\n1:name=systemd:/y\n0::/system.slice/ssh.service\n",
	  "/system.slice/ssh.service", "", "", true, true },
	{ "9:name=systemd:/\n8:pids:/\n4:memory:/job/42\n0::/\n", "/", "", "", true, true },

	/* a container that made directories: still itself, whichever it is in */
	{ "4:memory:" POD "/kubelet.service\n0::" POD "/system.slice/kubelet.service\n",
	  POD "/system.slice/kubelet.service", A, UID, true, false },
	{ "4:memory:" POD "/0::\n0::" POD "/a:b:c\n", POD "/a:b:c", A, UID, true, false },
	/* only one line says it, the others were left behind */
	{ "7:devices:" POD "\n4:memory:/\n0::/system.slice/kubelet.service\n", POD, A, UID, false,
	  false },

	/* none */
	{ "", NULL, "", "", false, false },
	{ "0::/a", NULL, "", "", false, false }, /* cut: its end is not here */
	{ "0::\n", NULL, "", "", false, false },
	{ "0:: \n", NULL, "", "", false, false },
	{ "0:/a\n", NULL, "", "", false, false },
	{ "\n\n:::\nx\n", NULL, "", "", false, false },
	{ "4:memory:/a\n0::" POD, "/a", "", "", false, true },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct test_text *t = &texts[i];
		size_t n = strlen(t->text);
		char *p = malloc(n ? n : 1); /* exactly so long: ASan sees a byte too many */
		struct str text = { p, n }, path = STR("");
		struct who who;
		bool v2 = false;

		assert_non_null(p);
		memcpy(p, t->text, n);
		if (cgroup_proc_path(text, &path, &v2) != (t->path != NULL))
			fail_msg("\"%s\": a path, or none", t->text);
		if (t->path && !str_eq(path, str_of(t->path)))
			fail_msg("\"%s\": %.*s, not %s", t->text, (int)path.n, path.p, t->path);
		if (v2 != t->v2 || cgroup_proc_outside_pods(text) != t->outside)
			fail_msg("\"%s\": v2 %d, outside %d", t->text, v2, !t->outside);
		cgroup_path_parse(path, &who);
		assert_string_equal(who.container_id, t->id);
		assert_string_equal(who.pod_uid, t->pod);
		assert_int_equal(cgroup_proc_path(text, &path, NULL), t->path != NULL);
		free(p);
	}
}

/* Cut anywhere: a process in a pod is never taken for one outside, unless no line that says so
 * is left; then there is none at all, since it is the only one. */
static void test_cuts(void **state)
{
	static const struct str text = STR("0::" SLICE "\n");

	(void)state;
	for (size_t n = 0; n <= text.n; n++) {
		struct str path;

		assert_false(cgroup_proc_outside_pods(str_slice(text, 0, n)));
		assert_int_equal(cgroup_proc_path(str_slice(text, 0, n), &path, NULL), n == text.n);
	}
	assert_false(cgroup_proc_outside_pods((struct str){ NULL, 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
