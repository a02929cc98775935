// SPDX-License-Identifier: Apache-2.0
/* links: src/select/target*.c src/pod.c */
/* Targets by name: who is meant, who may be later, what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/select_target.h"

/* Each against production/web-1's container app, whose id is ID1. */
static const struct {
	struct texts texts;
	enum target_match is;
	bool broad;
} cases[] = {
	{ { .n = "production" }, TARGET_YES, false },
	{ { .n = "dev" }, TARGET_NO, false },
	{ { .n = "dev, production" }, TARGET_YES, false },
	{ { .n = "prod*" }, TARGET_YES, false },
	{ { .n = "prod" }, TARGET_NO, false },
	{ { .n = "!production" }, TARGET_NO, true },
	{ { .n = "!kube-system" }, TARGET_YES, true },
	{ { .n = "!kube-*,!dev" }, TARGET_YES, true },
	{ { .n = "!kube-*,dev" }, TARGET_NO, false },
	{ { .n = "prod*,!production" }, TARGET_NO, false },
	{ { .n = "*" }, TARGET_YES, true },
	{ { .n = "?*" }, TARGET_YES, true },
	{ { .n = "??*" }, TARGET_YES, false },
	{ { .n = "?" }, TARGET_NO, false },

	{ { .pods = { "web-1" } }, TARGET_YES, false },
	{ { .pods = { "web-2" } }, TARGET_NO, false },
	{ { .pods = { "web-2", "web-1" } }, TARGET_YES, false },
	{ { .pods = { "web-2,web-1" } }, TARGET_YES, false },
	{ { .pods = { "web-?" } }, TARGET_YES, false },
	{ { .pods = { "web-*", "!web-1" } }, TARGET_NO, false },
	{ { .pods = { "web-*", "!web-2" } }, TARGET_YES, false },
	{ { .pods = { "!web-1" } }, TARGET_NO, true },
	{ { .pods = { "!web-2" } }, TARGET_YES, true },
	{ { .pods = { "! web-1" } }, TARGET_NO, true },
	{ { .pods = { "*" } }, TARGET_YES, true },
	{ { .pods = { "*/*" } }, TARGET_YES, true },
	{ { .pods = { "production/*" } }, TARGET_YES, false },
	{ { .pods = { "*/web-1" } }, TARGET_YES, false },
	{ { .pods = { "production/web-1" } }, TARGET_YES, false },
	{ { .pods = { "dev/web-1" } }, TARGET_NO, false },
	{ { .pods = { "!dev/web-1" } }, TARGET_YES, true },
	{ { .pods = { "!production/web-1" } }, TARGET_NO, true },
	{ { .pods = { "web-1", "*" } }, TARGET_YES, true },

	/* both */
	{ { .n = "production", .pods = { "web-1" } }, TARGET_YES, false },
	{ { .n = "dev", .pods = { "web-1" } }, TARGET_NO, false },
	{ { .n = "production", .pods = { "*" } }, TARGET_YES, false },
	{ { .n = "dev", .pods = { "*" } }, TARGET_NO, false },
	{ { .n = "!dev", .pods = { "*" } }, TARGET_YES, true },
	{ { .n = "production", .pods = { "!web-1" } }, TARGET_NO, false },
	{ { .n = "production", .pods = { "!web-2" } }, TARGET_YES, false },
	{ { .n = "production", .pods = { "!dev/web-1" } }, TARGET_YES, false },
	/* "ns/" stands in the place of -n */
	{ { .n = "dev", .pods = { "production/web-1" } }, TARGET_YES, false },
	{ { .n = "!production", .pods = { "production/web-*" } }, TARGET_YES, false },
	{ { .n = "production", .pods = { "dev/web-1" } }, TARGET_NO, false },
	{ { .n = "production", .pods = { "dev/web-1", "web-1" } }, TARGET_YES, false },
	{ { .n = "dev", .pods = { "production/web-*", "!web-1" } }, TARGET_NO, false },

	{ { .c = "app" }, TARGET_YES, false },
	{ { .c = "ap?" }, TARGET_YES, false },
	{ { .c = "istio-proxy" }, TARGET_NO, false },
	{ { .c = "!istio-proxy" }, TARGET_YES, true },
	{ { .c = "!app" }, TARGET_NO, true },
	{ { .n = "production", .c = "app" }, TARGET_YES, false },
	{ { .n = "dev", .c = "app" }, TARGET_NO, false },
	{ { .n = "production", .c = "db" }, TARGET_NO, false },
	{ { .n = "production", .c = "!istio-proxy" }, TARGET_YES, false },

	{ { .id = "2f4c1d6b" }, TARGET_YES, false },
	{ { .id = "2F4C1D6B0A9E" }, TARGET_YES, false },
	{ { .id = ID1 }, TARGET_YES, false },
	{ { .id = "containerd://" ID1 }, TARGET_YES, false },
	{ { .id = ID2 }, TARGET_NO, false },
	{ { .id = "2f4c1d6c" }, TARGET_NO, false },
	{ { .id = "!2f4c1d6b" }, TARGET_NO, true },
	{ { .id = "!b0c1d2e3" }, TARGET_YES, true },
	{ { .id = "!b0c1d2e3,2f4c1d6b" }, TARGET_YES, false },
	{ { .id = "2f4c1d6b,!2f4c1d6b0a" }, TARGET_NO, false },
	/* ids are alternatives, excluded ones are excluded from everything */
	{ { .n = "dev", .id = "2f4c1d6b" }, TARGET_YES, false },
	{ { .n = "production", .id = "b0c1d2e3" }, TARGET_YES, false },
	{ { .n = "dev", .id = "b0c1d2e3" }, TARGET_NO, false },
	{ { .n = "production", .id = "!2f4c1d6b" }, TARGET_NO, false },
	{ { .n = "production", .id = "!b0c1d2e3" }, TARGET_YES, false },
	{ { .n = "!dev", .id = "2f4c1d6b" }, TARGET_YES, true },

	{ { .n = "production", .l = "app=web" }, TARGET_YES, false },
	{ { .n = "dev", .l = "app=web" }, TARGET_NO, false },
	{ { .n = "production", .l = "app!=web" }, TARGET_NO, false },
	{ { .l = "app!=web" }, TARGET_NO, true },
	{ { .l = "app notin (x),!y" }, TARGET_YES, true },
	{ { .l = "app notin (x),!y,app" }, TARGET_YES, false },
	{ { .l = "app in (x)" }, TARGET_NO, false },
};

static void who_is_meant(void **state)
{
	char err[TARGET_ERROR_MAX];
	struct somebody s;

	(void)state;
	somebody(&s, "production", "web-1", "app");
	s.labels[0] = (struct label){ STR("app"), STR("web") };
	s.pod.labels_n = 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct target *t = targets(&cases[i].texts, 0, err);
		enum target_match m = target_match(t, &s.who, true);

		if (m != cases[i].is || target_is_broad(t) != cases[i].broad)
			fail_msg("%zu: is %d, broad %d", i, m, target_is_broad(t));
		assert_int_equal(target_match(t, &s.who, false), m);
		assert_int_equal(target_needs_labels(t), cases[i].texts.l != NULL);
		/* What is known only by the container's own answer does as well. */
		s.who.pod = NULL;
		s.container.pod_namespace = s.pod.namespace;
		s.container.pod_name = s.pod.name;
		if (!cases[i].texts.l)
			assert_int_equal(target_match(t, &s.who, true), m);
		s.who.pod = &s.pod;
		target_free(t);
	}
	target_free(NULL);
}

static enum target_match ask(const struct texts *x, const struct somebody *s, bool more)
{
	char err[TARGET_ERROR_MAX];
	struct target *t = targets(x, 0, err);
	enum target_match m = target_match(t, &s->who, more);

	target_free(t);
	return m;
}
#define ASK(s, more, ...) ask(&(struct texts){ __VA_ARGS__ }, s, more)

static void kinds(void **state)
{
	static const enum who_kind others[] = { WHO_UNKNOWN, WHO_HOST, WHO_UNIT, WHO_HELPER };
	struct somebody s;

	(void)state;
	somebody(&s, "ns", "web", "app");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		s.who.kind = others[i];
		assert_int_equal(ASK(&s, true, .n = "ns"), TARGET_NO);
		assert_int_equal(ASK(&s, true, .id = "!b0c1d2e3"), TARGET_NO);
		assert_int_equal(ASK(&s, true, .id = "2f4c1d6b"), TARGET_NO); /* conmon's */
	}
	/* the pod's own cgroup */
	s.who.kind = WHO_POD;
	s.who.container = NULL;
	s.who.container_id[0] = '\0';
	assert_int_equal(ASK(&s, true, .n = "ns"), TARGET_YES);
	assert_int_equal(ASK(&s, true, .n = "ns", .c = "app"), TARGET_NO);
	assert_int_equal(ASK(&s, true, .n = "ns", .c = "!app"), TARGET_YES);
	assert_int_equal(ASK(&s, true, .n = "ns", .id = "2f4c1d6b"), TARGET_YES);
	assert_int_equal(ASK(&s, true, .id = "2f4c1d6b"), TARGET_NO);
	assert_int_equal(ASK(&s, true, .id = "!2f4c1d6b"), TARGET_YES);
	/* its sandbox, which has an id of its own */
	somebody(&s, "ns", "web", "");
	s.container.sandbox = true;
	assert_int_equal(ASK(&s, true, .n = "ns"), TARGET_YES);
	assert_int_equal(ASK(&s, true, .n = "ns", .c = "app"), TARGET_NO);
	assert_int_equal(ASK(&s, true, .n = "ns", .c = "*"), TARGET_NO);
	assert_int_equal(ASK(&s, true, .n = "ns", .c = "!app"), TARGET_YES);
	assert_int_equal(ASK(&s, true, .id = "2f4c1d6b"), TARGET_YES);
	/* not known yet whether it is one */
	s.who.container = NULL;
	assert_int_equal(ASK(&s, true, .n = "ns", .c = "app"), TARGET_LATER);
	assert_int_equal(ASK(&s, true, .n = "ns", .c = "!app"), TARGET_LATER);
	assert_int_equal(ASK(&s, true, .n = "dev", .c = "app"), TARGET_NO);
}

static void not_known_yet(void **state)
{
	struct somebody s;

	(void)state;
	somebody(&s, "ns", "web", "app");
	s.who.container = NULL;
	s.who.pod = NULL;
	assert_int_equal(ASK(&s, true, .n = "ns"), TARGET_LATER);
	assert_int_equal(ASK(&s, false, .n = "ns"), TARGET_NO);
	assert_int_equal(ASK(&s, true, .n = "!kube-system"), TARGET_LATER);
	assert_int_equal(ASK(&s, false, .n = "!kube-system"), TARGET_NO);
	assert_int_equal(ASK(&s, true, .n = "*"), TARGET_LATER); /* may be in no pod at all */
	assert_int_equal(ASK(&s, true, .pods = { "web" }), TARGET_LATER);
	assert_int_equal(ASK(&s, true, .c = "app"), TARGET_LATER);
	assert_int_equal(ASK(&s, true, .l = "a"), TARGET_LATER);
	assert_int_equal(ASK(&s, true, .n = "ns", .id = "2f4c1d6b"), TARGET_YES);
	assert_int_equal(ASK(&s, true, .id = "b0c1d2e3"), TARGET_NO); /* an id is always known */
	assert_int_equal(ASK(&s, true, .n = "ns", .id = "b0c1d2e3"), TARGET_LATER);
	assert_int_equal(ASK(&s, true, .n = "ns", .id = "!2f4c1d6b"), TARGET_NO);

	s.who.pod = &s.pod; /* the pod, not yet the container */
	assert_int_equal(ASK(&s, true, .n = "ns"), TARGET_YES);
	assert_int_equal(ASK(&s, true, .n = "ns", .c = "app"), TARGET_LATER);
	assert_int_equal(ASK(&s, true, .n = "dev", .c = "app"), TARGET_NO);
	assert_int_equal(ASK(&s, true, .l = "a"), TARGET_NO); /* has no labels, and that is known */
	assert_int_equal(ASK(&s, true, .l = "!a"), TARGET_YES);

	s.pod.source = NAME_FROM_LOGS; /* names only */
	assert_int_equal(ASK(&s, true, .n = "ns"), TARGET_YES);
	assert_int_equal(ASK(&s, true, .n = "ns", .l = "!a"), TARGET_LATER);
	assert_int_equal(ASK(&s, false, .n = "ns", .l = "!a"), TARGET_NO);
	assert_int_equal(ASK(&s, true, .n = "dev", .l = "!a"), TARGET_NO);

	s.who.pod = NULL; /* the container, which knows its pod's name */
	s.who.container = &s.container;
	s.container.pod_namespace = STR("ns");
	assert_int_equal(ASK(&s, true, .n = "ns", .c = "app"), TARGET_YES);
	assert_int_equal(ASK(&s, true, .n = "ns", .pods = { "web" }), TARGET_LATER);
	assert_int_equal(ASK(&s, true, .pods = { "dev/web" }), TARGET_NO);
	assert_int_equal(ASK(&s, true, .pods = { "dev/web", "ns/web" }), TARGET_LATER);
	assert_int_equal(ASK(&s, true, .pods = { "!dev/web" }), TARGET_YES);
	assert_int_equal(ASK(&s, true, .pods = { "!ns/web" }), TARGET_LATER);
	s.container.name = STR(""); /* a container of which only the pod is known */
	assert_int_equal(ASK(&s, true, .n = "ns", .c = "app"), TARGET_LATER);
}

/* What is not there at the end can be told. */
static void named(void **state)
{
	static const char *const want[] = { "web", "dev/db", "2f4c1d6b0a9e" };
	struct texts x = { .n = "prod", .id = "!b0c1d2e3,docker://2F4C1D6B0A9E", .c = "app",
			   .pods = { "a*,web", "!no", "dev/db", "d?v/x" } };
	char err[TARGET_ERROR_MAX];
	struct target *t = targets(&x, 0, err);
	struct somebody s;
	struct str name;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_true(target_named(t, i, &name));
		assert_true(str_eq(name, str_of(want[i])));
	}
	assert_false(target_named(t, 3, &name));
	somebody(&s, "prod", "web", "sidecar");
	s.who.container_id[0] = 'a';
	assert_int_equal(target_match(t, &s.who, true), TARGET_NO); /* its container is not app */
	assert_true(target_names(t, 0, &s.who));
	assert_false(target_names(t, 1, &s.who) || target_names(t, 2, &s.who));
	s.pod.namespace = STR("dev"); /* another web, not in -n */
	assert_false(target_names(t, 0, &s.who));
	s.pod.namespace = STR(""); /* not known */
	assert_false(target_names(t, 0, &s.who));
	s.pod.namespace = STR("dev");
	s.pod.name = STR("db");
	assert_true(target_names(t, 1, &s.who));
	assert_false(target_names(t, 3, &s.who));
	memcpy(s.who.container_id, ID1, sizeof(ID1));
	assert_true(target_names(t, 2, &s.who));
	s.who.kind = WHO_HELPER;
	assert_false(target_names(t, 2, &s.who));
	s.who.kind = WHO_CONTAINER;
	s.who.pod = NULL;
	assert_false(target_names(t, 0, &s.who) || target_names(t, 1, &s.who));
	target_free(t);
}

#define N63 "a23456789012345678901234567890123456789012345678901234567890123"
#define POD_CHARS ": at most 253 bytes, * and ? as wildcards"
#define NS_CHARS  ": at most 63 bytes, * and ? as wildcards"
static const struct {
	struct texts texts;
	const char *err; /* NULL: is fine */
} refusals[] = {
	{ { .n = N63 }, NULL },
	{ { .n = N63 "4" },
	  "--namespace: \"a23456789012345678901234567890123456789012345678...\": can never match: "
	  "the name of a namespace is shorter" NS_CHARS },
	{ { .n = N63 "*" }, NULL },
	{ { .n = N63 "?" },
	  "--namespace: \"a23456789012345678901234567890123456789012345678...\": can never match: "
	  "the name of a namespace is shorter" NS_CHARS },
	{ { .pods = { N63 "." N63 "." N63 "." "23456789012345678901234567890123456789012345678901"
		      "23456789012" } }, NULL },
	{ { .pods = { N63 "." N63 "." N63 "." "23456789012345678901234567890123456789012345678901"
		      "234567890123" } },
	  "POD: \"a23456789012345678901234567890123456789012345678...\": can never match: the name "
	  "of a pod is shorter" POD_CHARS },
	{ { .n = "Prod" }, "--namespace: \"Prod\": can never match: the name of a namespace has no "
			   "capital letters" NS_CHARS },
	{ { .n = "a.b" }, "--namespace: \"a.b\": can never match: the name of a namespace has only "
			  "lower-case letters, digits and -" NS_CHARS },
	{ { .pods = { "a.b-c.d" } }, NULL },
	{ { .pods = { "0" } }, NULL },
	{ { .pods = { "a--b" } }, NULL },
	{ { .pods = { "-*" } }, "POD: \"-*\": can never match: the name of a pod begins and ends "
				"with a letter or a digit, also around a dot" POD_CHARS },
	{ { .pods = { "a-" } }, "POD: \"a-\": can never match: the name of a pod begins and ends "
				"with a letter or a digit, also around a dot" POD_CHARS },
	{ { .pods = { "a..b" } }, "POD: \"a..b\": can never match: the name of a pod begins and "
				  "ends with a letter or a digit, also around a dot" POD_CHARS },
	{ { .pods = { "a-.b" } }, "POD: \"a-.b\": can never match: the name of a pod begins and "
				  "ends with a letter or a digit, also around a dot" POD_CHARS },
	{ { .pods = { "a.-b" } }, "POD: \"a.-b\": can never match: the name of a pod begins and "
				  "ends with a letter or a digit, also around a dot" POD_CHARS },
	{ { .pods = { "a." } }, "POD: \"a.\": can never match: the name of a pod begins and ends "
				"with a letter or a digit, also around a dot" POD_CHARS },
	{ { .pods = { "a.*" } }, NULL },
	{ { .pods = { "ok", "my_pod" } },
	  "POD: \"my_pod\": can never match: the name of a pod has only lower-case letters, digits, "
	  "- and ." POD_CHARS },
	{ { .pods = { "!My" } }, "POD: \"!My\": can never match: the name of a pod has no capital "
				 "letters" POD_CHARS },
	{ { .pods = { "Ns/a" } }, "POD: \"Ns/a\": can never match: the name of a namespace has no "
				  "capital letters" NS_CHARS },
	{ { .pods = { "/a" } }, "POD: \"/a\": the name of a namespace is missing" },
	{ { .pods = { "a/" } }, "POD: \"a/\": the name of a pod is missing" },
	{ { .pods = { "a/b/c" } },
	  "POD: \"a/b/c\": has two slashes: write POD or NAMESPACE/POD" },
	{ { .pods = { "" } }, "POD: \"\": a name is missing: separate items by one comma" },
	{ { .pods = { "a,,b" } }, "POD: \"\": a name is missing: separate items by one comma" },
	{ { .n = "a," }, "--namespace: \"\": a name is missing: separate items by one comma" },
	{ { .c = "!" }, "--container: \"!\": a name is missing: separate items by one comma" },
	{ { .c = "!!a" }, "--container: \"!!a\": can never match: the name of a container has only "
			  "lower-case letters, digits and -" NS_CHARS },
	{ { .c = "\x1b[m" },
	  "--container: \"\\u001b[m\": can never match: the name of a container has only lower-case "
	  "letters, digits and -" NS_CHARS },
	{ { .id = "2f4c1d6" }, "--container-id: \"2f4c1d6\": has 7 digits: write 8 to 64 of them" },
	{ { .id = ID1 "0" }, "--container-id: \"2f4c1d6b0a9e8d7c5b3a1928374655647382910fedcba987...\""
			     ": has 65 digits: write 8 to 64 of them" },
	{ { .id = "2f4c1d6g0" }, "--container-id: \"2f4c1d6g0\": a container's id is written in hex "
				 "digits, without wildcards" },
	{ { .id = "2f4c1d6*" }, "--container-id: \"2f4c1d6*\": a container's id is written in hex "
				"digits, without wildcards" },
	{ { .id = "cri-o://" }, "--container-id: \"cri-o://\": has 0 digits: write 8 to 64 of them" },
};

static void refused(void **state)
{
	char err[TARGET_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		target_free(targets(&refusals[i].texts, refusals[i].err ? -EINVAL : 0, err));
		if (strcmp(err, refusals[i].err ? refusals[i].err : "") != 0)
			fail_msg("%zu: %s", i, err);
	}
}

static void limits(void **state)
{
	static char many[TARGET_ITEMS_MAX * 4 + 8], longer[TARGET_TEXT_MAX + 2];
	struct target_text text = { .pods_n = 0 };
	struct target *t = (void *)many;
	char err[TARGET_ERROR_MAX], small[8];

	(void)state;
	assert_int_equal(target_new(&t, &text, err, sizeof(err)), 0);
	assert_null(t); /* nothing given */
	for (int i = 0; i < TARGET_ITEMS_MAX; i++)
		snprintf(many + 4 * i, 5, "%03x,", (unsigned)i);
	text.namespaces = (struct str){ many, 4 * TARGET_ITEMS_MAX - 1 };
	assert_int_equal(target_new(&t, &text, err, sizeof(err)), 0);
	target_free(t);
	text.containers = STR("one-more");
	assert_int_equal(target_new(&t, &text, err, sizeof(err)), -E2BIG);
	assert_string_equal(err, "targets: more than 256 names, ids, requirements and values "
				 "together: write a pattern (web-*) or fewer");
	text = (struct target_text){ .selector = STR("a") };
	text.namespaces = (struct str){ many, 4 * TARGET_ITEMS_MAX - 1 };
	assert_int_equal(target_new(&t, &text, err, sizeof(err)), -E2BIG);
	text.namespaces.n -= 4;
	assert_int_equal(target_new(&t, &text, err, sizeof(err)), 0);
	target_free(t);
	text.selector = STR("a=b"); /* a value is an item as well */
	assert_int_equal(target_new(&t, &text, err, sizeof(err)), -E2BIG);

	memset(longer, '*', sizeof(longer));
	text = (struct target_text){ .namespaces = { longer, TARGET_TEXT_MAX } };
	assert_int_equal(target_new(&t, &text, err, sizeof(err)), 0);
	target_free(t);
	text.namespaces.n++;
	assert_int_equal(target_new(&t, &text, err, sizeof(err)), -E2BIG);
	assert_string_equal(err, "targets: 16385 bytes of names and selectors: at most 16384 are "
				 "allowed");
	text.namespaces = STR("A");
	assert_int_equal(target_new(&t, &text, small, sizeof(small)), -EINVAL);
	assert_true(strlen(small) < sizeof(small)); /* cut, and ended */
}

/* A star for each byte and a name that fits but for its end: exponential if done badly. */
static void patterns(void **state)
{
	static char stars[8001], name[POD_NAME_MAX + 1];
	static const struct {
		const char *pattern, *name;
		bool is;
	} globs[] = {
		{ "a*c", "abc", true },	  { "a*c", "ac", true },      { "a*c", "abcd", false },
		{ "*b*", "abc", true },	  { "*ab", "aab", true },     { "a*b*c", "aXbYbZc", true },
		{ "a?", "a", false },	  { "?", "a", true },	      { "?a?", "bab", true },
		{ "*?", "a", true },	  { "a*a", "a", false },
		{ "*-1", "a-1-1", true }, { "**a**", "bab", true },   { "a**", "a", true },
		{ "a.b", "axb", false },  { "*ab*ab", "xabab", true }, { "*ab*ab", "xab", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(globs); i++) {
		struct somebody s;

		somebody(&s, "ns", globs[i].name, "c");
		if (ASK(&s, true, .pods = { globs[i].pattern }) !=
		    (globs[i].is ? TARGET_YES : TARGET_NO))
			fail_msg("%zu: %s", i, globs[i].pattern);
	}
	for (size_t i = 0; i + 1 < sizeof(stars); i += 2)
		memcpy(stars + i, i < 400 ? "*a" : "**", 2);
	memset(name, 'a', sizeof(name) - 1);
	for (int n = 0; n < 100; n++) {
		struct somebody s;

		name[sizeof(name) - 2] = (char)('a' + n % 2);
		somebody(&s, "ns", name, "c");
		assert_int_equal(ASK(&s, true, .pods = { stars }), TARGET_YES);
		stars[8000 - 1] = 'b';
		assert_int_equal(ASK(&s, true, .pods = { stars }),
				 n % 2 ? TARGET_YES : TARGET_NO);
		stars[8000 - 1] = '*';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_meant), cmocka_unit_test(kinds),
		cmocka_unit_test(not_known_yet), cmocka_unit_test(named),
		cmocka_unit_test(refused),	cmocka_unit_test(limits),
		cmocka_unit_test(patterns),
	};

	return cmocka_run_group_tests_name("select/target", tests, NULL, NULL);
}
