/* SPDX-License-Identifier: Apache-2.0 */
/* What this node is and is called: the facts that go into every resource. */
#ifndef NODE_HOST_H
#define NODE_HOST_H

#include "node/read.h"

struct host {
	char name[256];		/* what Kubernetes calls the node, if told, or the host's name */
	char node[256];		/* as the API server calls it; "" not told */
	char id[64];		/* machine id; "" if it cannot be read */
	char arch[16];		/* semconv host.arch: amd64, arm64; "" another */
	char kernel[128];	/* release, for reports and capture files */
	/* of os-release(5): ID, VERSION_ID, PRETTY_NAME; "" not known */
	char os_name[64], os_version[64], os_description[128];
};

/* node: the node's name in Kubernetes, or NULL. */
void host_read(const struct node_roots *roots, const char *node, struct host *ret);

#endif
