/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "base/buf.h"
#include "capture/tap_format.h"

#define WRITE_AT (256 * 1024) /* bytes gathered before a write */

struct tap {
	char *path, *part;
	int fd;
	int err;
	bool full;
	u64 max_bytes, bytes, frames, records, refused;
	u64 left_out[KIND_END]; /* records, by kind */
	struct buf buf;
};

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w ? -errno : -EIO;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static void flush(struct tap *t)
{
	if (!t->err)
		t->err = t->buf.err ? t->buf.err : write_all(t->fd, t->buf.p, t->buf.n);
	buf_reset(&t->buf);
}

static void put_frame(struct tap *t, enum tap_type type, const void *a, size_t a_n, const void *b,
		      size_t b_n)
{
	struct tap_frame frame = { .size = (u32)(a_n + b_n), .type = type };
	uLong crc;

	if (t->err)
		return;
	/* those that come in numbers can fill the file; what closes a collection always fits */
	if (type <= TAP_METER && t->bytes + sizeof(frame) + frame.size > t->max_bytes)
		t->full = true;
	if (type <= TAP_METER && t->full) {
		t->refused++;
		return;
	}
	crc = crc32(0, (const Bytef *)&frame, offsetof(struct tap_frame, crc));
	crc = crc32(crc, a, (uInt)a_n);
	frame.crc = (u32)(b_n ? crc32(crc, b, (uInt)b_n) : crc);
	buf_add(&t->buf, &frame, sizeof(frame));
	buf_add(&t->buf, a, a_n);
	buf_add(&t->buf, b, b_n);
	t->bytes += sizeof(frame) + frame.size;
	t->frames++;
	if (t->buf.n >= WRITE_AT)
		flush(t);
}

static void put_header(struct tap *t, const struct tap_origin *origin)
{
	struct tap_header h = {
		.magic = TAP_MAGIC,
		.version = TAP_VERSION,
		.header_size = sizeof(h),
		.kinds = KIND_END,
		.meters = METER_END,
		.ledger = LEDGER_END,
		.command_args = origin->command_args,
		.boot_ns = origin->boot_ns,
		.wall_offset_ns = origin->wall_offset_ns,
	};

	_Static_assert(KIND_END <= TAP_KINDS_MAX, "more kinds than the header has room for");
	memcpy(h.host, origin->host, sizeof(h.host));
	memcpy(h.host_id, origin->host_id, sizeof(h.host_id));
	memcpy(h.arch, origin->arch, sizeof(h.arch));
	memcpy(h.kernel, origin->kernel, sizeof(h.kernel));
	memcpy(h.node, origin->node, sizeof(h.node));
	memcpy(h.os_name, origin->os_name, sizeof(h.os_name));
	memcpy(h.os_version, origin->os_version, sizeof(h.os_version));
	memcpy(h.os_description, origin->os_description, sizeof(h.os_description));
	for (size_t i = 1; i < KIND_END; i++)
		h.kind_sizes[i] = (u16)kinds[i].size;
	h.crc = (u32)crc32(0, (const Bytef *)&h, offsetof(struct tap_header, crc));
	buf_add(&t->buf, &h, sizeof(h));
	t->bytes = sizeof(h);
}

int tap_create(struct tap **ret, const char *path, u64 max_bytes, const struct tap_origin *origin,
	       char *err, size_t err_cap)
{
	struct tap *t = calloc(1, sizeof(*t));
	struct stat st;
	int e = -ENOMEM;

	if (!t)
		goto fail;
	t->fd = -1;
	t->max_bytes = max_bytes;
	buf_init(&t->buf, WRITE_AT + 2 * TAP_FRAME_MAX);
	t->path = strdup(path);
	if (!t->path || asprintf(&t->part, "%s.part", path) < 0)
		goto fail;
	/* rename would fail only when all is written */
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		e = S_ISDIR(st.st_mode) ? -EISDIR : -EEXIST;
		free(t->part);
		t->part = NULL;
		goto fail;
	}
	/* a file of that name that somebody else made would stay theirs */
	unlink(t->part);
	t->fd = open(t->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (t->fd < 0) {
		e = -errno;
		free(t->part); /* not ours to remove */
		t->part = NULL;
		goto fail;
	}
	put_header(t, origin);
	*ret = t;
	return 0;
fail:
	snprintf(err, err_cap,
		 "cannot write capture file \"%s\": %s: choose a file in a folder that exists and "
		 "is writable", path, e == -EEXIST ? "it is no regular file" : strerror(-e));
	tap_free(t);
	return e;
}

void tap_record(struct tap *t, const void *record, size_t size)
{
	const struct rec_head *head = record;
	u64 refused = t->refused;

	put_frame(t, TAP_RECORD, record, size < TAP_FRAME_MAX ? size : TAP_FRAME_MAX, NULL, 0);
	if (t->err)
		return;
	if (t->refused == refused)
		t->records++;
	else if (size >= sizeof(*head) && head->kind < KIND_END)
		t->left_out[head->kind]++;
}

void tap_cgroup(struct tap *t, u64 id, struct str path)
{
	put_frame(t, TAP_CGROUP, &id, sizeof(id), path.p, path.n);
}

void tap_container(struct tap *t, const struct container *draft)
{
	struct buf b;

	buf_init(&b, TAP_FRAME_MAX);
	tap_put_container(&b, draft);
	put_frame(t, TAP_CONTAINER, b.p, b.n, NULL, 0);
	buf_free(&b);
}

void tap_pod(struct tap *t, const struct pod *draft)
{
	struct buf b;

	buf_init(&b, TAP_FRAME_MAX);
	tap_put_pod(&b, draft);
	put_frame(t, TAP_POD, b.p, b.n, NULL, 0);
	buf_free(&b);
}

void tap_environ(struct tap *t, u64 cgroup, const struct environ_otel *found)
{
	put_frame(t, TAP_ENVIRON, &cgroup, sizeof(cgroup), found, sizeof(*found));
}

void tap_expect(struct tap *t, bool names)
{
	u64 payload = names;

	put_frame(t, TAP_EXPECT, &payload, sizeof(payload), NULL, 0);
}

void tap_check(struct tap *t, const struct tap_check *check)
{
	put_frame(t, TAP_CHECK, check, sizeof(*check), NULL, 0);
}

void tap_runtime(struct tap *t, const struct tap_runtime *runtime)
{
	put_frame(t, TAP_RUNTIME, runtime, sizeof(*runtime), NULL, 0);
}

void tap_meter(struct tap *t, const struct meter_key *key, const struct meter_cell *cell)
{
	put_frame(t, TAP_METER, key, sizeof(*key), cell, sizeof(*cell));
}

void tap_figures(struct tap *t, const struct reading_set *set)
{
	put_frame(t, TAP_FIGURES, set, sizeof(*set), NULL, 0);
}

void tap_collect(struct tap *t, u64 now_ns)
{
	put_frame(t, TAP_COLLECT, &now_ns, sizeof(now_ns), NULL, 0);
}

void tap_ledger(struct tap *t, const struct ledger_page *page)
{
	struct ledger_page here = *page;

	/* the file's ledger is of what is in the file */
	for (size_t k = 1; k < KIND_END; k++) {
		here.kind[k].n[LEDGER_SENT] -= t->left_out[k];
		here.kind[k].n[LEDGER_LOST_FILE] += t->left_out[k];
	}
	put_frame(t, TAP_LEDGER, &here, sizeof(here), NULL, 0);
}

void tap_feature(struct tap *t, const struct feature_status *status)
{
	struct tap_feature_payload p = { .feature = (u32)(status->feature - features),
					 .state = status->state,
					 .rung = status->rung,
					 .err = status->err };

	memcpy(p.reason, status->reason, sizeof(p.reason));
	memcpy(p.fix, status->fix, sizeof(p.fix));
	put_frame(t, TAP_FEATURE, &p, sizeof(p), NULL, 0);
}

bool tap_full(const struct tap *t)
{
	return t->full;
}

int tap_error(const struct tap *t)
{
	return t->err;
}

u64 tap_records(const struct tap *t)
{
	return t->records;
}

u64 tap_refused(const struct tap *t)
{
	return t->refused;
}

u64 tap_bytes(const struct tap *t)
{
	return t->bytes;
}

int tap_finish(struct tap *t)
{
	struct tap_end_payload end = { .frames = t->frames, .records = t->records };

	put_frame(t, TAP_END, &end, sizeof(end), NULL, 0);
	flush(t);
	if (!t->err && fsync(t->fd) && errno != EINVAL)
		t->err = -errno;
	if (!t->err && rename(t->part, t->path))
		t->err = -errno;
	if (!t->err) {
		free(t->part);
		t->part = NULL;
	}
	return t->err;
}

void tap_free(struct tap *t)
{
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	if (t->part)
		unlink(t->part);
	free(t->part);
	free(t->path);
	buf_free(&t->buf);
	free(t);
}
