/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which containers somebody wants to see, by name. Parsed once from the command line's texts,
 * then asked for each who as it becomes known. Pure: no I/O.
 *
 *   -n NS[,NS...]        namespaces; "!kube-system" means any but that
 *   POD...               names; "ns/pod" names one elsewhere
 *   -l SELECTOR          as kubectl: a=b, a==b, a!=b, a in (x,y), a notin (x,y), a, !a, a>5,
 *                        a<5, joined by commas: all must hold (labels of the pod)
 *   -c NAME[,NAME...]    containers of the pod
 *   --container-id ID    hex, at least 8 digits of its beginning, "containerd://" in front is
 *                        fine; in any pod or none
 *
 * Items of one option are alternatives, options are joined by "and". An item with "!" in
 * front excludes; only such items in an option: all others are meant. Namespaces, pods and
 * containers may have * and ? in them, as in a shell. What can never be a name in Kubernetes
 * (capital letters, "_", too long) is an error, not a target without a match.
 *
 * Without -n and without "ns/" any namespace is meant. "ns/" stands in the place of -n for its
 * item, so "-n production web tools/debug" means production/web and tools/debug, and "-n
 * !kube-system kube-system/coredns-*" coredns alone. An excluding item without "ns/" excludes
 * in every namespace: "!web-1" leaves it out of both.
 *
 * Container ids stand for themselves: they are alternatives to everything else, not joined
 * with it. Excluded ones are excluded from everything.
 */
#ifndef SELECT_TARGET_H
#define SELECT_TARGET_H

#include "base/str.h"
#include "who.h"

#define TARGET_ITEMS_MAX 256	/* names, ids, requirements and their values, all together */
#define TARGET_TEXT_MAX (16u << 10)	/* bytes of all texts */
#define TARGET_ERROR_MAX 512	/* room for any sentence in err; a shorter one cuts it */

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
 * what is allowed; -E2BIG over the limits, with a sentence, too; -ENOMEM. Texts are copied. */
int target_new(struct target **ret, const struct target_text *text, char *err, size_t err_cap);
void target_free(struct target *t); /* NULL is fine */

/* Only exclusions (of a selector: !=, notin and !a) or patterns that every name matches:
 * everything else on the node is meant, which is broad. */
bool target_is_broad(const struct target *t);

/* Labels of the pod are asked for (-l): names alone do not decide. */
bool target_needs_labels(const struct target *t);

/* One pod or more of exactly this name are asked for, or ids: what was not found at the end
 * can be told. *ret is set to the i-th such item ("ns/pod", "pod", "id"); false: no more.
 * Excluding items and patterns are none. */
bool target_named(const struct target *t, size_t i, struct str *ret);
/* Does this who answer the i-th such item? A pod is looked for where it is meant to be, in "ns/"
 * or in -n; whatever other options say. */
bool target_names(const struct target *t, size_t i, const struct who *who);

/*
 * Is who wanted? Only containers and pods can be; the pod's own cgroup and its sandbox are
 * when the pod is and no container was named (leaving some out names none). Names come from
 * who->pod, else from who->container.
 *
 * What is asked for and not known (no name yet, labels from the log directory, which tells
 * none) makes it LATER while `more` tells that it may still come; NO without: what cannot be
 * told apart from what was excluded is left out. What the rest decides alone is told at once,
 * and stays so whatever becomes known. Only labels that change can change it
 * (target_needs_labels).
 */
enum target_match target_match(const struct target *t, const struct who *who, bool more);

#endif
