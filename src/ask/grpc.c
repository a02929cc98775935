// SPDX-License-Identifier: Apache-2.0
/*
 * Messages are told from the loop, never from inside curl: a handler may then start and cancel
 * calls as it likes.
 */
#include "ask/grpc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "ask/grpc_answer.h"
#include "net/transfer.h"

#define MESSAGES_A_TURN 64
#define HEADER_MAX	5 /* of a message */

struct grpc {
	struct loop *loop;
	struct transfers *transfers;
	struct curl_slist *headers;
	struct grpc_call *calls;
	size_t path_n;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

struct grpc_call {
	struct grpc *grpc;
	struct grpc_call *next, *prev;
	struct grpc_request request;
	struct transfer transfer;
	struct loop_timer *timer; /* of a stream: tells what is queued */
	struct grpc_answer answer;
	CURLcode result;
	bool paused, over;  /* the transfer: held up by us; ended */
	bool telling, dead; /* inside message_fn; cancelled there */
	char error[CURL_ERROR_SIZE];
	char url[128];
	char body[HEADER_MAX + GRPC_REQUEST_MAX];
};

/* ---- channels ---------------------------------------------------------------------------- */

int grpc_new(struct grpc **ret, struct loop *l, const char *path)
{
	static const char *const lines[] = { "Content-Type: application/grpc", "TE: trailers",
					     "Expect:" };
	struct grpc *g;
	int err = 0;

	if (strlen(path) >= sizeof(g->path))
		return -ENAMETOOLONG;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->loop = l;
	str_copy(g->path, sizeof(g->path), str_of(path));
	for (size_t i = 0; i < ARRAY_SIZE(lines) && !err; i++) {
		struct curl_slist *more = curl_slist_append(g->headers, lines[i]);

		if (more)
			g->headers = more;
		else
			err = -ENOMEM;
	}
	if (!err)
		err = transfers_new(&g->transfers, l, 1);
	if (err) {
		grpc_free(g);
		return err;
	}
	*ret = g;
	return 0;
}

void grpc_free(struct grpc *g)
{
	if (!g)
		return;
	while (g->calls)
		grpc_cancel(g->calls);
	transfers_free(g->transfers);
	curl_slist_free_all(g->headers);
	free(g);
}

size_t grpc_bytes(const struct grpc *g)
{
	size_t n = sizeof(*g);

	for (const struct grpc_call *c = g->calls; c; c = c->next)
		n += sizeof(*c) + c->answer.bytes;
	return n;
}

/* ---- the end of a call ------------------------------------------------------------------- */

/* Out of its channel: nothing of it is called any more. */
static void detach(struct grpc_call *c)
{
	transfer_cancel(c->grpc->transfers, &c->transfer);
	if (c->prev)
		c->prev->next = c->next;
	else
		c->grpc->calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
}

static void release(struct grpc_call *c)
{
	curl_easy_cleanup(c->transfer.easy);
	loop_timer_free(c->timer);
	grpc_answer_free(&c->answer);
	free(c);
}

void grpc_cancel(struct grpc_call *c)
{
	if (!c)
		return;
	detach(c);
	if (c->telling)
		c->dead = true;
	else
		release(c);
}

static void finish(struct grpc_call *c)
{
	struct grpc_end end;
	long http = 0, os_errno = 0;

	curl_easy_getinfo(c->transfer.easy, CURLINFO_RESPONSE_CODE, &http);
	curl_easy_getinfo(c->transfer.easy, CURLINFO_OS_ERRNO, &os_errno);
	detach(c);
	grpc_answer_end(&c->answer, &end, c->result, http, (int)os_errno, c->error);
	c->request.end_fn(c->request.ctx, &end);
	release(c);
}

/* ---- a stream's messages ------------------------------------------------------------------ */

/* false: c was cancelled and is gone. */
static bool tell(struct grpc_call *c)
{
	struct grpc_message *m;

	c->telling = true;
	for (int i = 0; i < MESSAGES_A_TURN && !c->dead; i++) {
		m = grpc_answer_take(&c->answer);
		if (!m)
			break;
		c->request.message_fn(c->request.ctx, (struct str){ m->bytes, m->n });
		grpc_message_free(m, c->request.secret);
	}
	c->telling = false;
	if (!c->dead)
		return true;
	release(c);
	return false;
}

static void on_queue(void *ctx)
{
	struct grpc_call *c = ctx;
	bool bad = false;

	if (!tell(c))
		return;
	/* May call on_body with what waited. */
	if (c->paused && c->answer.bytes <= GRPC_QUEUE_MAX) {
		c->paused = false;
		bad = curl_easy_pause(c->transfer.easy, CURLPAUSE_CONT) != CURLE_OK;
	}
	if (c->answer.first)
		loop_arm(c->timer, 0, 0);
	else if (c->over || bad || c->answer.end.fault)
		finish(c);
}

/* ---- curl's side ------------------------------------------------------------------------- */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct grpc_call *c = ctx;

	n *= size;
	if (c->request.message_fn && c->answer.bytes > GRPC_QUEUE_MAX && c->answer.first) {
		c->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (!grpc_answer_body(&c->answer, (struct str){ data, n }))
		return CURL_WRITEFUNC_ERROR;
	if (c->request.message_fn && c->answer.first)
		loop_arm(c->timer, 0, 0);
	return n;
}

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct grpc_call *c = ctx;

	grpc_answer_header(&c->answer, (struct str){ data, size * n });
	return size * n;
}

static void on_done(void *ctx, CURLcode result)
{
	struct grpc_call *c = ctx;

	c->over = true;
	c->result = result;
	/* What came before the end is told before it. */
	if (c->answer.first && c->request.message_fn)
		loop_arm(c->timer, 0, 0);
	else
		finish(c);
}

static void set_options(struct grpc_call *c, size_t body_n)
{
	CURL *e = c->transfer.easy;
	u64 ms = c->request.timeout_ns / NSEC_PER_MSEC;

	curl_easy_setopt(e, CURLOPT_URL, c->url);
	curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, c->grpc->path);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)body_n);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, c->body);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->grpc->headers);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	/* No CURLOPT_PIPEWAIT: curl 8.14 would wait for ever, and without a time limit, for a
	 * connection on which the peer has reset a stream. */
	/* curl 7.88 spoils an HTTP/2 connection by using it again; 8.0 ended that (curl pull
	 * request 10643). Only tests on Debian 12 are linked with it. */
	if (curl_version_info(CURLVERSION_NOW)->version_num < 0x080000)
		curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)ms);
	if (!c->request.message_fn)
		curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)ms);
}

/* Compressed: no; length, big endian; the message. Returns the bytes. */
static size_t write_body(char *dst, struct str message)
{
	u32 n = (u32)message.n;

	for (int i = 4; i > 0; i--, n >>= 8)
		dst[i] = (char)(n & 0xff);
	dst[0] = 0;
	if (message.n)
		memcpy(dst + HEADER_MAX, message.p, message.n);
	return HEADER_MAX + message.n;
}

static struct grpc_call *call_new(struct grpc *g, const struct grpc_request *r)
{
	struct grpc_call *c = calloc(1, sizeof(*c));
	struct str host = STR("http://localhost");
	size_t n;

	if (!c)
		return NULL;
	c->grpc = g;
	c->request = *r;
	c->answer = (struct grpc_answer){ .max = r->message_max,
					  .unary = !r->message_fn,
					  .secret = r->secret };
	c->transfer = (struct transfer){ .fn = on_done, .ctx = c, .easy = curl_easy_init() };
	if (r->message_fn)
		c->timer = loop_timer_new(g->loop, on_queue, c);
	n = str_copy(c->url, sizeof(c->url), host);
	str_copy(c->url + n, sizeof(c->url) - n, str_of(r->method));
	if (c->transfer.easy && (!r->message_fn || c->timer))
		return c;
	release(c);
	return NULL;
}

int grpc_start(struct grpc_call **ret, struct grpc *g, const struct grpc_request *r)
{
	struct grpc_call *c;

	assert(r->message.n <= GRPC_REQUEST_MAX);
	c = call_new(g, r);
	if (!c)
		return -ENOMEM;
	set_options(c, write_body(c->body, r->message));
	if (transfer_start(g->transfers, &c->transfer)) {
		release(c);
		return -ENOMEM;
	}
	c->next = g->calls;
	if (g->calls)
		g->calls->prev = c;
	g->calls = c;
	*ret = c;
	return 0;
}
