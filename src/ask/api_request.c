// SPDX-License-Identifier: Apache-2.0
#include "ask/api_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "version.h"

#define RECEIVE_BYTES 16384

static bool is_success(int http)
{
	return http >= 200 && http < 300;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct api_request *r = ctx;
	size_t room = sizeof(r->refusal) - r->refusal_n;

	n *= size;
	if (is_success(r->http)) {
		r->stopped = r->body(r->ctx, (struct str){ data, n });
		return r->stopped ? 0 : n; /* 0 ends the transfer */
	}
	if (!room)
		return 0;
	if (room > n)
		room = n;
	memcpy(r->refusal + r->refusal_n, data, room);
	r->refusal_n += room;
	return n;
}

/* Seconds only: that is what API servers send (apiserver pkg/server/filters). */
static u64 retry_after(struct str value)
{
	u64 s;

	if (parse_u64(str_trim(value), 0, UINT64_MAX, &s))
		return 0;
	return s < API_RETRY_AFTER_NS / NSEC_PER_SEC ? s * NSEC_PER_SEC : API_RETRY_AFTER_NS;
}

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct api_request *r = ctx;
	struct str name, value = { data, n * size };
	long http = 0;

	if (str_trim(value).n == 0) { /* the head is over; 1xx are followed by another */
		curl_easy_getinfo(r->transfer.easy, CURLINFO_RESPONSE_CODE, &http);
		r->http = (int)http;
		if (is_success(r->http) && r->started)
			r->started(r->ctx);
	} else if (str_cut(&value, ':', &name) && str_eqi(name, STR("retry-after"))) {
		r->retry_after_ns = retry_after(value);
	}
	return n * size;
}

static void on_end(void *ctx, CURLcode code)
{
	struct api_request *r = ctx;
	struct api_answer a = {
		.code = code,
		.http = r->http >= 200 ? r->http : 0,
		.stopped = r->stopped,
		.retry_after_ns = r->retry_after_ns,
		.error = r->error[0] ? r->error : curl_easy_strerror(code),
		.message = { r->refusal, r->refusal_n },
	};

	r->ended(r->ctx, &a);
}

int api_request_new(struct api_request *r, struct transfers *t, struct api_server *s)
{
	CURL *c = curl_easy_init();

	if (!c)
		return -ENOMEM;
	r->transfers = t;
	r->server = s;
	r->transfer = (struct transfer){ .easy = c, .fn = on_end, .ctx = r };
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "podtrace/" PODTRACE_VERSION);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	/* Without these curl reads http_proxy and its kin from the environment. */
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	/* A resolver thread that hangs is left behind, not waited for. */
	curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, r->error);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(API_CONNECT_NS / NSEC_PER_MSEC));
	/* A server whose node died says nothing: a watch must not wait for it until its own end. */
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPIDLE, 30L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPINTVL, 10L);
	return 0;
}

void api_request_free(struct api_request *r)
{
	if (!r->transfer.easy)
		return;
	transfer_cancel(r->transfers, &r->transfer);
	curl_easy_cleanup(r->transfer.easy);
	r->transfer.easy = NULL;
}

int api_request_get(struct api_request *r, const char *path, u64 timeout_ns)
{
	const struct api_server *s = r->server;
	CURL *c = r->transfer.easy;
	struct curl_blob ca = { s->pem.p, s->pem.n, CURL_BLOB_COPY };
	struct buf url;
	bool bad;

	r->http = r->stopped = 0;
	r->retry_after_ns = 0;
	r->refusal_n = 0;
	r->error[0] = 0;
	buf_init(&url, 16384);
	buf_printf(&url, "%s%s", s->url, path);
	buf_char(&url, 0);
	bad = url.err || curl_easy_setopt(c, CURLOPT_URL, url.p) ||
	      curl_easy_setopt(c, CURLOPT_CONNECT_TO, s->connect_to) ||
	      curl_easy_setopt(c, CURLOPT_HTTPHEADER, s->headers) ||
	      curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / NSEC_PER_MSEC)) ||
	      (s->tls && curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca));
	buf_free(&url);
	return bad ? -ENOMEM : transfer_start(r->transfers, &r->transfer);
}
