// SPDX-License-Identifier: Apache-2.0
#include "ask/api_say.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ask/api_json.h"

/* The message of a Kubernetes Status; of anything else the first line. */
static void message_of(char *dst, size_t cap, struct str s)
{
	char copy[2048];
	struct buf text;
	yyjson_doc *doc = NULL;
	struct str line = { "", 0 }, found = { "", 0 };

	buf_fixed(&text, copy, sizeof(copy));
	buf_str(&text, str_slice(s, 0, sizeof(copy) - 64));
	if (!api_json_read(&text, &doc))
		found = api_json_str(yyjson_obj_get(yyjson_doc_get_root(doc), "message"));
	else if (str_cut(&s, '\n', &line))
		found = str_trim(line);
	api_printable(dst, cap, found);
	yyjson_doc_free(doc);
}

static void say_status(struct api_words *w, const struct api_trouble *t, const char *message)
{
	const char *colon = message[0] ? ": " : "";

	switch (t->http) {
	case 401:
		snprintf(w->reason, sizeof(w->reason),
			 "%s does not accept the token in %s (401)%s%s", t->server,
			 t->token_file ? t->token_file : "no file", colon, message);
		snprintf(w->fix, sizeof(w->fix),
			 "check that the pod's service account still exists; podtrace reads the "
			 "token again by itself");
		return;
	case 403:
		snprintf(w->reason, sizeof(w->reason), "%s forbids us to %s pods (403)%s%s",
			 t->server, t->verb, colon, message);
		snprintf(w->fix, sizeof(w->fix),
			 "apply the ClusterRole podtrace with its binding (%s): it allows to get, "
			 "list and watch pods",
			 API_ROLE);
		return;
	case 404:
		snprintf(w->reason, sizeof(w->reason),
			 "%s knows no pods that we may %s (404; OpenShift answers 404 where RBAC "
			 "forbids)%s%s",
			 t->server, t->verb, colon, message);
		snprintf(w->fix, sizeof(w->fix),
			 "apply the ClusterRole podtrace with its binding (%s); if that is done, "
			 "see whether this is a Kubernetes API server",
			 API_ROLE);
		return;
	case 429:
	case 503:
		snprintf(w->reason, sizeof(w->reason), "%s is too busy to let us %s pods (%d)%s%s",
			 t->server, t->verb, t->http, colon, message);
		snprintf(w->fix, sizeof(w->fix),
			 "podtrace asks again by itself; see what loads the API server "
			 "(apiserver_flowcontrol_rejected_requests_total)");
		return;
	default:
		snprintf(w->reason, sizeof(w->reason), "%s answered %d when asked to %s pods%s%s",
			 t->server, t->http, t->verb, colon, message);
		snprintf(w->fix, sizeof(w->fix), "%s",
			 t->http >= 300 && t->http < 400
				 ? "name the API server itself: the token must not follow a "
				   "redirect"
				 : "see the API server's own log; podtrace asks again by itself");
	}
}

static void say_stopped(struct api_words *w, const struct api_trouble *t)
{
	const char *why = "sent what is no answer of Kubernetes, or a broken one";

	if (t->stopped == -EFBIG)
		why = "sent more than podtrace reads of one answer";
	else if (t->stopped == -ENOMEM)
		why = "sent more than there is memory for";
	snprintf(w->reason, sizeof(w->reason), "%s %s when asked to %s pods", t->server, why,
		 t->verb);
	if (t->stopped == -ENOMEM)
		snprintf(w->fix, sizeof(w->fix), "raise podtrace's memory limit");
	else
		snprintf(w->fix, sizeof(w->fix),
			 "see whether a proxy stands between: curl -k %s/version", t->server);
}

static void say_tls(struct api_words *w, const struct api_trouble *t)
{
	char unused[64] = "";

	switch (t->code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		snprintf(w->reason, sizeof(w->reason),
			 "the certificate of %s is not accepted: %.120s", t->server, t->error);
		if (t->ca_dropped)
			snprintf(unused, sizeof(unused), " (%zu in it are of kinds unknown here)",
				 t->ca_dropped);
		snprintf(w->fix, sizeof(w->fix),
			 "it must be signed by the CA in %.64s%s, be valid now, and name the host "
			 "(of an IP address: %s)",
			 t->ca_file, unused, API_HOST);
		return;
	case CURLE_SSL_CACERT_BADFILE:
		snprintf(w->reason, sizeof(w->reason), "the CA in %.96s cannot be used: %.120s",
			 t->ca_file, t->error);
		snprintf(w->fix, sizeof(w->fix),
			 "give the pod its service account's files: automountServiceAccountToken: "
			 "true");
		return;
	default:
		snprintf(w->reason, sizeof(w->reason), "no TLS with %s: %.160s", t->server,
			 t->error);
		snprintf(w->fix, sizeof(w->fix),
			 "podtrace speaks TLS 1.2 with RSA or P-256, P-384, P-521 keys: the server "
			 "must allow that (--tls-min-version=VersionTLS12)");
	}
}

static void say_unreached(struct api_words *w, const struct api_trouble *t)
{
	switch (t->code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		snprintf(w->reason, sizeof(w->reason), "the name in %s is not known to DNS: %.120s",
			 t->server, t->error);
		snprintf(w->fix, sizeof(w->fix), "check the cluster's DNS and /etc/resolv.conf");
		return;
	case CURLE_COULDNT_CONNECT:
		snprintf(w->reason, sizeof(w->reason), "%s cannot be reached: %.160s", t->server,
			 t->error);
		snprintf(w->fix, sizeof(w->fix),
			 "check that a network policy or firewall lets podtrace reach it");
		return;
	case CURLE_OPERATION_TIMEDOUT:
		snprintf(w->reason, sizeof(w->reason), "%s did not answer in time: %.160s",
			 t->server, t->error);
		snprintf(w->fix, sizeof(w->fix),
			 "check that a network policy or firewall lets podtrace reach it");
		return;
	default:
		snprintf(w->reason, sizeof(w->reason), "%s broke off while we %s pods: %.160s",
			 t->server, t->verb, t->error);
		snprintf(w->fix, sizeof(w->fix),
			 "podtrace asks again by itself; if it stays so, see whether a proxy or "
			 "load balancer ends what is idle");
	}
}

void api_say(struct api_words *w, const struct api_trouble *t)
{
	char message[160];

	w->reason[0] = w->fix[0] = 0;
	if (t->stopped) {
		say_stopped(w, t);
	} else if (t->http && (t->http < 200 || t->http >= 300)) {
		message_of(message, sizeof(message), t->message);
		say_status(w, t, message);
	} else if (t->code == CURLE_PEER_FAILED_VERIFICATION ||
		   t->code == CURLE_SSL_CACERT_BADFILE || t->code == CURLE_SSL_CONNECT_ERROR ||
		   t->code == CURLE_SSL_CIPHER || t->code == CURLE_SSL_CERTPROBLEM) {
		say_tls(w, t);
	} else {
		say_unreached(w, t);
	}
	/* What curl quotes comes from outside as well. */
	api_printable(w->reason, sizeof(w->reason), str_of(w->reason));
}
