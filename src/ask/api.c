// SPDX-License-Identifier: Apache-2.0
#include "ask/api_machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define CONNECTIONS_KEPT 2 /* the watch's, and one for questions */
#define BACKOFF_MAX_NS	 (60 * NSEC_PER_SEC)

/* ---- what we tell of ourselves --------------------------------------------------------------- */

static void tell(struct api *a, enum api_state state, const struct api_words *w)
{
	struct api_status *st = &a->st;

	if (st->state == state && !strcmp(st->reason, w->reason))
		return;
	st->state = state;
	str_copy(st->reason, sizeof(st->reason), str_of(w->reason));
	str_copy(st->fix, sizeof(st->fix), str_of(w->fix));
	a->cfg.changed(a->cfg.ctx, st);
}

void api_tell(struct api *a, enum api_state state)
{
	static const struct api_words none;

	tell(a, state, &none);
}

u64 api_backoff(unsigned *tries, u64 retry_after_ns)
{
	u64 d = retry_after_ns;

	if (!d) {
		d = NSEC_PER_SEC << (*tries < 6 ? *tries : 6);
		if (d > BACKOFF_MAX_NS)
			d = BACKOFF_MAX_NS;
		++*tries;
	}
	/* Nodes that failed together do not come back together. */
	return d + random_below(d / 4);
}

static enum api_access access_of(int http, enum api_access now)
{
	switch (http) {
	case 401:
		return API_ACCESS_REFUSED;
	case 403:
		return API_ACCESS_FORBIDDEN;
	case 404:
		return API_ACCESS_HIDDEN;
	default:
		return now;
	}
}

void api_fail(struct api *a, const struct api_answer *x)
{
	struct api_trouble t = {
		.verb = a->watching ? "watch" : "list",
		.server = a->st.server,
		.token_file = a->server.tls ? a->server.token.path : NULL,
		.ca_file = a->server.ca.path,
		.ca_dropped = a->server.ca_dropped,
		.code = x->code,
		.http = x->http,
		.stopped = x->stopped,
		.error = x->error,
		.message = x->message,
	};
	struct api_words w;
	bool new_token = false;

	a->st.failures++;
	a->st.http = x->http >= 300 ? x->http : 0;
	if (x->http == 401 && !api_server_refresh(&a->server, true, &new_token, &w) && new_token) {
		loop_arm(a->again, 0, 0);
		return;
	}
	/* With lists one sees the pods; that a watch is forbidden does not change that. */
	if (!a->watching)
		a->st.access = access_of(x->http, a->st.access);
	api_say(&w, &t);
	tell(a, API_FAILING, &w);
	loop_arm(a->again, api_backoff(&a->tries, x->retry_after_ns), 0);
}

void api_get(struct api *a, const char *path, u64 timeout_ns)
{
	static const struct api_answer no_memory = { .stopped = -ENOMEM };
	struct api_words w;
	int err = api_server_refresh(&a->server, false, NULL, &w);

	if (err) {
		a->st.failures++;
		tell(a, API_FAILING, &w);
		loop_arm(a->again, api_backoff(&a->tries, 0), 0);
		return;
	}
	a->st.requests++;
	if (api_request_get(&a->pods, path, timeout_ns))
		api_fail(a, &no_memory);
}

/* ---- questions besides: the server's version, owners --------------------------------------------
 */

void api_kick(struct api *a)
{
	if (!a->aside.transfer.active && !a->aside_pausing)
		loop_arm(a->chores, 0, 0);
}

static void on_chores(void *ctx)
{
	struct api *a = ctx;
	char path[API_OWNER_PATH_MAX] = "/version";
	struct api_words w;

	a->aside_pausing = false;
	if (a->aside.transfer.active)
		return;
	a->asking_version = !a->version_asked;
	if (!a->asking_version && !api_owners_next(api_book_owners(a->book), path))
		return;
	buf_reset(&a->aside_text);
	a->st.requests++;
	if (api_server_refresh(&a->server, false, NULL, &w) ||
	    api_request_get(&a->aside, path, API_TIMEOUT_NS)) {
		a->st.failures++;
		a->aside_pausing = true;
		loop_arm(a->chores, api_backoff(&a->aside_tries, 0), 0);
	}
}

static int on_aside(void *ctx, struct str bytes)
{
	struct api *a = ctx;

	if (a->aside_text.n + bytes.n > API_OBJECT_MAX)
		return -EFBIG;
	buf_str(&a->aside_text, bytes);
	return a->aside_text.err;
}

static void take_version(struct api *a, yyjson_doc *doc)
{
	yyjson_val *version = yyjson_obj_get(yyjson_doc_get_root(doc), "gitVersion");

	a->version_asked = true;
	api_printable(a->st.version, sizeof(a->st.version), api_json_str(version));
}

/* Worth asking again: nothing came, or the server could not just now. */
static bool is_passing(const struct api_answer *x)
{
	return !x->http || (x->http < 300 && x->code && !x->stopped) || x->http == 401 ||
	       x->http == 408 || x->http == 429 || x->http >= 500;
}

static void on_aside_end(void *ctx, const struct api_answer *x)
{
	struct api *a = ctx;
	bool good = x->http >= 200 && x->http < 300 && !x->code;
	yyjson_doc *doc = NULL;

	if (good && api_json_read(&a->aside_text, &doc))
		good = false;
	a->st.failures += !good;
	a->st.too_large += x->stopped == -EFBIG;
	if (a->asking_version) {
		take_version(a, doc);
	} else if (doc) {
		api_owners_answer(api_book_owners(a->book), yyjson_doc_get_root(doc));
	} else if (is_passing(x)) {
		a->aside_pausing = true;
		loop_arm(a->chores, api_backoff(&a->aside_tries, x->retry_after_ns), 0);
	} else {
		a->st.owners_denied++;
		api_owners_deny(api_book_owners(a->book), loop_now(a->loop));
	}
	yyjson_doc_free(doc);
	buf_free(&a->aside_text);
	if (a->aside_pausing)
		return;
	a->aside_tries = 0;
	api_book_answered(a->book);
	api_kick(a);
}

/* ---- life
 * ----------------------------------------------------------------------------------------- */

static bool is_node_name(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	return n > 0 && n <= POD_NAME_MAX &&
	       strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz.-") == n;
}

/* -EINVAL with words: there is no node to ask for. */
static int take_node(struct api *a, const char *node, struct api_words *w)
{
	char shown[80];

	if (is_node_name(node)) {
		str_copy(a->node, sizeof(a->node), str_of(node));
		return 0;
	}
	api_printable(shown, sizeof(shown), str_of(node));
	if (shown[0])
		snprintf(w->reason, sizeof(w->reason),
			 "\"%s\" is no name of a node: those have lower-case letters, digits, - "
			 "and .",
			 shown);
	else
		snprintf(w->reason, sizeof(w->reason),
			 "the name that this node has in Kubernetes is not known");
	snprintf(w->fix, sizeof(w->fix), "set NODE_NAME from spec.nodeName (a fieldRef)");
	return -EINVAL;
}

static int make(struct api *a)
{
	int err = transfers_new(&a->transfers, a->loop, CONNECTIONS_KEPT);

	if (!err)
		err = api_request_new(&a->pods, a->transfers, &a->server);
	if (!err)
		err = api_request_new(&a->aside, a->transfers, &a->server);
	if (!err)
		err = api_book_new(&a->book, a->loop, &a->cfg);
	if (err)
		return err;
	a->aside.body = on_aside;
	a->aside.ended = on_aside_end;
	a->aside.ctx = a;
	buf_init(&a->aside_text, API_OBJECT_MAX + YYJSON_PADDING_SIZE);
	api_split_init(&a->split);
	a->again = loop_timer_new(a->loop, api_again, a);
	a->chores = loop_timer_new(a->loop, on_chores, a);
	a->pod = malloc(sizeof(*a->pod));
	if (!a->again || !a->chores || !a->pod)
		return -errno;
	api_watch_init(a);
	str_copy(a->st.server, sizeof(a->st.server), str_of(a->server.shown));
	loop_arm(a->again, 0, 0);
	return 0;
}

int api_new(struct api **ret, struct loop *l, const struct api_config *config)
{
	struct api *a = calloc(1, sizeof(*a));
	struct api_words w = { .fix = "" };
	int err;

	if (!a)
		return -ENOMEM;
	a->loop = l;
	a->cfg = *config;
	err = api_server_open(&a->server, config, &w);
	if (!err)
		err = take_node(a, config->node, &w);
	if (!err)
		err = make(a);
	if (err && err != -EINVAL) {
		api_free(a);
		return err;
	}
	if (err) {
		str_copy(a->st.reason, sizeof(a->st.reason), str_of(w.reason));
		str_copy(a->st.fix, sizeof(a->st.fix), str_of(w.fix));
	}
	*ret = a;
	return 0;
}

void api_free(struct api *a)
{
	if (!a)
		return;
	api_request_free(&a->pods);
	api_request_free(&a->aside);
	transfers_free(a->transfers);
	loop_timer_free(a->again);
	loop_timer_free(a->chores);
	api_book_free(a->book);
	api_split_free(&a->split);
	buf_free(&a->aside_text);
	api_server_close(&a->server);
	free(a->pod);
	free(a);
}

const struct api_status *api_status(const struct api *a)
{
	return &a->st;
}

size_t api_bytes(const struct api *a)
{
	return sizeof(*a) + (a->pod ? sizeof(*a->pod) : 0) +
	       (a->book ? api_book_bytes(a->book) : 0) + a->split.object.cap + a->split.rest.cap +
	       a->aside_text.cap + a->server.pem.cap;
}
