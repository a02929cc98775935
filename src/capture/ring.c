/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport: ring buffer or, on kernels without one, a perf buffer per CPU. Nobody is woken
 * per event: a timer comes by, sooner when there was much, later when there was little, and
 * the kernel side wakes us at once when the ring is half full.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/log.h"
#include "capture/internal.h"
#include "capture/ring_map.h"

#define PERF_PAGES_MAX 16384 /* per CPU */

/* Time between drains: halved when the last one found this much, doubled when none. */
#define DRAIN_MIN_NS (1 * NSEC_PER_MSEC)
#define DRAIN_MAX_NS (100 * NSEC_PER_MSEC)
#define DRAIN_BUSY 256
/* Records a turn of the loop at most, so that a flood does not starve the exporter. */
#define DRAIN_TURN 16384

struct ring {
	const struct capture_config *config;
	struct ring_map map;
	struct perf_buffer *pb; /* NULL: the map it is */
	struct loop_io *io;
	struct loop_timer *timer;
	u64 pause_ns;
	size_t perf_records; /* handed over by the running perf drain */
	bool told;	     /* that the ring's memory is damaged */
};

struct perf_sample {
	struct perf_event_header header;
	u32 size; /* padded to 8 with what precedes it: decode looks at head.size */
	char data[];
};

/* PERF_RECORD_LOST is left aside: bpf_perf_event_output told the program, which counted. */
static enum bpf_perf_event_ret on_perf_event(void *ctx, int cpu, struct perf_event_header *event)
{
	const struct perf_sample *sample = (const void *)event;
	struct ring *r = ctx;

	if (event->type == PERF_RECORD_SAMPLE) {
		r->perf_records++;
		r->config->record(r->config->ctx, sample->data, sample->size);
	}
	return LIBBPF_PERF_EVENT_CONT;
}

static int drain_map(struct ring *r, size_t limit)
{
	int n = ring_map_read(&r->map, limit, r->config->record, r->config->ctx);

	if (n < 0 && !r->told)
		log_warn("capture", "the ring buffer has a record that cannot be: what was in it "
				    "is passed over");
	r->told |= n < 0;
	return n;
}

int ring_drain(struct ring *r, size_t limit)
{
	int err;

	if (!r->pb)
		return drain_map(r, limit);
	r->perf_records = 0;
	err = perf_buffer__consume(r->pb);
	return err < 0 ? err : (int)r->perf_records;
}

static void turn(struct ring *r)
{
	int n = ring_drain(r, DRAIN_TURN);

	if (n >= DRAIN_TURN)
		r->pause_ns = 0; /* more is waiting: the next turn */
	else if (n >= DRAIN_BUSY)
		r->pause_ns = r->pause_ns / 2 > DRAIN_MIN_NS ? r->pause_ns / 2 : DRAIN_MIN_NS;
	else
		r->pause_ns = r->pause_ns * 2 < DRAIN_MAX_NS ? r->pause_ns * 2 : DRAIN_MAX_NS;
	if (!r->pause_ns && n < DRAIN_TURN)
		r->pause_ns = DRAIN_MIN_NS;
	loop_arm(r->timer, r->pause_ns, 0);
}

static void on_timer(void *ctx)
{
	turn(ctx);
}

static void on_wakeup(void *ctx, int fd, u32 events)
{
	turn(ctx);
}

/* What the ring would have, shared among the CPUs: a power of two, one at least. */
static size_t perf_pages(u64 ring_bytes)
{
	u64 page = (u64)sysconf(_SC_PAGESIZE), cpus = (u64)sysconf(_SC_NPROCESSORS_ONLN), n = 1;

	while (n < PERF_PAGES_MAX && n * page * cpus < ring_bytes)
		n *= 2;
	return n;
}

static struct perf_buffer *open_perf_pages(struct ring *r, int fd, size_t pages)
{
	/* wake the reader at half of a CPU's buffer, not at each sample */
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.watermark = 1,
		.wakeup_watermark = (u32)(pages * (size_t)sysconf(_SC_PAGESIZE) / 2),
	};

	return perf_buffer__new_raw(fd, pages, &attr, on_perf_event, r, NULL);
}

/* Without CAP_IPC_LOCK the kernel limits what may be locked (perf_event_mlock_kb): less, then. */
static struct perf_buffer *open_perf(struct ring *r, int fd, u64 ring_bytes)
{
	struct perf_buffer *pb = NULL;

	for (size_t pages = perf_pages(ring_bytes); pages && !pb; pages /= 2)
		pb = open_perf_pages(r, fd, pages);
	return pb;
}

/* -errno, or the descriptor that tells when there is much to read. */
static int open_transport(struct ring *r, const struct maps *maps)
{
	int err;

	if (maps->transport == TRANSPORT_RINGBUF) {
		err = ring_map_open(&r->map, maps->ring, maps->ring_bytes, REC_SIZE_MAX);
		return err ? err : maps->ring;
	}
	r->pb = open_perf(r, maps->perf, maps->ring_bytes);
	return r->pb ? perf_buffer__epoll_fd(r->pb) : -errno;
}

int ring_new(struct ring **ret, struct loop *l, const struct maps *maps,
	     const struct capture_config *config)
{
	struct ring *r = calloc(1, sizeof(*r));
	int fd, err;

	if (!r)
		return -ENOMEM;
	r->config = config;
	r->pause_ns = DRAIN_MAX_NS;
	fd = err = open_transport(r, maps);
	if (fd < 0)
		goto fail;
	r->io = loop_add(l, fd, LOOP_READ, on_wakeup, r);
	r->timer = r->io ? loop_timer_new(l, on_timer, r) : NULL;
	err = -errno;
	if (!r->timer)
		goto fail;
	loop_arm(r->timer, DRAIN_MIN_NS, 0);
	*ret = r;
	return 0;
fail:
	ring_free(r);
	return err;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	loop_del(r->io);
	loop_timer_free(r->timer);
	ring_map_close(&r->map);
	perf_buffer__free(r->pb);
	free(r);
}
