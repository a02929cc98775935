/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody to be matched, and targets from a command line's texts. */
#ifndef TESTS_UNIT_SELECT_TARGET_H
#define TESTS_UNIT_SELECT_TARGET_H

#include <errno.h>
#include <string.h>

#include "pod.h"
#include "select/target.h"

#define ID1 "2f4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccdd"
#define ID2 "b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eaf"

/* Texts, NULL: not given; of pods up to four. */
struct texts {
	const char *n, *c, *id, *l, *pods[4];
};

static inline struct target *targets(const struct texts *x, int want, char err[TARGET_ERROR_MAX])
{
	struct str pods[4];
	struct target_text text = { .namespaces = str_of(x->n),
				    .containers = str_of(x->c),
				    .container_ids = str_of(x->id),
				    .selector = str_of(x->l),
				    .pods = pods };
	struct target *t = (void *)&text;
	int r;

	for (; text.pods_n < 4 && x->pods[text.pods_n]; text.pods_n++)
		pods[text.pods_n] = str_of(x->pods[text.pods_n]);
	r = target_new(&t, &text, err, TARGET_ERROR_MAX);
	if (r != want)
		fail_msg("%d, not %d: %s", r, want, err);
	assert_int_equal(err[0] == '\0', r == 0);
	return r ? NULL : t;
}

/* A container in a pod, all known; whoever wants less takes it away. */
struct somebody {
	struct who who;
	struct container container;
	struct pod pod;
	struct label labels[POD_LABELS_MAX];
};

static inline void somebody(struct somebody *s, const char *space, const char *pod,
			    const char *container)
{
	memset(s, 0, sizeof(*s));
	s->who = (struct who){ .kind = WHO_CONTAINER,
			       .container_id = ID1,
			       .container = &s->container,
			       .pod = &s->pod };
	s->pod = (struct pod){ .source = NAME_FROM_CRI,
			       .namespace = str_of(space),
			       .name = str_of(pod),
			       .labels = s->labels };
	s->container = (struct container){ .source = NAME_FROM_CRI, .name = str_of(container) };
}

#endif
