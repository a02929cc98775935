// SPDX-License-Identifier: Apache-2.0
/*
 * src/ask/api as a program: what it tells becomes JSON lines on stdout, for the tests beside it.
 *
 *   client KEY=VALUE...      server, host, port, token_file, ca_file, node
 *
 * A line on stdin asks for the status; its end ends the program, after a last status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask/api.h"
#include "base/buf.h"

static struct loop *loop;
static struct api *api;
static struct buf out;

static void text(const char *key, struct str value)
{
	buf_printf(&out, ", \"%s\": \"", key);
	buf_json_str(&out, value);
	buf_char(&out, '"');
}

static void number(const char *key, u64 value)
{
	buf_printf(&out, ", \"%s\": %" PRI_U64, key, value);
}

static void begin(const char *what)
{
	buf_reset(&out);
	buf_printf(&out, "{\"what\": \"%s\"", what);
}

static void end(void)
{
	buf_cstr(&out, "}\n");
	if (out.err || fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout))
		abort();
}

static void labels(const char *key, const struct label *l, size_t n)
{
	buf_printf(&out, ", \"%s\": {", key);
	for (size_t i = 0; i < n; i++) {
		buf_cstr(&out, i ? ", \"" : "\"");
		buf_json_str(&out, l[i].key);
		buf_cstr(&out, "\": \"");
		buf_json_str(&out, l[i].value);
		buf_char(&out, '"');
	}
	buf_char(&out, '}');
}

static void on_pod(void *ctx, const struct pod *p)
{
	(void)ctx;
	begin("pod");
	text("uid", str_of(p->uid));
	text("api_uid", str_of(p->api_uid));
	text("namespace", p->namespace);
	text("name", p->name);
	text("ip", p->ip);
	text("node", p->node);
	number("started_ns", p->started_ns);
	labels("labels", p->labels, p->labels_n);
	labels("annotations", p->annotations, p->annotations_n);
	buf_cstr(&out, ", \"owners\": [");
	for (int i = 0; i < 2 && p->owner[i].name.n; i++) {
		buf_printf(&out, "%s[\"%s\", \"", i ? ", " : "",
			   workload_kind_name(p->owner[i].kind));
		buf_json_str(&out, p->owner[i].name);
		buf_cstr(&out, "\", \"");
		buf_json_str(&out, p->owner[i].uid);
		buf_cstr(&out, "\"]");
	}
	buf_char(&out, ']');
	end();
}

static void on_gone(void *ctx, struct str uid)
{
	(void)ctx;
	begin("gone");
	text("uid", uid);
	end();
}

static void on_container(void *ctx, const struct container *c)
{
	(void)ctx;
	begin("container");
	text("id", str_of(c->id));
	text("pod_uid", str_of(c->pod_uid));
	text("name", c->name);
	text("image", c->image);
	number("restarts", c->restarts);
	end();
}

static u64 resident_kb(const char *key)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	u64 kb = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			kb = strtoull(line + strlen(key), NULL, 10);
	}
	if (f)
		fclose(f);
	return kb;
}

static void status(const char *what, const struct api_status *st)
{
	static const char *const states[] = { "off", "listing", "watching", "failing" };
	static const char *const access[] = { "unknown", "fine", "refused", "forbidden", "hidden" };

	begin(what);
	text("state", str_of(states[st->state]));
	text("access", str_of(access[st->access]));
	text("server", str_of(st->server));
	text("version", str_of(st->version));
	number("http", (u64)st->http);
	text("reason", str_of(st->reason));
	text("fix", str_of(st->fix));
	number("pods", st->pods);
	number("requests", st->requests);
	number("failures", st->failures);
	number("events", st->events);
	number("relists", st->relists);
	number("too_large", st->too_large);
	number("bad_objects", st->bad_objects);
	number("pods_evicted", st->pods_evicted);
	number("owners_denied", st->owners_denied);
	if (api)
		number("bytes", api_bytes(api));
	number("rss_kb", resident_kb("VmRSS:"));
	number("peak_kb", resident_kb("VmHWM:"));
	end();
}

static void on_changed(void *ctx, const struct api_status *st)
{
	(void)ctx;
	status("changed", st);
}

static void on_stdin(void *ctx, int fd, u32 events)
{
	char line[64];
	ssize_t n = read(fd, line, sizeof(line));

	(void)ctx;
	(void)events;
	status(n > 0 ? "status" : "end", api_status(api));
	if (n <= 0)
		loop_stop(loop, 0);
}

static const char *argument(int argc, char **argv, const char *key)
{
	size_t n = strlen(key);

	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], key, n) && argv[i][n] == '=')
			return argv[i] + n + 1;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct api_config cfg = {
		.server = argument(argc, argv, "server"),
		.host = argument(argc, argv, "host"),
		.port = argument(argc, argv, "port"),
		.token_file = argument(argc, argv, "token_file"),
		.ca_file = argument(argc, argv, "ca_file"),
		.node = argument(argc, argv, "node"),
		.pod = on_pod,
		.pod_gone = on_gone,
		.container = on_container,
		.changed = on_changed,
	};
	int ret;

	loop = loop_new();
	buf_init(&out, 1u << 20);
	if (!loop || api_new(&api, loop, &cfg))
		return 3;
	status("start", api_status(api));
	if (!loop_add(loop, 0, LOOP_READ, on_stdin, NULL))
		return 3;
	ret = loop_run(loop);
	api_free(api);
	loop_free(loop);
	buf_free(&out);
	return ret;
}
