// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/pipe*.c src/pod.c src/select/[a-z]*.c src/decode/[a-z]*.c src/enrich/[a-z]*.c src/fold/[a-z]*.c src/gauge/[a-z]*.c src/report/[a-z]*.c src/net/[a-z]*.c otel/[a-z]*.c otel/map/[a-z]*.c tests/kind/world.c libs: otlp-proto curl bearssl protobuf-c z */
/* Ten thousand containers in an hour, the clock being that of the records: what they leave. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrich/enrich.h"
#include "tests/kind/kind.h"

/* Of the sanitizer (sanitizer/allocator_interface.h, which gcc does not ship). */
size_t __sanitizer_get_current_allocated_bytes(void);

#define CONTAINERS 10000
#define HOUR (3600 * NSEC_PER_SEC)
#define MINUTE (60 * NSEC_PER_SEC)
#define GONE (ENRICH_MEMORY_NS + 2 * MINUTE)

static struct pipe *pipe_;
static size_t lines_n, named_n;

static void on_line(void *ctx, struct str text)
{
	(void)ctx;
	lines_n++;
	named_n += memmem(text.p, text.n, "shop/pod-", 9) != NULL;
}

static void put_mkdir(u64 cgroup, struct str path, u64 when_ns)
{
	struct rec_cgroup_mkdir *rec;
	struct golden g;

	golden_load("cgroup_mkdir", &g);
	rec = (void *)g.bytes;
	rec->head.cgroup = cgroup;
	rec->head.when_ns = when_ns;
	rec->path = (struct rec_text){ sizeof(*rec), (u16)path.n };
	memcpy(g.bytes + sizeof(*rec), path.p, path.n);
	g.n = rec->head.size = (u16)(sizeof(*rec) + path.n);
	pipe_record(pipe_, g.bytes, g.n);
}

static void put(struct golden *g, u64 cgroup, u32 pid, u64 when_ns)
{
	struct rec_head *head = (void *)g->bytes;

	head->cgroup = cgroup;
	head->when_ns = when_ns;
	head->pid = pid;
	head->key = when_ns;
	pipe_record(pipe_, g->bytes, g->n);
}

/* One container's life: made, named, at work, gone. */
static void live(u32 i, u64 when_ns)
{
	static const struct label labels[] = { { STR("app"), STR("cart") } };
	struct container c = { .source = NAME_FROM_CRI, .pod_namespace = STR("shop"),
			       .name = STR("web") };
	struct pod p = { .source = NAME_FROM_CRI, .namespace = STR("shop"), .labels = labels,
			 .labels_n = 1 };
	struct golden exec, exit;
	char path[256], pod[32];

	snprintf(c.id, sizeof(c.id), "%064x", i);
	snprintf(p.uid, sizeof(p.uid), "%08x-0000-0000-0000-000000000000", i);
	snprintf(pod, sizeof(pod), "pod-%u", i);
	memcpy(c.pod_uid, p.uid, sizeof(c.pod_uid));
	p.name = c.pod_name = str_of(pod);
	snprintf(path, sizeof(path), "/kubepods/burstable/pod%s/%s", p.uid, c.id);
	golden_load("process_exec", &exec);
	golden_load("process_exit", &exit);
	put_mkdir(10000 + i, str_of(path), when_ns);
	put(&exec, 10000 + i, i + 10, when_ns + 1000);
	put(&exit, 10000 + i, i + 10, when_ns + 2000);
	pipe_container(pipe_, &c);
	pipe_pod(pipe_, &p);
	pipe_tick(pipe_, when_ns + 3000);
	pipe_container_gone(pipe_, str_of(c.id), when_ns + 4000);
	pipe_pod_gone(pipe_, str_of(p.uid), when_ns + 4000);
}

/* n containers evenly in an hour, and twelve quiet minutes; the most memory there was. */
static size_t an_hour(u32 from, u32 n, u64 begin_ns)
{
	size_t most = 0;
	u64 minute = begin_ns;

	for (u32 i = 0; i < n; i++) {
		u64 now = begin_ns + HOUR / n * i;

		live(from + i, now);
		for (; minute < now; minute += MINUTE)
			pipe_expire(pipe_, minute);
		if (__sanitizer_get_current_allocated_bytes() > most)
			most = __sanitizer_get_current_allocated_bytes();
	}
	pipe_expire(pipe_, begin_ns + HOUR + GONE);
	return most;
}

static void test_hour(void **state)
{
	struct pipe_config config = world_config();
	struct enrich_stats stats;
	size_t before, most, after;
	char err[256];

	(void)state;
	config.live = LIVE_TEXT;
	config.line = on_line;
	config.enrich.cgroups_max = 16384;
	config.enrich.processes_max = 4096;
	if (pipe_new(&pipe_, &config, err, sizeof(err)))
		fail_msg("%s", err);
	pipe_expect_names(pipe_, true);
	an_hour(0, 100, WORLD_START_NS); /* what is allocated once is there now */
	before = __sanitizer_get_current_allocated_bytes();
	enrich_stats(pipe_enrich(pipe_), &stats);
	assert_true(!stats.containers && !stats.pods && !stats.cgroups);
	most = an_hour(100, CONTAINERS, WORLD_START_NS + 2 * HOUR);
	after = __sanitizer_get_current_allocated_bytes();
	enrich_stats(pipe_enrich(pipe_), &stats);
	assert_true(!stats.containers && !stats.pods && !stats.cgroups && !stats.whos);
	assert_int_equal(stats.cgroup_evicted, 0);
	assert_int_equal(stats.names_evicted, 0);
	assert_int_equal(after, before);
	assert_in_range(most, before + 100000, before + (4 << 20)); /* ten minutes' worth */
	/* mkdir, exec and exit of each, all with its name */
	assert_int_equal(lines_n, 3 * (CONTAINERS + 100));
	assert_int_equal(named_n, lines_n);
	printf("identity: %d containers in an hour: %zu KiB at most above %zu KiB, 0 left\n",
	       CONTAINERS, (most - before) / 1024, before / 1024);
	pipe_free(pipe_);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_hour) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
