/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which containers somebody wants to see, by name. Parsed once from the command line's texts,
 * then asked for each who as it becomes known. Pure: no I/O.
 *
 *   -n NS[,NS...]        namespaces; "!kube-system" means any but that
 *   POD...               names, "web-*" with * and ? as in a shell, "ns/pod" names one elsewhere
 *   -l SELECTOR          as kubectl: a=b, a==b, a!=b, a in (x,y), a notin (x,y), a, !a,
 *                        joined by commas: all must hold (labels of the pod)
 *   -c NAME[,NAME...]    containers of the pod
 *   --container-id ID    hex, at least 8 digits of its beginning; in any pod or none
 *
 * Items of one option are alternatives, options are joined by "and". An item with "!" in
 * front excludes; only such items in an option: all others are meant. Without -n and without
 * "ns/" any namespace is meant. Container ids stand for themselves: they are alternatives to
 * everything else, not joined with it.
 */
#ifndef SELECT_TARGET_H
#define SELECT_TARGET_H

#include "base/str.h"
#include "who.h"

#define TARGET_ITEMS_MAX 256	/* of all options together */
#define TARGET_TEXT_MAX (16u << 10)

struct target_text {
	struct str namespaces;	/* comma separated; NULL view: not given */
	struct str containers;
	struct str container_ids;
	struct str selector;
	const struct str *pods;	/* each may again be comma separated */
	size_t pods_n;
};

enum target_match {
	TARGET_NO,
	TARGET_YES,
	TARGET_LATER,	/* depends on a name or label that is not known yet */
};

struct target;

/* 0 with *ret NULL when nothing is given; -EINVAL with a sentence in err: option, value, why,
 * what is allowed; -E2BIG over the limits; -ENOMEM. Texts are copied. */
int target_new(struct target **ret, const struct target_text *text, char *err, size_t err_cap);
void target_free(struct target *t); /* NULL is fine */

/* Only exclusions: everything else on the node is meant, which is broad. */
bool target_is_broad(const struct target *t);

/* Labels of the pod are asked for (-l): names alone do not decide. */
bool target_needs_labels(const struct target *t);

/* One pod or more of exactly this name are asked for, or ids: what was not found at the end
 * can be told. *ret is set to the i-th such item ("ns/pod", "pod", "id"); false: no more.
 * Excluding items and patterns are none. */
bool target_named(const struct target *t, size_t i, struct str *ret);
/* Does this who answer the i-th such item (whatever other options say)? */
bool target_names(const struct target *t, size_t i, const struct who *who);

/*
 * Is who wanted? Only containers and pods can be; the pod's own cgroup and its sandbox are
 * when the pod is and no container was named. who->container and who->pod NULL or without
 * labels (from the log directory) while `more` tells that they may still come: LATER.
 */
enum target_match target_match(const struct target *t, const struct who *who, bool more);

#endif
