// SPDX-License-Identifier: Apache-2.0
/* links: src/ask/find.c src/ask/endpoint.c src/ask/kubelet.c src/enrich/cgroup_p*.c libs: yyjson */
/* Where a runtime's socket is looked for: on nodes made of files; and kubelets that are none. */
#include "node_fixture.h"

#include "ask/find.h"
#include "enrich/cgroup_proc.h"

#define R      "root" /* a check of texts forbids it between slashes */
#define A      "2f4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccdd"
#define UID    "6c1b6a5e-7d2f-4c3b-9a8e-0f1e2d3c4b5a"
#define UIDS   "Name:\tkubelet\nState:\tS (sleeping)\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n"
#define HOST   "0::/system.slice/kubelet.service\n"
#define NESTED "0::/docker/" A "/kubelet.slice/kubelet.service\n"
#define POD    "0::/kubepods/burstable/pod" UID "/" A "\n"
#define TOLD   "kubelet\0--container-runtime-endpoint=unix:///run/told.sock\0--v=2\0"

static struct cri_candidate found[CRI_CANDIDATES_MAX];
static char err[400];
static const char *by; /* what was configured */

static int find_with(const char *explicit)
{
	struct cri_find find = { explicit, by, roots.proc, roots.root, cgroup_proc_outside_pods };

	memset(found, 0xa5, sizeof(found));
	err[0] = '\0';
	return cri_find(&find, found, err, sizeof(err));
}

static int find(void)
{
	return find_with(NULL);
}

/* path: below the fixture */
static void expect(int i, const char *path, const char *how)
{
	char name[NODE_PATH_MAX];

	node_name(name, path);
	assert_string_equal(found[i].path, name);
	assert_string_equal(found[i].how, how);
	assert_false(found[i].required);
}

static void kubelet_n(const char *pid, const char *comm, const char *status, const char *cgroup,
		      const char *args, size_t args_n)
{
	char name[64];

	snprintf(name, sizeof(name), "proc/%s/comm", pid);
	node_file(name, comm);
	snprintf(name, sizeof(name), "proc/%s/status", pid);
	node_file(name, status);
	snprintf(name, sizeof(name), "proc/%s/cgroup", pid);
	node_file(name, cgroup);
	snprintf(name, sizeof(name), "proc/%s/cmdline", pid);
	node_file_n(name, args, args_n);
}

#define KUBELET(pid, comm, status, cgroup, args)                                                   \
	kubelet_n(pid, comm, status, cgroup, args, sizeof(args) - 1)

static void link_to(const char *path, const char *target)
{
	char name[NODE_PATH_MAX];

	node_name(name, path);
	assert_int_equal(symlink(target, name), 0);
}

static void nothing(void **state)
{
	(void)state;
	assert_int_equal(find(), 0);
	roots.proc = "/nonexistent";
	assert_int_equal(find(), 0);
}

static void order(void **state)
{
	(void)state;
	node_file("root/run/dockershim.sock", "");
	node_file("root/var/run/cri-dockerd.sock", "");
	node_file("root/var/snap/microk8s/common/run/containerd.sock", "");
	node_file("root/run/k0s/containerd.sock", "");
	node_file("root/run/k3s/containerd/containerd.sock", "");
	node_file("root/run/crio/crio.sock", "");
	node_file("root/run/containerd/containerd.sock", "");
	node_file("root/run/docker.sock", "");
	assert_int_equal(find(), 7);
	expect(0, "root/run/containerd/containerd.sock", "usual place of containerd");
	expect(1, "root/run/crio/crio.sock", "usual place of CRI-O");
	expect(2, "root/run/k3s/containerd/containerd.sock", "usual place of k3s and RKE2");
	expect(3, "root/run/k0s/containerd.sock", "usual place of k0s");
	expect(4, "root/var/snap/microk8s/common/run/containerd.sock", "usual place of microk8s");
	expect(5, "root/var/run/cri-dockerd.sock", "usual place of cri-dockerd");
	expect(6, "root/run/dockershim.sock", "usual place of dockershim");
}

/* Prefixes in order; what is there already by another name is not told twice. */
static void prefixes(void **state)
{
	(void)state;
	node_file("proc/1/" R "/run/crio/crio.sock", "");
	node_file("root/rootfs/run/crio/crio.sock", "");
	node_file("root/host/" R "/run/crio/crio.sock", "");
	node_file("root/host/var/run/crio/crio.sock", "");
	assert_int_equal(find(), 4);
	expect(0, "root/host/var/run/crio/crio.sock", "usual place of CRI-O");
	expect(1, "root/host/" R "/run/crio/crio.sock", "usual place of CRI-O");
	expect(2, "root/rootfs/run/crio/crio.sock", "usual place of CRI-O");
	expect(3, "proc/1/" R "/run/crio/crio.sock", "usual place of CRI-O");
	link_to("root/var", "host/var");
	link_to("root/run", "host/var/run");
	assert_int_equal(find(), 4);
	expect(0, "root/run/crio/crio.sock", "usual place of CRI-O");
	expect(1, "root/host/" R "/run/crio/crio.sock", "usual place of CRI-O");
}

static void by_arguments(void **state)
{
	(void)state;
	node_file("root/run/crio/crio.sock", "");
	node_file("root/var/run/told.sock", "");
	KUBELET("7", "bash\n", UIDS, HOST, "bash\0");
	KUBELET("70", "kubelet\n", UIDS, HOST,
		"/usr/bin/kubelet\0--container-runtime-endpoint\0unix:///var/run/told.sock\0");
	assert_int_equal(find(), 2);
	expect(0, "root/var/run/told.sock", "the kubelet's arguments");
	expect(1, "root/run/crio/crio.sock", "usual place of CRI-O");
	/* kubeadm: the socket that is looked for anyway comes first, and once */
	node_file("root/run/containerd/containerd.sock", "");
	KUBELET("70", "kubelet\n", UIDS, HOST,
		"kubelet\0--container-runtime-endpoint=/run/crio/crio.sock\0");
	assert_int_equal(find(), 2);
	expect(0, "root/run/crio/crio.sock", "the kubelet's arguments");
	expect(1, "root/run/containerd/containerd.sock", "usual place of containerd");
}

/* Missing everywhere: told once; there below a prefix: only that. */
static void told_and_missing(void **state)
{
	(void)state;
	KUBELET("70", "kubelet\n", UIDS, HOST, TOLD);
	KUBELET("71", "kubelet\n", UIDS, NESTED, TOLD);
	assert_int_equal(find(), 1);
	expect(0, "root/run/told.sock", "the kubelet's arguments");
	node_file("root/host/run/told.sock", "");
	assert_int_equal(find(), 1);
	expect(0, "root/host/run/told.sock", "the kubelet's arguments");
}

static void by_config(void **state)
{
	(void)state;
	node_file("root/run/told.sock", "");
	node_file("proc/70/" R "/real/config.yaml",
		  "kind: KubeletConfiguration\n"
		  "containerRuntimeEndpoint: \"unix:///run/told.sock\"\n");
	node_dir("proc/70/" R "/etc");
	link_to("proc/70/" R "/etc/kubelet.yaml", "/real/config.yaml");
	KUBELET("70", "kubelet\n", UIDS, HOST, "kubelet\0--config=/etc/kubelet.yaml\0");
	assert_int_equal(find(), 1);
	expect(0, "root/run/told.sock", "the kubelet's configuration");
	KUBELET("70", "kubelet\n", UIDS, HOST, "kubelet\0--config\0etc/kubelet.yaml\0");
	assert_int_equal(find(), 0); /* relative: to what, we do not know */
	KUBELET("70", "kubelet\n", UIDS, HOST, "kubelet\0--config=/etc/gone\0");
	assert_int_equal(find(), 0);
}

static void by_crictl(void **state)
{
	(void)state;
	node_file("root/run/mine.sock", "");
	node_file("root/host/etc/crictl.yaml",
		  "runtime-endpoint: unix:///run/mine.sock\nimage-endpoint: unix:///run/no.sock\n");
	node_file("root/etc/crictl.yaml", "runtime-endpoint: unix:///run/gone.sock\ntimeout: 2\n");
	assert_int_equal(find(), 1);
	expect(0, "root/run/mine.sock", "crictl's configuration");
}

/* Only a root process that is certainly in no pod is a kubelet. The control is the last. */
static void impostors(void **state)
{
	static const char user[] = "Uid:\t1000\t1000\t1000\t1000\n";

	(void)state;
	KUBELET("10", "kubelet\n", UIDS, POD, TOLD);
	KUBELET("11", "kubelet\n", UIDS, "4:memory:/kubepods/pod" UID "/" A "\n0::/\n", TOLD);
	KUBELET("12", "kubelet\n", UIDS,
		"0::/kubepods.slice/kubepods-pod" UID ".slice/../../system.slice/kubelet.service\n"
		"1:pids:/kubepods/pod" UID "/" A "/system.slice/kubelet.service\n",
		TOLD);
	KUBELET("13", "kubelet\n", UIDS, "0::/../" A "\n", TOLD);
	KUBELET("14", "kubelet\n", UIDS, "", TOLD);
	KUBELET("15", "kubelet\n", user, HOST, TOLD);
	KUBELET("16", "kubelet\n", "Uid:\t0\t1000\t0\t0\n", HOST, TOLD);
	KUBELET("17", "kubelet\n", "Uid:\t0\t0\n", HOST, TOLD);
	KUBELET("18", "kubelet\n", "", HOST, TOLD);
	KUBELET("19", "kubelet2\n", UIDS, HOST, TOLD);
	KUBELET("20", "kubelet", UIDS, HOST, TOLD);
	KUBELET("x70", "kubelet\n", UIDS, HOST, TOLD);
	assert_int_equal(find(), 0);
	KUBELET("21", "kubelet\n", UIDS, NESTED, TOLD);
	assert_int_equal(find(), 1);
	expect(0, "root/run/told.sock", "the kubelet's arguments");
}

static void without_judge(void **state)
{
	struct cri_find f = { .proc_base = roots.proc, .root = roots.root };

	(void)state;
	KUBELET("70", "kubelet\n", UIDS, HOST, TOLD);
	assert_int_equal(cri_find(&f, found, err, sizeof(err)), 0);
}

/* A thousand that are believed do not push the usual places out. */
static void many_kubelets(void **state)
{
	(void)state;
	node_file("root/run/crio/crio.sock", "");
	for (int i = 0; i < 200; i++) {
		char pid[16], args[80];
		int n = snprintf(args, sizeof(args),
				 "kubelet%c--container-runtime-endpoint=/run/%d.sock%c", 0, i, 0);

		snprintf(pid, sizeof(pid), "%d", 100 + i);
		kubelet_n(pid, "kubelet\n", UIDS, HOST, args, (size_t)n);
	}
	assert_int_equal(find(), 5);
	expect(4, "root/run/crio/crio.sock", "usual place of CRI-O");
}

static void is_explicit(void **state)
{
	char name[NODE_PATH_MAX];

	(void)state;
	node_file("root/run/crio/crio.sock", "");
	node_name(name, "root/nowhere/x.sock");
	assert_int_equal(find_with("unix:///nowhere/x.sock"), 1);
	assert_string_equal(found[0].path, name);
	assert_string_equal(found[0].how, "PODTRACE_CRI_ENDPOINT");
	assert_true(found[0].required);
	assert_int_equal(find_with("/nowhere/x.sock"), 1);
	assert_string_equal(found[0].path, name);
	by = "--cri-endpoint";
	assert_int_equal(find_with("/nowhere/x.sock"), 1);
	assert_string_equal(found[0].how, "--cri-endpoint");
	assert_int_equal(find_with("tcp://x"), -EINVAL);
	assert_true(str_starts(str_of(err), STR("--cri-endpoint=tcp://x: not the address")));
	assert_null(strstr(err, "PODTRACE_CRI_ENDPOINT"));
	by = NULL;
	assert_int_equal(find_with(""), 1);
	expect(0, "root/run/crio/crio.sock", "usual place of CRI-O");
}

static void is_refused(void **state)
{
	static const char *const bad[] = {
		"tcp://10.0.0.1:2376",
		"npipe:////./pipe/x",
		"run/crio/crio.sock",
		"unix://run/x",
		"unix:x",
		"unix://",
		"/",
		"/run/crio/",
		"unix:///run/a\nb",
		"https://x/y",
	};
	char text[300] = "unix:///";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(find_with(bad[i]), -EINVAL);
		assert_non_null(strstr(err, bad[i]));
		assert_non_null(strstr(err, "PODTRACE_CRI_ENDPOINT"));
		assert_non_null(strstr(err, "unix:///run/containerd/containerd.sock"));
	}
	memset(text + 8, 'x', 120);
	assert_int_equal(find_with(text), -EINVAL);
	assert_non_null(strstr(err, "at most 107 bytes"));
	memset(text + 8, 'x', sizeof(text) - 9);
	assert_int_equal(find_with(text), -EINVAL);
	assert_non_null(strstr(err, "at most 107 bytes"));
}

static void path_length(void **state)
{
	char text[CRI_SOCKET_PATH_MAX + 2] = "/";
	struct cri_find f = { .explicit = text };

	(void)state;
	memset(text + 1, 'x', CRI_SOCKET_PATH_MAX - 1);
	assert_int_equal(cri_find(&f, found, err, sizeof(err)), 1);
	assert_string_equal(found[0].path, text);
	text[CRI_SOCKET_PATH_MAX] = 'x';
	assert_int_equal(cri_find(&f, found, err, sizeof(err)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(nothing),	     NODE_TEST(order),
		NODE_TEST(prefixes),	     NODE_TEST(by_arguments),
		NODE_TEST(told_and_missing), NODE_TEST(by_config),
		NODE_TEST(by_crictl),	     NODE_TEST(impostors),
		NODE_TEST(without_judge),    NODE_TEST(many_kubelets),
		NODE_TEST(is_explicit),	     NODE_TEST(is_refused),
		NODE_TEST(path_length),
	};

	return cmocka_run_group_tests_name("ask_find", tests, NULL, NULL);
}
