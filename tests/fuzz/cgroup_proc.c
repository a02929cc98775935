// SPDX-License-Identifier: Apache-2.0
/* links: src/enrich/cgroup_proc.c src/enrich/cgroup_path.c */
/* Any bytes as /proc/PID/cgroup: the path is a whole part of a line, and a text that names a
 * pod anywhere in its paths is never one outside of pods. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "enrich/cgroup_path.h"
#include "enrich/cgroup_proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, path;
	bool outside = cgroup_proc_outside_pods(text), v2;
	struct who who;

	if (!cgroup_proc_path(text, &path, &v2)) {
		assert(!outside);
		return 0;
	}
	assert(path.n && path.p[0] == '/' && path.p > text.p);
	assert(path.p + path.n < text.p + text.n); /* a line feed is behind it */
	assert(path.p[-1] == ':' && str_find(path, '\n') == path.n);
	assert(!v2 || path.p[-2] == ':');
	cgroup_path_parse(path, &who);
	assert(!outside || !who.pod_uid[0]);
	return 0;
}
