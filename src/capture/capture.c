/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "capture/internal.h"
#include "../bpf/wire/process.h"

#define POLL_NS (10 * NSEC_PER_SEC) /* between two looks at the listening sockets */

#define TARGETS_WALK_MAX 8192u /* twice as many as the map has */

struct capture {
	struct capture_config config;
	struct types types;
	struct maps maps;
	struct targets targets;
	struct ring *ring;
	struct loaded family[FAMILY_END];
	struct attached files[CAPTURE_FILES_MAX]; /* by handle; nothing in it: free */
	struct feature_status status[FEATURES_MAX];
	size_t status_n; /* of the families asked for: they stand first */
	struct loop_timer *poll;
	struct ledger_page *percpu;
	int cpus;
	u32 generation;
};

/* Kernels before 5.11 bill BPF memory to RLIMIT_MEMLOCK; later ones do not care. */
static void raise_memlock(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &all))
		log_debug("capture", "RLIMIT_MEMLOCK stays as it is: %s", strerror(errno));
}

static u32 nsfs_dev(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : (u32)st.st_dev;
}

/* The groups of system calls that the families asked for want noted. */
static u32 calls_of(u32 wanted)
{
	u32 calls = 0;

	for (size_t i = 0; i < features_n; i++)
		if (wanted >> features[i].family & 1)
			calls |= feature_calls(i);
	return calls;
}

static struct config wire_config(const struct capture *c)
{
	struct config wire = {
		.transport = c->maps.transport,
		.ring_half = (u32)(c->maps.ring_bytes / 2),
		.filter = c->config.filter,
		.follow = c->config.follow,
		.args_max = c->config.args_max < ARGS_MAX ? c->config.args_max : ARGS_MAX,
		.probe_read = !c->config.forbid_reads && self_reads_kernel(),
		.nsfs_dev = nsfs_dev(),
		.cgroup_tree = c->config.cgroup_tree,
		.calls = calls_of(c->config.families),
		.cap = c->config.cap,
		.self = self_pid(),
		.page_bytes = (u32)sysconf(_SC_PAGESIZE),
	};

	wire.guarded = self_is_6_1();
	wire.preempted = wire.guarded && !c->config.forbid_copies && self_preempted(wire.self);
	wire.typed_task = !wire.probe_read && self_types_task();
	memcpy(wire.slow_us, c->config.slow_us, sizeof(wire.slow_us));
	for (size_t i = 1; i < KIND_END; i++) {
		u32 sample = c->config.sample[kinds[i].family];

		wire.stream[i] = (u8)c->config.stream[i];
		if (families_thinned() >> kinds[i].family & 1)
			wire.sample[i] = sample ? sample : 1;
	}
	return wire;
}

static struct patch patch_for(const struct targets *targets, const struct config *wire)
{
	struct patch patch = { .blind = !wire->probe_read,
			       .preempt_disable = targets->preempt_disable,
			       .preempt_enable = targets->preempt_enable };

	if (!patch.preempt_disable || !patch.preempt_enable || !self_holds_cpu(&patch, false))
		patch.preempt_disable = patch.preempt_enable = 0;
	else
		patch.uprobes_only = !self_holds_cpu(&patch, true);
	log_debug("capture", "programs %s hold their CPU",
		  !patch.preempt_disable ? "cannot" : patch.uprobes_only ? "at libraries can" : "can");
	return patch;
}

static size_t count_on(const struct capture *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->status_n; i++)
		n += c->status[i].state != FEATURE_OFF;
	return n;
}

/* Nothing runs at all: say what the first feature was told, it is the same for the rest. */
static int nothing_works(const struct capture *c, char *err, size_t err_cap)
{
	const struct feature_status *s = &c->status[0];

	snprintf(err, err_cap, "no BPF program can run here: %s%s%s", s->reason,
		 s->fix[0] ? ": " : "", s->fix);
	return s->err ? -s->err : -EOPNOTSUPP;
}

static void load_families(struct capture *c)
{
	struct feature_status status[FEATURES_MAX] = { 0 };
	struct config wire = wire_config(c);
	struct patch patch;

	targets_find(&c->targets, &c->config, &c->types);
	patch = patch_for(&c->targets, &wire);
	for (int i = 0; i < FAMILY_END; i++) {
		/* the family call first: others are off without it */
		int f = (i + FAMILY_call) % FAMILY_END;

		if (!(c->config.families >> f & 1))
			continue;
		family_load(&c->family[f], (enum wire_family)f, &c->maps, &c->config, &wire,
			    &c->targets, &patch, status);
	}
	for (size_t i = 0; i < features_n; i++) {
		if (!(c->config.families >> features[i].family & 1))
			continue;
		status[i].feature = &features[i];
		c->status[c->status_n++] = status[i];
	}
}

/* Not even maps: every feature is off for the reason the maps were refused with. */
static void refuse_all(struct capture *c, int err)
{
	say_forget();
	for (size_t i = 0; i < features_n; i++) {
		struct feature_status *s = &c->status[c->status_n];

		if (!(c->config.families >> features[i].family & 1))
			continue;
		*s = (struct feature_status){ .feature = &features[i], .state = FEATURE_OFF,
					      .err = err };
		say_refusal(s, err);
		c->status_n++;
	}
}

static void on_poll(void *ctx)
{
	capture_poll(ctx);
}

int capture_new(struct capture **ret, struct loop *l, const struct capture_config *config,
		char *err, size_t err_cap)
{
	struct capture *c = calloc(1, sizeof(*c));
	int e = -ENOMEM;

	if (!c)
		goto fail;
	c->types.fd = -1;
	c->config = *config;
	if (calls_of(config->families))
		c->config.families |= 1u << FAMILY_call;
	say_setup(); /* first of all that asks libbpf */
	c->cpus = libbpf_num_possible_cpus();
	c->percpu = calloc((size_t)(c->cpus > 0 ? c->cpus : 1), sizeof(*c->percpu));
	c->poll = loop_timer_new(l, on_poll, c);
	if (!c->percpu || !c->poll)
		goto fail;
	raise_memlock();
	e = types_open(&c->types, config->btf, err, err_cap);
	if (e)
		goto fail_told;
	e = maps_open(&c->maps, &c->config, err, err_cap);
	if (e && !config->diagnose)
		goto fail_told;
	if (!e) {
		e = ring_new(&c->ring, l, &c->maps, &c->config);
		if (e && !config->diagnose)
			goto fail;
	}
	if (e) {
		refuse_all(c, -e);
		*ret = c;
		return 0;
	}
	load_families(c);
	targets_drop(&c->targets);
	maps_let_go(&c->maps);
	types_close(&c->types);
	if (!count_on(c) && !config->diagnose) {
		e = nothing_works(c, err, err_cap);
		goto fail_told;
	}
	capture_poll(c); /* adopt the listeners that are there already */
	loop_arm(c->poll, POLL_NS, POLL_NS);
	*ret = c;
	return 0;
fail:
	snprintf(err, err_cap, "cannot set up the capture: %s", strerror(-e));
fail_told:
	capture_free(c);
	return e;
}

void capture_stop(struct capture *c)
{
	loop_disarm(c->poll);
	capture_poll(c);
	attached_drop(c->files, CAPTURE_FILES_MAX);
	for (int f = 0; f < FAMILY_END; f++) {
		links_detach(&c->family[f].links);
		copies_detach(&c->family[f].copies);
	}
}

void capture_free(struct capture *c)
{
	if (!c)
		return;
	ring_free(c->ring);
	attached_drop(c->files, CAPTURE_FILES_MAX);
	for (int f = 0; f < FAMILY_END; f++)
		family_unload(&c->family[f]);
	maps_close(&c->maps);
	types_close(&c->types);
	loop_timer_free(c->poll);
	free(c->percpu);
	free(c);
}

void capture_drain(struct capture *c)
{
	while (ring_drain(c->ring, INT32_MAX) > 0)
		;
}

/* Reading an iterator runs its program over every open file; it writes nothing. */
void capture_poll(struct capture *c)
{
	for (int f = 0; f < FAMILY_END; f++) {
		struct bpf_link *link = c->family[f].listeners;
		char byte;
		int fd;

		if (!link)
			continue;
		fd = bpf_iter_create(bpf_link__fd(link));
		if (fd < 0) {
			log_warn("capture", "cannot look at the listening sockets: %s: full listen "
				 "queues are counted when a listener closes", strerror(errno));
			continue;
		}
		while (read(fd, &byte, 1) > 0 || errno == EAGAIN)
			errno = 0;
		close(fd);
	}
}

int capture_target(struct capture *c, u64 cgroup, bool on)
{
	u32 zero = 0, one = 1;
	int err;

	err = on ? bpf_map_update_elem(c->maps.targets, &cgroup, &one, BPF_ANY) :
		   bpf_map_delete_elem(c->maps.targets, &cgroup);
	if (err)
		return err;
	/* the verdicts kept so far were made from the old targets */
	c->generation++;
	return bpf_map_update_elem(c->maps.generation, &zero, &c->generation, BPF_ANY);
}

void capture_targets(const struct capture *c, void (*fn)(void *ctx, u64 cgroup), void *ctx)
{
	u64 key, next;

	/* one that goes away meanwhile begins the walk anew: bounded all the same */
	for (u32 i = 0; i < TARGETS_WALK_MAX; i++) {
		if (bpf_map_get_next_key(c->maps.targets, i ? &key : NULL, &next))
			return;
		fn(ctx, next);
		key = next;
	}
}

/* What the family call has lost may have been of each kind that it feeds. */
static void add_calls(struct ledger_page *ret)
{
	const struct ledger_cell *lost = &ret->kind[KIND_NONE];
	enum wire_kind last = KIND_NONE;

	for (size_t i = 0; i < features_n; i++) {
		enum wire_kind kind = feature_kind(i);

		if (!feature_calls(i) || kind == last)
			continue;
		last = kind;
		ret->kind[kind].n[LEDGER_LOST_STATE] += lost->n[LEDGER_LOST_STATE];
		ret->kind[kind].n[LEDGER_UNSEEN] += lost->n[LEDGER_UNSEEN];
	}
}

u32 capture_libraries(const struct capture *c)
{
	u32 bits = 0;

	for (int f = 0; f < FAMILY_END; f++)
		for (size_t i = 0; i < c->family[f].uprobes.n; i++)
			bits |= 1u << c->family[f].uprobes.uprobe[i].library;
	return bits;
}

int capture_attach(struct capture *c, u32 which, int fd)
{
	int handle = 0, n = 0, err = proof_of(fd, &which, c->config.mariadb);

	if (err)
		return err;
	while (handle < CAPTURE_FILES_MAX && c->files[handle].n)
		handle++;
	if (handle == CAPTURE_FILES_MAX)
		return -ENOSPC;
	for (int f = 0; f < FAMILY_END; f++) {
		int got = uprobes_attach(&c->family[f].uprobes, &c->family[f].held, which, fd,
					 &c->files[handle]);

		if (got < 0) {
			capture_detach(c, handle);
			return got;
		}
		n += got;
	}
	return n ? handle : -ENOENT;
}

void capture_detach(struct capture *c, int handle)
{
	attached_let_go(&c->files[handle]);
}

/* What the kernel counts of programs that it could not run. */
static void add_unseen(const struct loaded *l, struct ledger_page *ret)
{
	for (size_t i = 0; i < l->held.progs_n; i++) {
		size_t prog = l->held.progs[i].prog;

		ret->kind[feature_kind(progs[prog].feature)].n[LEDGER_UNSEEN] +=
			copies_missed(&l->copies, prog, l->held.progs[i].fd) +
			links_missed(&l->links, prog);
	}
}

void capture_ledger(const struct capture *c, struct ledger_page *ret)
{
	u32 zero = 0;

	memset(ret, 0, sizeof(*ret));
	if (bpf_map_lookup_elem(c->maps.ledger, &zero, c->percpu))
		return;
	for (int cpu = 0; cpu < c->cpus; cpu++)
		for (size_t k = 0; k < KIND_END; k++)
			for (size_t i = 0; i < LEDGER_END; i++)
				ret->kind[k].n[i] += c->percpu[cpu].kind[k].n[i];
	for (int f = 0; f < FAMILY_END; f++)
		add_unseen(&c->family[f], ret);
	add_calls(ret);
}

void capture_meters(const struct capture *c, capture_meter_fn fn, void *ctx)
{
	struct meter_key key, next;
	struct meter_cell cell;
	void *from = NULL;

	while (!bpf_map_get_next_key(c->maps.meters, from, &next)) {
		if (!bpf_map_lookup_elem(c->maps.meters, &next, &cell))
			fn(ctx, &next, &cell);
		key = next;
		from = &key;
	}
}

void capture_meter_delete(struct capture *c, const struct meter_key *key)
{
	bpf_map_delete_elem(c->maps.meters, key);
}

size_t capture_features(const struct capture *c, const struct feature_status **ret)
{
	*ret = c->status;
	return c->status_n;
}

const char *capture_transport(const struct capture *c)
{
	if (!c->maps.held.maps_n)
		return "none";
	return c->maps.transport == TRANSPORT_RINGBUF ? "ring buffer" : "perf buffer";
}

int capture_ring_err(const struct capture *c)
{
	return c->maps.ring_err;
}

static void walk_maps(const struct held *h, const char *family, capture_map_fn fn, void *ctx)
{
	for (size_t i = 0; i < h->maps_n; i++) {
		struct bpf_map_info info = { 0 };
		u32 size = sizeof(info);
		struct capture_map m = { .family = family, .name = h->maps[i].name };

		if (bpf_map_get_info_by_fd(h->maps[i].fd, &info, &size))
			continue;
		m.type = libbpf_bpf_map_type_str(info.type);
		m.entries = info.max_entries;
		m.bytes = map_bytes(h->maps[i].fd);
		fn(ctx, &m);
	}
}

void capture_maps(const struct capture *c, capture_map_fn fn, void *ctx)
{
	walk_maps(&c->maps.held, "", fn, ctx);
	for (int f = 0; f < FAMILY_END; f++)
		walk_maps(&c->family[f].held, families[f].name, fn, ctx);
}

static void add_bytes(void *ctx, const struct capture_map *map)
{
	*(u64 *)ctx += map->bytes;
}

u64 capture_map_bytes(const struct capture *c)
{
	u64 sum = 0;

	capture_maps(c, add_bytes, &sum);
	return sum;
}
