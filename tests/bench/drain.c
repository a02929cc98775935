/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many records a second of CPU time the user side takes, each way in turn:
 *
 *	drain FILE [ROUNDS]	FILE: made by podtrace capture
 *
 * ring: out of the kernel's ring and no further, records of 128 bytes. decode: records of the
 * file to events. pipe: decoded, whose they are, folded, ready for whoever wants them. One
 * JSON object with the rate of each round.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "base/table.h"
#include "bench/empty.skel.h"
#include "capture/internal.h"
#include "capture/tap.h"
#include "pipe.h"

#define ROUNDS_MAX 64
#define RING_BYTES (1u << 20)
#define FILLED 4096 /* RECORDS of empty.bpf.c */
#define CGROUPS_MAX 16384

struct path {
	char text[512];
};

/* All records of the file, one behind the other, each with its size in front. */
static struct buf records;
static u64 records_n;
static struct table *cgroups;
static struct tap_origin origin;
static u64 drained;

static void die(const char *what)
{
	fprintf(stderr, "drain: %s\n", what);
	exit(1);
}

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the file ---------------------------------------------------------------------------------- */

static void on_record(void *ctx, const void *record, size_t size)
{
	static const char zeros[8];
	u64 n = size;

	buf_add(&records, &n, sizeof(n));
	buf_add(&records, record, size);
	buf_add(&records, zeros, -size % 8);
	records_n++;
}

static void on_cgroup(void *ctx, u64 id, struct str path)
{
	struct path *p = table_add(cgroups, &id, NULL);

	str_copy(p->text, sizeof(p->text), path);
}

static void on_container(void *ctx, const struct container *draft) {}
static void on_pod(void *ctx, const struct pod *draft) {}
static void on_environ(void *ctx, u64 cgroup, const struct environ_otel *found) {}
static void on_expect(void *ctx, bool names) {}
static void on_check(void *ctx, const struct tap_check *check) {}
static void on_runtime(void *ctx, const struct tap_runtime *runtime) {}
static void on_meter(void *ctx, const struct meter_key *key, const struct meter_cell *cell) {}
static void on_figures(void *ctx, const struct reading_set *set) {}
static void on_collect(void *ctx, u64 now_ns) {}
static void on_ledger(void *ctx, const struct ledger_page *page) {}
static void on_feature(void *ctx, const struct feature_status *status) {}

static void read_file(const char *path)
{
	const struct tap_player player = { .record = on_record, .cgroup = on_cgroup,
					   .container = on_container, .pod = on_pod,
					   .environ = on_environ, .expect = on_expect,
					   .check = on_check, .runtime = on_runtime,
					   .meter = on_meter, .figures = on_figures,
					   .collect = on_collect,
					   .ledger = on_ledger, .feature = on_feature };
	struct tap_file *file;
	char err[512];

	buf_init(&records, 1u << 30);
	cgroups = table_new(CGROUPS_MAX, sizeof(u64), sizeof(struct path), NULL, NULL);
	if (!cgroups || tap_open(&file, path, &origin, err, sizeof(err)))
		die(cgroups ? err : "out of memory");
	while (tap_next(file, &player))
		;
	tap_close(file);
	if (!records_n || records.err)
		die("the file has no records");
}

static void each_record(void (*fn)(void *ctx, const void *record, size_t size), void *ctx)
{
	const char *p = records.p, *end = p + records.n;
	u64 n;

	for (; p < end; p += sizeof(n) + (n + 7) / 8 * 8) {
		memcpy(&n, p, sizeof(n));
		fn(ctx, p + sizeof(n), n);
	}
}

/* ---- decode, pipe ------------------------------------------------------------------------------ */

static void decode_one(void *ctx, const void *record, size_t size)
{
	static struct decode_room room;
	struct event ev;

	if (decode(record, size, &room, &ev))
		die("a record of the file cannot be decoded");
}

static double measure_decode(void)
{
	double begin = cpu_s();

	each_record(decode_one, NULL);
	return (double)records_n / (cpu_s() - begin);
}

static int look_up(void *ctx, u64 id, char *dst, size_t cap)
{
	struct path *p = table_get(cgroups, &id);

	return p ? (int)str_copy(dst, cap, str_of(p->text)) : -ENOENT;
}

static void pipe_one(void *ctx, const void *record, size_t size)
{
	pipe_record(ctx, record, size);
}

static double measure_pipe(void)
{
	static struct host host;
	/* as cmd/podtrace/export.c has it */
	struct pipe_config config = { .host = &host,
				      .version = "bench",
				      .start_ns = origin.boot_ns,
				      .wall_offset_ns = origin.wall_offset_ns,
				      .enrich = { .cgroups_max = 16384, .processes_max = 4096,
						  .lookup = look_up } };
	struct pipe *pipe;
	char err[256];
	double begin, end;

	if (pipe_new(&pipe, &config, err, sizeof(err)))
		die(err);
	begin = cpu_s();
	each_record(pipe_one, pipe);
	end = cpu_s();
	pipe_free(pipe);
	return (double)records_n / (end - begin);
}

/* ---- ring -------------------------------------------------------------------------------------- */

static void drain_one(void *ctx, const void *record, size_t size)
{
	drained++;
}

struct kernel_side {
	struct capture_config config;
	struct maps maps;
	struct loop *loop;
	struct ring *ring;
	struct empty_bpf *fill;
};

static void ring_open(struct kernel_side *k)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	char err[256];

	*k = (struct kernel_side){ .config = { .ring_bytes = RING_BYTES, .record = drain_one } };
	setrlimit(RLIMIT_MEMLOCK, &all);
	say_setup();
	k->loop = loop_new();
	k->fill = empty_bpf__open();
	if (!k->loop || !k->fill || maps_open(&k->maps, &k->config, err, sizeof(err)) ||
	    ring_new(&k->ring, k->loop, &k->maps, &k->config) ||
	    bpf_map__reuse_fd(k->fill->maps.ring, k->maps.ring) ||
	    bpf_program__set_autoload(k->fill->progs.fill, true) || empty_bpf__load(k->fill))
		die("cannot set up a ring");
}

static double measure_ring(struct kernel_side *k)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);
	double begin;

	if (bpf_prog_test_run_opts(bpf_program__fd(k->fill->progs.fill), &run))
		die("cannot fill the ring");
	drained = 0;
	begin = cpu_s();
	while (ring_drain(k->ring, INT32_MAX) > 0)
		;
	if (drained != FILLED)
		die("the ring did not hold what was put into it");
	return FILLED / (cpu_s() - begin);
}

static void ring_close(struct kernel_side *k)
{
	empty_bpf__destroy(k->fill);
	ring_free(k->ring);
	maps_close(&k->maps);
	loop_free(k->loop);
}

/* ------------------------------------------------------------------------------------------------ */

static void tell(const char *name, const double *v, unsigned n)
{
	printf(",\"%s\":[", name);
	for (unsigned i = 0; i < n; i++)
		printf("%s%.0f", i ? "," : "", v[i]);
	printf("]");
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) % ROUNDS_MAX : 15;
	double ring[ROUNDS_MAX], decoded[ROUNDS_MAX], piped[ROUNDS_MAX];
	struct kernel_side k;

	if (argc < 2)
		die("usage: drain FILE [ROUNDS]");
	read_file(argv[1]);
	ring_open(&k);
	for (unsigned i = 0; i < rounds; i++) {
		ring[i] = measure_ring(&k);
		decoded[i] = measure_decode();
		piped[i] = measure_pipe();
	}
	printf("{\"records\":%llu,\"bytes\":%zu", (unsigned long long)records_n, records.n);
	tell("ring", ring, rounds);
	tell("decode", decoded, rounds);
	tell("pipe", piped, rounds);
	printf("}\n");
	ring_close(&k);
	buf_free(&records);
	table_free(cgroups);
	return 0;
}
