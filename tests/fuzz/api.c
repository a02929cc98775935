// SPDX-License-Identifier: Apache-2.0
/* links: src/ask/api_[bjop]*.c src/ask/api_split.c src/pod.c libs: yyjson */
/*
 * What an API server sends, as a pod, as a list, as a watch, as an owner: the same objects come
 * out in whatever pieces the bytes come, texts have no NUL, uids and ids fit paths, all is bounded.
 */
#include <stdio.h>
#include <string.h>

#include "ask/api_book.h"
#include "ask/api_split.h"
#include "tests/fuzz/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct api_pod pod;
static u64 sum; /* of what came out */
static size_t told, gone;

static void check_str(struct str s)
{
	CHECK(!s.n || (s.p && !memchr(s.p, 0, s.n)));
	sum = (sum ^ str_hash(s)) * 31 + s.n;
}

static void check_id(const char *id, size_t cap)
{
	size_t n = strnlen(id, cap);

	CHECK(n < cap);
	for (size_t i = 0; i < n; i++)
		CHECK((id[i] >= '0' && id[i] <= '9') || (id[i] | 32) >= 'a' || id[i] == '-');
	check_str((struct str){ id, n });
}

static void on_pod(void *ctx, const struct pod *p)
{
	struct pod *copy = pod_new(p);

	(void)ctx;
	CHECK(copy && p->uid[0] && p->name.n && p->namespace.n);
	CHECK(p->labels_n <= POD_LABELS_MAX && p->annotations_n <= POD_LABELS_MAX);
	check_id(p->uid, sizeof(p->uid));
	check_id(p->api_uid, sizeof(p->api_uid));
	check_str(p->name);
	check_str(p->namespace);
	check_str(p->ip);
	for (size_t i = 0; i < p->labels_n; i++)
		check_str(p->labels[i].value);
	for (size_t i = 0; i < p->annotations_n; i++)
		CHECK(str_starts(p->annotations[i].key, STR(POD_ANNOTATION_PREFIX)));
	for (int i = 0; i < 2; i++) {
		check_str(p->owner[i].name);
		check_str(p->owner[i].uid);
	}
	pod_unref(copy);
	told++;
}

static void on_gone(void *ctx, struct str uid)
{
	(void)ctx;
	check_str(uid);
	gone++;
}

static void on_container(void *ctx, const struct container *c)
{
	(void)ctx;
	CHECK(c->id[0] && c->name.n && !strcmp(c->pod_uid, pod.draft.uid));
	check_id(c->id, sizeof(c->id));
	check_str(c->name);
	check_str(c->image);
}

static int on_object(void *ctx, struct buf *text)
{
	struct api_book *book = ctx;
	yyjson_val *root;
	yyjson_doc *doc;
	int err = api_json_read(text, &doc);

	sum = sum * 7 + (u64)(err + 100);
	if (err)
		return err;
	root = yyjson_doc_get_root(doc);
	if (!api_pod_read(&pod, root) || !api_pod_read(&pod, yyjson_obj_get(root, "object")))
		api_book_pod(book, &pod);
	yyjson_doc_free(doc);
	return 0;
}

/* The result: the code, and in sum all that came out. */
static int feed(struct api_split *s, struct api_book *book, struct str text, bool list,
		size_t piece)
{
	int ret = 0;

	sum = 0;
	api_split_start(s, list);
	while (text.n && !ret) {
		ret = api_split_feed(s, str_slice(text, 0, piece), on_object, book);
		text = str_slice(text, piece, text.n);
	}
	sum = ret ? sum : sum * 3 + str_hash(buf_view(&s->rest)) + s->depth;
	return ret;
}

static void check_owner(struct api_book *book, struct str text)
{
	char path[API_OWNER_PATH_MAX], shown[64];
	struct buf b;
	yyjson_doc *doc;

	buf_init(&b, text.n + 64);
	buf_str(&b, text);
	for (size_t i = 0; i <= API_OWNERS_MAX && api_owners_next(api_book_owners(book), path);
	     i++) {
		CHECK(strnlen(path, sizeof(path)) < sizeof(path));
		CHECK(!strstr(path, "..") && !strstr(path, "//") && !strpbrk(path, " ?#%\n"));
		CHECK(i < API_OWNERS_MAX);
		if (i == 0 && !api_json_read(&b, &doc)) {
			api_owners_answer(api_book_owners(book), yyjson_doc_get_root(doc));
			yyjson_doc_free(doc);
		} else {
			api_owners_deny(api_book_owners(book), loop_now(loop));
		}
		api_book_answered(book);
	}
	buf_free(&b);
	api_printable(shown, sizeof(shown), text);
	for (size_t i = 0; shown[i]; i++)
		CHECK(shown[i] >= ' ' && shown[i] <= '~');
	api_time(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct api_config cfg = { .pod = on_pod, .pod_gone = on_gone, .container = on_container };
	struct str text = { (const char *)data, size };
	struct api_book *book;
	struct api_split s;

	if (!loop)
		loop = loop_new();
	CHECK(loop && !api_book_new(&book, loop, &cfg));
	api_split_init(&s);
	told = gone = 0;
	for (int list = 0; list <= 1; list++) {
		int whole;
		u64 want;

		/* Owners are asked for in the first round only: all others tell the same. */
		feed(&s, book, text, list, size);
		check_owner(book, text);
		whole = feed(&s, book, text, list, size);
		want = sum;
		CHECK(feed(&s, book, text, list, 1 + size / 3) == whole && sum == want);
		CHECK(feed(&s, book, text, list, 1) == whole && sum == want);
	}
	api_book_begin(book);
	api_book_end(book);
	CHECK(api_book_len(book) == 0 && gone <= told);
	api_book_free(book);
	api_split_free(&s);
	return 0;
}
