/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Kubernetes API server, if there is one and we may: the pods of this node with labels,
 * annotations and owners. Optional: without it names come from the runtime alone.
 *
 *  - In-cluster configuration: KUBERNETES_SERVICE_HOST and _PORT, the service account's
 *    token and CA. The token is read again whenever its file changed (kubelet rotates it
 *    hourly), and on 401.
 *  - List GET /api/v1/pods?fieldSelector=spec.nodeName=NODE in pages of API_PAGE, then watch
 *    from its resourceVersion with bookmarks. 410, or an ERROR event of code 410, lists
 *    again; a watch that ends normally goes on from the last resourceVersion.
 *  - Owners of a ReplicaSet or Job (deployment, cronjob) are asked for once each and kept
 *    (API_OWNERS_MAX); where that is forbidden, names decide (pod.h).
 *  - Back-off 1, 2, 4 ... 60 s with jitter; 429 and 503 honour Retry-After (at most 5 min).
 *
 * 401: the token is not accepted. 403: RBAC forbids. 404: OpenShift hides what RBAC forbids;
 * or the path is wrong. Each has its own words and fix in the status. Answers are hostile:
 * bounded in bytes and depth, cut and broken JSON ends the request, not the program.
 */
#ifndef ASK_API_H
#define ASK_API_H

#include "base/loop.h"
#include "pod.h"

#define API_PAGE	250u		/* pods per list request */
#define API_BODY_MAX	(16u << 20)	/* one page, or one event of a watch */
#define API_OWNERS_MAX	1024u
#define API_TIMEOUT_NS	(30 * NSEC_PER_SEC)	/* of a request that is no watch */

enum api_state {
	API_OFF,		/* not in a cluster, or not wanted: see reason */
	API_LISTING,
	API_WATCHING,		/* all is well */
	API_FAILING,		/* being tried again: see reason */
};

struct api_status {
	enum api_state state;
	char server[280];	/* "https://10.96.0.1:443"; "" none */
	char version[64];	/* of the server (/version gitVersion), printable; "" not known */
	int http;		/* last status that was no success, 0: none came or none failed */
	char reason[320];	/* "" while WATCHING */
	char fix[200];
	u64 pods;		/* known now */
	u64 requests, failures, events, relists;
	u64 too_large;
};

struct api_config {
	const char *server;	/* URL that overrides the environment (tests, out of cluster); NULL */
	const char *host, *port; /* KUBERNETES_SERVICE_HOST, _PORT; NULL: not in a cluster */
	const char *token_file, *ca_file; /* NULL: those of a service account */
	const char *node;	/* this node's name in Kubernetes */
	void (*pod)(void *ctx, const struct pod *draft);
	void (*pod_gone)(void *ctx, struct str uid);	/* as struct pod's uid */
	void (*changed)(void *ctx, const struct api_status *status);
	void *ctx;
};

struct api;

/* 0 also when there is no API server to ask (state API_OFF); -errno only for want of memory. */
int api_new(struct api **ret, struct loop *l, const struct api_config *config);
void api_free(struct api *a);		/* NULL is fine; from any handler but api's own */

const struct api_status *api_status(const struct api *a);
size_t api_bytes(const struct api *a);

#endif
