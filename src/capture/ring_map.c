/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "capture/ring_map.h"

#define LENGTH_MASK (BPF_RINGBUF_DISCARD_BIT - 1) /* both bits are above it */

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) & ~(to - 1);
}

/* The kernel's second copy ends with the data. */
static size_t mapped_over(size_t size, size_t over)
{
	size_t whole = round_up(over, page_size());

	return whole < size ? whole : size;
}

int ring_map_open(struct ring_map *ret, int fd, size_t size, size_t over)
{
	size_t page = page_size(), n = page + size + mapped_over(size, over);
	void *consumer, *rest;
	int err;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	rest = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (rest == MAP_FAILED) {
		err = -errno;
		munmap(consumer, page);
		return err;
	}
	*ret = (struct ring_map){ .consumer = consumer,
				  .producer = rest,
				  .data = (const u8 *)rest + page,
				  .size = size,
				  .over = over };
	ret->at = *ret->consumer;
	return 0;
}

void ring_map_close(struct ring_map *m)
{
	if (!m || !m->consumer)
		return;
	munmap(m->consumer, page_size());
	munmap((void *)(uintptr_t)m->producer,
	       page_size() + m->size + mapped_over(m->size, m->over));
	*m = (struct ring_map){ 0 };
}

/* Behind this the kernel may write again: with release, so that all we read is read. */
static void advance(struct ring_map *m, unsigned long to)
{
	m->at = to;
	__atomic_store_n(m->consumer, to, __ATOMIC_RELEASE);
}

/* 1: read one; 0: none is ready; -EBADMSG. */
static int read_one(struct ring_map *m, unsigned long producer, ring_map_fn fn, void *ctx)
{
	const u8 *head = m->data + (m->at & (m->size - 1));
	/* bpf_ringbuf_commit() takes the busy bit away when the bytes are written */
	u32 length = __atomic_load_n((const u32 *)head, __ATOMIC_ACQUIRE), size;
	size_t whole;

	if (length & BPF_RINGBUF_BUSY_BIT)
		return 0;
	size = length & LENGTH_MASK;
	whole = round_up(BPF_RINGBUF_HDR_SZ + (size_t)size, 8);
	if (size > m->over || whole > producer - m->at)
		return -EBADMSG;
	if (!(length & BPF_RINGBUF_DISCARD_BIT))
		fn(ctx, head + BPF_RINGBUF_HDR_SZ, size);
	advance(m, m->at + whole);
	return 1;
}

int ring_map_read(struct ring_map *m, size_t limit, ring_map_fn fn, void *ctx)
{
	unsigned long producer = m->at;
	size_t n = 0;

	while (n < limit) {
		int got;

		/* __bpf_ringbuf_reserve() stores it when the head is there, busy */
		if (m->at == producer)
			producer = __atomic_load_n(m->producer, __ATOMIC_ACQUIRE);
		if (m->at == producer)
			break;
		got = producer - m->at > m->size ? -EBADMSG : read_one(m, producer, fn, ctx);
		if (!got)
			break;
		if (got < 0) {
			advance(m, producer);
			return got;
		}
		n++;
	}
	return (int)n;
}
