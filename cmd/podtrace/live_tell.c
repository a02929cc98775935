/* SPDX-License-Identifier: Apache-2.0 */
/* What this node cannot give, said once at the start: in the log, to the pipe, into the file. */
#include "base/log.h"
#include "cmd/podtrace/figures.h"
#include "cmd/podtrace/live.h"
#include "enrich/cgroup_tree.h"
#include "version.h"

static void tell_features(struct live *v)
{
	const struct feature_status *status;
	size_t n = capture_features(v->capture, &status), by_state[3] = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct feature_status *s = &status[i];
		const char *family = families[s->feature->family].name;

		by_state[s->state]++;
		pipe_feature(v->pipe, s);
		if (v->tap)
			tap_feature(v->tap, s);
		if (s->state == FEATURE_OFF)
			log_warn("capture", "%s/%s is off: %s%s%s; %s", family, s->feature->name,
				 s->reason, s->fix[0] ? "; " : "", s->fix, s->feature->without);
		else if (s->state == FEATURE_REDUCED)
			log_info("capture", "%s/%s goes by %s: %s", family, s->feature->name,
				 rung_name(s->rung), s->reason);
		else if (s->reason[0])
			log_info("capture", "%s/%s: %s", family, s->feature->name, s->reason);
	}
	log_info("capture", "podtrace %s watches by %s; features: %zu on, %zu reduced, %zu off",
		 PODTRACE_VERSION, capture_transport(v->capture), by_state[FEATURE_ON],
		 by_state[FEATURE_REDUCED], by_state[FEATURE_OFF]);
}

/* The same of figures, which need no program. */
static void tell_figures(struct live *v)
{
	const struct node_roots roots = roots_of(v->o);
	char place[NODE_PATH_MAX], reason[256];
	struct gauge_lack lack;
	struct node_tree tree;
	const char *fix;

	tree_read(&roots, &tree);
	if (!figures_place(&roots, &tree, place, sizeof(place)))
		return;
	for (int f = 0; f < FAMILY_END; f++) {
		struct pipe_check check = { .name = "figures", .rung = "files" };

		if (!pipe_figures_lack(v->pipe, str_of(place), f, &lack) || !lack.wanted)
			continue;
		str_copy(check.family, sizeof(check.family), str_of(families[f].name));
		check.state = figures_state(&lack);
		figures_say(place, &lack, reason, sizeof(reason), &fix);
		if (check.state != FEATURE_ON)
			log_info("capture", "%s/figures: %s", check.family, reason);
		live_check(v, &check);
	}
}

/* How well containers can be told. */
static void tell_identity(struct live *v)
{
	const struct node_roots roots = roots_of(v->o);
	char proc[NO_PROC_MAX];
	static struct summary s;

	pipe_summary(v->pipe, &s);
	if (pipe_cgroup_tree(v->pipe) != CGROUP_TREE_V2)
		log_info("identity", "containers are told apart by the %s tree of cgroup v1",
			 cgroup_tree_name(pipe_cgroup_tree(v->pipe)));
	if (!node_has_proc(&roots))
		log_warn("identity",
			 "%s: processes are not known, and cgroups older than podtrace are found "
			 "by walking the tree; " FIX_PROC,
			 no_proc(v->o, proc));
	else if (s.cgroup_by_walk)
		log_warn("identity", "cgroups older than podtrace are found by walking the tree: some "
			 "events of theirs stay without a name; give podtrace the capability "
			 "DAC_READ_SEARCH");
	if (s.cgroup_partial)
		log_warn("identity", "only a part of the cgroup tree is mounted at %s: what is outside "
			 "of it stays without a name; mount the node's /sys/fs/cgroup there",
			 v->o->cgroup_base);
}

void live_tell(struct live *v)
{
	tell_features(v);
	tell_figures(v);
	tell_identity(v);
}
