/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the container runtime's socket may be, best first: what was configured; what the
 * running kubelet was started with (its arguments, its configuration file); crictl's
 * configuration; then the places of containerd, CRI-O, k3s, k0s, microk8s, cri-dockerd and
 * old kubelets; each of them as it is and under the usual prefixes of a host's file system
 * in a container (/host, /host/root, /rootfs, /proc/1/root).
 */
#ifndef ASK_FIND_H
#define ASK_FIND_H

#include "ask/cri.h"

struct cri_find {
	const char *explicit;	/* PODTRACE_CRI_ENDPOINT: "unix:///run/x.sock", "/run/x.sock"; NULL */
	const char *proc_base;	/* "/proc": where a kubelet is looked for; NULL means that */
	const char *root;	/* "" or a directory that stands for / (tests) */
};

/*
 * Fill ret with candidates. Their number, or -EINVAL with a sentence in err: an explicit
 * endpoint that is no unix socket's address (tcp://, npipe://, relative, too long).
 * Only those whose path exists (as anything) are kept, but for the explicit one and the
 * kubelet's: that these are missing is worth telling. Each path once: /var/run is /run
 * where it is a link to it.
 */
int cri_find(const struct cri_find *find, struct cri_candidate ret[CRI_CANDIDATES_MAX], char *err,
	     size_t err_cap);

/* The path of an endpoint as configuration files write it: "unix:///x", "unix:/x", "/x".
 * false if it is none. */
bool cri_endpoint_path(struct str endpoint, char *dst, size_t cap);

#endif
