/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kubelets that run here, and what they were told of the runtime's socket. Anybody can
 * call a process "kubelet": one is believed only if it runs as root of our user namespace and
 * is certainly not in a pod. A kubelet may run in a container all the same (kind, a kubelet
 * in docker). hyperkube is not looked for: it went with Kubernetes 1.19, before CRI v1.
 */
#ifndef ASK_KUBELET_H
#define ASK_KUBELET_H

#include "base/str.h"

#define KUBELETS_MAX	   4u		/* several: kind's, seen from outside */
#define KUBELET_PROCS_MAX  65536u	/* processes looked at */
#define KUBELET_ARGS_MAX   (64u << 10)	/* bytes of arguments looked at */
#define KUBELET_CONFIG_MAX (1u << 20)	/* bytes of its configuration file */
#define KUBELET_PATH_MAX   256

struct kubelet {
	/* Paths of sockets, as find.h's cri_endpoint_path gives them; "" not told. */
	char by_arguments[KUBELET_PATH_MAX]; /* --container-runtime-endpoint */
	char by_config[KUBELET_PATH_MAX];    /* containerRuntimeEndpoint in --config */
};

/* outside_pods: as in find.h. Their number; 0 also where /proc cannot be read. */
size_t kubelets_find(const char *proc_base, bool (*outside_pods)(struct str cgroup),
		     struct kubelet ret[static KUBELETS_MAX]);

#endif
