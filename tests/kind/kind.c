// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/pipe*.c src/pod.c src/select/[a-z]*.c src/decode/[a-z]*.c src/enrich/[a-z]*.c src/fold/[a-z]*.c src/gauge/[a-z]*.c src/report/[a-z]*.c src/capture/tap.c src/capture/tap_names.c src/net/[a-z]*.c otel/[a-z]*.c otel/map/[a-z]*.c tests/kind/world.c tests/kind/refuse.c tests/kind/corpus.c libs: otlp-proto curl bearssl protobuf-c z */
/*
 * Every kind of the registry, from the bytes the kernel writes to all that is made of them:
 *
 *   tests/kind/<kind>/record.hex	the record
 *			event.txt	its line in the live view
 *			event.json	its line with --output json; empty: not in the live view
 *			otlp.json	OTLP/JSON that the agent exports; empty: counted only
 *			trigger.sh	makes one on a real kernel (tests of other layers)
 *
 *   build/test/kind/kind [--update]	--update writes these three and the fuzzers' seeds anew
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "report/live.h"
#include "tests/kind/kind.h"

static bool update;

/* ---- what is made of a record ------------------------------------------------------------- */

static void add_text(void *ctx, struct str text)
{
	buf_str(ctx, text);
}

/* The line of any kind, of those too that the live view leaves out. */
static void make_text(const struct golden *g, struct buf *ret)
{
	struct pipe_config world = world_config();
	struct decode_room room;
	struct enrich *enrich;
	struct event ev;
	char err[256];

	assert_int_equal(decode(g->bytes, g->n, &room, &ev), DECODE_OK);
	if (enrich_new(&enrich, &world.enrich, err, sizeof(err)))
		fail_msg("%s", err);
	enrich_event(enrich, &ev);
	live_line(&ev, world.wall_offset_ns, false, ret);
	enrich_free(enrich);
}

static void make_live(const struct golden *g, enum live_view view, struct otel *otel,
		      struct buf *ret)
{
	struct pipe_config world = world_config();
	struct pipe *pipe;
	char err[256];

	world.live = view;
	world.line = add_text;
	world.ctx = ret;
	world.otel = otel;
	if (pipe_new(&pipe, &world, err, sizeof(err)))
		fail_msg("%s", err);
	pipe_record(pipe, g->bytes, g->n);
	pipe_free(pipe);
}

/* Ids are random: each has its length, is not zero and the same everywhere in the text; then
 * it becomes the one of W3C's examples. */
static void fix_ids(struct buf *text, const char *key, const char *id)
{
	size_t key_n = strlen(key), n = strlen(id);
	char first[64] = "", *at = text->p;

	while (text->n && (at = memmem(at, text->n - (size_t)(at - text->p), key, key_n))) {
		at += key_n;
		assert_int_equal(strspn(at, "0123456789abcdef"), n);
		assert_true(strspn(at, "0") < n);
		if (!first[0])
			memcpy(first, at, n);
		assert_memory_equal(first, at, n);
		memcpy(at, id, n);
	}
}

/* Through the exporter's own file. */
static void make_otlp(const struct golden *g, struct buf *ret)
{
	struct otel_config config = { .queue_bytes = 1 << 20,
				      .batch_bytes = 1 << 18,
				      .batch_items = 100,
				      .batch_delay_ns = NSEC_PER_SEC,
				      .retry_max_ns = NSEC_PER_SEC,
				      .retry_attempts = 1,
				      .version = "1.2.3" };
	char dir[] = "/tmp/kind_XXXXXX", path[64], err[256];
	struct loop *loop = loop_new();
	struct otel *otel;
	struct buf none;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/otlp.json", dir);
	config.file = path;
	if (!loop || otel_new(&otel, loop, &config, err, sizeof(err)))
		fail_msg("%s", err);
	buf_init(&none, 0);
	make_live(g, LIVE_NONE, otel, &none);
	otel_free(otel);
	loop_free(loop);
	assert_true(file_load(path, ret));
	unlink(path);
	rmdir(dir);
	buf_char(ret, '\0'); /* for strspn */
	ret->n--;
	fix_ids(ret, "\"traceId\":\"", "0af7651916cd43dd8448eb211c80319c");
	fix_ids(ret, "\"spanId\":\"", "b7ad6b7169203331");
}

/* ---- golden ------------------------------------------------------------------------------- */

static void compare(const char *kind, const char *name, struct buf *have)
{
	struct buf want;
	char path[256];

	assert_int_equal(have->err, 0);
	snprintf(path, sizeof(path), KIND_DIR "/%s/%s", kind, name);
	if (update)
		file_save(path, buf_view(have));
	if (!file_load(path, &want))
		fail_msg("%s: is missing: make it with build/test/kind/kind --update", path);
	if (!str_eq(buf_view(have), buf_view(&want)))
		fail_msg("%s: differs\n  want %.*s  have %.*s", path, (int)want.n, want.p,
			 (int)have->n, have->p);
	buf_free(&want);
	buf_free(have);
}

static bool is_of(enum stream stream, const struct golden *g)
{
	bool failed = ((const struct rec_head *)g->bytes)->flags &
		      (REC_FAILED | REC_SLOW);

	return stream == STREAM_ALL || (stream == STREAM_FAILED && failed);
}

static void test_golden(void **state)
{
	const struct kind *kind = *state;
	struct buf text, shown, json, otlp;
	struct golden g;

	golden_load(kind->id, &g);
	assert_int_equal(((const struct rec_head *)g.bytes)->kind, kind - kinds);
	buf_init(&text, GOLDEN_MAX);
	buf_init(&shown, GOLDEN_MAX);
	buf_init(&json, GOLDEN_MAX);
	make_text(&g, &text);
	make_live(&g, LIVE_TEXT, NULL, &shown);
	make_live(&g, LIVE_JSON, NULL, &json);
	make_otlp(&g, &otlp);
	assert_true(str_eq(buf_view(&shown), is_of(kind->live, &g) ? buf_view(&text) : STR("")));
	assert_int_equal(json.n > 0, is_of(kind->live, &g));
	assert_true(is_of(kind->stream, &g) || !otlp.n);
	compare(kind->id, "event.txt", &text);
	compare(kind->id, "event.json", &json);
	compare(kind->id, "otlp.json", &otlp);
	buf_free(&shown);
}

/* ---- the registry and the folders --------------------------------------------------------- */

static bool is_kind(const char *name)
{
	for (size_t k = 1; k < KIND_END; k++)
		if (!strcmp(kinds[k].id, name))
			return true;
	return false;
}

static void test_folders(void **state)
{
	static const char *const names[] = { "record.hex", "event.txt", "event.json", "otlp.json",
					     "trigger.sh" };
	DIR *dir = opendir(KIND_DIR);
	struct dirent *e;
	char path[600];

	(void)state;
	if (!dir)
		fail_msg(KIND_DIR ": %s: run the tests in the root of the tree", strerror(errno));
	while ((e = readdir(dir)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.' && !is_kind(e->d_name))
			fail_msg(KIND_DIR "/%s: no kind of bpf/registry.def", e->d_name);
	closedir(dir);
	for (size_t k = 1; k < KIND_END; k++) {
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			snprintf(path, sizeof(path), KIND_DIR "/%s/%s", kinds[k].id, names[i]);
			if (access(path, R_OK))
				fail_msg("%s: is missing", path);
		}
		if (access(path, X_OK)) /* the last: trigger.sh */
			fail_msg("%s: is not executable", path);
	}
}

/* That a difference of one byte is seen. */
static void test_control(void **state)
{
	struct buf text, want;
	struct golden g;

	(void)state;
	golden_load("tcp_reset", &g);
	g.bytes[offsetof(struct rec_tcp_reset, tuple.local_port)]++;
	buf_init(&text, GOLDEN_MAX);
	make_text(&g, &text);
	assert_true(file_load(KIND_DIR "/tcp_reset/event.txt", &want));
	assert_false(str_eq(buf_view(&text), buf_view(&want)));
	buf_free(&text);
	buf_free(&want);
}

static void test_corpus(void **state)
{
	(void)state;
	corpus_write();
}

/* ---- main --------------------------------------------------------------------------------- */

#define PER_KIND 5
static struct CMUnitTest tests[3 + PER_KIND * KIND_END];
static char names[PER_KIND * KIND_END][64];

static size_t add_kind(size_t n, size_t k)
{
	static const struct {
		const char *name;
		CMUnitTestFunction test;
	} rows[PER_KIND] = { { "golden", test_golden },
			     { "refuses what is cut off", refuse_truncated },
			     { "refuses a wrong head", refuse_head },
			     { "refuses texts elsewhere", refuse_texts },
			     { "refuses impossible values", refuse_values } };

	for (size_t i = 0; i < PER_KIND; i++) {
		char *name = names[(k - 1) * PER_KIND + i];

		snprintf(name, sizeof(names[0]), "%s %s", kinds[k].id, rows[i].name);
		tests[n++] = (struct CMUnitTest){ .name = name,
						  .test_func = rows[i].test,
						  .initial_state = (void *)&kinds[k] };
	}
	return n;
}

int main(int argc, char **argv)
{
	size_t n = 0;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--update"))) {
		fprintf(stderr, "usage: %s [--update]\n", argv[0]);
		return 2;
	}
	update = argc == 2;
	setenv("TZ", "UTC0", 1);
	setenv("LC_ALL", "C", 1);
	log_setup(LOG_ERROR, LOG_LOGFMT);
	for (size_t k = 1; k < KIND_END; k++)
		n = add_kind(n, k);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_folders);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_control);
	if (update)
		tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_corpus);
	return _cmocka_run_group_tests("kind", tests, n, NULL, NULL);
}
