// SPDX-License-Identifier: Apache-2.0
#include "ask/api_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask/api_json.h"
#include "base/parse.h"
#include "net/tls.h"

#define BEARER "Authorization: Bearer "

/* ---- where -------------------------------------------------------------------------------- */

struct place {
	bool tls;
	char host[256]; /* IPv6 without brackets */
	char port[8];
};

static bool is_host(const char *s)
{
	u8 v6[16];

	if (strchr(s, ':'))
		return inet_pton(AF_INET6, s, v6) == 1;
	return s[0] && s[strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_")] == 0;
}

static bool is_port(const char *s)
{
	u64 port;

	return !parse_u64(str_of(s), 1, 65535, &port);
}

/* "https://HOST[:PORT][/]", HOST perhaps an IPv6 address in brackets. */
static bool parse_url(struct place *p, const char *url)
{
	struct str rest = str_of(url), host = { NULL, 0 };

	p->tls = str_starts(rest, STR("https://"));
	if (!p->tls && !str_starts(rest, STR("http://")))
		return false;
	rest = str_slice(rest, p->tls ? 8 : 7, rest.n);
	if (str_ends(rest, STR("/")))
		rest.n--;
	if (str_starts(rest, STR("["))) {
		rest = str_slice(rest, 1, rest.n);
		if (str_find(rest, ']') == rest.n)
			return false;
		str_cut(&rest, ']', &host);
		if (rest.n && !str_starts(rest, STR(":")))
			return false;
		rest = str_slice(rest, 1, rest.n);
	} else {
		str_cut(&rest, ':', &host);
	}
	if (host.n >= sizeof(p->host) || rest.n >= sizeof(p->port))
		return false;
	str_copy(p->host, sizeof(p->host), host);
	str_copy(p->port, sizeof(p->port), rest.n ? rest : str_of(p->tls ? "443" : "80"));
	return true;
}

static void say_place(struct api_words *w, const struct api_config *cfg)
{
	/* A URL with credentials is not shown. */
	if (cfg->server)
		snprintf(w->reason, sizeof(w->reason), "the API server's URL %.160s cannot be used",
			 strchr(cfg->server, '@') ? "with credentials in it" : cfg->server);
	else
		snprintf(w->reason, sizeof(w->reason),
			 "KUBERNETES_SERVICE_HOST %.128s with KUBERNETES_SERVICE_PORT %.16s cannot "
			 "be used",
			 cfg->host, cfg->port && cfg->port[0] ? cfg->port : "443");
	snprintf(w->fix, sizeof(w->fix), "write %s",
		 cfg->server ? "https://HOST:PORT" : "a host or address, and a number");
	api_printable(w->reason, sizeof(w->reason), str_of(w->reason));
}

static int find(struct place *p, const struct api_config *cfg, struct api_words *w)
{
	bool good = true;

	*p = (struct place){ .tls = true };
	if (cfg->server) {
		good = parse_url(p, cfg->server);
	} else if (!cfg->host || !cfg->host[0]) {
		snprintf(w->reason, sizeof(w->reason),
			 "this is no pod of a cluster: KUBERNETES_SERVICE_HOST is not set");
		return -EINVAL;
	} else {
		str_copy(p->host, sizeof(p->host), str_of(cfg->host));
		str_copy(p->port, sizeof(p->port),
			 str_of(cfg->port && cfg->port[0] ? cfg->port : "443"));
	}
	if (good && is_host(p->host) && is_port(p->port))
		return 0;
	say_place(w, cfg);
	return -EINVAL;
}

static int describe(struct api_server *s, const struct place *p)
{
	u8 address[16];
	bool v6 = inet_pton(AF_INET6, p->host, address) == 1;
	bool ip = v6 || inet_pton(AF_INET, p->host, address) == 1;
	const char *scheme = p->tls ? "https" : "http";
	char host[260], to[600];

	snprintf(host, sizeof(host), v6 ? "[%s]" : "%s", p->host);
	s->tls = p->tls;
	snprintf(s->shown, sizeof(s->shown), "%s://%s:%s", scheme, host, p->port);
	snprintf(s->url, sizeof(s->url), "%s://%s:%s", scheme, ip && s->tls ? API_HOST : host,
		 p->port);
	if (!ip || !s->tls)
		return 0;
	snprintf(to, sizeof(to), "%s:%s:%s:%s", API_HOST, p->port, host, p->port);
	s->connect_to = curl_slist_append(NULL, to);
	return s->connect_to ? 0 : -ENOMEM;
}

/* ---- files -------------------------------------------------------------------------------- */

/* 1: as it was read. 0: read it. -errno. */
static int look(struct api_file *f, struct stat *now)
{
	if (stat(f->path, now))
		return -errno;
	return f->seen.st_ino == now->st_ino && f->seen.st_dev == now->st_dev &&
	       f->seen.st_size == now->st_size && f->seen.st_mtim.tv_sec == now->st_mtim.tv_sec &&
	       f->seen.st_mtim.tv_nsec == now->st_mtim.tv_nsec && f->seen.st_ino;
}

static int read_token(const char *path, struct buf *line)
{
	char text[API_TOKEN_MAX + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct str token;
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text));
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	token = str_trim((struct str){ text, (size_t)n });
	if (!token.n || (size_t)n == sizeof(text))
		return -EINVAL;
	for (size_t i = 0; i < token.n; i++) {
		if (token.p[i] <= ' ' || token.p[i] > '~')
			return -EINVAL; /* it would become another header */
	}
	buf_cstr(line, BEARER);
	buf_str(line, token);
	buf_char(line, 0);
	explicit_bzero(text, sizeof(text));
	return line->err;
}

static int take_token(struct api_server *s, bool *ret_new)
{
	struct curl_slist *headers = NULL;
	struct buf line;
	int err;

	buf_init(&line, API_TOKEN_MAX + sizeof(BEARER) + 1);
	err = read_token(s->token.path, &line);
	if (!err) {
		headers = curl_slist_append(NULL, line.p);
		err = headers ? 0 : -ENOMEM;
	}
	if (!err) {
		*ret_new = !s->headers || strcmp(s->headers->data, headers->data) != 0;
		curl_slist_free_all(s->headers);
		s->headers = headers;
	}
	if (line.p)
		explicit_bzero(line.p, line.n);
	buf_free(&line);
	return err;
}

static void say_token(struct api_words *w, const char *path, int err)
{
	snprintf(w->reason, sizeof(w->reason), "cannot read the token in %.160s: %s", path,
		 err == -EINVAL ? "this is no token" : strerror(-err));
	snprintf(w->fix, sizeof(w->fix),
		 "the pod needs automountServiceAccountToken: true, or a projected volume with a "
		 "serviceAccountToken");
}

static int refresh_token(struct api_server *s, bool reread, bool *ret_new, struct api_words *w)
{
	struct stat now;
	int err = look(&s->token, &now);

	*ret_new = false;
	if (err == 1 && !reread)
		return 0;
	if (err >= 0)
		err = take_token(s, ret_new);
	if (err == -ENOMEM)
		snprintf(w->reason, sizeof(w->reason), "out of memory");
	else if (err)
		say_token(w, s->token.path, err);
	else
		s->token.seen = now;
	return err;
}

static int refresh_ca(struct api_server *s, struct api_words *w)
{
	struct stat now;
	struct buf pem;
	size_t kept, dropped;
	int err = look(&s->ca, &now);

	if (err == 1)
		return 0;
	if (err < 0) {
		snprintf(w->reason, sizeof(w->reason), "cannot read the CA in %.160s: %s",
			 s->ca.path, strerror(-err));
		snprintf(w->fix, sizeof(w->fix),
			 "the pod needs automountServiceAccountToken: true, or the ConfigMap "
			 "kube-root-ca.crt mounted there");
		return err;
	}
	buf_init(&pem, TLS_CA_BYTES_MAX);
	err = tls_ca_load(&pem, s->ca.path, &kept, &dropped, w->reason, sizeof(w->reason));
	if (err) {
		buf_free(&pem);
		snprintf(w->fix, sizeof(w->fix),
			 "it is the cluster's own: the ConfigMap kube-root-ca.crt has it");
		return err;
	}
	buf_free(&s->pem);
	s->pem = pem;
	s->ca_dropped = dropped;
	s->ca.seen = now;
	return 0;
}

int api_server_refresh(struct api_server *s, bool reread, bool *ret_new, struct api_words *words)
{
	bool is_new = false;
	int err = 0;

	words->reason[0] = words->fix[0] = 0;
	if (s->tls)
		err = refresh_ca(s, words);
	if (s->tls && !err)
		err = refresh_token(s, reread, &is_new, words);
	if (ret_new)
		*ret_new = is_new;
	return err;
}

/* ---- life --------------------------------------------------------------------------------- */

int api_server_open(struct api_server *s, const struct api_config *cfg, struct api_words *w)
{
	struct place p;
	int err;

	*s = (struct api_server){ .tls = false };
	w->reason[0] = w->fix[0] = 0;
	err = find(&p, cfg, w);
	if (err)
		return err;
	buf_init(&s->pem, TLS_CA_BYTES_MAX);
	s->token.path = strdup(cfg->token_file ? cfg->token_file : API_FOLDER "token");
	s->ca.path = strdup(cfg->ca_file ? cfg->ca_file : API_FOLDER "ca.crt");
	err = s->token.path && s->ca.path ? describe(s, &p) : -ENOMEM;
	if (!err)
		err = api_server_refresh(s, false, NULL, w);
	if (err)
		api_server_close(s);
	return !err || err == -ENOMEM ? err : -EINVAL;
}

void api_server_close(struct api_server *s)
{
	curl_slist_free_all(s->connect_to);
	curl_slist_free_all(s->headers);
	free(s->token.path);
	free(s->ca.path);
	buf_free(&s->pem);
	*s = (struct api_server){ .tls = false };
}
