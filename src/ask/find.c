// SPDX-License-Identifier: Apache-2.0
/* Joins what was told with where the host's file system may be, and keeps what is there. */
#include "ask/find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ask/endpoint.h"
#include "ask/kubelet.h"
#include "base/file.h"

#define BASES	   5
#define CRICTL_MAX (64u << 10)

/* In the order of how many nodes have them. docker's and podman's own sockets do not speak
 * CRI. */
static const struct usual {
	const char *path, *how;
} usual[] = {
	{ "/run/containerd/containerd.sock", "usual place of containerd" },
	{ "/run/crio/crio.sock", "usual place of CRI-O" },
	{ "/run/k3s/containerd/containerd.sock", "usual place of k3s and RKE2" },
	{ "/run/k0s/containerd.sock", "usual place of k0s" },
	{ "/var/snap/microk8s/common/run/containerd.sock", "usual place of microk8s" },
	{ "/run/cri-dockerd.sock", "usual place of cri-dockerd" },
	{ "/run/dockershim.sock", "usual place of dockershim" },
};

struct search {
	const char *root;
	char base[BASES][CRI_SOCKET_PATH_MAX + 1]; /* what stands in front of a path */
	size_t bases;
	struct cri_candidate *found;
	struct stat seen[CRI_CANDIDATES_MAX]; /* st_ino 0: it is missing */
	size_t n;
};

static void bases_init(struct search *s, const char *proc)
{
	static const char *const prefixes[] = { "", "/host", "/host/root", "/rootfs" };
	size_t cap = sizeof(s->base[0]);

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (snprintf(s->base[s->bases], cap, "%s%s", s->root, prefixes[i]) < (int)cap)
			s->bases++;
	}
	if (snprintf(s->base[s->bases], cap, "%s/1/root", proc) < (int)cap)
		s->bases++;
}

static void add(struct search *s, const char *path, const char *how, const struct stat *st)
{
	if (s->n == CRI_CANDIDATES_MAX)
		return;
	s->found[s->n] = (struct cri_candidate){ .how = how };
	str_copy(s->found[s->n].path, sizeof(s->found[0].path), str_of(path));
	s->seen[s->n++] = *st;
}

/* Whether base + path is there; it is added unless it is there under another name already. */
static bool try(struct search *s, const char *base, const char *path, const char *how)
{
	char full[CRI_SOCKET_PATH_MAX + 1];
	struct stat st;

	if (snprintf(full, sizeof(full), "%s%s", base, path) >= (int)sizeof(full))
		return false;
	if (stat(full, &st) < 0)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		if (s->seen[i].st_ino == st.st_ino && s->seen[i].st_dev == st.st_dev)
			return true;
	}
	add(s, full, how, &st);
	return true;
}

/* "/run/x" for "/var/run/x" and the other way: one is a link to the other on the host, but
 * below a prefix an absolute link leads out of it. "" for any other path. */
static void other_run(const char *path, char *dst, size_t cap)
{
	dst[0] = '\0';
	if (str_starts(str_of(path), STR("/var/run/")))
		str_copy(dst, cap, str_of(path + 4));
	else if (str_starts(str_of(path), STR("/run/")))
		snprintf(dst, cap, "/var%.*s", (int)cap - 5, path);
}

static bool add_variants(struct search *s, const char *path, const char *how)
{
	char other[sizeof(s->found[0].path) + 4];
	bool any = false;

	other_run(path, other, sizeof(other));
	for (size_t i = 0; i < s->bases; i++) {
		any |= try(s, s->base[i], path, how);
		if (other[0])
			any |= try(s, s->base[i], other, how);
	}
	return any;
}

/* A kubelet was told this: it is worth saying that nothing is there. */
static void add_told(struct search *s, const char *path, const char *how)
{
	static const struct stat missing;
	char full[CRI_SOCKET_PATH_MAX + 1];

	if (!path[0] || add_variants(s, path, how))
		return;
	if (snprintf(full, sizeof(full), "%s%s", s->root, path) >= (int)sizeof(full))
		return;
	for (size_t i = 0; i < s->n; i++) {
		if (!strcmp(s->found[i].path, full))
			return;
	}
	add(s, full, how, &missing);
}

static void add_kubelets(struct search *s, const struct cri_find *find, const char *proc)
{
	struct kubelet kubelets[KUBELETS_MAX];
	size_t n = find->outside_pods ? kubelets_find(proc, find->outside_pods, kubelets) : 0;

	for (size_t i = 0; i < n; i++) {
		add_told(s, kubelets[i].by_arguments, "the kubelet's arguments");
		add_told(s, kubelets[i].by_config, "the kubelet's configuration");
	}
}

static void add_crictl(struct search *s)
{
	char name[sizeof(s->base[0]) + 32], text[CRICTL_MAX + 1];
	char endpoint[sizeof(s->found[0].path)], path[sizeof(endpoint)];

	for (size_t i = 0; i < s->bases; i++) {
		int n;

		snprintf(name, sizeof(name), "%s/etc/crictl.yaml", s->base[i]);
		n = file_read(AT_FDCWD, name, text, sizeof(text));
		if (n > 0 &&
		    endpoint_setting((struct str){ text, (size_t)n }, STR("runtime-endpoint"),
				     endpoint, sizeof(endpoint)) &&
		    cri_endpoint_path(str_of(endpoint), path, sizeof(path)))
			add_variants(s, path, "crictl's configuration");
	}
}

static int add_explicit(struct search *s, const char *endpoint, const char *by, char *err,
			size_t err_cap)
{
	static const struct stat unknown;
	char path[sizeof(s->found[0].path)], full[CRI_SOCKET_PATH_MAX + 1];
	struct str given = str_of(endpoint);
	bool is_path = cri_endpoint_path(given, path, sizeof(path));
	bool too_long = given.n > CRI_SOCKET_PATH_MAX &&
			(str_starts(given, STR("unix:")) || str_starts(given, STR("/")));

	if (is_path && snprintf(full, sizeof(full), "%s%s", s->root, path) < (int)sizeof(full)) {
		add(s, full, by, &unknown);
		s->found[0].required = true;
		return 1;
	}
	if (is_path || too_long)
		snprintf(err, err_cap,
			 "%s=%.40s...: too long, a unix socket's path has at most %d bytes; mount "
			 "its folder at a shorter path",
			 by, endpoint, CRI_SOCKET_PATH_MAX);
	else
		snprintf(err, err_cap,
			 "%s=%s: not the address of a unix socket, and runtimes are asked over no "
			 "other; write unix:///run/containerd/containerd.sock or "
			 "/run/crio/crio.sock, wherever yours is",
			 by, endpoint);
	return -EINVAL;
}

int cri_find(const struct cri_find *find, struct cri_candidate ret[CRI_CANDIDATES_MAX], char *err,
	     size_t err_cap)
{
	const char *proc = find->proc_base ? find->proc_base : "/proc";
	struct search s = { .root = find->root ? find->root : "", .found = ret };

	bases_init(&s, proc);
	if (find->explicit && find->explicit[0])
		return add_explicit(&s, find->explicit,
				    find->explicit_by ? find->explicit_by
						      : "PODTRACE_CRI_ENDPOINT",
				    err, err_cap);
	add_kubelets(&s, find, proc);
	add_crictl(&s);
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		add_variants(&s, usual[i].path, usual[i].how);
	return (int)s.n;
}
