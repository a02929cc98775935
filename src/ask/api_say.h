/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong with the API server, and what to do about it, in words for people. */
#ifndef ASK_API_SAY_H
#define ASK_API_SAY_H

#include <curl/curl.h>
#include "ask/api.h"

#define API_ROLE "deploy/base/clusterrole.yaml"
#define API_HOST "kubernetes.default.svc" /* in the certificate of every API server */

struct api_trouble {
	const char *verb;	/* "list" or "watch" pods */
	const char *server;	/* "https://10.96.0.1:443" */
	const char *token_file, *ca_file; /* token_file NULL: no token is sent (http) */
	size_t ca_dropped;	/* certificates in ca_file that cannot be used */
	CURLcode code;
	int http;		/* 0: no answer came */
	int stopped;		/* -errno: we ended it (-EBADMSG, -EFBIG, -ENOMEM), 0 */
	const char *error;	/* curl's words */
	struct str message;	/* of a refusal: whatever the server sent */
};

struct api_words {
	char reason[sizeof(((struct api_status *)0)->reason)];
	char fix[sizeof(((struct api_status *)0)->fix)];
};

void api_say(struct api_words *ret, const struct api_trouble *t);

#endif
