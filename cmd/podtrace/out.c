/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard output: data only, gathered so that a line costs no system call. A reader that
 * does not read (a pager, a stopped program) must not stop the loop: what is not taken waits,
 * and when there is no room left to wait in, lines are left out and counted. The descriptor
 * stays blocking, since others share it; a write follows only where poll promises room.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "cmd/podtrace/run.h"

#define OUT_MAX (1024 * 1024)
#define OUT_FLUSH_AT (64 * 1024)

void out_init(struct out *out)
{
	*out = (struct out){ 0 };
	buf_init(&out->buf, OUT_MAX);
}

void out_free(struct out *out)
{
	buf_free(&out->buf);
}

/* Room for PIPE_BUF bytes, waited for at most so long; false also when nobody will read. */
static bool has_room(struct out *out, int wait_ms)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	if (poll(&fd, 1, wait_ms) <= 0)
		return false;
	if (fd.revents & (POLLERR | POLLNVAL)) {
		out->closed = true;
		return false;
	}
	return fd.revents & POLLOUT;
}

/* What was written goes from the front. */
static void write_out(struct out *out, int wait_ms)
{
	size_t done = 0;

	while (!out->closed && !out->err && has_room(out, wait_ms) && done < out->buf.n) {
		size_t n = out->buf.n - done;
		ssize_t w = write(STDOUT_FILENO, out->buf.p + done, n < PIPE_BUF ? n : PIPE_BUF);

		if (w >= 0)
			done += (size_t)w;
		else if (errno == EPIPE)
			out->closed = true;
		else if (errno != EINTR && errno != EAGAIN)
			out->err = -errno;
	}
	if (out->closed || out->err)
		done = out->buf.n;
	if (done)
		memmove(out->buf.p, out->buf.p + done, out->buf.n - done);
	out->buf.n -= done;
}

void out_flush(struct out *out)
{
	write_out(out, 0);
}

void out_finish(struct out *out, u64 wait_ns)
{
	write_out(out, (int)(wait_ns / NSEC_PER_MSEC));
	if (out->buf.n)
		out->err = -ETIMEDOUT;
	out->buf.n = 0;
}

void out_line(void *ctx, struct str text)
{
	struct out *out = ctx;

	if (out->buf.n + text.n > OUT_MAX)
		out->left_out++;
	else
		buf_str(&out->buf, text);
	if (out->buf.n >= OUT_FLUSH_AT)
		out_flush(out);
}

void out_summary(struct out *out, const struct summary *s, int format)
{
	struct buf text;

	buf_init(&text, OUT_MAX);
	if (format == OUTPUT_JSON)
		summary_json(s, &text);
	else
		summary_text(s, &text);
	out_line(out, buf_view(&text));
	buf_free(&text);
}
