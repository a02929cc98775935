/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for capture files, one frame of each type to put into them, and what comes back. In a
 * header because each test is one file. */
#ifndef TESTS_UNIT_TAP_FILE_H
#define TESTS_UNIT_TAP_FILE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/tap_format.h"
#include "tests/kind/kind.h"

static char dir[] = "/tmp/tap_XXXXXX", path[64], part[80], err[512];

static const struct tap_origin origin = { .boot_ns = 5,
					  .wall_offset_ns = 6,
					  .host = "node-1",
					  .node = "node-1.example",
					  .host_id = "0123",
					  .arch = "amd64",
					  .os_name = "talos",
					  .os_version = "v1.13.1",
					  .os_description = "Talos (v1.13.1)",
					  .kernel = "6.12.0",
					  .command_args = 1 };
static const struct meter_key key = { 4711, METER_tcp_rtt, 1, 0 };
static const struct meter_cell cell = { .sum = 7, .slots = { [15] = 8 } };

static const struct container container = { .source = NAME_FROM_CRI,
					     .exited = true,
					     .id = "0123456789abcdef",
					     .pod_uid = "uid",
					     .pod_namespace = STR("shop"),
					     .pod_name = STR("cart-0"),
					     .name = STR("cart"),
					     .image = STR("cart:1"),
					     .image_id = STR("sha256:aa"),
					     .restarts = 3,
					     .created_ns = 99 };
static const struct label labels[] = { { STR("app"), STR("cart") }, { STR("tier"), STR("") } };
static const struct pod pod = { .source = NAME_FROM_API,
				.uid = "uid",
				.api_uid = "api",
				.namespace = STR("shop"),
				.name = STR("cart-0"),
				.ip = STR("10.0.0.7"),
				.node = STR("node-1"),
				.started_ns = 98,
				.labels = labels,
				.labels_n = 2,
				.owner = { { WORKLOAD_STATEFULSET, STR("cart"), STR("o") } } };
static const struct reading_set figure_set = { 4711, 1, 2, 3, { 4, 5 } };
static const struct environ_otel environ_found = { "cart", "a=b" };

static const struct tap_check check = { "identity", "runtime", "events", FEATURE_ON, 0 };
static const struct tap_runtime runtime = { "containerd", "2.1.9" };

static inline int setup(void **state)
{
	(void)state;
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/capture", dir);
	snprintf(part, sizeof(part), "%s.part", path);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(part);
	return rmdir(dir);
}

static inline bool there(const char *name)
{
	return !access(name, F_OK);
}

/* ---- writing --------------------------------------------------------------------------------- */

static inline struct tap *create(u64 max)
{
	struct tap *t;

	if (tap_create(&t, path, max, &origin, err, sizeof(err)))
		fail_msg("%s", err);
	return t;
}

static inline struct ledger_page page_of(u64 n)
{
	struct ledger_page page = { 0 };

	page.kind[KIND_END - 1].n[LEDGER_SENT] = n;
	return page;
}

static inline void put_all(struct tap *t)
{
	struct feature_status status = { .feature = &features[features_n - 1],
					 .state = FEATURE_REDUCED,
					 .rung = RUNG_raw_tp,
					 .err = 95,
					 .reason = "no",
					 .fix = "yes" };
	struct ledger_page page = page_of(9);
	struct golden g;

	golden_load("tcp_reset", &g);
	tap_cgroup(t, 4711, STR("/a"));
	tap_record(t, g.bytes, g.n);
	tap_container(t, &container);
	tap_pod(t, &pod);
	tap_environ(t, 4711, &environ_found);
	tap_expect(t, true);
	tap_check(t, &check);
	tap_runtime(t, &runtime);
	tap_collect(t, 77);
	tap_meter(t, &key, &cell);
	tap_figures(t, &figure_set);
	tap_ledger(t, &page);
	tap_feature(t, &status);
}

/* A small whole file, as bytes. */
static inline struct buf small_file(void)
{
	struct tap *t = create(1 << 20);
	struct buf bytes;

	put_all(t);
	assert_int_equal(tap_finish(t), 0);
	tap_free(t);
	assert_true(file_load(path, &bytes));
	return bytes;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct seen {
	size_t records, cgroups, containers, pods, environs, expects, checks, runtimes, meters, figures, collects, ledgers, features;
	u8 record[REC_SIZE_MAX];
	size_t record_n;
};

static inline void on_record(void *ctx, const void *record, size_t size)
{
	struct seen *s = ctx;

	s->records++;
	assert_int_equal((uintptr_t)record % _Alignof(u64), 0);
	if (size <= sizeof(s->record)) {
		memcpy(s->record, record, size);
		s->record_n = size;
	}
}

static inline void on_cgroup(void *ctx, u64 id, struct str text)
{
	((struct seen *)ctx)->cgroups++;
	assert_int_equal(id, 4711);
	assert_true(str_eq(text, STR("/a")));
}

static inline void on_container(void *ctx, const struct container *c)
{
	((struct seen *)ctx)->containers++;
	assert_int_equal(c->source, NAME_FROM_CRI);
	assert_true(c->exited && !c->sandbox);
	assert_string_equal(c->id, container.id);
	assert_string_equal(c->pod_uid, "uid");
	assert_true(str_eq(c->pod_namespace, STR("shop")) && str_eq(c->pod_name, STR("cart-0")));
	assert_true(str_eq(c->name, STR("cart")) && str_eq(c->image, STR("cart:1")));
	assert_true(str_eq(c->image_id, STR("sha256:aa")));
	assert_int_equal(c->restarts, 3);
	assert_int_equal(c->created_ns, 99);
}

static inline void on_pod(void *ctx, const struct pod *p)
{
	((struct seen *)ctx)->pods++;
	assert_int_equal(p->source, NAME_FROM_API);
	assert_string_equal(p->uid, "uid");
	assert_string_equal(p->api_uid, "api");
	assert_true(str_eq(p->namespace, STR("shop")) && str_eq(p->name, STR("cart-0")));
	assert_true(str_eq(p->ip, STR("10.0.0.7")) && str_eq(p->node, STR("node-1")));
	assert_int_equal(p->started_ns, 98);
	assert_int_equal(p->labels_n, 2);
	assert_true(str_eq(p->labels[0].key, STR("app")) && str_eq(p->labels[1].value, STR("")));
	assert_int_equal(p->annotations_n, 0);
	assert_int_equal(p->owner[0].kind, WORKLOAD_STATEFULSET);
	assert_true(str_eq(p->owner[0].name, STR("cart")) && str_eq(p->owner[0].uid, STR("o")));
	assert_int_equal(p->owner[1].kind, WORKLOAD_NONE);
}

static inline void on_environ(void *ctx, u64 cgroup, const struct environ_otel *found)
{
	((struct seen *)ctx)->environs++;
	assert_int_equal(cgroup, 4711);
	assert_memory_equal(found, &environ_found, sizeof(environ_found));
}

static inline void on_expect(void *ctx, bool names)
{
	((struct seen *)ctx)->expects++;
	assert_true(names);
}

static inline void on_check(void *ctx, const struct tap_check *c)
{
	((struct seen *)ctx)->checks++;
	assert_memory_equal(c, &check, sizeof(check));
}

static inline void on_runtime(void *ctx, const struct tap_runtime *r)
{
	((struct seen *)ctx)->runtimes++;
	assert_memory_equal(r, &runtime, sizeof(runtime));
}

static inline void on_meter(void *ctx, const struct meter_key *k, const struct meter_cell *c)
{
	((struct seen *)ctx)->meters++;
	assert_memory_equal(k, &key, sizeof(key));
	assert_memory_equal(c, &cell, sizeof(cell));
}

static inline void on_figures(void *ctx, const struct reading_set *s)
{
	((struct seen *)ctx)->figures++;
	assert_memory_equal(s, &figure_set, sizeof(figure_set));
}

static inline void on_collect(void *ctx, u64 now_ns)
{
	((struct seen *)ctx)->collects++;
	assert_int_equal(now_ns, 77);
}

static inline void on_ledger(void *ctx, const struct ledger_page *page)
{
	((struct seen *)ctx)->ledgers++;
	assert_true(page->kind[KIND_END - 1].n[LEDGER_SENT] == 9 ||
		    page->kind[KIND_END - 2].n[LEDGER_SENT] == 9);
}

static inline void on_feature(void *ctx, const struct feature_status *status)
{
	((struct seen *)ctx)->features++;
	assert_ptr_equal(status->feature, &features[features_n - 1]);
	assert_int_equal(status->state, FEATURE_REDUCED);
	assert_int_equal(status->rung, RUNG_raw_tp);
	assert_int_equal(status->err, 95);
	assert_string_equal(status->reason, "no");
	assert_string_equal(status->fix, "yes");
}

static inline struct tap_file *reopen(struct tap_origin *ret_origin)
{
	struct tap_file *f;

	if (tap_open(&f, path, ret_origin, err, sizeof(err)))
		fail_msg("%s", err);
	return f;
}

static inline struct seen play_all(struct tap_file *f)
{
	struct seen seen = { 0 };
	struct tap_player player = { on_record, on_cgroup,  on_container, on_pod,     on_environ, on_expect,
				     on_check, on_runtime,
				     on_meter,  on_figures, on_collect, on_ledger,    on_feature, &seen };

	while (tap_next(f, &player))
		;
	assert_false(tap_next(f, &player)); /* the end stays the end */
	return seen;
}

/* Refused, and told in one line of printable text what is wrong and what to do. */
static inline int refused(struct str bytes)
{
	struct tap_origin got;
	struct tap_file *f = NULL;
	int e;

	err[0] = '\0';
	e = tap_open_bytes(&f, bytes, &got, err, sizeof(err));
	if (!e) {
		tap_close(f);
		return 0;
	}
	assert_null(f);
	assert_true(strlen(err) > 20 && strlen(err) < sizeof(err) - 1);
	assert_non_null(strstr(err, "podtrace"));
	for (const char *p = err; *p; p++)
		assert_in_range(*p, 0x20, 0x7e);
	return e;
}

#endif
