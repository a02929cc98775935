// SPDX-License-Identifier: Apache-2.0
#include "otel/http.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "net/tls.h"
#include "net/transfer.h"
#include "otel/headers.h"

#define CONNECTIONS_MAX	     4 /* kept open: one for each signal, and one over */
#define RETRY_AFTER_TEXT_MAX 64
#define RECEIVE_BYTES	     4096 /* answers are short */

struct http {
	struct transfers *transfers;
	char user_agent[128];
	/* One CA bundle may serve all signals. */
	struct {
		char *file; /* owned; "" is the system's */
		struct buf pem;
	} ca[SIGNAL_COUNT];
};

struct http_peer {
	struct http *http;
	struct transfer transfer;
	struct curl_slist *headers;
	char *name;
	http_done_fn fn;
	void *ctx;
	char error[CURL_ERROR_SIZE];
	/* of the answer */
	size_t body_n; /* bytes that came */
	char body[HTTP_ANSWER_KEPT];
	char retry_after[RETRY_AFTER_TEXT_MAX];
};

int http_new(struct http **ret, struct loop *l, const char *version)
{
	struct http *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	snprintf(h->user_agent, sizeof(h->user_agent), "podtrace/%s OTel-OTLP-Exporter-C/%s",
		 version, version);
	err = transfers_new(&h->transfers, l, CONNECTIONS_MAX);
	if (err) {
		free(h);
		return err;
	}
	*ret = h;
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	transfers_free(h->transfers);
	for (size_t i = 0; i < ARRAY_SIZE(h->ca); i++) {
		free(h->ca[i].file);
		buf_free(&h->ca[i].pem);
	}
	free(h);
}

/* ---- one peer -------------------------------------------------------------------------- */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct http_peer *p = ctx;

	n *= size;
	if (p->body_n < sizeof(p->body)) {
		size_t room = sizeof(p->body) - p->body_n;

		memcpy(p->body + p->body_n, data, n < room ? n : room);
	}
	p->body_n += n;
	return p->body_n > HTTP_ANSWER_MAX ? 0 : n; /* 0 ends the transfer */
}

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct http_peer *p = ctx;
	struct str name, value = { data, n * size };

	if (str_starts(value, STR("HTTP/"))) /* again after a 1xx */
		p->retry_after[0] = 0;
	if (str_cut(&value, ':', &name) && str_eqi(name, STR("retry-after")))
		str_copy(p->retry_after, sizeof(p->retry_after), str_trim(value));
	return n * size;
}

static bool has_part(CURLU *u, CURLUPart part)
{
	char *s = NULL;
	bool has = !curl_url_get(u, part, &s, 0) && s;

	curl_free(s);
	return has;
}

static bool is_printable(const char *s)
{
	for (; *s; s++) {
		if ((u8)*s <= ' ' || *s == 0x7f)
			return false;
	}
	return true;
}

/* NULL, or what is wrong with the URL. A wrong one is shown only if it cannot hold a secret. */
static const char *wrong_url(CURLU *u, const char *url, bool *ret_https, bool *ret_secret)
{
	char *scheme = NULL;
	bool http;

	*ret_secret = true;
	if (!is_printable(url))
		return "has a blank or control character in it";
	if (strchr(url, '@'))
		return "has credentials in it; use the OTLP headers";
	*ret_secret = false;
	if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0))
		return "is no URL; write http://HOST:PORT/PATH";
	*ret_https = !strcmp(scheme, "https");
	http = !strcmp(scheme, "http");
	curl_free(scheme);
	if (!http && !*ret_https)
		return "is neither http nor https";
	return has_part(u, CURLUPART_FRAGMENT) ? "has a #fragment, which is never sent" : NULL;
}

static int check_url(const char *url, bool *ret_https, char **ret_name, char *err, size_t err_cap)
{
	CURLU *u = curl_url();
	bool secret;
	const char *wrong;

	if (!u)
		return -ENOMEM;
	wrong = wrong_url(u, url, ret_https, &secret);
	curl_url_cleanup(u);
	if (wrong) {
		snprintf(err, err_cap, "OTLP endpoint%s%.256s %s", secret ? "" : " ",
			 secret ? "" : url, wrong);
		return -EINVAL;
	}
	*ret_name = strndup(url, strcspn(url, "?"));
	return *ret_name ? 0 : -ENOMEM;
}

static bool has_no_path(const char *url)
{
	const char *host = strstr(url, "://"), *path = host ? strchr(host + 3, '/') : NULL;

	return !path || !path[1];
}

static int add_line(struct http_peer *p, const char *line)
{
	struct curl_slist *more = curl_slist_append(p->headers, line);

	if (!more)
		return -ENOMEM;
	p->headers = more;
	return 0;
}

static int add_header(void *ctx, struct str name, struct str value)
{
	struct buf line;
	int ret;

	buf_init(&line, HEADER_VALUE_MAX + 1024);
	buf_str(&line, name);
	/* curl's spelling of a header that is there but empty. */
	buf_cstr(&line, value.n ? ": " : ";");
	buf_str(&line, value);
	buf_char(&line, 0);
	ret = line.err ? line.err : add_line(ctx, line.p);
	buf_free(&line);
	return ret;
}

static int add_headers(struct http_peer *p, const struct otel_endpoint *e, char *err,
		       size_t err_cap)
{
	int ret = add_line(p, "Content-Type: application/x-protobuf");

	if (!ret && e->gzip)
		ret = add_line(p, "Content-Encoding: gzip");
	/* curl would wait a second for 100-continue before each body over 1 MiB. */
	if (!ret)
		ret = add_line(p, "Expect:");
	if (!ret && e->headers)
		ret = headers_parse(str_of(e->headers), add_header, p, err, err_cap);
	return ret;
}

/* The cleaned bundle of that file, read once. */
static int find_ca(struct http *h, const char *file, struct str *ret, char *err, size_t err_cap)
{
	size_t kept, dropped, i = 0;
	const char *name = file ? file : "";
	int bad;

	while (i < ARRAY_SIZE(h->ca) && h->ca[i].file && strcmp(h->ca[i].file, name))
		i++;
	assert(i < ARRAY_SIZE(h->ca));
	if (!h->ca[i].file) {
		buf_init(&h->ca[i].pem, TLS_CA_BYTES_MAX);
		bad = tls_ca_load(&h->ca[i].pem, file, &kept, &dropped, err, err_cap);
		if (bad)
			return bad;
		h->ca[i].file = strdup(name);
		if (!h->ca[i].file)
			return -ENOMEM;
		if (dropped && file)
			log_warn("otlp",
				 "%s: %zu of %zu CA certificates are of a kind TLS here "
				 "cannot use and are left out",
				 file, dropped, dropped + kept);
	}
	*ret = buf_view(&h->ca[i].pem);
	return 0;
}

static void set_options(struct http_peer *p, const char *url, struct str ca)
{
	CURL *c = p->transfer.easy;
	struct curl_blob blob = { (char *)ca.p, ca.n, CURL_BLOB_NOCOPY };

	/* Options that this curl was built without fail here, and then their feature is not there.
	 */
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, p->headers);
	curl_easy_setopt(c, CURLOPT_USERAGENT, p->http->user_agent);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, p);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, p);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, p->error);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	/* Without these curl reads http_proxy and its kin from the environment. */
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	/* A resolver thread that hangs is left behind, not waited for: nothing here may block. */
	curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	/* A tenth of jitter: nodes that started together do not reconnect together. */
	curl_easy_setopt(c, CURLOPT_MAXLIFETIME_CONN,
			 (long)(HTTP_CONNECTION_AGE_S + random_below(HTTP_CONNECTION_AGE_S / 10)));
	if (ca.n) {
		curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
		curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &blob);
	}
}

int http_peer_new(struct http_peer **ret, struct http *h, const struct otel_endpoint *e, char *err,
		  size_t err_cap)
{
	struct http_peer *p = calloc(1, sizeof(*p));
	struct str ca = { NULL, 0 };
	bool https = false;
	int bad;

	snprintf(err, err_cap, "out of memory");
	if (!p)
		return -ENOMEM;
	p->http = h;
	bad = check_url(e->url, &https, &p->name, err, err_cap);
	if (!bad && https)
		bad = find_ca(h, e->ca_file, &ca, err, err_cap);
	if (!bad)
		bad = add_headers(p, e, err, err_cap);
	if (!bad) {
		p->transfer.easy = curl_easy_init();
		bad = p->transfer.easy ? 0 : -ENOMEM;
	}
	if (bad) {
		http_peer_free(p);
		return bad;
	}
	set_options(p, e->url, ca);
	/* What comes of a per-signal variable without a path: the specification says so. */
	if (has_no_path(p->name))
		log_warn("otlp",
			 "%s has no path: requests go to /, and a Collector listens on "
			 "/v1/traces, /v1/metrics, /v1/logs",
			 p->name);
	*ret = p;
	return 0;
}

void http_peer_free(struct http_peer *p)
{
	if (!p)
		return;
	http_cancel(p);
	curl_easy_cleanup(p->transfer.easy);
	curl_slist_free_all(p->headers);
	free(p->name);
	free(p);
}

static void finish(void *ctx, CURLcode code)
{
	struct http_peer *p = ctx;
	struct http_answer a = {
		.error = p->error[0] ? p->error : curl_easy_strerror(code),
		.body = { p->body, p->body_n < sizeof(p->body) ? p->body_n : sizeof(p->body) },
		.retry_after = str_of(p->retry_after),
		.too_long = p->body_n > HTTP_ANSWER_MAX,
	};

	/*
	 * A status that came counts even if the rest of the answer broke off: after 2xx the data
	 * are in, and sending them again would double them; a 413 may reset what we still send.
	 */
	curl_easy_getinfo(p->transfer.easy, CURLINFO_RESPONSE_CODE, &a.status);
	if (a.status < 200)
		a.status = 0;
	p->fn(p->ctx, &a);
}

int http_post(struct http_peer *p, struct str body, u64 timeout_ns, http_done_fn fn, void *ctx)
{
	u64 ms = (timeout_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
	CURL *c = p->transfer.easy;

	p->error[0] = p->retry_after[0] = 0;
	p->body_n = 0;
	/* POSTFIELDS can be rewound, when a kept connection turns out to be dead. */
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.p);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, ms ? (long)ms : 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, ms ? (long)ms : 1L);
	p->fn = fn;
	p->ctx = ctx;
	p->transfer.fn = finish;
	p->transfer.ctx = p;
	return transfer_start(p->http->transfers, &p->transfer);
}

void http_cancel(struct http_peer *p)
{
	transfer_cancel(p->http->transfers, &p->transfer);
}

const char *http_peer_name(const struct http_peer *p)
{
	return p->name;
}
