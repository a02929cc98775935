// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/pipe*.c src/pod.c src/select/[a-z]*.c src/decode/[a-z]*.c src/enrich/[a-z]*.c src/fold/[a-z]*.c src/gauge/[a-z]*.c src/report/[a-z]*.c src/net/[a-z]*.c otel/[a-z]*.c otel/map/[a-z]*.c libs: otlp-proto curl bearssl protobuf-c z */
/*
 * Any sequence of records, meters and times through the whole pipe, with few places in its
 * tables: each line is harmless, each JSON line whole, and each record is delivered or unknown.
 *
 * Input: how (u8), then steps: what (u8), bytes (u16, little-endian), the bytes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "pipe.h"
#include "tests/fuzz/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pipe *pipe_;
static struct summary sum;
static bool json;
static u64 given, collected_ns;

/* The name of a cgroup is any eight bytes; some have none. */
static int look_up(void *ctx, u64 id, char *dst, size_t cap)
{
	char path[64];
	int n;

	if (id % 8 == 7)
		return -ENOENT;
	n = snprintf(path, sizeof(path), "/system.slice/%.8s.service", (const char *)&id);
	return n < 0 ? -ENOENT : (int)str_copy(dst, cap, (struct str){ path, (size_t)n });
}

static void on_line(void *ctx, struct str text)
{
	if (json)
		check_json(text);
	else
		check_text(text, false);
}

static void on_meter_gone(void *ctx, const struct meter_key *key)
{
	CHECK(key->meter < METER_END);
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void step_record(const uint8_t *data, size_t size)
{
	void *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	given++;
	pipe_record(pipe_, copy, size);
	free(copy);
}

static u64 number(const uint8_t *data, size_t size)
{
	u64 n = 0;

	memcpy(&n, data, size < sizeof(n) ? size : sizeof(n));
	return n;
}

static void step_meter(const uint8_t *data, size_t size)
{
	struct {
		struct meter_key key;
		struct meter_cell cell;
	} m = { 0 };

	memcpy(&m, data, size < sizeof(m) ? size : sizeof(m));
	if (m.key.meter && m.key.meter < METER_END)
		pipe_meter(pipe_, &m.key, &m.cell);
}

static void step_ledger(const uint8_t *data, size_t size)
{
	struct ledger_page page = { 0 };

	memcpy(&page, data, size < sizeof(page) ? size : sizeof(page));
	pipe_ledger(pipe_, &page);
}

static void step_feature(const uint8_t *data, size_t size)
{
	u64 n = number(data, size);
	struct feature_status status = { .feature = &features[n % features_n],
					 .state = (enum feature_state)((n >> 8) % 3),
					 .rung = (enum rung)((n >> 16) % RUNG_COUNT),
					 .err = (int)(n >> 32) };

	str_copy(status.reason, sizeof(status.reason), (struct str){ (const char *)data, size });
	str_copy(status.fix, sizeof(status.fix), (struct str){ (const char *)data, size });
	pipe_feature(pipe_, &status);
}

static void step(u8 what, const uint8_t *data, size_t size)
{
	switch (what % 8) {
	case 0:
		step_record(data, size);
		break;
	case 1:
		collected_ns = number(data, size);
		pipe_collect_begin(pipe_, collected_ns);
		break;
	case 2:
		step_meter(data, size);
		break;
	case 3:
		pipe_collect_end(pipe_);
		break;
	case 4:
		step_ledger(data, size);
		break;
	case 5:
		pipe_expire(pipe_, number(data, size));
		break;
	case 6:
		step_feature(data, size);
		break;
	case 7:
		pipe_clock(pipe_, (s64)number(data, size));
		break;
	}
}

/* ---- one run -------------------------------------------------------------------------------- */

static void begin(u8 how)
{
	static const struct host host = { .name = "node-1", .arch = "amd64" };
	static struct otel *otel; /* without a destination: resources only */
	static struct loop *loop;
	struct otel_config c = { .queue_bytes = 1 << 20, .batch_bytes = 1 << 18, .batch_items = 100,
				 .batch_delay_ns = 1, .retry_max_ns = 1, .retry_attempts = 1,
				 .version = "1" };
	struct pipe_config config = {
		.host = &host, .version = "1", .sampler = { how & 4 ? 1 : 0.5 },
		.command_args = true, .live = how & 1 ? LIVE_JSON : LIVE_TEXT, .line = on_line,
		.meter_gone = on_meter_gone,
		.enrich = { .lookup = look_up, .cgroups_max = 3, .processes_max = 3 },
	};
	char err[256];

	if (!loop) {
		log_setup(LOG_ERROR, LOG_LOGFMT);
		loop = loop_new();
		CHECK(!otel_new(&otel, loop, &c, err, sizeof(err)));
	}
	config.otel = how & 2 ? otel : NULL;
	json = how & 1;
	given = collected_ns = 0;
	CHECK(!pipe_new(&pipe_, &config, err, sizeof(err)));
}

static void end(void)
{
	static char text[1 << 17];
	u64 delivered = 0;
	struct buf b;

	pipe_summary(pipe_, &sum);
	for (size_t k = 1; k < KIND_END; k++) {
		delivered += sum.delivered[k];
		CHECK(sum.damaged[k] <= sum.delivered[k]);
	}
	CHECK(delivered + sum.unknown_kind == given);
	buf_fixed(&b, text, sizeof(text));
	summary_text(&sum, &b);
	CHECK(!b.err);
	check_text(buf_view(&b), true);
	buf_fixed(&b, text, sizeof(text));
	summary_json(&sum, &b);
	CHECK(!b.err);
	check_json(buf_view(&b));
	pipe_free(pipe_);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	begin(data[0]);
	for (size_t at = 1; size - at >= 3;) {
		size_t n = data[at + 1] | (size_t)data[at + 2] << 8;

		if (n > size - at - 3)
			n = size - at - 3;
		step(data[at], data + at + 3, n);
		at += 3 + n;
	}
	end();
	return 0;
}
