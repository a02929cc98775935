/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the cost bench share. */
#ifndef BENCH_COST_H
#define BENCH_COST_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "capture/capture.h"

#define COST_ROUNDS_MAX 64
#define COST_PROGRAMS_MAX 128 /* of one capture */

/* Say it and end: a bench goes on with nothing half. */
_Noreturn void cost_fail(const char *what, int err);

/* ,"name":[1.00,2.00] */
void cost_list(const char *name, const double *v, unsigned n);

/* What the kernel's statistics tell of a program: time in it, and how often it ran. */
struct cost_sample {
	u64 ns, runs;
};

struct cost_sample cost_stats(int fd);

/* ---- watch.c: podtrace's programs as it loads and attaches them -------------------------------- */

/* A capture of some families, and the programs it has loaded. */
struct watch {
	struct capture *capture;
	struct {
		int fd;
		char name[64]; /* whole, as in the registry */
	} programs[COST_PROGRAMS_MAX];
	size_t n;
};

void watch_open(struct watch *w, const struct capture_config *config);
void watch_close(struct watch *w);
bool watch_has(const struct watch *w, const char *program);
/* What a program and its copies have cost, for as many events as one of them has seen. */
struct cost_sample watch_stats(const struct watch *w, const char *program);
/* What its programs are told: .rodata.config. */
void watch_config(const struct watch *w, struct config *ret);

/* Where a program attaches: "tp_btf/sys_exit". Valid for ever. */
const char *watch_section(const struct prog *prog);

/* ---- pair.c: what programs are measured against --------------------------------------------- */

#define PAIR_LINKS 12 /* functions of a library that one program is at */

/* An empty program and one with a hash look-up, attached to the hook of another one. */
struct pair {
	struct empty_bpf *object;
	struct bpf_link *links[2][PAIR_LINKS];
	int fds[2];
};

/* section: the other program's. 0 or -errno. */
int pair_open(struct pair *p, const char *section);
void pair_close(struct pair *p);

/*
 * What it takes to come to a program and back, which the kernel's statistics do not tell: an
 * object of JSON for each way of attaching. A system call without a program, with an empty one,
 * with a look-up; "inside": what the statistics tell of the empty one in that loop. Statistics
 * must be off: they take time themselves. A round is the best of so many loops.
 */
void pair_dispatch(unsigned rounds, unsigned loops);

/* ---- verify.c --------------------------------------------------------------------------------- */

/* One JSON object a line for each program of the registry: how many instructions the verifier
 * of this kernel went through, everything switched on; or why it refuses. */
void verify_all(void);

#endif
