/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of the kernel's ring buffer (BPF_MAP_TYPE_RINGBUF, since 5.8: kernel commit
 * 457f44363a88, kernel/bpf/ringbuf.c, Documentation/bpf/ringbuf.rst). What a map's descriptor
 * gives to mmap, in pages:
 *
 *	0	the consumer's position, the only one that we may write
 *	1	the producers' position
 *	2...	the data, and then the same data again
 *
 * All that is mapped is resident from the first moment on, also where nothing was written yet
 * (remap_vmalloc_range enters every page). libbpf maps the data twice, so that a record that
 * runs over the end is in one piece; for that as much as the longest record is enough.
 *
 * Positions only grow, the place is the position modulo the size. A record is a head of eight
 * bytes and its own, padded to eight. Producers move their position before they write, with the
 * head's busy bit set; so records become ready out of turn, and the first that is not ends what
 * can be read.
 *
 * One reader, one thread. The kernel writes the lengths; they are checked all the same.
 */
#ifndef CAPTURE_RING_MAP_H
#define CAPTURE_RING_MAP_H

#include "base/types.h"

struct ring_map {
	unsigned long *consumer;	/* NULL: closed */
	const unsigned long *producer;
	const u8 *data;		/* size bytes, then the first `over` of them once more */
	size_t size;		/* a power of two */
	size_t over;		/* no record is longer than this */
	unsigned long at;	/* what *consumer is: only we move it */
};

/* The record is valid during the call, aligned to 8. It must not read from the same map. */
typedef void (*ring_map_fn)(void *ctx, const void *record, size_t size);

/* fd: stays the caller's. size: what the map was made with. over: the longest record; memory for
 * it is mapped in whole pages. */
int ring_map_open(struct ring_map *ret, int fd, size_t size, size_t over);
void ring_map_close(struct ring_map *m);	/* NULL and closed ones are fine */

/* Hand over what is ready, at most limit (<= INT32_MAX) records; returns how many they were, those included that
 * the producer threw away, which are not handed over. -EBADMSG: a length cannot be true; what lies
 * between there and the producers' position is passed over, and the next call goes on behind. */
int ring_map_read(struct ring_map *m, size_t limit, ring_map_fn fn, void *ctx);

#endif
