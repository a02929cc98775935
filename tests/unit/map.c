// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/pod.c src/decode/[a-z]*.c otel/map/[a-z]*.c tests/kind/world.c libs: */
/* otel/map, events: every attribute is one of semantic conventions 1.44 with its type, or begins
 * with "podtrace."; and what becomes a span, a log record, or nothing. The bytes: tests/kind. */
#include <stdio.h>
#include <string.h>

#include "otel/map/map.h"
#include "tests/kind/kind.h"
#include "tests/unit/semconv.h"

#define REC(kind, golden) ((struct rec_##kind *)(golden)->bytes)

static struct mapped mapped; /* large */
static struct decode_room room;
static struct event ev;

static const struct map_config with_args = { WORLD_WALL_OFFSET_NS, true };
static const struct map_config without_args = { WORLD_WALL_OFFSET_NS, false };

/* ---- names ---------------------------------------------------------------------------------- */

static void map(const struct golden *g, const struct map_config *config)
{
	memset(&mapped, 0xa5, sizeof(mapped)); /* whatever was there before */
	assert_int_equal(decode(g->bytes, g->n, &room, &ev), DECODE_OK);
	map_event(&ev, config, &mapped);
	check_attrs(kinds[ev.kind].id, &mapped.note.attrs);
	if (mapped.has_span)
		check_attrs(kinds[ev.kind].id, &mapped.span.attrs);
}

static void test_control(void **state)
{
	static const struct attr bad[] = {
		{ .key = "process.pids", .type = ATTR_INT, .i = 1 },
		{ .key = "process.pid", .type = ATTR_STR, .s = { "1", 1 } },
		{ .key = "network.transport", .type = ATTR_STR, .s = { "sctp", 4 } },
		{ .key = "network.transport", .type = ATTR_INT, .i = 6 },
		{ .key = "podtraces.x", .type = ATTR_INT, .i = 1 },
		{ .key = "k8s.pod.label", .type = ATTR_STR, .s = { "1", 1 } },
		{ .key = "k8s.pod.label.", .type = ATTR_STR, .s = { "1", 1 } },
		{ .key = "k8s.pod.label.app", .type = ATTR_INT, .i = 1 },
	};
	static const struct attr good[] = {
		{ .key = "process.pid", .type = ATTR_INT, .i = 1 },
		{ .key = "k8s.pod.label.app", .type = ATTR_STR, .s = { "1", 1 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(wrong(&bad[i]));
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_null(wrong(&good[i]));
}

/* Of every kind, with everything it can have and with as little as there can be. */
static void test_all_kinds(void **state)
{
	(void)state;
	for (size_t k = 1; k < KIND_END; k++) {
		const struct kind *kind = &kinds[k];
		struct golden g;
		char scope[64];

		golden_load(kind->id, &g);
		map(&g, &with_args);
		snprintf(scope, sizeof(scope), "podtrace/%s", families[kind->family].name);
		assert_string_equal(mapped.note.scope, scope);
		assert_true(str_starts(str_of(mapped.note.event_name), str_of(kind->name)));
		assert_int_equal(mapped.note.time_ns, 1795258560123456789ull);
		assert_int_equal(mapped.note.observed_ns, mapped.note.time_ns);
		assert_int_equal(mapped.span.end_ns, mapped.note.time_ns);
		assert_true(!mapped.has_span || mapped.span.start_ns <= mapped.span.end_ns);
		assert_true(!mapped.has_span || mapped.span.name.n > 0);
		((struct rec_head *)g.bytes)->pid = 0;
		if (kind->family == FAMILY_tcp) {
			map(&g, &without_args);
			assert_null(find(&mapped.note.attrs, "process.pid"));
		}
	}
}

/* ---- process -------------------------------------------------------------------------------- */

static void test_exit(void **state)
{
	struct process process = { .exe = "/usr/local/bin/worker" };
	struct rec_process_exit *rec;
	struct golden g;

	(void)state;
	golden_load("process_exit", &g);
	rec = REC(process_exit, &g);
	rec->sig = 0;
	rec->code = 0;
	map(&g, &with_args);
	assert_true(mapped.has_span && !mapped.has_note);
	assert_int_equal(mapped.span.status, STATUS_UNSET);
	assert_null(find(&mapped.span.attrs, "error.type"));
	rec->code = 3;
	map(&g, &with_args);
	assert_true(mapped.has_span && mapped.has_note);
	assert_int_equal(mapped.span.status, STATUS_ERROR);
	assert_int_equal(mapped.note.severity, NOTE_WARN);
	assert_str(&mapped.span.attrs, "error.type", "exit_3");
	assert_int_equal(find(&mapped.span.attrs, "process.exit.code")->i, 3);
	/* the executable gives the name when it is known, else the thread's name */
	assert_true(str_eq(mapped.span.name, STR("curl")));
	ev.process = &process;
	map_event(&ev, &with_args, &mapped);
	assert_true(str_eq(mapped.span.name, STR("worker")));
	assert_str(&mapped.span.attrs, "process.executable.path", "/usr/local/bin/worker");
	assert_int_equal(mapped.span.end_ns - mapped.span.start_ns, ev.process_exit.run_ns);
}

static void test_signals(void **state)
{
	struct golden g;
	char buf[16];

	(void)state;
	assert_string_equal(map_signal(9, buf), "SIGKILL");
	assert_string_equal(map_signal(31, buf), "SIGSYS");
	assert_string_equal(map_signal(64, buf), "SIG64");
	assert_string_equal(map_signal(127, buf), "SIG127");
	golden_load("process_exit", &g);
	for (u16 sig = 1; sig <= 127; sig++) {
		REC(process_exit, &g)->sig = sig;
		map(&g, &with_args);
		assert_str(&mapped.note.attrs, "error.type", map_signal(sig, buf));
		assert_int_equal(find(&mapped.note.attrs, "process.exit.code")->i, 128 + sig);
	}
}

/* Arguments can hold secrets: not without being asked for. */
static void test_args(void **state)
{
	const struct attr *args;
	struct golden g;

	(void)state;
	golden_load("process_exec", &g);
	map(&g, &without_args);
	assert_null(find(&mapped.note.attrs, "process.command_args"));
	for (size_t i = 0; i < mapped.note.attrs.n; i++)
		assert_true(mapped.note.attrs.v[i].type != ATTR_STR ||
			    !memmem(mapped.note.attrs.v[i].s.p, mapped.note.attrs.v[i].s.n,
				    "health", 6));
	map(&g, &with_args);
	args = find(&mapped.note.attrs, "process.command_args");
	assert_int_equal(args->strs.n, 3);
	assert_true(str_eq(args->strs.v[2], STR("http://orders:8080/health")));
}

static void test_many_args(void **state)
{
	struct rec_process_exec *rec;
	const struct attr *args;
	struct golden g;

	(void)state;
	golden_load("process_exec", &g);
	rec = REC(process_exec, &g);
	rec->path.len = rec->cwd.len = 0;
	rec->args = (struct rec_text){ sizeof(*rec), ARGS_MAX };
	memset(g.bytes + sizeof(*rec), 0, ARGS_MAX); /* 1024 empty ones */
	g.n = sizeof(*rec) + ARGS_MAX;
	rec->head.size = (u16)g.n;
	map(&g, &with_args);
	args = find(&mapped.note.attrs, "process.command_args");
	assert_int_equal(args->strs.n, MAP_ARGS_MAX);
	/* one empty argument is one, without its NUL too */
	rec->args.len = 1;
	map(&g, &with_args);
	assert_int_equal(find(&mapped.note.attrs, "process.command_args")->strs.n, 1);
}

/* ---- tcp ------------------------------------------------------------------------------------ */

static void test_connect(void **state)
{
	struct golden g;

	(void)state;
	golden_load("tcp_connect", &g);
	map(&g, &with_args);
	assert_true(mapped.has_note && !mapped.has_span);
	assert_string_equal(mapped.note.event_name, "podtrace.tcp.connect.failed");
	assert_str(&mapped.note.attrs, "error.type", "ECONNREFUSED");
	REC(tcp_connect, &g)->err = 0;
	map(&g, &with_args);
	assert_true(!mapped.has_note && !mapped.has_span);
	assert_string_equal(mapped.note.event_name, "podtrace.tcp.connect");
	assert_null(find(&mapped.note.attrs, "error.type"));
	REC(tcp_connect, &g)->err = 4000; /* the kernel's own: Linux has no name for it */
	map(&g, &with_args);
	assert_str(&mapped.note.attrs, "error.type", "_OTHER");
}

/* What began before we looked has no length, so it is no span. */
static void test_close(void **state)
{
	struct golden g;

	(void)state;
	golden_load("tcp_close", &g);
	map(&g, &with_args);
	assert_true(mapped.has_span && !mapped.has_note);
	assert_int_equal(mapped.span.kind, SPAN_INTERNAL);
	assert_int_equal(mapped.span.status, STATUS_ERROR);
	assert_int_equal(mapped.span.end_ns - mapped.span.start_ns, 1500 * NSEC_PER_MSEC);
	REC(tcp_close, &g)->err = 0;
	map(&g, &with_args);
	assert_int_equal(mapped.span.status, STATUS_UNSET);
	REC(tcp_close, &g)->start_ns = 0;
	map(&g, &with_args);
	assert_true(!mapped.has_span && mapped.has_note);
}

static void test_roles(void **state)
{
	struct golden g;

	(void)state;
	golden_load("tcp_close", &g);
	map(&g, &with_args);
	assert_str(&mapped.note.attrs, "server.address", "10.96.0.10");
	REC(tcp_close, &g)->tuple.role = TCP_ROLE_SERVER;
	map(&g, &with_args);
	assert_str(&mapped.note.attrs, "server.address", "10.244.1.7");
	assert_int_equal(find(&mapped.note.attrs, "server.port")->i, 40404);
	REC(tcp_close, &g)->tuple.role = TCP_ROLE_UNKNOWN;
	map(&g, &with_args);
	assert_null(find(&mapped.note.attrs, "server.address"));
	assert_str(&mapped.note.attrs, "podtrace.tcp.role", "unknown");
}

/* enum tcp_state of the kernel, 1 to 12, have names that semantic conventions know. */
static void test_states(void **state)
{
	struct str type = semconv_type("network.connection.state");

	(void)state;
	for (unsigned s = 1; s <= 12; s++)
		assert_true(is_member(type, str_of(map_tcp_state(s))));
	assert_string_equal(map_tcp_state(0), "unknown");
	assert_string_equal(map_tcp_state(13), "bound_inactive");
	assert_string_equal(map_tcp_state(14), "unknown");
	assert_string_equal(map_tcp_state(~0u), "unknown");
}

/* ---- metrics -------------------------------------------------------------------------------- */

static void test_meters(void **state)
{
	(void)state;
	for (u16 m = 1; m < METER_END; m++) {
		const struct metric_desc *d = map_meter((enum wire_meter)m);
		size_t n;
		const u64 *ns = bounds_of(meters[m].bounds, &n);

		assert_string_equal(d->name, meters[m].name);
		assert_string_equal(d->unit, meters[m].unit);
		assert_int_equal(d->type == METRIC_HISTOGRAM, meters[m].type == METER_HISTOGRAM);
		assert_int_equal(d->bounds_n, n);
		for (size_t i = 0; i < n; i++)
			assert_true(d->bounds[i] * 1e9 > (double)ns[i] - 0.5 &&
				    d->bounds[i] * 1e9 < (double)ns[i] + 0.5);
	}
}

/* Every number a capture file can hold: never a crash, always a name that is known. */
static void test_dims(void **state)
{
	static const u16 dims[] = { 0, 1, 2, 3, 12, 13, 14, 255, 256, 257, 258, 0x7fff, 0xffff };
	static const s32 errs[] = { 0, 2, 111, 133, 134, 4095, -1, 0x7fffffff };

	(void)state;
	for (u16 m = 1; m < METER_END; m++) {
		for (size_t d = 0; d < ARRAY_SIZE(dims); d++) {
			for (size_t e = 0; e < ARRAY_SIZE(errs); e++) {
				struct meter_key key = { 1, m, dims[d], errs[e] };
				struct attrs attrs = { 0 };

				map_dim(&key, &attrs);
				check_attrs(meters[m].id, &attrs);
				if (meters[m].dim != DIM_EAI || dims[d]) /* success has no error.type */
					assert_int_equal(attrs.n == 0, meters[m].dim == DIM_NONE);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control),	  cmocka_unit_test(test_all_kinds),
		cmocka_unit_test(test_exit),	  cmocka_unit_test(test_signals),
		cmocka_unit_test(test_args),	  cmocka_unit_test(test_many_args),
		cmocka_unit_test(test_connect),	  cmocka_unit_test(test_close),
		cmocka_unit_test(test_roles),	  cmocka_unit_test(test_states),
		cmocka_unit_test(test_meters),
		cmocka_unit_test(test_dims),
	};

	return cmocka_run_group_tests(tests, semconv_load, semconv_unload);
}
