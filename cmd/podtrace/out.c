/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output: data only, gathered so that a line costs no system call. */
#include <errno.h>
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

void out_flush(struct out *out)
{
	const char *p = out->buf.p;
	size_t n = out->buf.n;

	while (n && !out->closed && !out->err) {
		ssize_t w = write(STDOUT_FILENO, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EPIPE)
			out->closed = true;
		else if (w < 0)
			out->err = -errno;
		if (w < 0)
			break;
		p += w;
		n -= (size_t)w;
	}
	buf_reset(&out->buf);
}

void out_line(void *ctx, struct str text)
{
	struct out *out = ctx;

	buf_str(&out->buf, text);
	if (out->buf.n >= OUT_FLUSH_AT)
		out_flush(out);
}

void out_summary(struct out *out, const struct summary *s, int format)
{
	if (format == OUTPUT_JSON)
		summary_json(s, &out->buf);
	else
		summary_text(s, &out->buf);
	out_flush(out);
}
