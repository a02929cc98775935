/* SPDX-License-Identifier: Apache-2.0 */
#include "report/live.h"

#define PATH_SHOWN 240

void live_cgroup_mkdir(const struct event *ev, struct buf *out)
{
	const struct ev_cgroup_mkdir *mkdir = &ev->cgroup_mkdir;

	buf_cstr(out, "cgroup ");
	live_text(out, mkdir->path.n ? mkdir->path : STR("?"), PATH_SHOWN);
}
