/* SPDX-License-Identifier: Apache-2.0 */
/* What this node is called: the facts that go into every resource. */
#ifndef NODE_HOST_H
#define NODE_HOST_H

#include "base/types.h"

struct host {
	char name[256];		/* NODE_NAME (set by the DaemonSet) or the host's name */
	char id[64];		/* machine id; "" if it cannot be read */
	char arch[16];		/* semconv host.arch: amd64, arm64; "" another */
	char kernel[128];	/* release, for reports and capture files */
};

void host_read(struct host *ret);

#endif
