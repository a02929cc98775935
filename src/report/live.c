/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "kinds.h"
#include "pod.h"
#include "report/live.h"

#define WHO_WIDTH 20
#define TASK_WIDTH 24
#define WHO_NAME_MAX 63 /* of each of the names: a DNS label, as nearly all are */

/* One character, escaped if a terminal would act on it; *s moves on. */
static void put_char(struct buf *out, struct str *s)
{
	size_t n = str_utf8_len(*s);
	unsigned char c = (unsigned char)s->p[0];

	if (!n || c < 0x20 || c == 0x7f)
		buf_printf(out, "\\x%02x", c);
	else if (n == 2 && c == 0xc2 && (unsigned char)s->p[1] < 0xa0)
		buf_printf(out, "\\x%02x", (unsigned char)s->p[1]); /* C1: 0x9b begins a command */
	else
		buf_add(out, s->p, n);
	*s = str_slice(*s, n ? n : 1, s->n);
}

void live_text(struct buf *out, struct str s, size_t max)
{
	size_t left = s.n;

	while (s.n && left - s.n < max)
		put_char(out, &s);
	if (s.n)
		buf_cstr(out, "...");
}

/* Three digits that count, in the largest unit that leaves a whole digit before the point. */
static void put_scaled(struct buf *out, double v, const char *unit)
{
	buf_printf(out, v < 9.995 ? "%.2f%s" : v < 99.95 ? "%.1f%s" : "%.0f%s", v, unit);
}

void live_time(struct buf *out, u64 ns)
{
	static const struct {
		double unit;
		double end; /* from here on the next unit, after rounding */
		const char *name;
	} units[] = { { 1e3, 999.5e3, "us" },
		      { 1e6, 999.5e6, "ms" },
		      { 1e9, 59.95e9, "s" },
		      { 60e9, 59.95 * 60e9, "m" },
		      { 3600e9, 1e300, "h" } };

	if (ns < 1000) {
		buf_printf(out, "%" PRI_U64 "ns", ns);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if ((double)ns >= units[i].end)
			continue;
		put_scaled(out, (double)ns / units[i].unit, units[i].name);
		return;
	}
}

void live_bytes(struct buf *out, u64 bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	size_t i = 0;

	for (; v >= (i ? 1023.95 : 1024) && i + 1 < ARRAY_SIZE(units); i++)
		v /= 1024;
	buf_printf(out, i ? "%.1f%s" : "%.0f%s", v, units[i]);
}

/* "shop/cart-0/web", as far as it is known; false: nothing is. */
static bool put_names(const struct who *who, struct buf *out)
{
	const struct container *c = who->container;
	struct str namespace = who->pod ? who->pod->namespace : c ? c->pod_namespace : STR("");
	struct str pod = who->pod ? who->pod->name : c ? c->pod_name : STR("");

	if (pod.n) {
		live_text(out, namespace, WHO_NAME_MAX);
		buf_char(out, '/');
		live_text(out, pod, WHO_NAME_MAX);
	}
	if (c && c->name.n) {
		buf_cstr(out, pod.n ? "/" : "");
		live_text(out, c->name, WHO_NAME_MAX);
	}
	return pod.n || (c && c->name.n);
}

void live_who(const struct who *who, struct buf *out)
{
	if (put_names(who, out)) {
		if (who->kind == WHO_HELPER || (who->container && who->container->sandbox))
			buf_cstr(out, who->kind == WHO_HELPER ? " (monitor)" : " (pause)");
		return;
	}
	switch (who->kind) {
	case WHO_CONTAINER:
	case WHO_HELPER:
		live_text(out, str_slice(str_of(who->container_id), 0, 12), 12);
		break;
	case WHO_POD:
		buf_cstr(out, "pod ");
		live_text(out, str_slice(str_of(who->pod_uid), 0, 8), 8);
		break;
	case WHO_UNIT:
		live_text(out, str_of(who->unit), WHO_WIDTH);
		break;
	case WHO_HOST:
		buf_cstr(out, "host");
		break;
	case WHO_UNKNOWN:
		buf_cstr(out, "unknown");
		break;
	}
}

/* Blanks up to a column, one at least. */
static void pad(struct buf *out, size_t from, size_t width)
{
	do
		buf_char(out, ' ');
	while (out->n - from < width && !out->err);
}

static void put_clock(struct buf *out, u64 wall_ns)
{
	time_t seconds = (time_t)(wall_ns / NSEC_PER_SEC);
	struct tm tm;

	localtime_r(&seconds, &tm);
	buf_printf(out, "%02d:%02d:%02d.%06" PRI_U64 " ", tm.tm_hour, tm.tm_min, tm.tm_sec,
		   wall_ns % NSEC_PER_SEC / 1000);
}

static void put_task(const struct event *ev, struct buf *out)
{
	struct str comm = ev->comm;

	if (!comm.n && ev->process)
		comm = str_of(ev->process->comm);
	if (!ev->pid) {
		buf_char(out, '-');
		return;
	}
	live_text(out, comm.n ? comm : STR("?"), COMM_LEN);
	buf_printf(out, "[%u]", ev->pid);
}

void live_line(const struct event *ev, s64 wall_offset_ns, bool colour, struct buf *out)
{
	static void (*const calls[KIND_END])(const struct event *, struct buf *) = {
#define KIND(id, kind, family, stream, live, name, text) [id] = live_##kind,
#include "../../bpf/registry.def"
	};
	bool red = colour && (ev->flags & REC_FAILED);
	size_t column;

	put_clock(out, clock_wall_ns(ev->when_ns, wall_offset_ns));
	column = out->n;
	live_who(ev->who, out);
	pad(out, column, WHO_WIDTH);
	column = out->n;
	put_task(ev, out);
	pad(out, column, TASK_WIDTH);
	if (red)
		buf_cstr(out, "\033[31m");
	calls[ev->kind](ev, out);
	if (red)
		buf_cstr(out, "\033[0m");
	buf_char(out, '\n');
}
