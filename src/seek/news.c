/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings as they are made. A dummy event on each CPU has no counts, but a ring into which the
 * kernel writes each new executable mapping of a file (attr.mmap; other mappings are mmap_data),
 * with the path as the process sees it. A ring wakes us at its first record, then not for a while:
 * programs that start have a dozen each.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seek/impl.h"

#define RING_PAGES 2 /* and the head: 60 mappings. What does not fit is told as lost. */
#define PAUSE_NS (2 * NSEC_PER_MSEC)
#define RECORD_MAX 8192 /* a record is a path and 80 bytes */

struct ring {
	struct news *news;
	int fd;
	struct perf_event_mmap_page *head;
	struct loop_io *io;
};

struct news {
	struct loop *loop;
	struct loop_timer *pause;
	walk_fn fn;
	void *ctx;
	u64 lost;
	size_t page, rings_n;
	u8 record[RECORD_MAX];
	struct ring ring[];
};

/* ---- a ring ------------------------------------------------------------------------------- */

static void copy_out(const struct news *n, const struct ring *r, u64 at, void *dst, size_t size)
{
	size_t bytes = RING_PAGES * n->page, from = at % bytes;
	size_t first = size < bytes - from ? size : bytes - from;
	const u8 *data = (const u8 *)r->head + n->page;

	memcpy(dst, data + from, first);
	memcpy((u8 *)dst + first, data, size - first);
}

static void take(struct news *n, size_t size)
{
	const struct perf_event_header *head = (const void *)n->record;
	struct mapping m;
	u64 lost;
	u32 pid;

	if (head->type == PERF_RECORD_LOST && size >= sizeof(*head) + 2 * sizeof(lost)) {
		memcpy(&lost, n->record + sizeof(*head) + sizeof(lost), sizeof(lost));
		n->lost += lost;
	} else if (mapping_of_record(n->record, size, &pid, &m) && m.exec) {
		n->fn(n->ctx, pid, &m);
	}
}

/* What is there when it begins: bounded by the ring. */
static void drain(struct news *n, struct ring *r)
{
	u64 head = __atomic_load_n(&r->head->data_head, __ATOMIC_ACQUIRE);
	u64 tail = r->head->data_tail;
	struct perf_event_header h;

	while (tail < head) {
		copy_out(n, r, tail, &h, sizeof(h));
		if (h.size < sizeof(h) || h.size > head - tail) {
			tail = head; /* it cannot be: begin anew */
			n->lost++;
			break;
		}
		if (h.size <= RECORD_MAX) {
			copy_out(n, r, tail, n->record, h.size);
			take(n, h.size);
		} else {
			n->lost++;
		}
		tail += h.size;
	}
	__atomic_store_n(&r->head->data_tail, tail, __ATOMIC_RELEASE);
}

/* ---- when to look --------------------------------------------------------------------------- */

static void watch(struct news *n, u32 events)
{
	for (size_t i = 0; i < n->rings_n; i++)
		loop_mod(n->ring[i].io, events);
}

static void drain_all(struct news *n)
{
	for (size_t i = 0; i < n->rings_n; i++)
		drain(n, &n->ring[i]);
}

static void on_ring(void *ctx, int fd, u32 events)
{
	struct ring *r = ctx;

	drain_all(r->news);
	watch(r->news, 0);
	loop_arm(r->news->pause, PAUSE_NS, 0);
}

static void on_pause(void *ctx)
{
	struct news *n = ctx;

	watch(n, LOOP_READ);
	drain_all(n); /* what came before the watch */
}

/* ---- life ----------------------------------------------------------------------------------- */

static int ring_open(struct news *n, struct ring *r, int cpu)
{
	struct perf_event_attr attr = { .size = sizeof(attr),
					.type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_DUMMY,
					.mmap = 1,
					.mmap2 = 1,
					.watermark = 1,
					.wakeup_watermark = 1 };

	*r = (struct ring){ .news = n, .head = MAP_FAILED };
	r->fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (r->fd < 0)
		return -errno;
	n->rings_n++;
	r->head = mmap(NULL, (1 + RING_PAGES) * n->page, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		       0);
	if (r->head == MAP_FAILED)
		return -errno;
	r->io = loop_add(n->loop, r->fd, LOOP_READ, on_ring, r);
	return r->io ? 0 : -errno;
}

int news_new(struct news **ret, struct loop *l, walk_fn fn, void *ctx)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct news *n = calloc(1, sizeof(*n) + (size_t)cpus * sizeof(n->ring[0]));
	int err = -ENOMEM;

	if (!n)
		return err;
	*n = (struct news){ .loop = l, .fn = fn, .ctx = ctx, .page = (size_t)sysconf(_SC_PAGESIZE) };
	n->pause = loop_timer_new(l, on_pause, n);
	if (!n->pause)
		goto fail;
	for (int cpu = 0; cpu < cpus; cpu++) {
		err = ring_open(n, &n->ring[n->rings_n], cpu);
		if (err && err != -ENODEV) /* a CPU that is off */
			goto fail;
	}
	err = n->rings_n ? 0 : -ENODEV;
	if (err)
		goto fail;
	*ret = n;
	return 0;
fail:
	news_free(n);
	return err;
}

void news_free(struct news *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->rings_n; i++) {
		struct ring *r = &n->ring[i];

		loop_del(r->io);
		if (r->head != MAP_FAILED)
			munmap(r->head, (1 + RING_PAGES) * n->page);
		close(r->fd);
	}
	loop_timer_free(n->pause);
	free(n);
}

u64 news_lost(const struct news *n)
{
	return n->lost;
}
