// SPDX-License-Identifier: Apache-2.0
/*
 * List, then watch. A watch goes on from the last version that was seen, which bookmarks keep
 * young; only where the server has forgotten that version (410), or sent what cannot be
 * understood, pods are listed again.
 */
#include "ask/api_machine.h"

#include <errno.h>
#include <string.h>

#include "base/random.h"

#define PODS "/api/v1/pods?fieldSelector=spec.nodeName%%3D%s"

/* The server ends a watch itself; different for each, so that they do not all come back at once. */
#define WATCH_MIN_S   240u
#define WATCH_MAX_S   480u
#define WATCH_LATE_NS (30 * NSEC_PER_SEC) /* after which it is dead */
#define CALM_NS	      (5 * NSEC_PER_SEC)  /* a watch that lasted so long was none that fails */
#define AT_ONCE_NS    (1 * NSEC_PER_SEC)  /* no more than one watch in this time */

/* What an opaque value of the server's is in a query. */
static void add_query(struct buf *b, const char *key, const char *value)
{
	static const char hex[] = "0123456789ABCDEF";

	buf_printf(b, "&%s=", key);
	for (; *value; value++) {
		u8 c = (u8)*value;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    c == '-' || c == '_' || c == '.' || c == '~') {
			buf_char(b, (char)c);
		} else {
			buf_char(b, '%');
			buf_char(b, hex[c >> 4]);
			buf_char(b, hex[c & 15]);
		}
	}
}

#define PATH_MAX_BYTES (512 + 3 * (API_CONTINUE_MAX + API_VERSION_MAX))

static void list_page(struct api *a)
{
	char path[PATH_MAX_BYTES];
	struct buf b;

	a->watching = false;
	api_split_start(&a->split, true);
	buf_fixed(&b, path, sizeof(path));
	buf_printf(&b, PODS "&limit=%u", a->node, API_PAGE);
	/*
	 * Version 0 is what the server has in memory, indexed by node; without it, it reads all
	 * pods of the cluster from etcd to find ours. But memory may lag behind what a watch
	 * already told was forgotten.
	 */
	if (a->next[0])
		add_query(&b, "continue", a->next);
	else if (!a->consistent)
		buf_cstr(&b, "&resourceVersion=0");
	buf_char(&b, 0);
	api_get(a, path, API_TIMEOUT_NS);
}

static void list_begin(struct api *a)
{
	a->version[0] = a->next[0] = 0;
	a->pages = 0;
	if (a->st.state != API_FAILING)
		api_tell(a, API_LISTING);
	api_book_begin(a->book);
	list_page(a);
}

static void watch_begin(struct api *a)
{
	u64 seconds = WATCH_MIN_S + random_below(WATCH_MAX_S - WATCH_MIN_S + 1);
	char path[PATH_MAX_BYTES];
	struct buf b;

	a->watching = true;
	a->error.http = 0;
	a->began_ns = loop_now(a->loop);
	a->began_events = a->st.events;
	api_split_start(&a->split, false);
	buf_fixed(&b, path, sizeof(path));
	buf_printf(&b, PODS "&watch=1&allowWatchBookmarks=true&timeoutSeconds=%" PRI_U64, a->node,
		   seconds);
	add_query(&b, "resourceVersion", a->version);
	buf_char(&b, 0);
	api_get(a, path, seconds * NSEC_PER_SEC + WATCH_LATE_NS);
}

void api_again(void *ctx)
{
	struct api *a = ctx;

	if (a->version[0])
		watch_begin(a);
	else
		list_begin(a);
}

/* ---- what comes ------------------------------------------------------------------------------ */

/* Is it a pod of this node? A server behind a proxy may not know field selectors. */
static bool read_pod(struct api *a, yyjson_val *object)
{
	if (api_pod_read(a->pod, object) || !str_eq(a->pod->draft.node, str_of(a->node))) {
		a->st.bad_objects++;
		return false;
	}
	a->st.bad_objects += a->pod->containers_bad;
	return true;
}

/* false: it does not fit, and then it is no version at all. */
static bool take_version(struct api *a, yyjson_val *metadata)
{
	struct str version = api_json_str(yyjson_obj_get(metadata, "resourceVersion"));

	if (!version.n || version.n >= sizeof(a->version))
		return false;
	str_copy(a->version, sizeof(a->version), version);
	return true;
}

static int take_error(struct api *a, yyjson_val *status)
{
	u64 code = yyjson_get_uint(yyjson_obj_get(status, "code"));

	a->error.http = code >= 300 && code < 600 ? (int)code : 500;
	api_printable(a->error.message, sizeof(a->error.message),
		      api_json_str(yyjson_obj_get(status, "message")));
	return -ECANCELED;
}

static int take_event(struct api *a, yyjson_val *event)
{
	struct str type = api_json_str(yyjson_obj_get(event, "type"));
	yyjson_val *object = yyjson_obj_get(event, "object");
	bool known = str_eq(type, STR("ADDED")) || str_eq(type, STR("MODIFIED"));

	a->st.events++;
	if (str_eq(type, STR("ERROR")))
		return take_error(a, object);
	if (known) {
		if (read_pod(a, object))
			api_book_pod(a->book, a->pod);
	} else if (str_eq(type, STR("DELETED"))) {
		if (read_pod(a, object))
			api_book_gone(a->book, a->pod->draft.uid);
	} else if (!str_eq(type, STR("BOOKMARK"))) {
		a->st.bad_objects++;
		return 0;
	}
	take_version(a, yyjson_obj_get(object, "metadata"));
	return 0;
}

static int on_object(void *ctx, struct buf *text)
{
	struct api *a = ctx;
	yyjson_doc *doc;
	int err = api_json_read(text, &doc);

	if (err == -EFBIG) {
		a->split.too_large++;
		return 0;
	}
	if (err)
		return err;
	if (a->watching)
		err = take_event(a, yyjson_doc_get_root(doc));
	else if (read_pod(a, yyjson_doc_get_root(doc)))
		api_book_pod(a->book, a->pod);
	yyjson_doc_free(doc);
	return err;
}

static void count(struct api *a)
{
	a->st.pods = api_book_len(a->book);
	a->st.pods_evicted = api_book_evicted(a->book);
	a->st.too_large += a->split.too_large;
	a->split.too_large = 0;
}

static int on_body(void *ctx, struct str bytes)
{
	struct api *a = ctx;
	int err = api_split_feed(&a->split, bytes, on_object, a);

	count(a);
	api_kick(a);
	return err;
}

static void on_started(void *ctx)
{
	struct api *a = ctx;

	if (!a->watching)
		return;
	a->st.http = 0;
	api_tell(a, API_WATCHING);
}

/* ---- and ends ---------------------------------------------------------------------------------
 */

/* The list without its items: where to watch from, or that there is more. */
static int read_list(struct api *a)
{
	yyjson_doc *doc;
	yyjson_val *metadata;
	struct str next;
	int err = -EBADMSG;

	/* Half a list is no JSON. */
	if (api_json_read(&a->split.rest, &doc))
		return -EBADMSG;
	metadata = yyjson_obj_get(yyjson_doc_get_root(doc), "metadata");
	next = api_json_str(yyjson_obj_get(metadata, "continue"));
	str_copy(a->next, sizeof(a->next), next);
	if (next.n >= sizeof(a->next) || (next.n && ++a->pages >= API_PAGES_MAX))
		err = -EFBIG;
	else if (next.n || take_version(a, metadata))
		err = 0;
	yyjson_doc_free(doc);
	return err;
}

static void list_ended(struct api *a, const struct api_answer *x)
{
	struct api_answer bad = *x;

	if (!x->code && x->http == 200) {
		bad.stopped = read_list(a);
		if (!bad.stopped && a->next[0]) {
			list_page(a);
			return;
		}
	}
	if (x->code || x->http != 200 || bad.stopped) {
		/* 410 of a page: the list grew old while it was read. */
		a->consistent |= x->http == 410;
		a->version[0] = 0;
		api_fail(a, &bad);
		return;
	}
	api_book_end(a->book);
	count(a);
	a->consistent = false;
	a->st.relists += a->lists++ > 0;
	a->st.access = API_ACCESS_FINE;
	watch_begin(a);
	api_kick(a);
}

static void watch_ended(struct api *a, const struct api_answer *x)
{
	u64 lasted = loop_now(a->loop) - a->began_ns;
	struct api_answer e = *x;

	if (lasted >= CALM_NS)
		a->tries = 0;
	if (a->error.http) {
		e = (struct api_answer){
			.http = a->error.http,
			.message = str_of(a->error.message),
		};
	} else if (!x->code && x->http == 200) {
		if (lasted >= AT_ONCE_NS) {
			watch_begin(a);
			return;
		}
		if (a->st.events != a->began_events) {
			loop_arm(a->again, AT_ONCE_NS - lasted, 0);
			return;
		}
		e.error = "it ends each watch at once";
	} else if (x->code && !x->stopped && x->http == 200 && lasted >= CALM_NS) {
		a->st.failures++;
		loop_arm(a->again, api_backoff(&a->tries, 0), 0);
		return;
	}
	/* Busy, away or of another mind about our token: what we know is still good. */
	if (e.stopped || (e.http >= 300 && e.http < 500 && e.http != 401 && e.http != 429) ||
	    a->error.http)
		a->version[0] = 0;
	a->consistent |= e.http == 410;
	/* It forgets after some minutes, as it should. That lists lead to it again is a failure. */
	if (e.http == 410 && !a->tries++)
		list_begin(a);
	else
		api_fail(a, &e);
}

static void on_end(void *ctx, const struct api_answer *x)
{
	struct api *a = ctx;

	if (a->watching)
		watch_ended(a, x);
	else
		list_ended(a, x);
}

void api_watch_init(struct api *a)
{
	a->pods.body = on_body;
	a->pods.started = on_started;
	a->pods.ended = on_end;
	a->pods.ctx = a;
}
