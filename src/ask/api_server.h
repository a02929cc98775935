/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which API server, and how we show who we are: address, CA, token. BearSSL cannot check a
 * certificate against an IP address, which is what a pod is told (KUBERNETES_SERVICE_HOST); but
 * every API server's certificate also names API_HOST, so that is asked for, at the address.
 *
 * The token's and the CA's file are looked at before each request and read again when another
 * file or another time stands there: kubelet replaces both by renaming a link.
 */
#ifndef ASK_API_SERVER_H
#define ASK_API_SERVER_H

#include <sys/stat.h>
#include "ask/api_say.h"
#include "base/buf.h"

#define API_TOKEN_MAX	(16u << 10)
#define API_FOLDER	"/var/run/secrets/kubernetes.io/serviceaccount/"

struct api_file {
	char *path;		/* owned */
	struct stat seen;	/* when it was read */
};

struct api_server {
	bool tls;		/* without it (a proxy on loopback) no token is sent */
	char url[300];		/* "https://kubernetes.default.svc:443" */
	char shown[280];	/* "https://10.96.0.1:443" */
	struct curl_slist *connect_to, *headers;
	struct api_file token, ca;
	struct buf pem;		/* cleaned CA certificates */
	size_t ca_dropped;	/* certificates of the file that TLS here cannot use */
};

/* 0; -EINVAL with words: this is no cluster, or what describes it cannot be used; -ENOMEM. */
int api_server_open(struct api_server *s, const struct api_config *cfg, struct api_words *words);
void api_server_close(struct api_server *s);	/* also of one that is all zero */

/* Token and CA as they are now, read again if need be; reread: in any case. 0, or -errno with
 * words. *ret_new (may be NULL): the token is another one than before. */
int api_server_refresh(struct api_server *s, bool reread, bool *ret_new, struct api_words *words);

#endif
