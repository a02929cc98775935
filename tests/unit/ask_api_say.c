// SPDX-License-Identifier: Apache-2.0
/* links: src/ask/api_say.c src/ask/api_json.c libs: yyjson */
/* ask/api_say: whatever goes wrong with the API server, there are words for it and a thing to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "ask/api_say.h"

static struct api_words say(struct api_trouble t)
{
	struct api_words w;

	memset(&w, 0xa5, sizeof(w));
	t.verb = "list";
	t.server = "https://10.96.0.1:443";
	t.token_file = "/token";
	t.ca_file = "/ca.crt";
	if (!t.error)
		t.error = "curl's words";
	api_say(&w, &t);
	return w;
}

static void test_all_have_a_fix(void **state)
{
	static const int statuses[] = { 301, 307, 400, 401, 403, 404, 410, 418, 429, 500, 502, 503, 504 };
	static const int stops[] = { -EBADMSG, -EFBIG, -ENOMEM };

	(void)state;
	for (int code = 1; code < CURL_LAST; code++) {
		struct api_words w = say((struct api_trouble){ .code = (CURLcode)code });

		if (!w.reason[0] || !w.fix[0])
			fail_msg("curl's %d: \"%s\" -> \"%s\"", code, w.reason, w.fix);
	}
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct api_words w = say((struct api_trouble){ .http = statuses[i] });

		if (!w.reason[0] || !w.fix[0])
			fail_msg("%d: \"%s\" -> \"%s\"", statuses[i], w.reason, w.fix);
	}
	for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
		struct api_words w = say((struct api_trouble){ .stopped = stops[i] });

		if (!w.reason[0] || !w.fix[0])
			fail_msg("%d: \"%s\" -> \"%s\"", stops[i], w.reason, w.fix);
	}
}

static void test_words(void **state)
{
	static const struct {
		struct api_trouble trouble;
		const char *reason, *fix;
	} rows[] = {
		{ { .code = CURLE_OPERATION_TIMEDOUT },
		  "https://10.96.0.1:443 did not answer in time", "network policy or firewall" },
		{ { .code = CURLE_RECV_ERROR }, "broke off while we list pods", "load balancer" },
		{ { .code = CURLE_SSL_CACERT_BADFILE }, "/ca.crt cannot be used",
		  "automountServiceAccountToken" },
		{ { .http = 500 }, "answered 500", "API server's own log" },
		{ { .http = 302 }, "answered 302", "must not follow a redirect" },
		{ { .http = 503 }, "too busy", "apiserver_flowcontrol_rejected_requests_total" },
		{ { .http = 403, .message = STR("{\"message\":\"pods is forbidden\"}") },
		  "forbids us to list pods (403): pods is forbidden", "ClusterRole podtrace" },
		{ { .http = 404 }, "OpenShift answers 404", "ClusterRole podtrace" },
		{ { .stopped = -ENOMEM }, "there is memory for", "memory limit" },
		{ { .stopped = -EBADMSG }, "no answer of Kubernetes", "proxy" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct api_words w = say(rows[i].trouble);

		if (!strstr(w.reason, rows[i].reason) || !strstr(w.fix, rows[i].fix))
			fail_msg("%s -> %s; wanted: %s -> %s", w.reason, w.fix, rows[i].reason,
				 rows[i].fix);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_have_a_fix),
					    cmocka_unit_test(test_words) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
