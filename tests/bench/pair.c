/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "base/elf.h"
#include "base/str.h"
#include "bench/empty.skel.h"
#include "capture/internal.h"
#include "tests/bench/cost.h"
#include "tests/bench/trigger.h"

#if defined(__x86_64__)
#define ENTRY "__x64_sys_"
#else
#define ENTRY "__arm64_sys_"
#endif

#define LOOP 1000 /* calls */

/* ---- the same hook -------------------------------------------------------------------------- */

/* A raw tracepoint is the hook of a tp_btf program too: the kernel calls both the same way
 * (bpf_trace_run), so one pair serves both. */
static const char *kind_of(struct str kind)
{
	static const char *const kinds_[] = { "raw_tp", "fentry", "fexit", "kprobe", "kretprobe",
					      "uprobe", "uretprobe", "cgroup" };

	if (str_eq(kind, STR("tp_btf")))
		return kinds_[0];
	if (str_eq(kind, STR("cgroup_skb")))
		return "cgroup";
	if (str_ends(kind, STR(".multi"))) /* another way to attach, the same way to come there */
		kind.n -= strlen(".multi");
	for (size_t i = 0; i < ARRAY_SIZE(kinds_); i++)
		if (str_eq(kind, str_of(kinds_[i])))
			return kinds_[i];
	return NULL;
}

/* hook: "libc:getaddrinfo", or several, "libpq:PQexec,PQprepare" */
static int attach_library(struct bpf_program *p, bool returns, const char *hook,
			  struct bpf_link *ret[PAIR_LINKS])
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = returns,
		    .attach_mode = PROBE_ATTACH_MODE_PERF);
	struct str rest = str_of(strchr(hook, ':') + 1), function;
	u64 at[ELF_OFFSETS_MAX];
	char path[32], name[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", trigger_library());
	for (int i = 0; str_cut(&rest, ',', &function); i++) {
		str_copy(name, sizeof(name), function);
		if (i == PAIR_LINKS || elf_function(trigger_library(), name, at) != 1)
			return -ENOENT;
		ret[i] = bpf_program__attach_uprobe_opts(p, -1, path, at[0], &opts);
		if (!ret[i])
			return -errno;
	}
	return 0;
}

static struct bpf_link *attach_root(struct bpf_program *p)
{
	int root = cgroup_root_open("/sys/fs/cgroup");
	struct bpf_link *link = bpf_program__attach_cgroup(p, root);

	close(root);
	return link;
}

static int attach(struct bpf_program *p, const char *kind, const char *hook,
		  struct bpf_link *ret[PAIR_LINKS])
{
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .retprobe = !strcmp(kind, "kretprobe"),
		    .attach_mode = PROBE_ATTACH_MODE_PERF);

	if (kind[0] == 'u')
		return attach_library(p, kind[1] == 'r', hook, ret);
	if (!strcmp(kind, "raw_tp"))
		ret[0] = bpf_program__attach_raw_tracepoint(p, hook);
	else if (kind[0] == 'f')
		ret[0] = bpf_program__attach_trace(p);
	else if (kind[0] == 'c')
		ret[0] = attach_root(p);
	else
		ret[0] = bpf_program__attach_kprobe_opts(p, hook, &opts);
	return ret[0] ? 0 : -errno;
}

/* What a program is by where it is attached, which the empty ones do not know. */
static int set_hook(struct bpf_program *p, const char *kind, const char *section, const char *hook)
{
	enum bpf_attach_type attach_type;
	enum bpf_prog_type type;
	int err;

	if (kind[0] == 'f')
		return bpf_program__set_attach_target(p, 0, hook);
	if (kind[0] != 'c')
		return 0;
	err = libbpf_prog_type_by_name(section, &type, &attach_type);
	if (!err)
		err = bpf_program__set_type(p, type);
	return err ? err : bpf_program__set_expected_attach_type(p, attach_type);
}

static int load(struct pair *p, const char *kind, const char *section, const char *hook,
		struct bpf_program *ret[2])
{
	static const char *const names[] = { "empty", "lookup" };
	int err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		char name[32];

		/* uprobes run programs of the same type */
		snprintf(name, sizeof(name), "%s_%s%s", names[i], kind[0] == 'u' ? "k" : "",
			 kind + (kind[0] == 'u'));
		ret[i] = bpf_object__find_program_by_name(p->object->obj, name);
		err = bpf_program__set_autoload(ret[i], true);
		if (!err)
			err = set_hook(ret[i], kind, section, hook);
	}
	if (!err)
		err = empty_bpf__load(p->object);
	if (!err)
		err = bpf_map__update_elem(p->object->maps.table, &(u64){ 1 }, sizeof(u64),
					   &(u64){ 1 }, sizeof(u64), BPF_ANY);
	return err;
}

int pair_open(struct pair *p, const char *section)
{
	struct str rest = str_of(section), word;
	struct bpf_program *programs[2];
	const char *kind;
	int err;

	*p = (struct pair){ 0 };
	str_cut(&rest, '/', &word);
	kind = kind_of(word);
	if (!kind)
		return -EOPNOTSUPP;
	p->object = empty_bpf__open();
	err = p->object ? load(p, kind, section, rest.p, programs) : -errno;
	for (int i = 0; i < 2 && !err; i++) {
		p->fds[i] = bpf_program__fd(programs[i]);
		err = attach(programs[i], kind, rest.p, p->links[i]);
	}
	if (err)
		pair_close(p);
	return err;
}

static void detach(struct pair *p, int i)
{
	for (int k = 0; k < PAIR_LINKS; k++) {
		bpf_link__destroy(p->links[i][k]);
		p->links[i][k] = NULL;
	}
}

void pair_close(struct pair *p)
{
	detach(p, 0);
	detach(p, 1);
	empty_bpf__destroy(p->object);
	p->object = NULL;
}

/* ---- what it takes to come there ------------------------------------------------------------ */

static void calls(long nr)
{
	for (int i = 0; i < LOOP; i++)
		syscall(nr, 0);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The best of several loops: something else runs now and then. */
static void keep_least(double *best, double ns)
{
	if (!*best || ns < *best)
		*best = ns;
}

static double time_calls(long nr, unsigned loops)
{
	double best = 0;

	for (unsigned i = 0; i < loops; i++) {
		double begin = now();

		calls(nr);
		keep_least(&best, (now() - begin) / LOOP);
	}
	return best;
}

/* What the kernel's statistics tell of a program in such a loop. */
static double time_inside(long nr, int fd, unsigned loops)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	double best = 0;

	if (stats < 0)
		cost_fail("cannot enable statistics", stats);
	for (unsigned i = 0; i < loops; i++) {
		struct cost_sample before = cost_stats(fd), after;

		calls(nr);
		after = cost_stats(fd);
		keep_least(&best,
			   (double)(after.ns - before.ns) / (double)(after.runs - before.runs));
	}
	close(stats);
	return best;
}

enum { WITHOUT, WITH_EMPTY, WITH_LOOKUP, INSIDE_EMPTY, FIGURES };
static const char *const figure_names[] = { "without", "empty", "lookup", "inside" };

/* Attached and detached in turn. */
static int one_round(const char *section, long nr, unsigned loops, double ret[FIGURES])
{
	struct pair p;
	int err;

	ret[WITHOUT] = time_calls(nr, loops);
	for (int keep = 0; keep < 2; keep++) {
		err = pair_open(&p, section);
		if (err)
			return err;
		detach(&p, !keep);
		ret[WITH_EMPTY + keep] = time_calls(nr, loops);
		if (!keep)
			ret[INSIDE_EMPTY] = time_inside(nr, p.fds[0], loops);
		pair_close(&p);
	}
	return 0;
}

static void dispatch(const char *section, long nr, unsigned rounds, unsigned loops)
{
	double medians[FIGURES][COST_ROUNDS_MAX], round[FIGURES];
	int err = 0;

	for (unsigned i = 0; i < rounds && !err; i++) {
		err = one_round(section, nr, loops, round);
		for (int k = 0; k < FIGURES; k++)
			medians[k][i] = round[k];
	}
	printf("{\"dispatch\":\"%.*s\"", (int)strcspn(section, "/"), section);
	if (err)
		printf(",\"error\":\"%s\"", strerror(-err));
	for (int k = 0; k < FIGURES && !err; k++)
		cost_list(figure_names[k], medians[k], rounds);
	printf("}\n");
}

void pair_dispatch(unsigned rounds, unsigned loops)
{
	/* a system call for each, as cheap as there is: functions without arguments have no types */
	dispatch("raw_tp/sys_exit", SYS_getppid, rounds, loops);
	dispatch("fentry/" ENTRY "getpgid", SYS_getpgid, rounds, loops);
	dispatch("fexit/" ENTRY "getpgid", SYS_getpgid, rounds, loops);
	dispatch("kprobe/" ENTRY "getpgid", SYS_getpgid, rounds, loops);
	dispatch("kretprobe/" ENTRY "getpgid", SYS_getpgid, rounds, loops);
}
