/* SPDX-License-Identifier: Apache-2.0 */
/* The maps that all families share, and how large each map is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/errname.h"
#include "capture/internal.h"

/*
 * Entries of the maps that hold state. Hashes are not preallocated: a map costs what it holds. But
 * before 6.1 the kernel warns of that in programs that know no types, which a node that panics on
 * warnings does not survive (check_map_prog_compatibility): there they are. What does not fit is
 * counted (LEDGER_LOST_STATE, LEDGER_LOST_METER) or, in LRU maps, takes the place of the oldest.
 */
static const struct {
	const char *map;
	u32 entries;
	enum { ALWAYS, ON_V1, OF_CALLS, BY_FUNCTION, WITH_CAP } when; /* the others are not made */
} sizes[] = {
	{ "targets", 4096, ALWAYS },	  /* cgroups asked for: containers of the chosen pods */
	{ "verdicts", 4096, ALWAYS },	  /* cgroups seen: 250 pods have about 1,000 */
	{ "parents", 4096, ON_V1 },	  /* of those that own sockets */
	{ "meters", 16384, ALWAYS },	  /* 1,000 cgroups with 16 series each */
	{ "caps", 4096, WITH_CAP },	  /* cgroups and kinds of which there is much */
	{ "conns", 65536, ALWAYS },	  /* open TCP connections */
	{ "sock_cgroups", 65536, ON_V1 }, /* the same, and listeners */
	{ "listeners", 4096, ALWAYS },
	{ "connecting", 4096, ALWAYS },
	{ "failed", 4096, ALWAYS },
	{ "owners", 4096, ALWAYS },	  /* sockets to port 53, of the last moments */
	{ "exits", 1024, ALWAYS },
	{ "calls", 32768, OF_CALLS },	  /* threads that have called something */
	{ "https", 16384, ALWAYS },	  /* open TCP connections that transfer something */
	{ "connect_calls", 4096, BY_FUNCTION }, /* threads inside connect */
	{ "lookups", 4096, ALWAYS },	  /* threads inside getaddrinfo, and that were */
	{ "db_calls", 4096, ALWAYS },	  /* threads inside a call of a database's library, and that were */
	{ "db_prepared", 1024, ALWAYS },  /* prepared statements, each with its text */
	{ "db_queues", 1024, ALWAYS },	  /* connections that statements are sent by without waiting */
	{ "db_sent", 1024, ALWAYS },	  /* those statements, each with its text */
	{ "io_sockets", 4096, BY_FUNCTION }, /* threads that send or receive, where fds are not known */
	{ "http_sockets", 4096, BY_FUNCTION }, /* the same */
	{ "inside", 1024, BY_FUNCTION }, /* threads that send a segment again */
};

/* A power of two that is a multiple of the page size: what the kernel takes. */
static u64 ring_size(u64 bytes)
{
	u64 size = (u64)sysconf(_SC_PAGESIZE);

	while (size < bytes)
		size *= 2;
	return size;
}

static int preallocate(struct bpf_map *map)
{
	return bpf_map__set_map_flags(map, bpf_map__map_flags(map) & ~BPF_F_NO_PREALLOC);
}

/* when: bits of what holds here. */
static int set_size(struct bpf_map *map, u32 when)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (strcmp(bpf_map__name(map), sizes[i].map))
			continue;
		if (!(when >> sizes[i].when & 1))
			return bpf_map__set_autocreate(map, false);
		return bpf_map__set_max_entries(map, sizes[i].entries);
	}
	return 0;
}

static int set_sizes(struct bpf_object *object, u32 when, bool preallocates)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, object) {
		err = err ? err : set_size(map, when);
		if (!err && preallocates)
			err = preallocate(map);
	}
	return err;
}

static struct bpf_object *open_object(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "podtrace");

	return object_open("maps", &opts, NULL);
}

static int create(struct maps *m, const struct capture_config *config, enum transport transport)
{
	struct bpf_object *o = open_object();
	struct bpf_map *ring, *perf;
	int err;

	if (!o)
		return -errno;
	ring = bpf_object__find_map_by_name(o, "ring");
	perf = bpf_object__find_map_by_name(o, "perf");
	m->ring_bytes = ring_size(config->ring_bytes);
	m->when = 1u << ALWAYS;
	if (config->cgroup_tree != CGROUP_TREE_V2)
		m->when |= 1u << ON_V1;
	if (config->families >> FAMILY_call & 1)
		m->when |= 1u << OF_CALLS;
	if (config->cap)
		m->when |= 1u << WITH_CAP;
	m->preallocates = !self_is_6_1();
	err = set_sizes(o, m->when, m->preallocates);
	if (!err)
		err = bpf_map__set_autocreate(ring, transport == TRANSPORT_RINGBUF);
	if (!err)
		err = bpf_map__set_autocreate(perf, transport == TRANSPORT_PERF);
	if (!err && transport == TRANSPORT_RINGBUF)
		err = bpf_map__set_max_entries(ring, (u32)m->ring_bytes);
	if (!err)
		err = bpf_object__load(o);
	if (err) {
		bpf_object__close(o);
		return err;
	}
	m->object = o;
	m->transport = transport;
	return 0;
}

/* The kernel's own check says EPERM; EACCES here comes from a security module. */
static const char *fix_of(int err)
{
	if (err == EACCES)
		return ": a security module denies it: allow the bpf class to this process's "
		       "SELinux domain, or run it as spc_t";
	if (err == EPERM)
		return ": run as root, or with the capabilities BPF and PERFMON (SYS_ADMIN before "
		       "Linux 5.8); with them it is seccomp that forbids it: podtrace doctor tells";
	if (err == EMFILE)
		return ": allow more open files (ulimit -n; LimitNOFILE= of a unit)";
	return "";
}

int maps_open(struct maps *m, const struct capture_config *config, char *err, size_t err_cap)
{
	int ret = -EOPNOTSUPP;

	*m = (struct maps){ .ring = -1, .perf = -1 };
	if (!config->forbid_ringbuf)
		ret = create(m, config, TRANSPORT_RINGBUF);
	m->ring_err = config->forbid_ringbuf ? 0 : -ret;
	if (ret)
		ret = create(m, config, TRANSPORT_PERF);
	if (ret) {
		snprintf(err, err_cap, "cannot create BPF maps: %s (%s)%s", strerror(-ret),
			 errname(-ret), fix_of(-ret));
		return ret;
	}
	held_take(&m->held, m->object, NULL);
	m->ring = held_map(&m->held, "ring");
	m->perf = held_map(&m->held, "perf");
	m->ledger = held_map(&m->held, "ledger");
	m->meters = held_map(&m->held, "meters");
	m->targets = held_map(&m->held, "targets");
	m->generation = held_map(&m->held, "generation");
	return 0;
}

void maps_let_go(struct maps *m)
{
	bpf_object__close(m->object);
	m->object = NULL;
}

void maps_close(struct maps *m)
{
	maps_let_go(m);
	held_drop(&m->held);
}

/* Whether any of its programs that are on is at a function. */
static bool is_by_function(const struct bpf_object *object)
{
	const struct bpf_program *p = NULL;

	while ((p = bpf_object__next_program(object, (struct bpf_program *)p)))
		if (bpf_program__autoload(p) &&
		    (bpf_program__type(p) == BPF_PROG_TYPE_KPROBE ||
		     bpf_program__expected_attach_type(p) == BPF_TRACE_FENTRY ||
		     bpf_program__expected_attach_type(p) == BPF_TRACE_FEXIT))
			return true;
	return false;
}

/* Whether one of them is such that the kernel wants its hashes preallocated before 6.1. */
static bool is_untyped(const struct bpf_object *object)
{
	const struct bpf_program *p = NULL;

	while ((p = bpf_object__next_program(object, (struct bpf_program *)p)))
		if (bpf_program__autoload(p) && bpf_program__type(p) != BPF_PROG_TYPE_TRACING)
			return true;
	return false;
}

static int share(const struct maps *m, struct bpf_map *map, bool by_function, bool untyped)
{
	struct bpf_map *shared = bpf_object__find_map_by_name(m->object, bpf_map__name(map));
	int err;

	if (bpf_map__is_internal(map))
		return 0;
	if (!shared) {
		err = set_size(map, m->when | (by_function ? 1u << BY_FUNCTION : 0));
		return !err && untyped && m->preallocates ? preallocate(map) : err;
	}
	if (!bpf_map__autocreate(shared))
		return bpf_map__set_autocreate(map, false); /* the other transport, or tree */
	return bpf_map__reuse_fd(map, bpf_map__fd(shared));
}

int maps_share(const struct maps *m, struct bpf_object *object)
{
	bool by_function = is_by_function(object), untyped = is_untyped(object);
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, object)
		err = err ? err : share(m, map, by_function, untyped);
	return err;
}

u64 map_bytes(int fd)
{
	char path[64], line[128];
	unsigned long long bytes = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	fclose(f);
	return bytes;
}
