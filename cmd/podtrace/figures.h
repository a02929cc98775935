/* SPDX-License-Identifier: Apache-2.0 */
/* Which figures this node's cgroups have in their files (src/gauge): tried where containers are. */
#ifndef FIGURES_H
#define FIGURES_H

#include "gauge/gauge.h"
#include "node/tree.h"

/* The cgroup to try: the kubelet's own folder, else that of services. false: there is neither. */
bool figures_place(const struct node_roots *roots, const struct node_tree *tree, char *dst,
		   size_t cap);

enum feature_state figures_state(const struct gauge_lack *lack);
/* What is missing there and why, and what can be done; "" nothing. */
void figures_say(const char *place, const struct gauge_lack *lack, char *reason, size_t reason_cap,
		 const char **ret_fix);

#endif
