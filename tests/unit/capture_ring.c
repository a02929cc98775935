// SPDX-License-Identifier: Apache-2.0
/* links: src/capture/ring_map.c */
/*
 * The ring's memory as the kernel lays it out, in a file of our own: a producer that does what
 * kernel/bpf/ringbuf.c does, step by step, and the reader against it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/ring_map.h"

#define OVER 256 /* the longest record here: less than a page */
#define HEAD BPF_RINGBUF_HDR_SZ

static size_t page, size;

/* As the kernel has it: both positions and the data twice. */
struct kernel {
	int fd;
	u8 *all;
	unsigned long *consumer, *producer;
	u8 *data;
};

struct told {
	u32 n;	       /* records */
	u32 next;      /* the number that the next one must begin with */
	size_t sizes[4]; /* of the first ones */
};

/* ---- the kernel's side ------------------------------------------------------------------------ */

/* A file cannot show the same page twice in a row, so what the reader maps behind the data is a
 * copy, brought up to date by mirror(). */
static void kernel_open(struct kernel *k)
{
	k->fd = memfd_create("ring", MFD_CLOEXEC);
	assert_int_equal(ftruncate(k->fd, (off_t)(2 * page + 2 * size)), 0);
	k->all = mmap(NULL, 2 * page + 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED, k->fd, 0);
	assert_ptr_not_equal(k->all, MAP_FAILED);
	k->consumer = (void *)k->all;
	k->producer = (void *)(k->all + page);
	k->data = k->all + 2 * page;
}

static void kernel_close(struct kernel *k)
{
	munmap(k->all, 2 * page + 2 * size);
	close(k->fd);
}

static void mirror(struct kernel *k)
{
	memcpy(k->data + size, k->data, size);
}

static u8 *place(const struct kernel *k, unsigned long at)
{
	return k->data + at % size;
}

static void put(struct kernel *k, unsigned long at, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*place(k, at + i) = ((const u8 *)p)[i];
	mirror(k);
}

static void set_length(struct kernel *k, unsigned long at, u32 length)
{
	put(k, at, &length, sizeof(length));
}

static size_t whole(size_t n)
{
	return (HEAD + n + 7) / 8 * 8;
}

/* Where it is; its length says busy until commit(). */
static unsigned long reserve(struct kernel *k, size_t n)
{
	unsigned long at = *k->producer;

	assert_true(at + whole(n) - *k->consumer <= size - 1);
	set_length(k, at, (u32)n | BPF_RINGBUF_BUSY_BIT);
	*k->producer = at + whole(n);
	return at;
}

static void commit(struct kernel *k, unsigned long at, u32 number, bool discard)
{
	u32 length;
	u8 bytes[OVER];

	memcpy(&length, place(k, at), sizeof(length));
	length &= ~BPF_RINGBUF_BUSY_BIT;
	memset(bytes, (int)(number & 0xff), sizeof(bytes));
	memcpy(bytes, &number, sizeof(number));
	put(k, at + HEAD, bytes, length);
	set_length(k, at, length | (discard ? BPF_RINGBUF_DISCARD_BIT : 0));
}

static void output(struct kernel *k, size_t n, u32 number)
{
	commit(k, reserve(k, n), number, false);
}

/* Nothing is in it, and the next record goes here. */
static void start_at(struct kernel *k, unsigned long at)
{
	*k->consumer = *k->producer = at;
}

/* ---- the reader's ----------------------------------------------------------------------------- */

static void on_record(void *ctx, const void *record, size_t n)
{
	struct told *t = ctx;
	const u8 *p = record;
	u32 number;

	assert_int_equal((uintptr_t)record % 8, 0);
	assert_true(n >= sizeof(number) && n <= OVER);
	memcpy(&number, p, sizeof(number));
	assert_int_equal(number, t->next);
	for (size_t i = sizeof(number); i < n; i++)
		assert_int_equal(p[i], number & 0xff);
	if (t->n < ARRAY_SIZE(t->sizes))
		t->sizes[t->n] = n;
	t->n++;
	t->next++;
}

static void reader_open(struct ring_map *m, const struct kernel *k)
{
	assert_int_equal(ring_map_open(m, k->fd, size, OVER), 0);
}

static int read_all(struct ring_map *m, struct told *t)
{
	*t = (struct told){ .next = t->next };
	return ring_map_read(m, INT32_MAX, on_record, t);
}

static int setup(void **state)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	size = 4 * page;
	return 0;
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void test_empty(void **state)
{
	struct told t = { 0 };
	struct ring_map m;
	struct kernel k;

	kernel_open(&k);
	reader_open(&m, &k);
	assert_int_equal(read_all(&m, &t), 0);
	output(&k, 8, 0);
	assert_int_equal(read_all(&m, &t), 1);
	assert_int_equal(t.n, 1);
	assert_int_equal(read_all(&m, &t), 0);
	assert_int_equal(*k.consumer, *k.producer);
	ring_map_close(&m);
	ring_map_close(&m);
	ring_map_close(NULL);
	kernel_close(&k);
}

/* A record over the end, cut at each place it can be: its head, its bytes, exactly behind it. */
static void test_wraps_anywhere(void **state)
{
	struct kernel k;

	kernel_open(&k);
	for (size_t n = 4; n <= OVER; n = n < 64 ? n + 1 : n + 48)
		for (size_t before = 0; before <= whole(n) + 8; before += 8) {
			struct told t = { 0 };
			struct ring_map m;

			start_at(&k, 7 * size - before);
			reader_open(&m, &k);
			output(&k, n, 0);
			output(&k, OVER, 1);
			assert_int_equal(read_all(&m, &t), 2);
			assert_int_equal(t.n, 2);
			assert_int_equal(t.sizes[0], n);
			assert_int_equal(t.sizes[1], OVER);
			assert_int_equal(*k.consumer, *k.producer);
			ring_map_close(&m);
		}
	kernel_close(&k);
}

/* A ring that is no larger than what is mapped behind it: a record as long as it has room for. */
static void test_smallest_ring(void **state)
{
	struct told t = { 0 };
	struct ring_map m;
	struct kernel k;

	size = page;
	kernel_open(&k);
	start_at(&k, 3 * size - 8);
	assert_int_equal(ring_map_open(&m, k.fd, size, 64 * page), 0);
	for (u32 i = 0; i < 4 * size / whole(200); i++) {
		output(&k, 200, i);
		assert_int_equal(read_all(&m, &t), 1);
	}
	ring_map_close(&m);
	kernel_close(&k);
}

static void test_discarded(void **state)
{
	struct told t = { 0 };
	struct ring_map m;
	struct kernel k;

	kernel_open(&k);
	reader_open(&m, &k);
	commit(&k, reserve(&k, 16), 99, true);
	output(&k, 16, 0);
	commit(&k, reserve(&k, OVER), 99, true);
	commit(&k, reserve(&k, 4), 99, true);
	output(&k, 24, 1);
	assert_int_equal(read_all(&m, &t), 5);
	assert_int_equal(t.n, 2);
	assert_int_equal(*k.consumer, *k.producer);
	ring_map_close(&m);
	kernel_close(&k);
}

/* Producers finish out of turn: what is behind one at work waits for it. */
static void test_busy_stops(void **state)
{
	unsigned long second, third;
	struct told t = { 0 };
	struct ring_map m;
	struct kernel k;

	kernel_open(&k);
	reader_open(&m, &k);
	output(&k, 8, 0);
	second = reserve(&k, 32);
	third = reserve(&k, 8);
	commit(&k, third, 2, false);
	assert_int_equal(read_all(&m, &t), 1);
	assert_int_equal(*k.consumer, second);
	assert_int_equal(read_all(&m, &t), 0);
	commit(&k, second, 1, false);
	assert_int_equal(read_all(&m, &t), 2);
	assert_int_equal(*k.consumer, *k.producer);
	ring_map_close(&m);
	kernel_close(&k);
}

static void test_limit(void **state)
{
	struct told t = { 0 };
	struct ring_map m;
	struct kernel k;

	kernel_open(&k);
	reader_open(&m, &k);
	for (u32 i = 0; i < 5; i++)
		output(&k, 8, i);
	assert_int_equal(ring_map_read(&m, 0, on_record, &t), 0);
	assert_int_equal(ring_map_read(&m, 3, on_record, &t), 3);
	assert_int_equal(*k.consumer, 3 * whole(8));
	assert_int_equal(ring_map_read(&m, 3, on_record, &t), 2);
	ring_map_close(&m);
	kernel_close(&k);
}

struct room {
	struct kernel *k;
	unsigned long at;
	u32 n;
};

/* While a record is looked at the kernel has to keep it; as soon as it is not, it may go. */
static void on_room(void *ctx, const void *record, size_t n)
{
	struct room *r = ctx;

	assert_int_equal(*r->k->consumer, r->at);
	r->at += whole(n);
	r->n++;
}

static void test_gives_back_one_by_one(void **state)
{
	struct ring_map m;
	struct kernel k;
	struct room r = { .k = &k };

	kernel_open(&k);
	reader_open(&m, &k);
	for (u32 i = 0; i < 3; i++)
		output(&k, 8, i);
	assert_int_equal(ring_map_read(&m, 8, on_room, &r), 3);
	assert_int_equal(r.n, 3);
	ring_map_close(&m);
	kernel_close(&k);
}

/* What no kernel writes: it is not followed, and what comes later is read again. */
static void test_impossible(void **state)
{
	static const struct {
		u32 length;
		size_t behind; /* a record of this size follows */
	} cases[] = {
		{ 9, 0 },
		{ OVER + 1, 2 * OVER },
		{ 0x3fffffff, 0 },
		{ 0x3ffffff8, 2 * OVER },
		{ (OVER + 1) | BPF_RINGBUF_DISCARD_BIT, 2 * OVER },
		{ 0x3fffffff | BPF_RINGBUF_DISCARD_BIT, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct told t = { 0 };
		struct ring_map m;
		struct kernel k;
		unsigned long at;

		kernel_open(&k);
		start_at(&k, size - 16);
		reader_open(&m, &k);
		at = reserve(&k, 8);
		if (cases[i].behind)
			reserve(&k, cases[i].behind);
		set_length(&k, at, cases[i].length);
		assert_int_equal(read_all(&m, &t), -EBADMSG);
		assert_int_equal(t.n, 0);
		assert_int_equal(*k.consumer, *k.producer);
		output(&k, 8, 0);
		assert_int_equal(read_all(&m, &t), 1);
		ring_map_close(&m);
		kernel_close(&k);
	}
}

static void test_impossible_position(void **state)
{
	static const long steps[] = { 8, -8 };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct told t = { 0 };
		struct ring_map m;
		struct kernel k;

		kernel_open(&k);
		start_at(&k, 4 * size);
		reader_open(&m, &k);
		*k.producer += (unsigned long)(steps[i] < 0 ? steps[i] : (long)size + steps[i]);
		assert_int_equal(read_all(&m, &t), -EBADMSG);
		assert_int_equal(*k.consumer, *k.producer);
		output(&k, 8, 0);
		assert_int_equal(read_all(&m, &t), 1);
		ring_map_close(&m);
		kernel_close(&k);
	}
}

/* Bytes that this process has mapped of the file. */
static size_t mapped(const char *name)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long begin, end;
	char line[512];
	size_t n = 0;

	while (fgets(line, sizeof(line), f))
		if (strstr(line, name) && sscanf(line, "%lx-%lx", &begin, &end) == 2)
			n += end - begin;
	fclose(f);
	return n;
}

/* The data once, and no more behind it than the longest record needs: that is what this is for. */
static void test_maps_once(void **state)
{
	int fd = memfd_create("once", MFD_CLOEXEC);
	struct ring_map m;

	assert_int_equal(ftruncate(fd, (off_t)page), 0);
	assert_int_equal(ring_map_open(&m, fd, size, OVER), 0);
	assert_int_equal(mapped("once"), 2 * page + size + page);
	ring_map_close(&m);
	assert_int_equal(mapped("once"), 0);
	assert_int_equal(ring_map_open(&m, fd, size, 64 * page), 0);
	assert_int_equal(mapped("once"), 2 * page + 2 * size);
	ring_map_close(&m);
	assert_int_equal(mapped("once"), 0);
	close(fd);
}

static void test_cannot_map(void **state)
{
	int fd = memfd_create("never", MFD_CLOEXEC);
	struct ring_map m = { 0 };

	assert_int_equal(ring_map_open(&m, -1, size, OVER), -EBADF);
	assert_int_equal(ftruncate(fd, (off_t)page), 0);
	assert_int_equal(ring_map_open(&m, fd, (size_t)1 << 60, OVER), -ENOMEM);
	assert_int_equal(mapped("never"), 0);
	close(fd);
}

/* ---- a producer that runs meanwhile ------------------------------------------------------------ */

#define RECORDS 200000u

/* As __bpf_ringbuf_reserve() and bpf_ringbuf_commit(), in numbers that say what is wrong; it keeps
 * off the end, because here the copy behind it could not be written at the same time. */
static void *produce(void *ctx)
{
	struct kernel *k = ctx;
	unsigned long at = 0;

	for (u32 i = 0; i < RECORDS; i++) {
		size_t n = 4 + i % 61, need;
		bool skip;
		u32 *head;

		skip = at % size + whole(n) > size;
		if (skip)
			n = size - at % size - HEAD;
		need = whole(n);
		while (at + need - __atomic_load_n(k->consumer, __ATOMIC_ACQUIRE) > size - 1)
			sched_yield();
		head = (void *)place(k, at);
		__atomic_store_n(head, (u32)n | BPF_RINGBUF_BUSY_BIT, __ATOMIC_RELAXED);
		at += need;
		__atomic_store_n(k->producer, at, __ATOMIC_RELEASE);
		if (!skip) {
			memset((u8 *)head + HEAD, (int)(i & 0xff), n);
			memcpy((u8 *)head + HEAD, &i, sizeof(i));
		}
		__atomic_exchange_n(head, (u32)n | (skip ? BPF_RINGBUF_DISCARD_BIT : 0),
				    __ATOMIC_SEQ_CST);
		i -= skip;
	}
	return NULL;
}

static void test_while_written(void **state)
{
	struct told t = { 0 };
	struct ring_map m;
	struct kernel k;
	pthread_t thread;

	kernel_open(&k);
	reader_open(&m, &k);
	assert_int_equal(pthread_create(&thread, NULL, produce, &k), 0);
	while (t.n < RECORDS)
		if (!ring_map_read(&m, 100, on_record, &t))
			sched_yield();
	pthread_join(thread, NULL);
	assert_int_equal(*k.consumer, *k.producer);
	ring_map_close(&m);
	kernel_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_empty, setup),
		cmocka_unit_test_setup(test_wraps_anywhere, setup),
		cmocka_unit_test_setup(test_smallest_ring, setup),
		cmocka_unit_test_setup(test_discarded, setup),
		cmocka_unit_test_setup(test_busy_stops, setup),
		cmocka_unit_test_setup(test_limit, setup),
		cmocka_unit_test_setup(test_gives_back_one_by_one, setup),
		cmocka_unit_test_setup(test_impossible, setup),
		cmocka_unit_test_setup(test_impossible_position, setup),
		cmocka_unit_test_setup(test_cannot_map, setup),
		cmocka_unit_test_setup(test_maps_once, setup),
		cmocka_unit_test_setup(test_while_written, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
