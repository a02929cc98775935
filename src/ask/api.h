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
 *    (API_OWNERS_MAX). A pod is told when they are known, 2 s later at the latest; where
 *    they cannot be asked for, names decide (api_owner.h).
 *  - Back-off 1, 2, 4 ... 60 s with jitter; 429 and 503 honour Retry-After (at most 5 min).
 *    A watch that was calm for a while and breaks is no failure yet: it goes on a second later.
 *
 * 401: the token is not accepted. 403: RBAC forbids. 404: OpenShift hides what RBAC forbids;
 * or the path is wrong. Each has its own words and fix in the status. Answers are hostile:
 * cut into pods as they arrive (api_split.h: no more than one is in memory), bounded in bytes
 * and depth; cut and broken JSON ends the request, not the program. The token goes to this
 * server only: over TLS, no redirects, no proxies.
 */
#ifndef ASK_API_H
#define ASK_API_H

#include "base/loop.h"
#include "pod.h"

#define API_PAGE	250u		/* pods per list request */
#define API_PAGES_MAX	64u		/* of one list: who sends more does not end it */
#define API_BODY_MAX	(64u << 20)	/* one page, or one event of a watch */
#define API_OWNERS_MAX	1024u
#define API_TIMEOUT_NS	(30 * NSEC_PER_SEC)	/* of a request that is no watch */

enum api_state {
	API_OFF,		/* not in a cluster, or not wanted: see reason */
	API_LISTING,
	API_WATCHING,		/* all is well */
	API_FAILING,		/* being tried again: see reason */
};

/* May we see this node's pods? What a pod that was named and not found may mean. */
enum api_access {
	API_ACCESS_UNKNOWN,	/* no answer yet, or API_OFF */
	API_ACCESS_FINE,	/* the last list came: what is not in it does not exist */
	API_ACCESS_REFUSED,	/* 401 */
	API_ACCESS_FORBIDDEN,	/* 403 */
	API_ACCESS_HIDDEN,	/* 404, OpenShift's way to forbid */
};

struct api_status {
	enum api_state state;
	enum api_access access;
	char server[280];	/* "https://10.96.0.1:443"; "" none */
	char version[64];	/* of the server (/version gitVersion), printable; "" not known */
	int http;		/* last status that was no success, 0: none came or none failed */
	char reason[400];	/* "" while WATCHING */
	char fix[240];
	u64 pods;		/* known now */
	u64 requests, failures;
	u64 events;		/* of watches, bookmarks among them */
	u64 relists;		/* complete lists after the first */
	u64 too_large;		/* pods and events left out: over API_OBJECT_MAX (api_split.h) */
	u64 bad_objects;	/* left out: no pod of this node, no event; a container's bad id */
	u64 pods_evicted;	/* told as gone for want of room (api_book.h) */
	u64 owners_denied;	/* could not be asked for: names decided */
};

struct api_config {
	const char *server;	/* URL that overrides the environment (tests, out of cluster); NULL */
	const char *host, *port; /* KUBERNETES_SERVICE_HOST, _PORT; NULL: not in a cluster */
	const char *token_file, *ca_file; /* NULL: those of a service account */
	const char *node;	/* this node's name in Kubernetes */
	void (*pod)(void *ctx, const struct pod *draft);
	void (*pod_gone)(void *ctx, struct str uid);	/* as struct pod's uid */
	/* Of a pod just told or about to be: its id, name, image and restarts, but no created_ns.
	 * They go with their pod. */
	void (*container)(void *ctx, const struct container *draft);
	/* The state or its reason changed. Like all of these, from the loop and never from api_new. */
	void (*changed)(void *ctx, const struct api_status *status);
	void *ctx;
};

struct api;

/* 0 also when there is no API server to ask (state API_OFF); -errno only for want of memory.
 * Strings of the configuration are copied. */
int api_new(struct api **ret, struct loop *l, const struct api_config *config);
void api_free(struct api *a);		/* NULL is fine; from any handler but api's own */

const struct api_status *api_status(const struct api *a);
size_t api_bytes(const struct api *a); /* tables with all entries; buffers as they are */

#endif
