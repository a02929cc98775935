/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the container runtime's socket may be, best first: what was configured; what the
 * running kubelet was started with (its arguments, its configuration file); crictl's
 * configuration; then the places of containerd, CRI-O, k3s, k0s, microk8s, cri-dockerd and
 * old kubelets; each of them as it is and under the usual prefixes of a host's file system
 * in a container (/host, /host/root, /rootfs, PROC_BASE/1/root), and with /var/run for /run.
 * Kubelets: kubelet.h; what files say: endpoint.h.
 */
#ifndef ASK_FIND_H
#define ASK_FIND_H

#include "ask/cri.h"

struct cri_find {
	/* What was configured: "unix:///run/x.sock", "/run/x.sock"; NULL or "": nothing */
	const char *explicit;
	const char *explicit_by; /* by what, static: NULL means PODTRACE_CRI_ENDPOINT */
	const char *proc_base;	/* "/proc": where a kubelet is looked for; NULL means that */
	const char *root;	/* "" or a directory that stands for / (tests); NULL means "" */
	/* Whether a process with this /proc/PID/cgroup is certainly in no pod: what
	 * enrich/cgroup_proc.h tells (a verb never includes another, so the pipe gives it). A
	 * kubelet for which it says no is not believed; with NULL, none is. */
	bool (*outside_pods)(struct str cgroup);
};

#define CRI_SOCKET_PATH_MAX 107 /* bytes that a unix socket's address has room for (unix(7)) */

/*
 * Fill ret with candidates. Their number, or -EINVAL with a sentence in err: an explicit
 * endpoint that is no unix socket's address (tcp://, npipe://, relative, too long). An
 * explicit one is the only one.
 * Only those whose path exists (as anything) are kept, but for the explicit one and a
 * kubelet's of which no variant exists: that these are missing is worth telling. Each file
 * once, whatever paths lead to it. What is not there now is not found later: to find a
 * runtime that is installed meanwhile, ask again.
 */
int cri_find(const struct cri_find *find, struct cri_candidate ret[CRI_CANDIDATES_MAX], char *err,
	     size_t err_cap);

/* The path of an endpoint as configuration files write it: "unix:///x", "unix:/x", "/x".
 * false if it is none. */
bool cri_endpoint_path(struct str endpoint, char *dst, size_t cap);

#endif
