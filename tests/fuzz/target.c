// SPDX-License-Identifier: Apache-2.0
/* links: src/select/target*.c src/pod.c */
/*
 * Targets from bytes: lines of which the first letter says the option (n, c, i, l; p a pod) or
 * what there is (N, P, C its namespace, pod and container; L a label k=v; I its id). Refused with
 * a printable sentence or made; an answer that is not LATER stays when more becomes known; without
 * `more` there is none; globs are those of a slow and simple matcher; what is named can be asked.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "pod.h"
#include "select/target_internal.h"
#include "tests/fuzz/text.h"

#define PODS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct target_text text;
	struct str pods[PODS_MAX];
	struct who who;
	struct container container;
	struct pod pod;
	struct label labels[POD_LABELS_MAX];
};

static void read_line(struct world *w, struct str line)
{
	struct str rest = str_slice(line, 1, line.n), key;

	switch (line.n ? line.p[0] : '\0') {
	case 'n':
		w->text.namespaces = rest;
		break;
	case 'c':
		w->text.containers = rest;
		break;
	case 'i':
		w->text.container_ids = rest;
		break;
	case 'l':
		w->text.selector = rest;
		break;
	case 'p':
		if (w->text.pods_n < PODS_MAX)
			w->pods[w->text.pods_n++] = rest;
		break;
	case 'N':
		w->pod.namespace = str_slice(rest, 0, POD_NAME_MAX);
		break;
	case 'P':
		w->pod.name = str_slice(rest, 0, POD_NAME_MAX);
		break;
	case 'C':
		w->container.name = str_slice(rest, 0, POD_NAME_MAX);
		w->container.sandbox = rest.n == 0;
		break;
	case 'L':
		str_cut(&rest, '=', &key);
		if (rest.p && w->pod.labels_n < POD_LABELS_MAX)
			w->labels[w->pod.labels_n++] = (struct label){ key, rest };
		break;
	case 'I':
		str_copy(w->who.container_id, sizeof(w->who.container_id), rest);
		break;
	case 'O':
		w->who.kind = WHO_POD;
		break;
	default:
		break;
	}
}

/* What there is becomes known step by step. */
static void check_match(const struct target *t, struct world *w)
{
	enum target_match before = TARGET_LATER;
	struct container *container = &w->container;
	struct pod *pod = &w->pod;

	for (int known = 0; known < 4; known++) {
		enum target_match more, last;

		w->who.container = known >= 1 && w->who.kind == WHO_CONTAINER ? container : NULL;
		w->who.pod = known >= 2 ? pod : NULL;
		pod->source = known >= 3 ? NAME_FROM_CRI : NAME_FROM_LOGS;
		container->pod_namespace = pod->namespace;
		container->pod_name = pod->name;
		more = target_match(t, &w->who, true);
		last = target_match(t, &w->who, false);
		CHECK(before == TARGET_LATER || before == more);
		CHECK(last == (more == TARGET_LATER ? TARGET_NO : more));
		before = more;
	}
	CHECK(!target_needs_labels(t) || w->text.selector.p);
}

static void check_named(const struct target *t, const struct world *w)
{
	struct str name;
	size_t i = 0;

	for (; target_named(t, i, &name); i++) {
		CHECK(i < TARGET_ITEMS_MAX && name.n && !target_is_pattern(name));
		target_names(t, i, &w->who);
	}
	CHECK(!target_names(t, i, &w->who));
}

/* By columns: which beginnings of the pattern match so much of the name. */
static bool slow_glob(struct str pattern, struct str name)
{
	static bool match[2][4097];
	bool *now = match[0], *next = match[1];

	now[0] = true;
	for (size_t i = 0; i < pattern.n; i++)
		now[i + 1] = now[i] && pattern.p[i] == '*';
	for (size_t k = 0; k < name.n; k++) {
		bool *spare = now;

		next[0] = false;
		for (size_t i = 0; i < pattern.n; i++) {
			char c = pattern.p[i];

			next[i + 1] = c == '*' ? next[i] || now[i + 1]
					       : now[i] && (c == '?' || c == name.p[k]);
		}
		now = next;
		next = spare;
	}
	return now[pattern.n];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct str rest = { (const char *)data, size }, line;
	char err[TARGET_ERROR_MAX + 1];
	struct target *t = NULL;
	int r;

	memset(&w, 0, sizeof(w));
	w.text.pods = w.pods;
	w.pod.labels = w.labels;
	w.who = (struct who){ .kind = WHO_CONTAINER };
	while (str_cut(&rest, '\n', &line))
		read_line(&w, line);
	for (size_t i = 0; i < w.text.pods_n; i++) {
		struct str pattern = str_slice(w.pods[i], 0, 4096);

		CHECK(target_glob(pattern, w.pod.name) == slow_glob(pattern, w.pod.name));
		CHECK(!target_is_anything(pattern) || !w.pod.name.n ||
		      target_glob(pattern, w.pod.name));
	}
	r = target_new(&t, &w.text, err, TARGET_ERROR_MAX);
	CHECK(r == 0 || r == -EINVAL || r == -E2BIG);
	if (r < 0) {
		struct str text = str_ofn(err, TARGET_ERROR_MAX);

		CHECK(!t && text.n && text.n < TARGET_ERROR_MAX);
		err[text.n] = '\n';
		check_text((struct str){ err, text.n + 1 }, false);
		return 0;
	}
	if (!t) {
		CHECK(!w.text.pods_n && !w.text.selector.p && !w.text.namespaces.p);
		return 0;
	}
	check_match(t, &w);
	check_named(t, &w);
	target_is_broad(t);
	target_free(t);
	return 0;
}
