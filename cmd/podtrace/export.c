/* SPDX-License-Identifier: Apache-2.0 */
/* From options to an exporter: the standard OTEL_ variables, or a file. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "cmd/podtrace/run.h"
#include "version.h"

/* Given up after this long or this many attempts; the collector's own exporter waits 5 min. */
#define RETRY_MAX_NS (300 * NSEC_PER_SEC)
#define RETRY_ATTEMPTS 16

#define REPLAY_DELAY_NS (24 * 3600 * NSEC_PER_SEC)
#define URL_MAX 2100

/* OpenTelemetry's default; only the agent uses it: a person at a terminal asked for nothing. */
#define AGENT_ENDPOINT "http://localhost:4318"

struct signal_options {
	const char *path;
	const char *endpoint, *headers, *certificate;
	u64 timeout_ms;
	int compression, exporter;
};

static struct signal_options signal_options(const struct options *o, enum otel_signal signal)
{
#define SIGNAL_OPTIONS(signal, path)                                                       \
	(struct signal_options)                                                            \
	{                                                                                  \
		path, o->otlp_##signal##_endpoint, o->otlp_##signal##_headers,             \
			o->otlp_##signal##_certificate, o->otlp_##signal##_timeout_ms,     \
			o->otlp_##signal##_compression, o->signal##_exporter               \
	}
	switch (signal) {
	case SIGNAL_TRACES:
		return SIGNAL_OPTIONS(traces, "v1/traces");
	case SIGNAL_METRICS:
		return SIGNAL_OPTIONS(metrics, "v1/metrics");
	default:
		return SIGNAL_OPTIONS(logs, "v1/logs");
	}
#undef SIGNAL_OPTIONS
}

static const char *base_endpoint(const struct options *o)
{
	if (o->otlp_endpoint)
		return o->otlp_endpoint;
	return o->command == COMMAND_AGENT && !o->otlp_file ? AGENT_ENDPOINT : NULL;
}

/* The signal's own URL as it is, or the general one with the signal's path behind it. */
static const char *url_of(const struct options *o, const struct signal_options *s, char *room)
{
	const char *base = base_endpoint(o);

	if (s->endpoint)
		return s->endpoint;
	if (!base)
		return NULL;
	snprintf(room, URL_MAX, "%s%s%s", base, base[strlen(base) - 1] == '/' ? "" : "/", s->path);
	return room;
}

static void set_endpoint(struct otel_endpoint *e, const struct options *o,
			 const struct signal_options *s, const char *url)
{
	int compression = s->compression >= 0 ? s->compression : o->otlp_compression;

	e->on = url && s->exporter != EXPORTER_NONE && !o->sdk_disabled;
	if (!e->on)
		return;
	e->url = url;
	e->headers = s->headers ? s->headers : o->otlp_headers;
	e->gzip = compression == COMPRESSION_GZIP;
	e->timeout_ns = (s->timeout_ms ? s->timeout_ms : o->otlp_timeout_ms) * NSEC_PER_MSEC;
	e->ca_file = s->certificate ? s->certificate : o->otlp_certificate;
}

/* What was written, and where: the URL itself has the signal's path behind it. */
static int check_url(const struct options *o, const struct signal_options *s)
{
	const char *given = s->endpoint ? s->endpoint : base_endpoint(o);
	struct str url = str_of(given);
	size_t scheme = str_starts(url, STR("http://")) ? 7 : str_starts(url, STR("https://")) ? 8 : 0;

	if (!given || (scheme && url.n > scheme && url.p[scheme] != '/' && url.p[scheme] != ':'))
		return EXIT_OK;
	return fail(EXIT_USAGE, "%s: \"%.200s\" is not a URL podtrace can send to: write "
		    "http://HOST:PORT or https://HOST:PORT",
		    s->endpoint ? "the endpoint for a signal (OTEL_EXPORTER_OTLP_*_ENDPOINT)" :
				  "--otlp-endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)", given);
}

int exporter_new(struct otel **ret, struct loop *l, const struct options *o)
{
	static char urls[SIGNAL_COUNT][URL_MAX];
	struct otel_config config = {
		.file = o->sdk_disabled ? NULL : o->otlp_file,
		.queue_bytes = o->queue_bytes > o->batch_bytes ? o->queue_bytes : o->batch_bytes,
		.batch_bytes = o->batch_bytes,
		.batch_items = o->batch_items,
		/* a replay's batches are cut by what is in them, not by the time it takes */
		.batch_delay_ns = o->command == COMMAND_REPLAY ?
					  REPLAY_DELAY_NS :
					  o->batch_delay_ms * NSEC_PER_MSEC,
		.retry_max_ns = RETRY_MAX_NS,
		.retry_attempts = RETRY_ATTEMPTS,
		.version = PODTRACE_VERSION,
	};
	bool any = config.file;
	char err[512];

	*ret = NULL;
	for (int i = 0; i < SIGNAL_COUNT; i++) {
		struct signal_options s = signal_options(o, (enum otel_signal)i);
		int code = check_url(o, &s);

		if (code)
			return code;
		set_endpoint(&config.endpoint[i], o, &s, url_of(o, &s, urls[i]));
		any |= config.endpoint[i].on;
	}
	if (!any)
		return EXIT_OK;
	if (otel_new(ret, l, &config, err, sizeof(err)))
		return fail(EXIT_RUN, "%s", err);
	return EXIT_OK;
}

const char *exporter_destination(const struct options *o)
{
	if (o->sdk_disabled)
		return NULL;
	return o->otlp_file ? o->otlp_file : base_endpoint(o);
}

int exporter_verdict(const struct otel *otel, const struct options *o)
{
	const struct otel_stats *stats = otel_stats(otel);
	u64 lost = 0;

	for (int s = 0; o->otlp_file && s < SIGNAL_COUNT; s++)
		lost += stats->signal[s].lost[LOSS_WRITE];
	if (!lost)
		return EXIT_OK;
	return fail(EXIT_RUN, "--otlp-file: \"%s\" lacks %" PRI_U64 " items that could not be "
		    "written: make room there, or choose another file", o->otlp_file, lost);
}

struct drain {
	struct otel *otel;
	struct loop *loop;
	u64 deadline_ns;
};

static void on_drain(void *ctx)
{
	struct drain *d = ctx;

	if (otel_idle(d->otel) || loop_now(d->loop) >= d->deadline_ns)
		loop_stop(d->loop, 0);
}

void exporter_drain(struct otel *otel, struct loop *l, u64 timeout_ns)
{
	struct drain d = { .otel = otel, .loop = l, .deadline_ns = clock_boot_ns() + timeout_ns };
	struct loop_timer *timer = loop_timer_new(l, on_drain, &d);

	otel_deadline(otel, d.deadline_ns);
	if (!timer)
		return;
	loop_arm(timer, 0, 5 * NSEC_PER_MSEC);
	loop_run(l);
	loop_timer_free(timer);
}

static struct sampling sampler_of(const struct options *o)
{
	switch (o->sampler) {
	case SAMPLER_ALWAYS_OFF:
	case SAMPLER_PARENT_ALWAYS_OFF:
		return (struct sampling){ 0 };
	case SAMPLER_RATIO:
	case SAMPLER_PARENT_RATIO:
		return (struct sampling){ o->sampler_ratio };
	default:
		return (struct sampling){ 1 };
	}
}

static enum live_view live_of(const struct options *o)
{
	bool shows = o->command == COMMAND_TRACE || o->command == COMMAND_REPLAY;

	if (!shows || o->quiet)
		return LIVE_NONE;
	return o->output == OUTPUT_JSON ? LIVE_JSON : LIVE_TEXT;
}

struct pipe_config pipe_options(const struct options *o, struct otel *otel, const struct host *host)
{
	return (struct pipe_config){
		.otel = otel,
		.host = host,
		.version = PODTRACE_VERSION,
		.service_name = o->service_name,
		.resource = { .pod_labels = option_items(&o->pod_labels),
			      .service_labels = o->service_name_labels },
		.sampler = sampler_of(o),
		.command_args = o->command_args,
		.live = live_of(o),
		.colour = o->output == OUTPUT_TEXT && isatty(STDOUT_FILENO),
		.enrich = { .cgroups_max = 16384, .processes_max = 4096 },
	};
}
