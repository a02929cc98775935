// SPDX-License-Identifier: Apache-2.0
/* links: src/ask/api*.c src/net/t*.c src/pod.c libs: curl bearssl yyjson */
/* ask/api_server, api_say: addresses, tokens, CAs; and words that tell people what to do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ask/api_server.h"

/* openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1: self-signed, 100 years. */
static const char ca[] = "-----BEGIN CERTIFICATE-----\n"
			 "MIIBcjCCARegAwIBAgIUUWNZuZ3WyX0ShY2tuxqaWHQOi9AwCgYIKoZIzj0EAwIw\n"
			 "DTELMAkGA1UEAwwCZWMwIBcNMjYxMTIxMTIwNDEzWhgPMjEyNjEwMjgxMjA0MTNa\n"
			 "MA0xCzAJBgNVBAMMAmVjMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE48yuIGl7\n"
			 "QdUEAXKQnwFn/Bo7kG03H8NyX9R6w0dt3msBhXZ39qMiOrDMDYOsKdTpJLnUl7II\n"
			 "97MjhwydQqbJxKNTMFEwHQYDVR0OBBYEFMfcFiaZi28EgxJnjbS+3TmfU3pXMB8G\n"
			 "A1UdIwQYMBaAFMfcFiaZi28EgxJnjbS+3TmfU3pXMA8GA1UdEwEB/wQFMAMBAf8w\n"
			 "CgYIKoZIzj0EAwIDSQAwRgIhAP0F6nBBq/J+YOdPNMA1LXynGCSWNoeeCHBCXQEC\n"
			 "J8enAiEArEfy3vAK5e2kJvN/ieuMjSdkKY7G2VUTQ0fRSsie5jk=\n"
			 "-----END CERTIFICATE-----\n";

static char folder[] = "/tmp/ask_api_server_XXXXXX";
static char token_file[64], ca_file[64];
static struct api_words w;

static void put(const char *file, const char *text)
{
	char other[80];
	FILE *f;

	/* As kubelet does: another file by the same name. */
	snprintf(other, sizeof(other), "%s.new", file);
	f = fopen(other, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	fclose(f);
	assert_int_equal(rename(other, file), 0);
}

static int open_it(struct api_server *s, const char *server, const char *host, const char *port)
{
	struct api_config cfg = {
		.server = server,
		.host = host,
		.port = port,
		.token_file = token_file,
		.ca_file = ca_file,
	};

	return api_server_open(s, &cfg, &w);
}

static void test_places(void **state)
{
	static const struct {
		const char *server, *host, *port, *shown, *url, *to;
	} cases[] = {
		{ NULL, "10.96.0.1", "443", "https://10.96.0.1:443",
		  "https://kubernetes.default.svc:443",
		  "kubernetes.default.svc:443:10.96.0.1:443" },
		{ NULL, "10.96.0.1", NULL, "https://10.96.0.1:443",
		  "https://kubernetes.default.svc:443",
		  "kubernetes.default.svc:443:10.96.0.1:443" },
		{ NULL, "fd00::1", "6443", "https://[fd00::1]:6443",
		  "https://kubernetes.default.svc:6443",
		  "kubernetes.default.svc:6443:[fd00::1]:6443" },
		{ NULL, "x.hcp.example.io", "443", "https://x.hcp.example.io:443",
		  "https://x.hcp.example.io:443", NULL },
		{ "https://127.0.0.1:6443", "10.96.0.1", "443", "https://127.0.0.1:6443",
		  "https://kubernetes.default.svc:6443",
		  "kubernetes.default.svc:6443:127.0.0.1:6443" },
		{ "https://[::1]:6443/", NULL, NULL, "https://[::1]:6443",
		  "https://kubernetes.default.svc:6443", "kubernetes.default.svc:6443:[::1]:6443" },
		{ "https://[::1]", NULL, NULL, "https://[::1]:443",
		  "https://kubernetes.default.svc:443", "kubernetes.default.svc:443:[::1]:443" },
		{ "https://api.example", NULL, NULL, "https://api.example:443",
		  "https://api.example:443", NULL },
		/* kubectl proxy: no TLS, no token */
		{ "http://127.0.0.1:8001", NULL, NULL, "http://127.0.0.1:8001",
		  "http://127.0.0.1:8001", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_server s;

		assert_int_equal(open_it(&s, cases[i].server, cases[i].host, cases[i].port), 0);
		assert_string_equal(s.shown, cases[i].shown);
		assert_string_equal(s.url, cases[i].url);
		if (cases[i].to)
			assert_string_equal(s.connect_to->data, cases[i].to);
		else
			assert_null(s.connect_to);
		assert_int_equal(s.tls, s.shown[4] == 's');
		if (s.tls)
			assert_string_equal(s.headers->data, "Authorization: Bearer first");
		else
			assert_null(s.headers);
		api_server_close(&s);
	}
}

static void test_no_places(void **state)
{
	static const struct {
		const char *server, *host, *port, *says;
	} cases[] = {
		{ NULL, NULL, NULL, "KUBERNETES_SERVICE_HOST is not set" },
		{ NULL, "", "443", "KUBERNETES_SERVICE_HOST is not set" },
		{ NULL, "10.96.0.1", "https", "KUBERNETES_SERVICE_PORT https cannot be used" },
		{ NULL, "10.96.0.1", "65536", "65536" },
		{ NULL, "evil/x", "443", "evil/x" },
		{ NULL, "a:b", "443", "a:b" },
		{ NULL, "a\nb", "443", "a?b" },
		{ "10.96.0.1:443", NULL, NULL, "10.96.0.1:443" },
		{ "ftp://x", NULL, NULL, "ftp://x" },
		{ "https://", NULL, NULL, "https:// cannot be used" },
		{ "https://x/k8s/clusters/c1", NULL, NULL, "k8s/clusters" },
		{ "https://[::1", NULL, NULL, "[::1" },
		{ "https://[::1]x", NULL, NULL, "[::1]x" },
		{ "https://user:secret@x", NULL, NULL, "URL with credentials in it cannot" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_server s;

		assert_int_equal(open_it(&s, cases[i].server, cases[i].host, cases[i].port),
				 -EINVAL);
		assert_non_null(strstr(w.reason, cases[i].says));
		assert_null(strstr(w.reason, "secret"));
		assert_int_equal(w.fix[0] != 0, i > 1);
		api_server_close(&s);
	}
}

/* Rotated, rotated to the same, gone, replaced by what is none. */
static void test_token(void **state)
{
	static char long_token[API_TOKEN_MAX + 2];
	struct api_server s;
	bool is_new = true;

	(void)state;
	assert_int_equal(open_it(&s, "https://x", NULL, NULL), 0);
	assert_int_equal(api_server_refresh(&s, false, &is_new, &w), 0);
	assert_false(is_new);
	put(token_file, "second \n");
	assert_int_equal(api_server_refresh(&s, false, &is_new, &w), 0);
	assert_true(is_new);
	assert_string_equal(s.headers->data, "Authorization: Bearer second");
	put(token_file, "second");
	assert_int_equal(api_server_refresh(&s, false, &is_new, &w), 0);
	assert_false(is_new);
	assert_int_equal(api_server_refresh(&s, true, &is_new, &w), 0);
	assert_false(is_new);
	for (int i = 0; i < 4; i++) {
		static const char *const none[] = { "", " \n", "a\r\nX-Evil: 1", long_token };

		memset(long_token, 'x', API_TOKEN_MAX + 1);
		put(token_file, none[i]);
		assert_int_equal(api_server_refresh(&s, false, &is_new, &w), -EINVAL);
		assert_non_null(strstr(w.reason, "this is no token"));
		assert_null(strstr(w.reason, "X-Evil"));
	}
	long_token[API_TOKEN_MAX] = 0;
	put(token_file, long_token);
	assert_int_equal(api_server_refresh(&s, false, &is_new, &w), 0);
	unlink(token_file);
	assert_int_equal(api_server_refresh(&s, false, &is_new, &w), -ENOENT);
	assert_non_null(strstr(w.reason, token_file));
	assert_non_null(strstr(w.fix, "automountServiceAccountToken"));
	api_server_close(&s);
	assert_int_equal(open_it(&s, "https://x", NULL, NULL), -EINVAL);
	assert_non_null(strstr(w.fix, "automountServiceAccountToken"));
}

static void test_ca(void **state)
{
	struct api_server s;

	(void)state;
	put(token_file, "first\n");
	assert_int_equal(open_it(&s, "https://x", NULL, NULL), 0);
	assert_int_equal(s.pem.n, sizeof(ca) - 1);
	put(ca_file, "# nothing\n");
	assert_int_equal(api_server_refresh(&s, false, NULL, &w), -EINVAL);
	assert_non_null(strstr(w.reason, ca_file));
	assert_non_null(strstr(w.fix, "kube-root-ca.crt"));
	/* What was good stays until something good comes. */
	assert_int_equal(s.pem.n, sizeof(ca) - 1);
	unlink(ca_file);
	assert_int_equal(api_server_refresh(&s, false, NULL, &w), -ENOENT);
	api_server_close(&s);
	assert_int_equal(open_it(&s, "https://x", NULL, NULL), -EINVAL);
	assert_non_null(strstr(w.reason, ca_file));
	assert_non_null(strstr(w.fix, "kube-root-ca.crt"));
	put(ca_file, ca);
}

/* Each trouble has its own words, and what can be done is said. */
static void test_words(void **state)
{
	static const struct {
		struct api_trouble t;
		const char *reason, *fix;
	} cases[] = {
		{ { .http = 401 }, "does not accept the token in /token (401)", "service account" },
		{ { .http = 403, .message = STR("{\"message\":\"pods is forbidden\"}") },
		  "forbids us to list pods (403): pods is forbidden",
		  "ClusterRole podtrace" },
		{ { .http = 403, .verb = "watch" }, "forbids us to watch pods", API_ROLE },
		{ { .http = 404, .message = STR("404 page not found\nmore") },
		  "(404; OpenShift answers 404 where RBAC forbids): 404 page not found",
		  "ClusterRole podtrace" },
		{ { .http = 429 }, "too busy to let us list pods (429)", "" },
		{ { .http = 503 }, "too busy to let us list pods (503)", "" },
		{ { .http = 500, .message = STR("{\"message\":\"a\\u001b[31mb\\nc\"}") },
		  "answered 500 when asked to list pods: a?[31mb?c",
		  "" },
		{ { .http = 307 }, "answered 307", "redirect" },
		{ { .http = 200, .stopped = -EBADMSG }, "no answer of Kubernetes", "proxy" },
		{ { .http = 200, .stopped = -EFBIG }, "more than podtrace reads", "" },
		{ { .http = 200, .stopped = -ENOMEM }, "more than there is memory for", "" },
		{ { .http = 200, .code = CURLE_RECV_ERROR, .error = "reset" },
		  "broke off while we list pods: reset",
		  "" },
		{ { .code = CURLE_COULDNT_RESOLVE_HOST }, "not known to DNS", "resolv.conf" },
		{ { .code = CURLE_COULDNT_CONNECT }, "cannot be reached", "network policy" },
		{ { .code = CURLE_OPERATION_TIMEDOUT },
		  "did not answer in time",
		  "network policy" },
		{ { .code = CURLE_PEER_FAILED_VERIFICATION, .error = "who?" },
		  "the certificate of https://x:443 is not accepted: who?",
		  API_HOST },
		{ { .code = CURLE_PEER_FAILED_VERIFICATION, .ca_dropped = 2 },
		  "is not accepted",
		  "the CA in /ca (2 in it are of kinds unknown here), be valid" },
		{ { .code = CURLE_SSL_CONNECT_ERROR }, "no TLS with https://x:443", "TLS 1.2" },
		{ { .code = CURLE_SSL_CACERT_BADFILE }, "the CA in /ca cannot be used", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_trouble t = cases[i].t;

		t.server = "https://x:443";
		t.token_file = "/token";
		t.ca_file = "/ca";
		t.verb = t.verb ? t.verb : "list";
		t.error = t.error ? t.error : "";
		api_say(&w, &t);
		if (!strstr(w.reason, cases[i].reason))
			fail_msg("\"%s\" does not say \"%s\"", w.reason, cases[i].reason);
		if (!w.fix[0] || !strstr(w.fix, cases[i].fix))
			fail_msg("\"%s\" does not say \"%s\"", w.fix, cases[i].fix);
	}
}

/* The longest of everything still leaves a sentence whole enough to act on. */
static void test_long_words(void **state)
{
	static char server[280], file[4096], error[256], message[4096];
	struct api_trouble t = { .server = server,
				 .token_file = file,
				 .ca_file = file,
				 .verb = "watch",
				 .error = error };

	(void)state;
	memset(server, 's', sizeof(server) - 1);
	memset(file, 'f', sizeof(file) - 1);
	memset(error, 'e', sizeof(error) - 1);
	memset(message, 'm', sizeof(message));
	t.message = (struct str){ message, sizeof(message) };
	for (int http = 0; http < 600; http++) {
		t.http = http;
		api_say(&w, &t);
		assert_true(w.reason[0] && strlen(w.reason) < sizeof(w.reason));
	}
	t.http = 0;
	for (int code = 1; code < 100; code++) {
		t.code = code;
		api_say(&w, &t);
		assert_true(w.reason[0] && strlen(w.fix) < sizeof(w.fix));
	}
}

static void nothing(void *ctx, const struct pod *p)
{
	(void)ctx;
	(void)p;
	fail();
}

/* Without a cluster, and with a node's name that is none, there is nothing to ask. */
static void test_off(void **state)
{
	static const struct {
		const char *host, *node, *says;
	} cases[] = {
		{ NULL, "node-1", "no pod of a cluster" },
		{ "10.0.0.1", NULL, "not known" },
		{ "10.0.0.1", "", "not known" },
		{ "10.0.0.1", "Node", "\"Node\" is no name of a node" },
		{ "10.0.0.1", "a,metadata.name=x", "no name of a node" },
		{ "10.0.0.1", "a&limit=1", "no name of a node" },
		{ "10.0.0.1", "a\nb", "\"a?b\" is no name" },
	};
	struct loop *l = loop_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_config cfg = {
			.host = cases[i].host,
			.node = cases[i].node,
			.token_file = token_file,
			.ca_file = ca_file,
			.pod = nothing,
		};
		struct api *a;

		assert_int_equal(api_new(&a, l, &cfg), 0);
		assert_int_equal(api_status(a)->state, API_OFF);
		assert_int_equal(api_status(a)->access, API_ACCESS_UNKNOWN);
		assert_non_null(strstr(api_status(a)->reason, cases[i].says));
		assert_true(api_bytes(a) < 65536);
		api_free(a);
	}
	api_free(NULL);
	loop_free(l);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(token_file, sizeof(token_file), "%s/token", folder);
	snprintf(ca_file, sizeof(ca_file), "%s/ca.crt", folder);
	put(token_file, "first\n");
	put(ca_file, ca);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(token_file);
	unlink(ca_file);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places), cmocka_unit_test(test_no_places),
		cmocka_unit_test(test_token),  cmocka_unit_test(test_ca),
		cmocka_unit_test(test_words),  cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_off),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
