/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each BPF program costs per event, beside an empty program and one with a hash look-up
 * on the same hook, all attached at once, so that each sees the same events.
 *
 *	cost [--rounds N] [--loops N] [--order 0..2] [--family NAME] [--cgroup DIR]
 *					costs, one JSON object a line
 *	cost --verify			instructions the verifier looked at
 *	cost --cycles N			start and stop a capture N times: what it holds then
 *
 * The kernel takes the time of each run itself (BPF_ENABLE_STATS). That leaves out how it
 * comes to run a program: "dispatch" tells it, by a loop of system calls with and without the
 * empty program at their end. Nanoseconds; in a machine whose clock counts instructions those.
 * --cgroup: a directory to make cgroups in; without it that trigger is left out.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/bench/cost.h"
#include "tests/bench/trigger.h"

#define PROBES_MAX 12
#define NOBODY	   0xdeadull /* no cgroup has this id */

enum { EMPTY, LOOKUP, UNWANTED, COUNTED, STREAMED, CASES };
static const char *const case_names[] = { "empty", "lookup", "unwanted", "counted", "streamed" };

static const char *only;
static unsigned rounds = 9, loops = 16, order;

void cost_fail(const char *what, int err)
{
	fprintf(stderr, "cost: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

void cost_list(const char *name, const double *v, unsigned n)
{
	printf(",\"%s\":[", name);
	for (unsigned i = 0; i < n; i++)
		printf("%s%.2f", i ? "," : "", v[i]);
	printf("]");
}

/* ---- one trigger ----------------------------------------------------------------------------- */

/* A program of podtrace's, thrice, and the two it is measured against. */
struct probe {
	const struct prog *prog;
	struct pair pair;
	const struct watch *watches; /* indexed like cases */
};

struct cost_sample cost_stats(int fd)
{
	struct bpf_prog_info info = { 0 };
	u32 n = sizeof(info);

	if (bpf_prog_get_info_by_fd(fd, &info, &n))
		cost_fail("cannot read the statistics of a program", errno);
	return (struct cost_sample){ info.run_time_ns, info.run_cnt };
}

static void read_all(const struct probe *probes, unsigned n, struct cost_sample ret[][CASES])
{
	for (unsigned i = 0; i < n; i++)
		for (int k = 0; k < CASES; k++)
			ret[i][k] = k < UNWANTED ? cost_stats(probes[i].pair.fds[k]) :
						   watch_stats(&probes[i].watches[k],
							       probes[i].prog->name);
}

/* In a process of its own: podtrace passes over the sockets of its own. */
static void fire(const struct trigger *t, const struct probe *probes, unsigned n,
		 struct cost_sample delta[PROBES_MAX][CASES])
{
	struct cost_sample before[PROBES_MAX][CASES];
	pid_t pid = fork();
	int status;

	if (pid < 0)
		cost_fail("fork", errno);
	if (!pid) {
		if (t->prepare)
			t->prepare(t->n);
		else
			t->fire(1); /* the first is colder than the others */
		read_all(probes, n, before);
		t->fire(t->n);
		read_all(probes, n, delta);
		for (unsigned i = 0; i < n; i++)
			for (int k = 0; k < CASES; k++) {
				delta[i][k].ns -= before[i][k].ns;
				delta[i][k].runs -= before[i][k].runs;
			}
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		cost_fail(t->name, ECHILD);
}

static void probe_open(struct probe *p, const struct prog *prog, const struct watch w[CASES])
{
	int err;

	*p = (struct probe){ .prog = prog, .watches = w };
	err = pair_open(&p->pair, watch_section(prog));
	if (err)
		cost_fail(prog->name, err);
}

static void tell(const struct trigger *t, const struct probe *p, int which,
		 const struct cost_sample *samples, size_t step)
{
	double ns[COST_ROUNDS_MAX], runs[COST_ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++, samples += step) {
		ns[i] = samples->runs ? (double)samples->ns / (double)samples->runs : 0;
		runs[i] = (double)samples->runs;
	}
	printf("{\"program\":\"%s\",\"rung\":\"%s\",\"section\":\"%s\",\"trigger\":\"%s\","
	       "\"case\":\"%s\",\"events\":%u",
	       p->prog->name, rung_name(p->prog->rung), watch_section(p->prog), t->name,
	       case_names[which], t->n);
	cost_list("runs", runs, rounds);
	cost_list("ns", ns, rounds);
	printf("}\n");
}

static void measure(const struct trigger *t, struct probe *probes, unsigned n,
		    const struct watch w[CASES])
{
	/* written by children */
	static struct cost_sample (*samples)[PROBES_MAX][CASES];

	if (!samples)
		samples = mmap(NULL, COST_ROUNDS_MAX * sizeof(*samples), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (samples == MAP_FAILED)
		cost_fail("mmap", errno);
	fflush(stdout); /* or children write it once more */
	for (unsigned i = 0; i < rounds; i++) {
		fire(t, probes, n, samples[i]);
		for (int k = UNWANTED; k < CASES; k++)
			capture_drain(w[k].capture);
	}
	for (unsigned i = 0; i < n; i++)
		for (int k = 0; k < CASES; k++)
			tell(t, &probes[i], k, &samples[0][i][k], PROBES_MAX * CASES);
}

/* The family call comes with those that need it, and does nothing alone. */
static bool meant(const struct trigger *t, const struct prog *p, enum rung rung)
{
	const struct feature *f = &features[p->feature];

	if (p->rung != rung ||
	    (f->family != FAMILY_call && strcmp(families[f->family].name, t->family)))
		return false;
	for (int i = 0; i < TRIGGER_FEATURES && t->features[i]; i++)
		if (!strcmp(f->name, t->features[i]))
			return true;
	return false;
}

static const char *reason(const struct watch *w, const struct prog *p)
{
	const struct feature_status *status;
	size_t n = capture_features(w->capture, &status);

	for (size_t i = 0; i < n; i++)
		if (status[i].feature == &features[p->feature])
			return status[i].reason;
	return "";
}

static void tell_refused(const struct prog *p, const char *why)
{
	printf("{\"program\":\"%s\",\"rung\":\"%s\",\"error\":\"", p->name, rung_name(p->rung));
	for (; *why; why++) /* the verifier's own words, perhaps */
		putchar(*why == '"' || *why == '\\' || *why < ' ' ? '\'' : *why);
	printf("\"}\n");
}

/* In all cases; if not, why. */
static bool runs(const struct prog *p, const struct watch w[CASES])
{
	for (int k = UNWANTED; k < CASES; k++) {
		if (watch_has(&w[k], p->name))
			continue;
		tell_refused(p, reason(&w[k], p));
		return false;
	}
	return true;
}

static void measure_trigger(const struct trigger *t, enum rung rung, const struct watch w[CASES])
{
	struct probe probes[PROBES_MAX];
	unsigned n = 0;

	for (size_t i = 0; i < progs_n; i++) {
		if (!meant(t, &progs[i], rung) || !runs(&progs[i], w))
			continue;
		if (n == PROBES_MAX)
			cost_fail(t->name, E2BIG);
		probe_open(&probes[n++], &progs[i], w);
	}
	if (n)
		measure(t, probes, n, w);
	for (unsigned i = 0; i < n; i++)
		pair_close(&probes[i].pair);
}

/* ---- all of a family ------------------------------------------------------------------------- */

static void open_case(struct watch *w, int family, enum rung rung, int which)
{
	struct capture_config config = { .families = 1u << family,
					 .forbidden = ~(1u << rung),
					 .ring_bytes = 4 << 20,
					 .filter = which == UNWANTED };

	for (int k = 1; k < KIND_END; k++)
		config.stream[k] = which == STREAMED ? STREAM_ALL : STREAM_NONE;
	watch_open(w, &config);
	if (config.filter && capture_target(w->capture, NOBODY, true))
		cost_fail("cannot set a target", errno);
}

static void measure_family(int family, enum rung rung)
{
	static struct watch w[CASES];

	/* who is attached first meets the coldest caches: each case has its turn */
	for (int i = 0; i < CASES - UNWANTED; i++) {
		int which = UNWANTED + (i + (int)order) % (CASES - UNWANTED);

		open_case(&w[which], family, rung, which);
	}
	for (unsigned i = 0; i < triggers_n; i++)
		if (!strcmp(triggers[i].family, families[family].name))
			measure_trigger(&triggers[i], rung, w);
	for (int i = UNWANTED; i < CASES; i++)
		watch_close(&w[i]);
}

/* A program that no event runs has no cost of one: an iterator. */
static bool has_rung(int family, enum rung rung)
{
	for (size_t i = 0; i < progs_n; i++)
		if (features[progs[i].feature].family == (enum wire_family)family &&
		    progs[i].rung == rung)
			return rung != RUNG_iter;
	return false;
}

static void measure_all(void)
{
	int stats;

	pair_dispatch(rounds, loops);
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats < 0)
		cost_fail("cannot enable statistics", stats);
	for (int f = 0; f < FAMILY_END; f++)
		for (int rung = 0; rung < RUNG_COUNT; rung++)
			if (has_rung(f, (enum rung)rung) &&
			    (!only || !strcmp(only, families[f].name)))
				measure_family(f, (enum rung)rung);
	close(stats);
}

/* ---- start and stop -------------------------------------------------------------------------- */

static unsigned descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static unsigned long resident(void)
{
	unsigned long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu %lu", &size, &pages) != 2)
		cost_fail("/proc/self/statm", EIO);
	fclose(f);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

static void cycle(void)
{
	struct capture_config config = { .families = ~0u, .ring_bytes = 1 << 20 };
	struct watch w;

	watch_open(&w, &config);
	capture_stop(w.capture);
	capture_drain(w.capture);
	watch_close(&w);
}

static void cycles(unsigned n)
{
	while (n--) {
		cycle();
		printf("{\"descriptors\":%u,\"resident\":%lu}\n", descriptors(), resident());
	}
}

int main(int argc, char **argv)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY }, files = { 4096, 4096 };
	unsigned many = 0;

	if (argc > 1 && !strcmp(argv[1], TRIGGER_STARTED))
		return 0;
	setrlimit(RLIMIT_MEMLOCK, &all); /* 5.10 */
	setrlimit(RLIMIT_NOFILE, &files); /* programs, maps and links by the hundred, besides connections */
	libbpf_set_print(NULL); /* what cannot be here is told as a result */
	if (argc > 1 && !strcmp(argv[1], "--verify")) {
		verify_all();
		return 0;
	}
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--rounds"))
			rounds = (unsigned)atoi(argv[i + 1]) % COST_ROUNDS_MAX;
		else if (!strcmp(argv[i], "--loops"))
			loops = (unsigned)atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--cycles"))
			many = (unsigned)atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--order"))
			order = (unsigned)atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--family"))
			only = argv[i + 1];
		else if (!strcmp(argv[i], "--cgroup"))
			setenv("COST_CGROUP", argv[i + 1], 1);
		else
			cost_fail(argv[i], EINVAL);
	}
	if (many)
		cycles(many);
	else
		measure_all();
	return 0;
}
