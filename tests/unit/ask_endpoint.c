// SPDX-License-Identifier: Apache-2.0
/* links: src/ask/endpoint.c libs: yyjson */
/* Endpoints in arguments and in configuration files as they are found on real nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ask/endpoint.h"
#include "ask/find.h"

#define RE "--container-runtime-endpoint"

static const struct test_args {
	struct str args;
	const char *value; /* NULL: not given */
} arguments[] = {
	/* kubeadm, Talos, OpenShift, RKE2, EKS */
	{ STR("/usr/bin/kubelet\0--bootstrap-kubeconfig=/x\0" RE
	      "=unix:///var/run/containerd/containerd.sock\0--v=2\0"),
	  "unix:///var/run/containerd/containerd.sock" },
	{ STR("/usr/local/bin/kubelet\0" RE "\0/run/containerd/containerd.sock\0"),
	  "/run/containerd/containerd.sock" },
	{ STR("/usr/bin/kubelet\0--config=/etc/kubernetes/kubelet.conf\0" RE
	      "=/var/run/crio/crio.sock\0--runtime-cgroups=/system.slice/crio.service\0"),
	  "/var/run/crio/crio.sock" },
	{ STR("kubelet\0--volume-plugin-dir=/x\0" RE
	      "=unix:///run/k3s/containerd/containerd.sock\0"),
	  "unix:///run/k3s/containerd/containerd.sock" },
	{ STR("kubelet\0" RE "=a\0" RE "=b\0"), "b" },
	{ STR("kubelet\0" RE "\0a\0" RE "\0"), "a" },
	{ STR("kubelet\0" RE "="), "" },
	{ STR("kubelet\0" RE "=cut"), "cut" },
	{ STR("kubelet\0" RE "\0" RE "=x\0"), RE "=x" }, /* a value may look like a flag */
	{ STR("kubelet\0" RE "s=x\0"), NULL },
	{ STR("kubelet\0-"
	      "-x\0--\0" RE "=x\0"),
	  NULL },
	{ STR("kubelet\0-container-runtime-endpoint=x\0"), NULL },
	{ STR("kubelet\0" RE "\0"), NULL },
	{ STR("kubelet\0"), NULL },
	{ STR(RE "=x\0"), NULL }, /* its own name */
	{ STR("kubelet\0\0\0\0"), NULL },
	{ STR(""), NULL },
};

static void test_arguments(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
		const struct test_args *t = &arguments[i];
		struct str got = endpoint_argument(t->args, STR(RE));

		if ((got.p != NULL) != (t->value != NULL) || !str_eq(got, str_of(t->value)))
			fail_msg("%zu: %.*s, not %s", i, (int)got.n, got.p, t->value);
	}
	assert_null(endpoint_argument((struct str){ NULL, 0 }, STR(RE)).p);
}

#define KEY "containerRuntimeEndpoint"

static const struct test_text {
	const char *text, *value; /* NULL: not found */
} texts[] = {
	{ KEY ": unix:///run/x.sock\n", "unix:///run/x.sock" },
	{ "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
	  "authentication:\n  anonymous:\n    enabled: false\n" KEY
	  ": \"unix:///run/x.sock\"\ncpuManagerReconcilePeriod: 0s\n",
	  "unix:///run/x.sock" },
	{ KEY ": '/run/x.sock'\n", "/run/x.sock" },
	{ KEY ":   /run/x.sock   # comment\n", "/run/x.sock" },
	{ KEY ": /run/x#y.sock\n", "/run/x#y.sock" },
	{ KEY ": \"/run/x # y.sock\" # z\n", "/run/x # y.sock" },
	{ KEY ": /run/x.sock\r\nb: c\r\n", "/run/x.sock" },
	{ "\"" KEY "\": /run/x.sock", "/run/x.sock" },
	{ "'" KEY "' : /run/x.sock", "/run/x.sock" },
	{ "\xef\xbb\xbf" KEY ": /run/x.sock", "/run/x.sock" },
	{ "# " KEY ": /no\n---\n" KEY ":\t/run/x.sock\n", "/run/x.sock" },
	{ KEY ": a\n" KEY ": b\n", "a" },
	/* below another key, in a text, a key that is longer */
	{ "x:\n  " KEY ": /no\n", NULL },
	{ "- " KEY ": /no\n", NULL },
	{ "x" KEY ": /no\n", NULL },
	{ KEY "s: /no\n", NULL },
	{ KEY ":/no\n", NULL },
	{ "\"" KEY "': /no\n", NULL },
	{ "\"" KEY ": /no\n", NULL },
	{ KEY, NULL },
	{ KEY ":", NULL },
	{ KEY ": \"\"\n", NULL },
	{ KEY ": # /no\n", NULL },
	{ KEY ":\n  /no\n", NULL },
	{ KEY ": \"/no\n", NULL },
	{ KEY ": \"/n\\u006f\"\n", NULL },
	{ KEY ": 'it''s'\n", NULL },
	{ KEY ": \"/no\"# z\n", NULL },
	{ "", NULL },
	/* JSON, as EKS has it, and on one line */
	{ "{\n  \"kind\": \"KubeletConfiguration\",\n  \"authentication\": {\"x\": {}},\n  \"" KEY
	  "\": \"unix:///run/x.sock\"\n}\n",
	  "unix:///run/x.sock" },
	{ " {\"a\":[{\"" KEY "\":\"/no\"}],\"" KEY "\":\"\\/run\\/x.sock\"}", "/run/x.sock" },
	{ "{\"a\":{\"" KEY "\":\"/no\"}}", NULL },
	{ "{\"a\":\"\\\"" KEY "\\\":\\\"/no\\\"\"}", NULL },
	{ "{\"" KEY "\":1}", NULL },
	{ "{\"" KEY "\":\"/a\\u0000b\"}", NULL },
	{ "{\"" KEY "\":\"/no\"", NULL },
	{ "{" KEY ": /no}", NULL },
	{ "[\"" KEY "\",\"/no\"]", NULL },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct test_text *t = &texts[i];
		size_t n = strlen(t->text);
		char *p = malloc(n ? n : 1); /* exactly so long: ASan sees a byte too many */
		char got[64] = "?";

		assert_non_null(p);
		memcpy(p, t->text, n);
		if (endpoint_setting((struct str){ p, n }, STR(KEY), got, sizeof(got)) !=
			    (t->value != NULL) ||
		    strcmp(got, t->value ? t->value : "?"))
			fail_msg("%s: %s, not %s", t->text, got, t->value);
		free(p);
	}
}

static void test_room(void **state)
{
	char got[8] = "?";

	(void)state;
	assert_true(endpoint_setting(STR("a: 1234567"), STR("a"), got, sizeof(got)));
	assert_string_equal(got, "1234567");
	got[0] = '?';
	assert_false(endpoint_setting(STR("a: 12345678"), STR("a"), got, sizeof(got)));
	assert_false(endpoint_setting(STR("{\"a\":\"12345678\"}"), STR("a"), got, sizeof(got)));
	assert_int_equal(got[0], '?');
}

static void test_paths(void **state)
{
	static const char *const good[] = { "unix:///run/x", "unix:/run/x", "/run/x" };
	static const char *const bad[] = { "",		"unix://run/x", "unix:run/x", "run/x",
					   "tcp://a:1", "unix:///",	"/run/x/",    "/a\x01",
					   "/a\x7f",	"/run/xyzzyx",	"UNIX:///a" };
	char got[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(cri_endpoint_path(str_of(good[i]), got, sizeof(got)));
		assert_string_equal(got, "/run/x");
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		got[0] = '?';
		if (cri_endpoint_path(str_of(bad[i]), got, sizeof(got)))
			fail_msg("%s", bad[i]);
		assert_int_equal(got[0], '?');
	}
	assert_false(cri_endpoint_path(STR("/a\0b"), got, sizeof(got)));
	assert_false(cri_endpoint_path((struct str){ NULL, 0 }, got, sizeof(got)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
