/* SPDX-License-Identifier: Apache-2.0 */
/* An exporter, its loop and its scripted collector, for the tests that need all three. After
 * each turn the counts must add up. */
#ifndef TESTS_UNIT_OTEL_WORLD_H
#define TESTS_UNIT_OTEL_WORLD_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/loop.h"
#include "otel/otel.h"
#include "tests/unit/otel_server.h"

#define BATCH 10 /* items */
#define MS    NSEC_PER_MSEC
#define MANY  12 /* retry attempts */

struct world {
	struct loop *loop;
	struct loop_timer *timer;
	struct otel *otel;
	struct server server;
	u64 until_ns;
	int resource;
};

static inline bool adds_up(const struct otel_counts *c)
{
	u64 sum = c->exported + c->superseded + c->queued;

	for (int i = 0; i < LOSS_COUNT; i++)
		sum += c->lost[i];
	return sum == c->created;
}

static inline void check(const struct otel *o)
{
	const struct otel_stats *s = otel_stats(o);

	for (int i = 0; i < SIGNAL_COUNT; i++) {
		assert_true(adds_up(&s->signal[i]));
		assert_true(adds_up(&s->copy[i]));
	}
}

static inline void on_tick(void *ctx)
{
	struct world *w = ctx;

	check(w->otel);
	if (otel_idle(w->otel))
		loop_stop(w->loop, 0);
	else if (clock_boot_ns() > w->until_ns)
		loop_stop(w->loop, 1);
}

static inline void on_time_up(void *ctx)
{
	loop_stop(ctx, 2);
}

/* Run until everything is sent or lost; fails the test if that takes longer. */
static inline void run(struct world *w, u64 ms)
{
	w->until_ns = clock_boot_ns() + ms * MS;
	loop_arm(w->timer, 0, 2 * MS);
	assert_int_equal(loop_run(w->loop), 0);
	loop_disarm(w->timer);
}

static inline void run_for(struct world *w, u64 ms)
{
	struct loop_timer *t = loop_timer_new(w->loop, on_time_up, w->loop);

	loop_arm(t, ms * MS, 0);
	assert_int_equal(loop_run(w->loop), 2);
	loop_timer_free(t);
	check(w->otel);
}

static inline struct otel_config config_for(char *url, size_t cap, int port)
{
	struct otel_config c = {
		.queue_bytes = 1 << 20,
		.batch_bytes = 1 << 18,
		.batch_items = BATCH,
		.batch_delay_ns = 20 * MS,
		.retry_max_ns = 60 * NSEC_PER_SEC,
		.retry_attempts = MANY,
		.version = "9.8",
	};

	snprintf(url, cap, "http://127.0.0.1:%d/v1/traces", port);
	for (int i = 0; i < SIGNAL_COUNT; i++)
		c.endpoint[i] =
			(struct otel_endpoint){ .on = true, .url = url, .timeout_ns = 500 * MS };
	return c;
}

static inline void begin_with(struct world *w, struct otel_config *c)
{
	struct attrs attrs = { 0 };
	char err[256] = "";

	w->loop = loop_new();
	w->timer = loop_timer_new(w->loop, on_tick, w);
	if (otel_new(&w->otel, w->loop, c, err, sizeof(err)))
		fail_msg("%s", err);
	attr_str(&attrs, "service.name", STR("test"));
	w->resource = otel_resource(w->otel, &attrs);
	assert_true(w->resource >= 0);
}

static inline void begin(struct world *w, const struct reply *script, size_t n)
{
	char url[128];
	struct otel_config c;

	server_start(&w->server, script, n);
	c = config_for(url, sizeof(url), w->server.port);
	begin_with(w, &c);
}

static inline void end(struct world *w)
{
	check(w->otel);
	otel_free(w->otel);
	loop_free(w->loop);
	server_stop(&w->server);
}

static inline void span(struct world *w, size_t name_n)
{
	static char name[ATTR_VALUE_MAX];
	struct span s = { .scope = "podtrace/x", .kind = SPAN_CLIENT, .start_ns = 1, .end_ns = 2 };

	memset(name, 'n', sizeof(name));
	s.name = (struct str){ name, name_n };
	s.trace_id[0] = s.span_id[0] = 1;
	otel_span(w->otel, w->resource, &s);
}

static inline void spans(struct world *w, int n)
{
	while (n-- > 0)
		span(w, 8);
}

#define COUNTS(w) (&otel_stats((w)->otel)->signal[SIGNAL_TRACES])

#endif
