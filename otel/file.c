// SPDX-License-Identifier: Apache-2.0
#include "otel/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "otel/json.h"

/* Names and punctuation around each value make JSON longer, 20 times at the very worst. */
#define JSON_LINE_MAX  (24u * FILE_REQUEST_MAX)
#define JSON_LINE_KEPT (1u << 20) /* memory kept between lines */
#define ARENA_CHUNK    (256u << 10)
/* A field of 2 bytes becomes a message of about 100 with its pointer. */
#define ARENA_MAX (64u * FILE_REQUEST_MAX)

static const ProtobufCMessageDescriptor *const requests[SIGNAL_COUNT] = {
	[SIGNAL_TRACES] =
		&opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
	[SIGNAL_METRICS] =
		&opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
	[SIGNAL_LOGS] =
		&opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor,
};

/* A message tree is made and forgotten as a whole: the first chunk is kept for the next. */
struct chunk {
	struct chunk *next;
	size_t n, cap;
	max_align_t mem[];
};

struct file {
	char *name, *part; /* part NULL: stdout */
	int fd;
	off_t good; /* end of the last whole line, of a file of ours */
	bool torn;  /* a broken line stands at the end and could not be cut off */
	struct buf line;
	struct chunk *chunks; /* newest first */
	size_t arena_n;
};

/* ---- memory of a message tree -------------------------------------------------------- */

static void *arena_alloc(void *ctx, size_t n)
{
	struct file *f = ctx;
	struct chunk *c = f->chunks;

	n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!c || c->cap - c->n < n) {
		size_t cap = n > ARENA_CHUNK ? n : ARENA_CHUNK;

		if (n > ARENA_MAX || f->arena_n + cap > ARENA_MAX)
			return NULL;
		c = malloc(sizeof(*c) + cap);
		if (!c)
			return NULL;
		*c = (struct chunk){ .next = f->chunks, .cap = cap };
		f->chunks = c;
		f->arena_n += cap;
	}
	c->n += n;
	return (u8 *)c->mem + c->n - n;
}

static void arena_free(void *ctx, void *p)
{
	(void)ctx;
	(void)p;
}

static void arena_reset(struct file *f, bool all)
{
	while (f->chunks && (all || f->chunks->next)) {
		struct chunk *c = f->chunks;

		f->chunks = c->next;
		f->arena_n -= c->cap;
		free(c);
	}
	if (f->chunks)
		f->chunks->n = 0;
}

/* ---- the file ------------------------------------------------------------------------ */

static int open_part(struct file *f, char *err, size_t err_cap)
{
	struct stat st;

	if (!stat(f->name, &st) && !S_ISREG(st.st_mode)) {
		snprintf(err, err_cap,
			 "OTLP file %s is there and no regular file; name another, or "
			 "- for stdout",
			 f->name);
		return -EINVAL;
	}
	/* a file of that name that somebody else made would stay theirs */
	unlink(f->part);
	f->fd = open(f->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (f->fd < 0) {
		int bad = -errno;

		snprintf(err, err_cap,
			 "cannot write the OTLP file \"%s\": %s: choose a file in a folder that "
			 "exists and is writable",
			 f->name, strerror(-bad));
		return bad;
	}
	return 0;
}

int file_new(struct file **ret, const char *path, char *err, size_t err_cap)
{
	struct file *f = calloc(1, sizeof(*f));
	int bad = 0;

	snprintf(err, err_cap, "out of memory");
	if (!f)
		return -ENOMEM;
	buf_init(&f->line, JSON_LINE_MAX);
	f->fd = -1;
	f->name = strdup(strcmp(path, "-") ? path : "stdout");
	if (!f->name || (strcmp(path, "-") && asprintf(&f->part, "%s.part", path) < 0))
		bad = -ENOMEM;
	else if (f->part)
		bad = open_part(f, err, err_cap);
	else
		f->fd = STDOUT_FILENO;
	if (bad) {
		file_abandon(f);
		return bad;
	}
	*ret = f;
	return 0;
}

void file_abandon(struct file *f)
{
	if (!f)
		return;
	if (f->part && f->fd >= 0) {
		unlink(f->part);
		close(f->fd);
	}
	arena_reset(f, true);
	buf_free(&f->line);
	free(f->part);
	free(f->name);
	free(f);
}

/* The rename is on the disk only with its folder. Best effort: the data is there either way. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(folder);
}

int file_close(struct file *f)
{
	int bad = 0;

	if (f && f->part) {
		if (f->torn || fsync(f->fd) || rename(f->part, f->name))
			bad = f->torn ? -EIO : -errno;
		if (bad)
			log_error("otlp", "%s is left as %s: %s", f->name, f->part,
				  f->torn ? "its last line is broken" : strerror(-bad));
		else
			sync_folder(f->name);
		close(f->fd);
		f->fd = -1; /* so that what is there now stays */
	}
	file_abandon(f);
	return bad;
}

/* Cut off what there is of a line. stdout cannot take anything back. */
static void repair(struct file *f, size_t written)
{
	f->torn = written > 0;
	if (f->torn && f->part && !ftruncate(f->fd, f->good) &&
	    lseek(f->fd, f->good, SEEK_SET) == f->good)
		f->torn = false;
}

static int put_line(struct file *f)
{
	size_t done = 0;

	while (done < f->line.n) {
		ssize_t n = write(f->fd, f->line.p + done, f->line.n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int bad = n < 0 ? -errno : -EIO;

			repair(f, done);
			return bad;
		}
		done += (size_t)n;
	}
	f->good += (off_t)f->line.n;
	f->torn = false;
	return 0;
}

int file_write(struct file *f, enum otel_signal signal, struct str request, u64 *ret_bytes)
{
	ProtobufCAllocator arena = { arena_alloc, arena_free, f };
	ProtobufCMessage *m;
	int bad;

	arena_reset(f, false);
	/* Nothing may follow half a line in a file of ours; on stdout one line more is broken. */
	if (f->torn && f->part)
		repair(f, 1);
	if (f->torn && f->part)
		return -EIO;
	m = protobuf_c_message_unpack(requests[signal], &arena, request.n,
				      (const uint8_t *)request.p);
	if (!m)
		return -EBADMSG;
	if (f->line.cap > JSON_LINE_KEPT)
		buf_free(&f->line);
	buf_reset(&f->line);
	if (f->torn)
		buf_char(&f->line, '\n');
	json_message(&f->line, m);
	buf_char(&f->line, '\n');
	bad = f->line.err ? f->line.err : put_line(f);
	if (!bad)
		*ret_bytes = f->line.n;
	return bad;
}

const char *file_name(const struct file *f)
{
	return f->name;
}
