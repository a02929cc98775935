/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include "base/errname.h"
#include "capture/capture.h"
#include "cmd/podtrace/figures.h"

bool figures_place(const struct node_roots *roots, const struct node_tree *tree, char *dst,
		   size_t cap)
{
	static const char *const trees[] = { "system.slice", "unified/system.slice",
					     "memory/system.slice" };

	if (tree->kubelet_root[0]) {
		snprintf(dst, cap, "/%s", tree->kubelet_root);
		return true;
	}
	snprintf(dst, cap, "/system.slice");
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++)
		if (node_is_dir(roots->cgroup, trees[i]))
			return true;
	return false;
}

enum feature_state figures_state(const struct gauge_lack *lack)
{
	if (!lack->missing)
		return FEATURE_ON;
	return lack->missing < lack->wanted ? FEATURE_REDUCED : FEATURE_OFF;
}

void figures_say(const char *place, const struct gauge_lack *lack, char *reason, size_t reason_cap,
		 const char **ret_fix)
{
	*ret_fix = "";
	reason[0] = '\0';
	if (!lack->missing)
		return;
	snprintf(reason, reason_cap, "cgroup %s has no %s%s%s%s", place, lack->files,
		 lack->err ? " (" : "", lack->err ? errname(lack->err) : "", lack->err ? ")" : "");
	if (lack->err == EOPNOTSUPP)
		*ret_fix = "psi=1 on the kernel's command line";
	else
		*ret_fix = "a newer kernel, cgroup v2, or the controller enabled there has more";
}
